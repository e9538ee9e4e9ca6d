"""The Parquet files of build/<survey>/raw as relations ``input_<table>``, empty where a survey has no such input."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from obcat import checksums
from obcat.build.part_order import ordered_spectra
from obcat.data import REFERENCE
from obcat.db import StepFailed
from obcat.ingest.lamost import parts as written
from obcat.schema import arrow_schema, read_tables
from obcat.survey import Survey

__all__ = ["DamagedStore", "content_hash", "provenance", "registered"]

SHA256 = pa.field("sha256", pa.string())


class DamagedStore(StepFailed):
    """A file that `obcat ingest` wrote is not as it was written; names it and the remedy."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path}: damaged since it was written; `obcat ingest --again` with the survey makes it anew"
        )


@contextmanager
def registered(con: duckdb.DuckDBPyConnection, survey: Survey, raw: Path) -> Iterator[None]:
    """Register every input. File names go to pyarrow, never to DuckDB, which would read them as globs."""
    relations = {
        "survey": _survey(survey),
        **_reference(),
        **{name: _raw(raw, name) for name in _raw_names()},
    }
    for name, relation in relations.items():
        con.register(f"input_{name}", relation)
    yield
    for name in relations:
        con.unregister(f"input_{name}")


def _raw_names() -> list[str]:
    return [name.partition(".")[2] for name in read_tables() if name.startswith("raw.")]


def _raw(raw: Path, name: str) -> pa.Table | pa.RecordBatchReader:
    schema = arrow_schema(f"raw.{name}")
    if name == "spectra":
        parts = sorted((raw / "spectra").glob("*.parquet"))
        for part in parts:
            if not written.as_written(part):
                raise DamagedStore(part)
        return ordered_spectra(parts, _raw(raw, "headers"), schema, raw.parent)
    path = raw / f"{name}.parquet"
    return _table(path).replace_schema_metadata() if path.is_file() else schema.empty_table()


def _table(path: Path) -> pa.Table:
    """A small table; its name is never read as a pattern."""
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            table = file.read()
    except (OSError, ValueError, pa.ArrowException) as error:
        raise DamagedStore(path) from error
    if checksums.SEAL in (table.schema.metadata or {}) and not checksums.is_whole(table):
        raise DamagedStore(path)
    return table


def _reference() -> dict[str, pa.Table]:
    return {
        "bolometric_corrections": _table(REFERENCE / "bolometric_corrections.parquet"),
        "extinction_coefficients": pacsv.read_csv(REFERENCE / "extinction_coefficients.csv"),
        "parallax_zero_point": _zero_point_coefficients(),
    }


def _zero_point_coefficients() -> pa.Table:
    """Tables 9 and 10 of Lindegren et al. 2021 from the package gaiadr3-zeropoint, one row per coefficient."""
    package = find_spec("zero_point")
    folders = package.submodule_search_locations if package else None
    assert folders, "gaiadr3-zeropoint is among the requirements"
    folder = Path(folders[0]) / "coefficients"
    rows = []
    for solution in (5, 6):
        lines = (folder / f"z{solution}_200720.txt").read_text(encoding="utf-8").split("\n")
        j, k, *table = [[float(x) for x in line.split(",")] for line in lines if line.strip()]
        rows += [
            {"solution": solution, "j": int(a), "k": int(b), "g": line[0], "q": q}
            for line in table
            for a, b, q in zip(j[1:], k[1:], line[1:], strict=True)
        ]
    return pa.Table.from_pylist(rows, schema=arrow_schema("reference.parallax_zero_point"))


def _survey(survey: Survey) -> pa.Table:
    row = {
        "name": survey.name,
        "simulated": int(survey.simulated),
        "release": survey.release,
        "models_from": str(survey.models_from.name) if survey.models_from else None,
    }
    return pa.Table.from_pylist([row], schema=arrow_schema("meta.survey"))


def content_hash(hashes: Mapping[str, str]) -> str:
    """One SHA-256 of the hashes that `provenance` gives."""
    return hashlib.sha256(repr(sorted(hashes.items())).encode()).hexdigest()


def provenance(raw: Path) -> dict[str, str]:
    """Input table -> SHA-256 of its content, for all that a build registers.

    Times at which files were written do not enter. Spectra stand in ``files``, each with the
    SHA-256 of its file.
    """
    tables = {path.stem: _table(path) for path in sorted(raw.glob("*.parquet"))}
    tables["files"] = tables["files"].drop_columns(["mtime_ns"])
    tables |= {f"reference {name}": table for name, table in _reference().items()}
    return {name: _table_hash(table.replace_schema_metadata()) for name, table in tables.items()}


def _table_hash(table: pa.Table) -> str:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return hashlib.sha256(sink.getvalue()).hexdigest()
