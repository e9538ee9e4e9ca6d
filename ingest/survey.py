"""Everything a survey names, read into build/<survey>/raw."""

from collections.abc import Callable
from pathlib import Path

from obcat.ingest import lamost, tables
from obcat.ingest.tables import matched
from obcat.survey import Survey

__all__ = ["ingest"]


def ingest(
    survey: Survey,
    raw: Path,
    *,
    workers: int = 2,
    progress: Callable[[int, int], None] | None = None,
    allow_empty: bool = False,
) -> list[str]:
    """Read spectra and tables; only what is new or changed. Returns lines of counts for each.

    Raises IngestError, one line, where a table cannot be used or two spectra claim one specid, or no row of
    a table belongs to a spectrum, unless ``allow_empty``.
    """
    raw.mkdir(parents=True, exist_ok=True)
    given = {name: (table.path, table.columns) for name, table in survey.tables.items()}
    tables.ingest_all(given, raw)
    counts = lamost.ingest(survey.spectra, raw, workers=workers, progress=progress)
    return [*matched.blocks(given, raw, allow_empty=allow_empty), f"spectra: {counted(counts)}"]


def counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{n:,} {what}" for what, n in counts.items() if n) or "nothing"
