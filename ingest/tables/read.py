"""Tables as archives give them: FITS, VOTable, CSV, TSV, ECSV and Parquet, each to Arrow with 64-bit ids exact."""

import gzip
import hashlib
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from obcat.ingest.errors import IngestError, UnreadableError, brief
from obcat.ingest.tables import formats, text

__all__ = ["VOTABLE_CAP", "Tabular", "contents", "read_table", "sha256"]

VOTABLE_CAP = 500_000_000
CAP = 2_000_000_000
CHUNK = 1 << 20
DAMAGED = (EOFError, gzip.BadGzipFile, zlib.error)


class Tabular(NamedTuple):
    """A table with its own column names, and the units its file declares (column -> unit text)."""

    table: pa.Table
    units: dict[str, str]


def read_table(path: Path, votable_cap: int = VOTABLE_CAP) -> Tabular:
    """The one table of a file; its content, not its name, says which format it has.

    Delimited text (CSV, TSV, ECSV) comes as text columns, for the declared type to decide how it is read, so that
    an id never passes through a float. Every format but Parquet may be gzip. Raises IngestError, one line.
    """
    if _head(path).startswith(b"PAR1"):
        table, units = formats.parquet(path)
        return Tabular(_without_duplicates(table), units)
    data = contents(path)
    if _is_xml(data) and len(data) > votable_cap:
        raise IngestError(f"{path.name}: a VOTable larger than {votable_cap:,} bytes; give this table as FITS or CSV")
    table, units = _reader(data, path)(data, path.name)
    return Tabular(_without_duplicates(table), units)


def _head(path: Path) -> bytes:
    with _opened(path) as file:
        return file.read(4)


def _is_xml(data: bytes) -> bool:
    start = data[:400].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    return start.startswith((b"<?xml", b"<VOTABLE", b"<!--", b"<!DOCTYPE VOTABLE"))


def _reader(data: bytes, path: Path) -> Callable[[bytes, str], tuple[pa.Table, dict[str, str]]]:
    if data.startswith(b"SIMPLE  ="):
        return formats.fits_table
    if _is_xml(data):
        return formats.votable
    if data.startswith(b"# %ECSV"):
        return text.ecsv
    if data.lstrip()[:1] == b"<" or b"\0" in data[:4096]:
        raise IngestError(
            f"{path.name}: not a table (begins with {data[:16]!r}); give FITS, VOTable, CSV, ECSV or Parquet"
        )
    return text.csv


def _without_duplicates(table: pa.Table) -> pa.Table:
    """Columns whose name is there twice cannot be meant by name: renamed so that neither is found by it."""
    names = table.column_names
    return table.rename_columns([n if names.count(n) == 1 else f"{n} (column {i})" for i, n in enumerate(names, 1)])


@contextmanager
def _opened(path: Path) -> Iterator[io.BufferedReader]:
    """The file for reading; UnreadableError where it is missing, a folder, or not to be read."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise UnreadableError(f"{path}: cannot be read ({error.strerror}); check the path of this table") from error
    with file:
        yield file


def sha256(path: Path) -> str:
    with _opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def contents(path: Path, cap: int = CAP) -> bytes:
    """All bytes of the file, inflated if it is gzip.

    The gzip stream is read to its end, so that its CRC is checked. IngestError if the file is empty, damaged,
    or larger than ``cap`` bytes before or after inflation.
    """
    with _opened(path) as file:
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
