"""Build: raw Parquet -> obcat.duckdb, by the SQL files in their order and the fits they name."""

from obcat.errors import old_paths

__getattr__ = old_paths("obcat.build", "obcat.build.run", "BuildFailed build check")
