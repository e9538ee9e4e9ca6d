"""Pure functions of arrays: no files, no database, no state."""
