"""Everything a survey names, read into build/<survey>/raw."""

from collections.abc import Callable
from pathlib import Path

from obcat.ingest import lamost, tables
from obcat.survey import Survey

__all__ = ["ingest"]


def ingest(
    survey: Survey,
    raw: Path,
    *,
    workers: int = 2,
    progress: Callable[[int, int], None] | None = None,
    again: bool = False,
) -> list[str]:
    """Read spectra and tables; only what is new or changed, or with ``again`` everything. Returns lines of counts.

    Raises IngestError, one line, where a table cannot be used.
    """
    raw.mkdir(parents=True, exist_ok=True)
    if again:
        for path in raw.glob("*.parquet"):
            path.unlink()
    given = {name: (table.path, table.columns) for name, table in survey.tables.items()}
    lines = [f"{name}: {counted(counts)}" for name, counts in tables.ingest_all(given, raw).items()]
    counts = lamost.ingest(survey.spectra, raw, workers=workers, progress=progress, again=again)
    return [*lines, f"spectra: {counted(counts)}", *remarks(raw, counts)]


def remarks(raw: Path, counts: dict[str, int]) -> list[str]:
    """What else there is to say of the spectra: where the files that were set aside for others are listed."""
    pairs = counts.get("superseded", 0)
    listed = f"spectra: {pairs:,} set aside for a newer file of the same spectrum, all listed in {raw / lamost.PAIRS}"
    return [listed] if pairs else []


def counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{n:,} {what}" for what, n in counts.items() if n) or "nothing"
