"""obcat: from a folder of spectra and tables to a catalog of hot stars."""

from obcat.cli import build, evaluate, fetch, publish, query
from obcat.cli.group import main

__all__ = ["build", "evaluate", "fetch", "main", "publish", "query"]
