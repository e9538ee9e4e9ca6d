"""LAMOST low-resolution spectra: files -> one row each, on the common grid."""

from obcat.ingest.lamost.folder import PAIRS, ingest
from obcat.ingest.lamost.spectrum import Spectrum, read_spectrum

__all__ = ["PAIRS", "Spectrum", "ingest", "read_spectrum"]
