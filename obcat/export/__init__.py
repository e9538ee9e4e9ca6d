"""Writers of published files; names, units and descriptions come from the schema."""
