"""obcat: from a folder of spectra and tables to a catalog of hot stars."""

from obcat.cli import ask, compare, demo, fetch, give, look, make, page
from obcat.cli.group import main

__all__ = ["ask", "compare", "demo", "fetch", "give", "look", "main", "make", "page"]
