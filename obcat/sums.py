"""SHA256SUMS: what a release says of its files, in the form of ``sha256sum``."""

import hashlib
import re
from pathlib import Path

__all__ = ["SUMS", "NoSums", "digest", "read_sums"]

SUMS = "SHA256SUMS"
LINE = re.compile(r"([0-9a-f]{64})  (\S.*)")


class NoSums(Exception):
    """There are no checksums to compare with, or they are damaged themselves; one line."""


def digest(path: Path) -> str:
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def read_sums(folder: Path) -> dict[str, str]:
    """Name of a file -> its checksum. Raises NoSums where there is no SHA256SUMS in the folder, or it is damaged."""
    path = folder / SUMS
    try:
        lines = path.read_bytes().decode("ascii", errors="replace").splitlines()
    except OSError as error:
        raise NoSums(f"{path}: {error.strerror}; a release made by `obcat export` has one") from error
    found = [LINE.fullmatch(line) for line in lines]
    for number, match in enumerate(found, start=1):
        if match is None or outside(match[2]):
            raise NoSums(f"{path}: line {number} is damaged: {lines[number - 1][:40]!r}")
    if not found:
        raise NoSums(f"{path}: empty")
    return {match[2]: match[1] for match in found if match}


def outside(name: str) -> bool:
    return Path(name).is_absolute() or ".." in Path(name).parts
