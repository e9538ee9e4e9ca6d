"""Is a release what it was when it was made? SHA256SUMS says so, file by file."""

from dataclasses import dataclass
from pathlib import Path

from obcat.sums import SUMS, digest, read_sums

__all__ = ["Verified", "verify"]

STATES = ("whole", "changed", "missing")


@dataclass(frozen=True)
class Verified:
    """Names of files that are whole, changed, missing, and of those the checksums do not know."""

    whole: tuple[str, ...]
    changed: tuple[str, ...]
    missing: tuple[str, ...]
    unknown: tuple[str, ...]


def verify(folder: Path) -> Verified:
    """Compare every file of a release with its checksum.

    Raises NoSums where SHA256SUMS is not there or is not of the form that ``sha256sum`` writes.
    """
    sums = read_sums(folder)
    states = {name: state(folder / name, wanted) for name, wanted in sums.items()}
    found = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    unknown = sorted(found - set(sums) - {SUMS})
    whole, changed, missing = (tuple(n for n, s in states.items() if s == word) for word in STATES)
    return Verified(whole, changed, missing, tuple(unknown))


def state(path: Path, wanted: str) -> str:
    if not path.is_file():
        return "missing"
    return "whole" if digest(path) == wanted else "changed"
