"""The one exception that stops an ingest."""

__all__ = ["IngestError"]


class IngestError(Exception):
    """Stops an ingest; one line that names file, column and mend."""
