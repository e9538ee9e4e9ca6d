"""Rows of a table, accepted or rejected with a reason, and the Parquet they are kept in."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from obcat.files import publishing
from obcat.ingest.errors import IngestError
from obcat.ingest.source import Key, Source
from obcat.ingest.tables.read import sha256
from obcat.schema import Column, arrow_schema

__all__ = [
    "ENOUGH_VALUES",
    "READER",
    "REJECTED",
    "ROW",
    "Provenance",
    "agree",
    "check_degrees",
    "check_values",
    "counts_if_unchanged",
    "given",
    "is_sentinel",
    "merge_rejected",
    "merged",
    "provenance",
    "reasons",
    "sentinels",
    "wrapped",
    "write",
    "write_empty",
]

ROW = "row"  # number of the row in the input, from 0
ENOUGH_ROWS = 100  # rows from which positions all within a few degrees of the origin are radians
NAMED = 5  # ids a message names
ENOUGH_VALUES = 10  # rows for a share of rejected ones to say something
TOLERANCE = 1e-4  # 99.999 stored in 32 bits is 99.9990005
MISSING = (-9999.0, -999.0)
MISSING_MAGNITUDE = (
    *MISSING,
    -99.0,
    -99.9,
    -99.99,
    -99.999,
    99.0,
    99.9,
    99.99,
    99.999,
    999.0,
    999.9,
    999.99,
    9999.0,
)
MISSING_LABEL = (*MISSING, -99.0, -99.9, -99.99, 99.99, 99.999, 999.0, 9999.0)


class _Range(NamedTuple):
    """Limits of a value, and of the median of a column that declares no unit."""

    low: float
    high: float
    median_low: float
    median_high: float


MAGNITUDE, MAGNITUDE_ERROR = _Range(-10, 40, -3, 25), _Range(-10, 20, 0, 5)
# Gaia DR2: parallaxes -1857…1851 mas with errors 0.01…4 mas; proper motions up to 10,400 mas/yr
RANGES = {
    "ref_epoch": _Range(1800, 2200, 1900, 2100),
    "parallax": _Range(-3000, 3000, 0.005, 50),
    "parallax_offset": _Range(-10, 10, -1, 1),
    "parallax_error": _Range(0, 500, 0.005, 10),
    "pmra": _Range(-20000, 20000, 0.01, 1000),
    "pmra_error": _Range(0, 500, 0.005, 20),
    "pmdec": _Range(-20000, 20000, 0.01, 1000),
    "pmdec_error": _Range(0, 500, 0.005, 20),
    "phot_bp_mean_flux_over_error": _Range(-1e6, 1e9, 0.5, 1e6),
    "phot_rp_mean_flux_over_error": _Range(-1e6, 1e9, 0.5, 1e6),
    "ruwe": _Range(0, 1e5, 0.3, 50),
    "nu_eff_used_in_astrometry": _Range(0, 5, 1, 2.2),  # 1/um, Lindegren et al. 2021
    "pseudocolour": _Range(-20, 20, 0.5, 3),
    "ecl_lat": _Range(-90, 90, -90, 90),
    "teff": _Range(500, 1e6, 2000, 200000),
    "teff_err": _Range(0, 1e6, 0, 1e5),
    "logg": _Range(-10, 20, -2, 9),
    "logg_err": _Range(0, 100, 0, 5),
    "feh": _Range(-20, 10, -5, 2),
    "feh_err": _Range(0, 100, 0, 5),
}
SIGNED = (
    "parallax",
    "pmra",
    "pmdec",
)  # their sizes have a median: of a survey of faint stars, in mas and mas/yr
FEW_VALUES = 3  # for a median to say something
LABELS = ("teff", "teff_err", "logg", "logg_err", "feh", "feh_err")


def sentinels(column: Column) -> tuple[float, ...]:
    """The numbers that say 'missing' in a column of floats; positions have none."""
    if column.unit == "mag":
        return MISSING_MAGNITUDE
    if column.column in LABELS:
        return MISSING_LABEL
    return () if column.column in ("ra", "dec") else MISSING


def check_values(column: Column, values: pa.ChunkedArray, unit_known: bool, where: str) -> None:
    """Raise IngestError for a value out of its limits, or for a median that betrays a wrong unit.

    Infinite values are not looked at here: they cost their row, not the table.
    """
    limits = _limits(column)
    known = values.to_numpy()
    known = known[np.isfinite(known) & ~is_sentinel(known, column)]
    wrong = known[(known < limits.low) | (known > limits.high)]
    if wrong.size:
        raise IngestError(
            f"{where}: {wrong[0]:g} ({wrong.size} such rows) is neither a possible "
            f"{column.column} nor a known "
            f"sentinel; leave such values blank in the file"
        )
    if not unit_known and known.size >= FEW_VALUES:
        _check_median(known, limits, column, where)


def _limits(column: Column) -> _Range:
    if column.unit == "mag":
        return MAGNITUDE_ERROR if column.ucd.startswith("stat.error") else MAGNITUDE
    return RANGES[column.column]


def is_sentinel(values: np.ndarray, column: Column) -> np.ndarray:
    """(n,) whether a number says 'missing'."""
    hidden = np.zeros(values.shape, bool)
    for sentinel in sentinels(column):
        hidden |= np.abs(values - sentinel) < TOLERANCE
    return hidden


def _check_median(known: np.ndarray, limits: _Range, column: Column, where: str) -> None:
    """Of the values; of those with either sign, of their sizes where they are not 0."""
    if column.column in SIGNED:
        known = np.abs(known[known != 0])
    median = float(np.median(known)) if known.size else limits.median_low
    if not limits.median_low <= median <= limits.median_high:
        unit = column.unit or "the right column"
        raise IngestError(
            f"{where}: median {median:g} is not that of a {column.column} in {unit}; if the "
            "file's unit is another, "
            f'state it in the survey\'s TOML: columns = {{ {column.column} = "theirs [unit]" }}'
        )


def wrapped(ra: pa.ChunkedArray) -> pa.ChunkedArray:
    """Right ascension 360 is 0."""
    return pc.if_else(pc.equal(ra, 360.0), 0.0, ra)


def check_degrees(table: pa.Table, where: str) -> None:
    """Raise IngestError for positions, of no declared unit, that look like radians or hours."""
    ra, dec = (table[c].to_numpy() for c in ("ra", "dec"))
    good = np.isfinite(ra) & np.isfinite(dec)
    ra, dec = ra[good], dec[good]
    if ra.size <= ENOUGH_ROWS:
        return
    if np.all(np.abs(dec) <= math.pi / 2) and np.all((ra >= 0) & (ra <= 2 * math.pi)):
        raise IngestError(f"{where}: looks like radians ({_remedy('rad', 'rad')})")
    if ra.max() <= 24 and np.ptp(ra) > 16 and np.ptp(dec) > 40:
        raise IngestError(
            f"{where}: right ascension looks like hours ({_remedy('hourangle', 'deg')})"
        )


def _remedy(ra: str, dec: str) -> str:
    return (
        f'state the unit in the survey\'s TOML: columns = {{ ra = "theirs [{ra}]", dec = '
        f'"theirs [{dec}]" }}, or [deg]'
    )


def reasons(table: pa.Table, source: Source) -> np.ndarray:
    """(n,) texts: why a row is rejected, '' for a good one:
    bad_position, no_identifier or not_finite.
    """
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
    if any(_differ(table[c]) for c in columns[:2]):
        return table
    first = table.group_by(columns, use_threads=False).aggregate([(ROW, "min")])[f"{ROW}_min"]
    return table.filter(pc.is_in(table[ROW], first.combine_chunks()))


def _differ(values: pa.ChunkedArray) -> bool:
    """Whether no two are the same: then no two rows are, at a tenth of the memory of looking."""
    return pc.count_distinct(values, mode="all").as_py() == len(values)


def agree(table: pa.Table, key: Key, where: str) -> None:
    """Raise IngestError, naming ids, if rows with the same key differ in its value columns."""
    columns = [
        *key.columns,
        *(key.values or [c for c in table.column_names if c not in (ROW, *key.columns)]),
    ]
    known = table.filter(pa.array(given(table[key.columns[0]])))
    if _differ(known[key.columns[0]]):
        return
    distinct = known.group_by(columns, use_threads=False).aggregate([])
    counts = distinct.group_by(list(key.columns), use_threads=False).aggregate([([], "count_all")])
    ids = sorted(set(counts.filter(pc.greater(counts["count_all"], 1))[key.columns[0]].to_pylist()))
    if ids:
        named = ", ".join(str(i) for i in ids[:NAMED]) + (", …" if len(ids) > NAMED else "")
        raise IngestError(
            f"{where}: {len(ids)} {key.columns[0]} with rows that contradict each other: "
            f"{named}; keep one row of each"
        )


READER = "2"  # raise when the same input would give another table
KEY = b"obcat.provenance"
REJECTED = arrow_schema("raw.rejected_rows")


class Provenance(NamedTuple):
    """Where a table comes from: its file, the survey's mapping, the file's column for each of ours,
    the counts, what else there is to say; where it is no file, the SHA-256 of what was chosen."""

    path: Path
    columns: dict[str, str]
    mapping: dict[str, str]
    counts: dict[str, int]
    report: dict[str, Any]
    mark: str = ""


def provenance(parquet: Path) -> dict:
    """What an ingested table says of its origin: file, size, mtime_ns, sha256, reader, columns,
    mapping, counts.

    Empty for a table that stands for an input the survey does not have, or that is not there.
    """
    if not parquet.is_file():
        return {}
    return json.loads((pq.read_schema(parquet).metadata or {}).get(KEY, b"{}"))


def write(name: str, table: pa.Table, rejected: pa.Table, origin: Provenance, out: Path) -> None:
    """The rejected rows first, the table last: where it is, both are whole."""
    said = {
        "file": origin.path.name,
        "sha256": origin.mark or sha256(origin.path),
        **_stamp(origin.path),
        "reader": READER,
        "columns": origin.columns,
        "mapping": origin.mapping,
        "counts": origin.counts,
        "report": origin.report,
    }
    _publish(rejected, _rejected_path(name, out))
    schema = arrow_schema(f"raw.{name}").with_metadata(
        {KEY: json.dumps(said, sort_keys=True).encode()}
    )
    _publish(pa.table(table.columns, schema=schema), out / f"{name}.parquet")


def write_empty(name: str, out: Path) -> None:
    """An empty table for an input the survey does not have;
    what an earlier survey file left is replaced.
    """
    if provenance(out / f"{name}.parquet") or not (out / f"{name}.parquet").is_file():
        _publish(arrow_schema(f"raw.{name}").empty_table(), out / f"{name}.parquet")
    _rejected_path(name, out).unlink(missing_ok=True)


def merge_rejected(names: Sequence[str], out: Path) -> None:
    """``out/rejected_rows.parquet``: the rejected rows of all sources,
    in the order of ``names``.
    """
    paths = [_rejected_path(n, out) for n in names]
    tables = [pq.ParquetFile(p).read().cast(REJECTED) for p in paths if p.is_file()]
    merged = pa.concat_tables([REJECTED.empty_table(), *tables])
    target = out / "rejected_rows.parquet"
    if not target.is_file() or not pq.ParquetFile(target).read().equals(merged):
        _publish(merged, target)


def counts_if_unchanged(
    name: str, path: Path, columns: Mapping[str, str], out: Path, mark: str = ""
) -> dict[str, int] | None:
    """The counts of the last time, if file (or ``mark``), mapping, reader and declared columns are
    the same; else None.
    """
    target = out / f"{name}.parquet"
    said = provenance(target)
    if not said or not (mark or path.is_file()) or not _rejected_path(name, out).is_file():
        return None
    same = (said["file"], said["reader"], said["columns"]) == (path.name, READER, dict(columns))
    if not same or not pq.read_schema(target).equals(arrow_schema(f"raw.{name}")):
        return None
    if mark:
        return said["counts"] if said["sha256"] == mark else None
    stamp = _stamp(path)
    touched = said["mtime_ns"] != stamp["mtime_ns"]
    if said["size"] != stamp["size"] or (touched and said["sha256"] != sha256(path)):
        return None
    return said["counts"]


def _stamp(path: Path) -> dict[str, int]:
    stat = path.stat()
    return {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns}


def _rejected_path(name: str, out: Path) -> Path:
    return out / "rejected" / f"{name}.parquet"


def _publish(table: pa.Table, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with publishing(target) as partial:
        pq.write_table(table, partial, compression="zstd", write_page_checksum=True)
