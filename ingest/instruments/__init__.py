"""Spectra of other instruments than LAMOST: the reader of a survey's spectra, by the kind that its
file names.
"""

from obcat.ingest.instruments.desi import DESI
from obcat.ingest.instruments.sdss import SDSS
from obcat.ingest.instruments.spectra_table import table_reader
from obcat.ingest.lamost.folder import LAMOST, Reader
from obcat.survey import Spectra

__all__ = ["reader_of"]


def reader_of(spectra: Spectra) -> Reader:
    """How the spectra of a survey are found and read."""
    if spectra.kind == "table":
        return table_reader(spectra)
    return {"lamost": LAMOST, "sdss": SDSS, "desi": DESI}[spectra.kind]
