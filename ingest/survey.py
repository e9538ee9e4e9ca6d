"""Everything a survey names, read into build/<survey>/raw."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from obcat.ingest import lamost, tables
from obcat.ingest.errors import IngestError
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
    try:
        return _ingest(survey, raw, workers, progress, again)
    except OSError as error:
        place = error.filename or raw
        raise IngestError(f"{place}: {error.strerror or error}; free space or mend it, run again") from error
    except pa.ArrowException as error:
        said = " ".join(str(error).split())[:160]
        raise IngestError(f"{raw}: damaged Parquet ({said}); `obcat ingest --again` makes it anew") from error


def _ingest(
    survey: Survey, raw: Path, workers: int, progress: Callable[[int, int], None] | None, again: bool
) -> list[str]:
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
