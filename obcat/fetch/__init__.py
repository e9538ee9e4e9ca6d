"""Old name of obcat.ingest.fetch, for one release."""

from obcat.old_paths import old_paths

__getattr__ = old_paths(
    "obcat.fetch",
    "obcat.ingest.fetch",
    "errors ledger recipe run spectra stars tables web",
)
