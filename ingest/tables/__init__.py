"""Tables of a survey to Parquet: exactly the declared columns, provenance in the file,
rejected rows beside it.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from obcat.ingest.errors import IngestError
from obcat.ingest.source import Source
from obcat.ingest.sources import SOURCES
from obcat.ingest.tables import store
from obcat.ingest.tables.names import alike, resolve
from obcat.ingest.tables.read import read_table
from obcat.ingest.tables.store import ROW
from obcat.schema import nearest

__all__ = ["ingest", "ingest_all"]

TOO_MANY = 0.5  # share of rejected rows from which the columns are wrong, not the rows


def ingest_all(
    tables: Mapping[str, tuple[Path, Mapping[str, str]]], out: Path
) -> dict[str, dict[str, int]]:
    """Ingest every table a survey names, name -> (file, columns); a source it does not name becomes
    an empty table.

    Writes ``out/<name>.parquet`` for every source and ``out/rejected_rows.parquet``. Returns the
    counts by source.
    """
    for name in tables:
        _source(name)
    counts = {}
    for name in SOURCES:
        if name in tables:
            path, columns = tables[name]
            counts[name] = ingest(name, path, out, columns=columns)
        else:
            store.write_empty(name, out)
    store.merge_rejected(list(SOURCES), out)
    return counts


def ingest(
    source_name: str, path: Path, out: Path, *, columns: Mapping[str, str]
) -> dict[str, int]:
    """Read one table and write ``out/<source_name>.parquet`` and
    ``out/rejected/<source_name>.parquet``.

    ``columns`` is the survey's mapping, ours -> "theirs" or "theirs [unit]". Unchanged input (size
    and modification time, or else sha256, and mapping) is not read again. Returns counts: rows_read
    = rows + rejected + merged + passed_over; text_changed; unchanged (1 if nothing was done).
    Raises IngestError, one line.
    """
    source = _source(source_name)
    known = store.counts_if_unchanged(source_name, path, columns, out)
    if known is not None:
        return {**known, "unchanged": 1}
    from obcat.ingest.tables.columns import (
        declared,
    )  # brings astropy's units, which unchanged input does not need

    given = read_table(path)
    matches = resolve(source, given.table.column_names, columns, path.name)
    made = declared(given, source, matches, path.name)
    table, counts, rejected = _good_rows(made.table, given.table, source, path.name)
    counts |= {"text_changed": made.text_changed}
    mapping = {ours: match.theirs for ours, match in matches.items()}
    report = {
        "computed": made.computed,
        "missing": [
            c.column
            for c in source.columns
            if c.column not in mapping.keys() | made.computed.keys()
        ],
        "alike": alike(source, matches, given.table.column_names),
        "unknown": {c: n for c in mapping if (n := _unknown(table[c], source, c))[0]},
        "rejected": dict(sorted(Counter(rejected["reason"].to_pylist()).items())),
    }
    store.write(
        source_name,
        table,
        rejected,
        store.Provenance(path, dict(columns), mapping, counts, report),
        out,
    )
    return {**counts, "unchanged": 0}


def _source(name: str) -> Source:
    if name not in SOURCES:
        raise IngestError(f"tables.{name}: no such table{nearest(name, SOURCES)}")
    return SOURCES[name]


def _unknown(values: pa.ChunkedArray, source: Source, name: str) -> tuple[int, int]:
    """How many values are NULL or a number that says so; how many of them are such a number."""
    hidden, numbers = ~store.given(values), 0
    if pa.types.is_floating(values.type):
        column = next(c for c in source.columns if c.column == name)
        said = store.is_sentinel(values.to_numpy(), column)
        hidden, numbers = hidden | said, int(np.sum(said))
    return int(np.sum(hidden)), numbers


def _good_rows(
    table: pa.Table, given: pa.Table, source: Source, file: str
) -> tuple[pa.Table, dict[str, int], pa.Table]:
    """The table without the rows that are rejected, double or another table's; the counts;
    the rejected rows.
    """
    read = table.num_rows
    ours = _own_rows(table, source)
    why = store.reasons(ours, source)
    rejected = _rejected(ours, why, source)
    _check_share(rejected, ours.num_rows, file)
    good = ours.filter(pa.array(why == ""))
    if complaint := source.complaint(good, given):
        raise IngestError(f"{file}: {complaint}")
    kept = store.merged(good)
    for key in source.keys:
        store.agree(kept, key, file)
    counts = {
        "rows_read": read,
        "rows": kept.num_rows,
        "rejected": rejected.num_rows,
        "merged": good.num_rows - kept.num_rows,
        "passed_over": read - ours.num_rows,
    }
    return kept.drop_columns([ROW]), counts, rejected


def _own_rows(table: pa.Table, source: Source) -> pa.Table:
    if not source.optional_row:
        return table
    return table.filter(
        pa.array(np.any([store.given(table[c]) for c in source.optional_row], axis=0))
    )


def _rejected(table: pa.Table, why: np.ndarray, source: Source) -> pa.Table:
    bad = table.filter(pa.array(why != ""))
    shown = [c.column for c in source.columns if c.column in ("ra", "dec")] or [
        c.column for c in source.columns
    ]
    detail = [
        ", ".join(f"{c} {v}" for c, v in row.items()) for row in bad.select(shown).to_pylist()
    ]
    columns = [[source.name] * bad.num_rows, bad[ROW].to_pylist(), why[why != ""].tolist(), detail]
    return pa.table(columns, schema=store.REJECTED)


def _check_share(rejected: pa.Table, n: int, file: str) -> None:
    if n >= store.ENOUGH_VALUES and rejected.num_rows > TOO_MANY * n:
        first = rejected.slice(0, 1).to_pylist()[0]
        raise IngestError(
            f"{file}: {rejected.num_rows} of {n} rows are unusable (row {first['row']}: "
            f"{first['reason']}, "
            f"{first['detail']}); are the columns the right ones, ra and dec in degrees and "
            "not swapped?"
        )
