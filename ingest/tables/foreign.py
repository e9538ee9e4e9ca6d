"""A catalog that others published, its columns under our names, in our units: for comparing, never for a build."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from obcat.ingest.errors import IngestError
from obcat.ingest.tables import units
from obcat.ingest.tables.columns import cleaned, integers, numbers
from obcat.ingest.tables.names import find
from obcat.ingest.tables.read import Tabular, read_table
from obcat.schema import Column, nearest

__all__ = ["read_foreign"]


def read_foreign(
    path: Path, ours: Sequence[Column], names: Mapping[str, Sequence[str]], columns: Mapping[str, str]
) -> pa.Table:
    """The columns of ``ours`` that the file has: text, int64 or float64; what stands for NULL is null.

    ``names``: ours -> what the file may call it, the likeliest first; ``columns``: the user's word, ours -> theirs.
    Raises IngestError (one line) for a file that is no table, a name that is on neither side, an ambiguous name, or
    a unit that cannot become ours.
    """
    given = read_table(path)
    known = [c.column for c in ours]
    for name in columns:
        if name not in known:
            raise IngestError(f"--column {name}: the catalog has no such column{nearest(name, known)}")
    out = {}
    for column in ours:
        theirs = _theirs(column.column, given.table.column_names, names, columns, path.name)
        if theirs is not None:
            out[column.column] = _typed(given, column, theirs, f"{path.name}: column {theirs!r}")
    return pa.table(out)


def _theirs(
    ours: str, there: Sequence[str], names: Mapping[str, Sequence[str]], columns: Mapping[str, str], file: str
) -> str | None:
    if ours not in columns:
        return find(names.get(ours, (ours,)), there, file)
    theirs = find([columns[ours]], there, file)
    if theirs is None:
        raise IngestError(f"{file}: has no column {columns[ours]!r}{nearest(columns[ours], there)}")
    return theirs


def _typed(given: Tabular, column: Column, theirs: str, where: str) -> pa.ChunkedArray:
    if column.type == "VARCHAR":
        return cleaned(given.table[theirs], where)[0]
    if column.type == "BIGINT":
        return _without_null(integers(given.table[theirs], where), column)
    read = _without_null(numbers(given.table[theirs], where), column)
    known = pc.if_else(pc.is_finite(read), read, None)
    return pc.multiply(known, units.factor(given.units.get(theirs, ""), column.unit, where))


def _without_null(read: pa.ChunkedArray, column: Column) -> pa.ChunkedArray:
    """Where columns.csv declares a number that stands for NULL, that number is null."""
    if column.null in ("yes", "no"):
        return read
    return pc.if_else(pc.equal(read, pa.scalar(int(column.null), read.type)), None, read)
