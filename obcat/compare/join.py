"""Both catalogs row by row: ours and theirs under the same names, in our units, joined by a key
that both have.

The names that others may give our columns are those of our own CDS package, and those of VizieR.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from obcat import arrow
from obcat.errors import ObcatError
from obcat.export.cds.column import label
from obcat.ingest.errors import IngestError
from obcat.ingest.tables import names as of_tables
from obcat.ingest.tables import store
from obcat.ingest.tables.columns import cleaned, integers, named_spectra, numbers
from obcat.ingest.tables.names import find
from obcat.ingest.tables.read import Tabular, read_table
from obcat.reading import CATALOG, NotOurs, open_database
from obcat.schema import Column, columns_of, nearest

__all__ = ["CompareError", "Joined", "join", "names", "read_foreign"]

KEYS = ("fitsname", "specid", "gaia_id")
IDENTITY = {*KEYS, "ra", "dec", "uniqflag", "star_id", "gaia_name", "obsid", "simulated", "quality"}
PLAIN_NAME = r"^.*/|\.(fits|fit)?(\.gz)?$"
# what VizieR and others call our columns
OTHERS = {
    "specid": ("SpecID", "Spec", "LAMOST", "specid"),
    "fitsname": ("FileName", "FITS", "fits", "filename"),
    "gaia_id": ("GaiaDR2", "Gaia", "source_id", "SourceId", "Source"),
    "ra": ("RAJ2000", "RA_ICRS", "_RA"),
    "dec": ("DEJ2000", "DE_ICRS", "_DE"),
    "uniqflag": ("uniqFlag", "Uniq"),
    "mk": ("MKs", "MK", "KMag"),
    "mk_geo": ("MKsgeo", "MKgeo", "KMaggeo"),
    "dis": ("Dist", "d", "distance"),
    "binary_flag": ("BinFlag", "f_Bin", "Binary"),
    "em_flag": ("EmFlag", "f_Em", "Emission"),
}


class CompareError(ObcatError, ValueError):
    """The catalogs cannot be compared; one line."""


class Joined(NamedTuple):
    """``ours``, ``theirs``: column -> (n,) float64 with NaN for NULL,
    the same columns and rows in both.
    """

    heading: str
    by: str
    counts: dict[str, int]
    columns: dict[str, Column]
    ours: dict[str, NDArray[np.float64]]
    theirs: dict[str, NDArray[np.float64]]


def join(database: Path, other: Any, by: str | None) -> Joined:
    """The rows of both with the same key. By gaia_id a star is its row of uniqflag 1, where theirs
    has uniqflag too.

    CompareError: no such key on both sides, nothing matches, no number to compare, not a database
    of obcat build.
    """
    heading, mine = _read(database)
    usable = [
        key for key in KEYS if key in other.column_names and _any(other[key]) and _any(mine[key])
    ]
    if by is not None and by not in usable:
        raise CompareError(
            f"{by}: is not a column of both catalogs; they have "
            f"{', '.join(usable) or 'none'} in common"
        )
    if not usable:
        raise CompareError(
            f"none of {', '.join(KEYS)} is a column of both catalogs; name theirs with --column"
        )
    found = {key: _pairs(mine, other, key) for key in ([by] if by else usable)}
    key = max(found, key=lambda k: len(found[k][0]))  # the first of those with most rows
    rows = found[key]
    if not len(rows[0]):
        raise CompareError(
            f"no {' or '.join(found)} of one catalog is in the other: are they of the same stars?"
        )
    columns = _comparable(mine, other)
    if not columns:
        raise CompareError(
            "the other catalog has no column of ours to compare; name them with --column "
            "ours=theirs"
        )
    ours, theirs = (
        {c: arrow.float_array(table[c])[at] for c in columns}
        for table, at in ((mine, rows[0]), (other, rows[1]))
    )
    return Joined(heading, key, _counts(mine, other, key, len(rows[0])), columns, ours, theirs)


def _read(database: Path) -> tuple[str, pa.Table]:
    try:
        with open_database(database) as survey:
            table = survey.con.sql(f"SELECT * FROM {CATALOG} ORDER BY specid").to_arrow_table()
    except NotOurs as error:
        raise CompareError(str(error)) from error
    return survey.heading, table


def _pairs(
    mine: pa.Table, other: pa.Table, key: str
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of either side with the same key, in our order;
    what is there twice on a side is nobody's.
    """
    left, right = _keyed(mine, key), _keyed(other, key)
    both = left.join(right, "key", join_type="inner", right_suffix="_other").sort_by("row")
    return both["row"].to_numpy(), both["row_other"].to_numpy()


def _keyed(table: pa.Table, key: str) -> pa.Table:
    keys = table[key]
    if key == "fitsname":
        keys = pc.replace_substring_regex(keys, PLAIN_NAME, "")
    out = pa.table({"key": keys, "row": np.arange(len(table))})
    wanted = pc.is_valid(out["key"])
    if key == "gaia_id" and "uniqflag" in table.column_names:
        wanted = pc.and_(wanted, pc.fill_null(pc.equal(table["uniqflag"], 1), False))
    out = out.filter(wanted)
    once = out.group_by("key").aggregate([("row", "count"), ("row", "min")])
    once = once.filter(pc.equal(once["row_count"], 1))
    return pa.table({"key": once["key"], "row": once["row_min"]})


def _counts(mine: pa.Table, other: pa.Table, key: str, matched: int) -> dict[str, int]:
    n_mine, n_other = len(_keyed(mine, key)), len(_keyed(other, key))
    return {
        "rows of ours": len(mine),
        "rows of theirs": len(other),
        f"ours with a {key} of their own": n_mine,
        f"theirs with a {key} of their own": n_other,
        "in both": matched,
        "only in ours": n_mine - matched,
        "only in theirs": n_other - matched,
    }


def _comparable(mine: pa.Table, other: pa.Table) -> dict[str, Column]:
    return {
        c.column: c
        for c in columns_of(CATALOG)
        if c.column in other.column_names and c.column not in IDENTITY and c.type != "VARCHAR"
    }


def _any(column: pa.ChunkedArray) -> bool:
    return column.null_count < len(column)


def names() -> dict[str, tuple[str, ...]]:
    """Our column -> what it may be called elsewhere, our own name first;
    names of errors follow CDS's ``e_X``.
    """
    out = {}
    for column in columns_of(CATALOG):
        known = (column.column, label(column.column), *OTHERS.get(column.column, ()))
        out[column.column] = tuple(dict.fromkeys([*known, *_errors(column.column)]))
    return out


def _errors(name: str) -> list[str]:
    for suffix in ("_error", "_err"):
        value = name.removesuffix(suffix)
        if value != name:
            return [f"e_{other}" for other in (value, *OTHERS.get(value, ()))]
    return []


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
    scale = of_tables.scale(given.units.get(theirs, ""), column.column, column.unit, where)
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
