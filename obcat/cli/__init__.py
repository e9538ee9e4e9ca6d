"""obcat: from a folder of spectra and tables to a catalog of hot stars."""

from obcat.cli import build, compare, evaluate, fetch, page, publish, query
from obcat.cli.group import main

__all__ = ["build", "compare", "evaluate", "fetch", "main", "page", "publish", "query"]
