"""Spectra of other instruments than LAMOST: `reader_of` says how a survey's are read."""

from obcat.ingest.instruments.readers import reader_of

__all__ = ["reader_of"]
