"""Build: from what was ingested to a database with a catalog, and the code and inputs it hangs on."""
