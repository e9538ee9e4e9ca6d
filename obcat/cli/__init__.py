"""obcat: from a folder of spectra and tables to a catalog of hot stars."""

from obcat.cli import build, evaluate, partitions, publish, query
from obcat.cli.group import main

__all__ = [
    "build",
    "compare",
    "demo",
    "evaluate",
    "fetch",
    "main",
    "page",
    "partitions",
    "predict",
    "publish",
    "query",
]
