"""The bytes of an input file: capped, gzip inflated to its checksum, hashed."""

import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from obcat.ingest.errors import IngestError, UnreadableError

__all__ = ["CAP", "brief", "contents", "opened", "sha256"]

CAP = 2_000_000_000
CHUNK = 1 << 20
DAMAGED = (EOFError, gzip.BadGzipFile, zlib.error)


def brief(error: object, length: int = 160) -> str:
    """An error's text on one line, for the end of a message."""
    text = " ".join(str(error).split())
    return text if len(text) <= length else text[: length - 1] + "…"


@contextmanager
def opened(path: Path) -> Iterator[io.BufferedReader]:
    """The file for reading; UnreadableError where it is missing, a folder, or not to be read."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise UnreadableError(f"{path}: cannot be read ({error.strerror}); check the path of this table") from error
    with file:
        yield file


def sha256(path: Path) -> str:
    with opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def contents(path: Path, cap: int = CAP) -> bytes:
    """All bytes of the file, inflated if it is gzip.

    The gzip stream is read to its end, so that its CRC is checked. IngestError if the file is empty, damaged,
    or larger than ``cap`` bytes before or after inflation.
    """
    with opened(path) as file:
        zipped = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        stream = gzip.GzipFile(fileobj=file) if zipped else file
        try:
            data = _capped(stream, cap)
        except DAMAGED as error:
            raise IngestError(f"{path.name}: damaged gzip ({brief(error)}); fetch the file again") from error
    if data is None:
        raise IngestError(f"{path.name}: larger than {cap:,} bytes; give this table as Parquet or FITS, or in part")
    if not data:
        raise IngestError(f"{path.name}: is empty; fetch the file again")
    return data


def _capped(stream: io.BufferedReader | gzip.GzipFile, cap: int) -> bytes | None:
    parts, size = [], 0
    while part := stream.read(CHUNK):
        parts.append(part)
        size += len(part)
        if size > cap:
            return None
    return b"".join(parts)
