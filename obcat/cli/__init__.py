"""obcat: from a folder of spectra and tables to a catalog of hot stars."""

from obcat.cli import ask, give, look, make
from obcat.cli.group import main

__all__ = ["ask", "give", "look", "main", "make"]
