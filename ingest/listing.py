"""The files of a folder that have the name of a spectrum, in an order that does not depend on the file system."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from obcat.ingest.errors import UnreadableError

__all__ = ["SUFFIXES", "Entry", "list_spectra"]

SUFFIXES = (".fits", ".fits.gz")


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


def list_spectra(folder: Path) -> list[Entry]:
    """Everything below ``folder`` named *.fits or *.fits.gz, folders and broken links too, by name, then path.

    Linked folders are followed, each folder once. Raises UnreadableError for a folder that is missing or unreadable.
    """
    return sorted(walk(folder, "", set()), key=lambda entry: (entry.name, entry.path))


def walk(folder: Path, below: str, seen: set[tuple[int, int]]) -> Iterator[Entry]:
    path = folder / below
    try:
        status = path.stat()
        if (status.st_dev, status.st_ino) in seen:
            return
        seen.add((status.st_dev, status.st_ino))
        with os.scandir(path) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        raise UnreadableError(f"{path}: {error.strerror}; give a folder of spectra that can be read") from error
    for entry in entries:
        name = below + entry.name
        if entry.name.lower().endswith(SUFFIXES):
            yield described(entry, name)
        elif entry.is_dir():
            yield from walk(folder, f"{name}/", seen)


def described(entry: os.DirEntry[str], path: str) -> Entry:
    """Size and time of a file, or of a link that leads nowhere; only regular files have a size here."""
    try:
        status = entry.stat()
    except OSError:
        status = entry.stat(follow_symlinks=False)
    return Entry(path, status.st_size if stat.S_ISREG(status.st_mode) else 0, status.st_mtime_ns)
