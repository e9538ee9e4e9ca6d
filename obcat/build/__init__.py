"""Build: raw Parquet -> obcat.duckdb, by the SQL files in their order and the fits they name."""
