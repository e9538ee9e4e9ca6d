"""What learns from a table: each fit takes the rows of a SELECT and gives arrays."""
