"""SHA256SUMS: what a result says of its files, in the form of ``sha256sum``; comments say what made it."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from obcat.errors import ObcatError

__all__ = ["SUMS", "NoSums", "digest", "notes_of", "read_sums", "write_sums"]

SUMS = "SHA256SUMS"
LINE = re.compile(r"([0-9a-f]{64})  (\S.*)")
NOTE = re.compile(r"# ([^:]+): (.*)")


class NoSums(ObcatError):
    """There are no checksums to compare with, or they are damaged themselves; one line."""


def digest(path: Path) -> str:
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def write_sums(folder: Path, notes: Mapping[str, str]) -> None:
    """Write the checksums of every file in the folder, and of those below it; notes are lines ``# name: text``.

    Raises ValueError where the name of a file, or a note, does not fit into a line.
    """
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() and p != folder / SUMS)
    lines = [f"# {name}: {text}" for name, text in notes.items()]
    lines += [f"{digest(folder / name)}  {name}" for name in names]
    for line in lines:
        if not line.isprintable():
            raise ValueError(f"{SUMS}: {line!r} is no line of plain text")
    (folder / SUMS).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def read_sums(folder: Path) -> dict[str, str]:
    """Name of a file -> its checksum. Raises NoSums where there is no SHA256SUMS in the folder, or it is damaged."""
    path = folder / SUMS
    lines = [(number, line) for number, line in enumerate(_lines(path), start=1) if not line.startswith("#")]
    found = {number: LINE.fullmatch(line) for number, line in lines}
    for number, line in lines:
        match = found[number]
        if match is None or outside(match[2]):
            raise NoSums(f"{path}: line {number} is damaged: {line[:40]!r}")
    if not found:
        raise NoSums(f"{path}: empty")
    return {match[2]: match[1] for match in found.values() if match}


def notes_of(folder: Path) -> dict[str, str]:
    """What the comments of SHA256SUMS say: name -> text. Raises NoSums where there is no such file."""
    found = (NOTE.fullmatch(line) for line in _lines(folder / SUMS))
    return {match[1]: match[2] for match in found if match}


def _lines(path: Path) -> list[str]:
    try:
        return path.read_bytes().decode("utf-8", errors="replace").splitlines()
    except OSError as error:
        raise NoSums(f"{path}: {error.strerror}; a release made by `obcat export` has one") from error


def outside(name: str) -> bool:
    return Path(name).is_absolute() or ".." in Path(name).parts
