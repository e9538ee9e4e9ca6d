"""Is a release what it was when it was made? SHA256SUMS says so, file by file."""

import re
from dataclasses import dataclass
from pathlib import Path

from obcat.export.release import SUMS, digest

__all__ = ["NoRelease", "Verified", "verify"]

STATES = ("whole", "changed", "missing")
LINE = re.compile(r"([0-9a-f]{64})  (\S.*)")


class NoRelease(Exception):
    """There are no checksums to compare with, or they are damaged themselves; one line."""


@dataclass(frozen=True)
class Verified:
    """Names of files that are whole, changed, missing, and of those the checksums do not know."""

    whole: tuple[str, ...]
    changed: tuple[str, ...]
    missing: tuple[str, ...]
    unknown: tuple[str, ...]


def verify(folder: Path) -> Verified:
    """Compare every file of a release with its checksum.

    Raises NoRelease where SHA256SUMS is not there or is not of the form that ``sha256sum`` writes.
    """
    sums = read_sums(folder / SUMS)
    states = {name: state(folder / name, wanted) for name, wanted in sums.items()}
    found = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    unknown = sorted(found - set(sums) - {SUMS})
    whole, changed, missing = (tuple(n for n, s in states.items() if s == word) for word in STATES)
    return Verified(whole, changed, missing, tuple(unknown))


def state(path: Path, wanted: str) -> str:
    if not path.is_file():
        return "missing"
    return "whole" if digest(path) == wanted else "changed"


def read_sums(path: Path) -> dict[str, str]:
    try:
        lines = path.read_bytes().decode("ascii", errors="replace").splitlines()
    except OSError as error:
        raise NoRelease(f"{path}: {error.strerror}; a release made by `obcat export` has one") from error
    found = [LINE.fullmatch(line) for line in lines]
    for number, match in enumerate(found, start=1):
        if match is None or outside(match[2]):
            raise NoRelease(f"{path}: line {number} is damaged: {lines[number - 1][:40]!r}")
    if not found:
        raise NoRelease(f"{path}: empty")
    return {match[2]: match[1] for match in found if match}


def outside(name: str) -> bool:
    return Path(name).is_absolute() or ".." in Path(name).parts
