"""A catalog that others published, its columns under our names, in our units:
for comparing, never for a build.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from obcat.ingest.errors import IngestError
from obcat.ingest.tables import names, store
from obcat.ingest.tables.columns import cleaned, integers, named_spectra, numbers
from obcat.ingest.tables.names import find
from obcat.ingest.tables.read import Tabular, read_table
from obcat.schema import Column, nearest

__all__ = ["read_foreign"]


def read_foreign(
    path: Path,
    ours: Sequence[Column],
    names: Mapping[str, Sequence[str]],
    columns: Mapping[str, str],
) -> pa.Table:
    """The columns of ``ours`` that the file has: text, int64 or float64; what stands for NULL is
    null.

    ``names``: ours -> what the file may call it, the likeliest first; ``columns``: the user's word,
    ours -> theirs. Raises IngestError (one line) for a file that is no table, a name that is on
    neither side, an ambiguous name, or a unit that cannot become ours.
    """
    given = read_table(path)
    known = [c.column for c in ours]
    for name in columns:
        if name not in known:
            raise IngestError(
                f"--column {name}: the catalog has no such column{nearest(name, known)}"
            )
    out = {}
    for column in ours:
        theirs = _theirs(column.column, given.table.column_names, names, columns, path.name)
        if theirs is not None:
            out[column.column] = _typed(given, column, theirs, f"{path.name}: column {theirs!r}")
    return pa.table(out)


def _theirs(
    ours: str,
    there: Sequence[str],
    names: Mapping[str, Sequence[str]],
    columns: Mapping[str, str],
    file: str,
) -> str | None:
    if ours not in columns:
        return find(names.get(ours, (ours,)), there, file)
    theirs = find([columns[ours]], there, file)
    if theirs is None:
        raise IngestError(f"{file}: has no column {columns[ours]!r}{nearest(columns[ours], there)}")
    return theirs


def _typed(given: Tabular, column: Column, theirs: str, where: str) -> pa.ChunkedArray:
    if column.type == "VARCHAR":
        texts = cleaned(given.table[theirs], where)[0]
        return (
            named_spectra(texts, column.column)
            if column.column in ("specid", "fitsname")
            else texts
        )
    if column.type == "BIGINT":
        return _without_null(integers(given.table[theirs], where), column)
    read = _without_null(numbers(_flags(given.table[theirs], column), where), column)
    scale = names.scale(given.units.get(theirs, ""), column.column, column.unit, where)
    plain = pc.power(10.0, read) if scale.is_log else read
    return pc.add(pc.multiply(plain, scale.factor), scale.shift)


def _flags(values: pa.ChunkedArray, column: Column) -> pa.ChunkedArray:
    """True and false of a flag as 1 and 0."""
    if not column.type.endswith("INT"):
        return values
    if pa.types.is_string(values.type):
        words = pc.utf8_lower(pc.utf8_trim_whitespace(values))
        for word, digit in (("true", "1"), ("t", "1"), ("false", "0"), ("f", "0")):
            values = pc.if_else(pc.equal(words, word), digit, values)
        return values
    return values.cast(pa.int8()) if pa.types.is_boolean(values.type) else values


def _without_null(read: pa.ChunkedArray, column: Column) -> pa.ChunkedArray:
    """Null is what stands for NULL: the number of columns.csv, the sentinels of archives,
    infinite numbers.
    """
    if pa.types.is_floating(read.type):
        known = read.to_numpy()
        read = pc.if_else(
            pa.array(np.isfinite(known) & ~store.is_sentinel(known, column)), read, None
        )
    if column.null in ("yes", "no"):
        return read
    return pc.if_else(pc.equal(read, pa.scalar(int(column.null), read.type)), None, read)
