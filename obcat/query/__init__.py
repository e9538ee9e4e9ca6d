"""Query: ad-hoc SQL on a catalog, read-only and within limits, and the formats of its answers."""

from obcat.errors import old_paths

__getattr__ = old_paths("obcat.query", "obcat.query.sql", "Answer QueryRefused answer ask status")
