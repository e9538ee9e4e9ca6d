"""Rows of a table that cannot be used, that are there twice, or that contradict each other."""

import math

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from obcat.ingest.errors import IngestError
from obcat.ingest.source import Key, Source

__all__ = ["ROW", "agree", "check_degrees", "given", "merged", "reasons", "wrapped"]

ROW = "row"  # number of the row in the input, from 0
ENOUGH = 100  # rows from which positions all within a few degrees of the origin are radians
NAMED = 5  # ids a message names


def wrapped(ra: pa.ChunkedArray) -> pa.ChunkedArray:
    """Right ascension 360 is 0."""
    return pc.if_else(pc.equal(ra, 360.0), 0.0, ra)


def check_degrees(table: pa.Table, where: str) -> None:
    """Raise IngestError for positions, of no declared unit, that look like radians or hours."""
    ra, dec = (table[c].to_numpy() for c in ("ra", "dec"))
    good = np.isfinite(ra) & np.isfinite(dec)
    ra, dec = ra[good], dec[good]
    if ra.size <= ENOUGH:
        return
    if np.all(np.abs(dec) <= math.pi / 2) and np.all((ra >= 0) & (ra <= 2 * math.pi)):
        raise IngestError(f"{where}: looks like radians ({_mend('rad', 'rad')})")
    if ra.max() <= 24 and np.ptp(ra) > 16 and np.ptp(dec) > 40:
        raise IngestError(f"{where}: right ascension looks like hours ({_mend('hourangle', 'deg')})")


def _mend(ra: str, dec: str) -> str:
    return (
        f'state the unit in the survey\'s TOML: columns = {{ ra = "theirs [{ra}]", dec = "theirs [{dec}]" }}, or [deg]'
    )


def reasons(table: pa.Table, source: Source) -> np.ndarray:
    """(n,) texts: why a row is rejected, '' for a good one: bad_position, no_identifier or not_finite."""
    why = np.full(table.num_rows, "", object)
    why[_infinite(table, source)] = "not_finite"
    why[~_identified(table, source)] = "no_identifier"
    if "ra" in table.column_names:
        why[_bad_position(table, source)] = "bad_position"
    return why


def _bad_position(table: pa.Table, source: Source) -> np.ndarray:
    ra, dec = (table[c].to_numpy() for c in ("ra", "dec"))
    inside = (ra >= 0) & (ra < 360) & (np.abs(dec) <= 90)
    nowhere = np.isnan(ra) & np.isnan(dec)
    return ~inside if "ra" in source.required else ~inside & ~nowhere


def _identified(table: pa.Table, source: Source) -> np.ndarray:
    groups = [np.all([given(table[c]) for c in group], axis=0) for group in source.identified_by]
    return np.any(groups, axis=0)


def given(column: pa.ChunkedArray) -> np.ndarray:
    """(n,) whether there is a value: not null, not NaN, for an id above 0."""
    if pa.types.is_integer(column.type):
        return pc.fill_null(pc.greater(column, 0), False).to_numpy()
    if pa.types.is_floating(column.type):
        return ~np.isnan(column.to_numpy())
    return pc.is_valid(column).to_numpy()


def _infinite(table: pa.Table, source: Source) -> np.ndarray:
    floats = [table[c.column].to_numpy() for c in source.columns if c.type == "DOUBLE"]
    return np.any(np.isinf(floats), axis=0)


def merged(table: pa.Table) -> pa.Table:
    """Each distinct row once, where it is first."""
    columns = [c for c in table.column_names if c != ROW]
    first = table.group_by(columns, use_threads=False).aggregate([(ROW, "min")])[f"{ROW}_min"]
    return table.filter(pc.is_in(table[ROW], first.combine_chunks()))


def agree(table: pa.Table, key: Key, where: str) -> None:
    """Raise IngestError, naming ids, if rows with the same key differ in its value columns."""
    columns = [*key.columns, *(key.values or [c for c in table.column_names if c not in (ROW, *key.columns)])]
    known = table.filter(pa.array(given(table[key.columns[0]])))
    distinct = known.group_by(columns, use_threads=False).aggregate([])
    counts = distinct.group_by(list(key.columns), use_threads=False).aggregate([([], "count_all")])
    ids = sorted(set(counts.filter(pc.greater(counts["count_all"], 1))[key.columns[0]].to_pylist()))
    if ids:
        named = ", ".join(str(i) for i in ids[:NAMED]) + (", …" if len(ids) > NAMED else "")
        raise IngestError(
            f"{where}: {len(ids)} {key.columns[0]} with rows that contradict each other: {named}; keep one row of each"
        )
