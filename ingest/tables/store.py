"""The Parquet files of ingested tables: written whole or not at all, with their provenance in the metadata."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from obcat.files import publishing
from obcat.ingest.tables.read import sha256
from obcat.schema import arrow_schema

__all__ = [
    "READER",
    "REJECTED",
    "Provenance",
    "counts_if_unchanged",
    "merge_rejected",
    "provenance",
    "write",
    "write_empty",
]

READER = "2"  # raise when the same input would give another table
KEY = b"obcat.provenance"
REJECTED = arrow_schema("raw.rejected_rows")


class Provenance(NamedTuple):
    """Where a table comes from: its file, the survey's mapping, the file's column for each of ours, the counts, what
    else there is to say."""

    path: Path
    columns: dict[str, str]
    mapping: dict[str, str]
    counts: dict[str, int]
    report: dict[str, Any]


def provenance(parquet: Path) -> dict:
    """What an ingested table says of its origin: file, size, mtime_ns, sha256, reader, columns, mapping, counts.

    Empty for a table that stands for an input the survey does not have, or that is not there.
    """
    if not parquet.is_file():
        return {}
    return json.loads((pq.read_schema(parquet).metadata or {}).get(KEY, b"{}"))


def write(name: str, table: pa.Table, rejected: pa.Table, origin: Provenance, out: Path) -> None:
    """The rejected rows first, the table last: where it is, both are whole."""
    said = {
        "file": origin.path.name,
        "sha256": sha256(origin.path),
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
    """An empty table for an input the survey does not have; what an earlier survey file left is replaced."""
    if provenance(out / f"{name}.parquet") or not (out / f"{name}.parquet").is_file():
        _publish(arrow_schema(f"raw.{name}").empty_table(), out / f"{name}.parquet")
    _rejected_path(name, out).unlink(missing_ok=True)


def merge_rejected(names: Sequence[str], out: Path) -> None:
    """``out/rejected_rows.parquet``: the rejected rows of all sources, in the order of ``names``."""
    paths = [_rejected_path(n, out) for n in names]
    tables = [pq.ParquetFile(p).read().cast(REJECTED) for p in paths if p.is_file()]
    merged = pa.concat_tables([REJECTED.empty_table(), *tables])
    target = out / "rejected_rows.parquet"
    if not target.is_file() or not pq.ParquetFile(target).read().equals(merged):
        _publish(merged, target)


def counts_if_unchanged(
    name: str, path: Path, columns: Mapping[str, str], out: Path
) -> dict[str, int] | None:
    """The counts of the last time, if file, mapping, reader and declared columns are the same; else None."""
    target = out / f"{name}.parquet"
    said = provenance(target)
    if not said or not path.is_file() or not _rejected_path(name, out).is_file():
        return None
    same = (said["file"], said["reader"], said["columns"]) == (path.name, READER, dict(columns))
    if not same or not pq.read_schema(target).equals(arrow_schema(f"raw.{name}")):
        return None
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
