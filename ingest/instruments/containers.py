"""Files that hold many spectra: each is an entry of its own, NAME#ROW."""

from collections.abc import Callable
from pathlib import Path

from obcat.ingest.errors import Quarantined
from obcat.ingest.lamost.listing import Entry
from obcat.ingest.lamost.spectrum import Spectrum, bounded

__all__ = ["expanded", "found_in", "place_of"]


def expanded(source: Path, entry: Entry, count: Callable[[Path], int]) -> list[Entry]:
    """An entry for each spectrum of a file; the file itself where it cannot be opened or is empty,
    so that its reading says why.
    """
    try:
        rows = count(source / entry.path)
    except Quarantined:
        rows = 0
    return [entry._replace(path=f"{entry.path}#{row}") for row in range(rows)] or [entry]


def place_of(source: Path, entry: Entry) -> tuple[Path, int | None]:
    """The file of an entry, and the row in it."""
    name, mark, row = entry.path.rpartition("#")
    return (source / name, int(row)) if mark and row.isdigit() else (source / entry.path, None)


def found_in(
    source: Path, entry: Entry, read: Callable[[Path, int], Spectrum]
) -> tuple[str | None, Spectrum | Quarantined]:
    """The spectrum of an entry, or why there is none; a file without one is read for its row 0."""
    path, row = place_of(source, entry)
    try:
        return None, bounded(lambda: read(path, row or 0))
    except Quarantined as fault:
        return None, fault
