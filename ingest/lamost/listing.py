"""Which files of a folder are spectra, by their names."""

import os
import re
import stat
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from obcat.ingest.errors import UnreadableError
from obcat.ingest.lamost.spectrum import UNPACK

__all__ = ["Entry", "Listed", "list_files", "list_spectra"]

SPECTRUM = re.compile(rf"(?is).*\.(fits?|fts)(\.gz|{'|'.join(map(re.escape, UNPACK))})?")
ENDING = re.compile(r"\.[A-Za-z0-9_~-]{1,12}")
MOST_ENDINGS = 8


class Entry(NamedTuple):
    """A file found: ``path`` below the folder, as the operating system has it; size in bytes."""

    path: str
    size: int
    mtime_ns: int

    @property
    def shown(self) -> str:
        """The path in valid Unicode; bytes that are none are written as escapes."""
        return os.fsencode(self.path).decode("utf-8", "backslashreplace")

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]


Listed = tuple[list[Entry], dict[str, int]]


def list_spectra(folder: Path) -> list[Entry]:
    """Everything below ``folder`` named *.fits, *.fit or *.fts, packed or not, by name, then path.

    Folders and broken links of such names too. Linked folders are followed, each folder once.
    Raises UnreadableError for a folder that is missing or unreadable.
    """
    return list_files(folder)[0]


def list_files(folder: Path) -> Listed:
    """The spectra, and how many other files there are by ending."""
    found = list(_walk(folder, "", set()))
    spectra = (entry for entry in found if SPECTRUM.fullmatch(entry.name))
    return sorted(spectra, key=lambda entry: (entry.name, entry.path)), _passed_over(
        entry.name for entry in found
    )


def _passed_over(names: Iterable[str]) -> dict[str, int]:
    """How many of the files have no name of a spectrum, by ending, the most frequent first."""
    endings = (Path(name).suffix.lower() for name in names if not SPECTRUM.fullmatch(name))
    counts = Counter(
        f"*{ending}" if ENDING.fullmatch(ending) else "other names" for ending in endings
    )
    shown = counts.most_common(MOST_ENDINGS)
    rest = counts.total() - sum(n for _, n in shown)
    return {f"passed over: {what}": n for what, n in [*shown, ("further endings", rest)] if n}


def _walk(folder: Path, below: str, seen: set[tuple[int, int]]) -> Iterator[Entry]:
    path = folder / below
    try:
        status = path.stat()
        if (status.st_dev, status.st_ino) in seen:
            return
        seen.add((status.st_dev, status.st_ino))
        with os.scandir(path) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        raise UnreadableError(
            f"{path}: {error.strerror}; give a folder of spectra that can be read"
        ) from error
    for entry in entries:
        name = below + entry.name
        if not SPECTRUM.fullmatch(entry.name) and entry.is_dir():
            yield from _walk(folder, f"{name}/", seen)
        else:
            yield _described(entry, name)


def _described(entry: os.DirEntry[str], path: str) -> Entry:
    """Size and time of a file, or of a link that leads nowhere;
    only regular files have a size here.
    """
    try:
        status = entry.stat()
    except OSError:
        status = entry.stat(follow_symlinks=False)
    return Entry(path, status.st_size if stat.S_ISREG(status.st_mode) else 0, status.st_mtime_ns)
