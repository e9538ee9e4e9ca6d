"""Tables as archives give them: FITS, VOTable, CSV, TSV, ECSV and Parquet, each to Arrow with 64-bit ids exact."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from obcat.ingest import astro, delimited
from obcat.ingest.contents import contents, opened
from obcat.ingest.errors import IngestError
from obcat.ingest.parquet import parquet

__all__ = ["VOTABLE_CAP", "Tabular", "read_table"]

VOTABLE_CAP = 500_000_000


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
        table, units = parquet(path)
        return Tabular(_without_duplicates(table), units)
    data = contents(path)
    if _is_xml(data) and len(data) > votable_cap:
        raise IngestError(f"{path.name}: a VOTable larger than {votable_cap:,} bytes; give this table as FITS or CSV")
    table, units = _reader(data, path)(data, path.name)
    return Tabular(_without_duplicates(table), units)


def _head(path: Path) -> bytes:
    with opened(path) as file:
        return file.read(4)


def _is_xml(data: bytes) -> bool:
    start = data[:400].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    return start.startswith((b"<?xml", b"<VOTABLE", b"<!--", b"<!DOCTYPE VOTABLE"))


def _reader(data: bytes, path: Path) -> Callable[[bytes, str], tuple[pa.Table, dict[str, str]]]:
    if data.startswith(b"SIMPLE  ="):
        return astro.fits_table
    if _is_xml(data):
        return astro.votable
    if data.startswith(b"# %ECSV"):
        return delimited.ecsv
    if data.lstrip()[:1] == b"<" or b"\0" in data[:4096]:
        raise IngestError(
            f"{path.name}: not a table (begins with {data[:16]!r}); give FITS, VOTable, CSV, ECSV or Parquet"
        )
    return delimited.csv


def _without_duplicates(table: pa.Table) -> pa.Table:
    """Columns whose name is there twice cannot be meant by name: renamed so that neither is found by it."""
    names = table.column_names
    return table.rename_columns([n if names.count(n) == 1 else f"{n} (column {i})" for i, n in enumerate(names, 1)])
