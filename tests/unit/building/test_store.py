"""The store of an ingest: every bit that changes in it is found, and one command makes it anew."""

import hashlib
import os
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from obcat import checksums
from obcat.build import inputs
from obcat.build.inputs import DamagedStore, provenance, registered
from obcat.checksums import is_whole, sealed
from obcat.ingest.errors import REASONS
from obcat.ingest.lamost import ingest, parts, spectrum
from obcat.survey import Survey
from tests.lamost_files import Fake

SURVEY = Survey(name="s", simulated=True, release="none", spectra=Path("spectra"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for fiber in range(1, 4):
        Fake(fiberid=fiber, seed=fiber).write(tmp_path / "in")
    return tmp_path / "in"


@pytest.fixture
def raw(folder: Path, tmp_path: Path) -> Path:
    ingest(folder, tmp_path / "raw", workers=1)
    return tmp_path / "raw"


def stored(raw: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(raw)): path.read_bytes() for path in raw.rglob("*") if path.is_file()
    }


def flipped(content: bytes, seed: int) -> bytes:
    """One bit is another, half of the time in the foot of the file."""
    rng = np.random.default_rng(seed)
    foot = int.from_bytes(content[-8:-4], "little") + 8
    damaged = bytearray(content)
    damaged[rng.integers(len(content) - foot if seed % 2 else 0, len(content))] ^= (
        1 << rng.integers(8)
    )
    return bytes(damaged)


@pytest.mark.parametrize("name", ["headers", "files"])
def test_a_flipped_bit_of_a_table_is_found_or_changes_no_value(name: str, raw: Path) -> None:
    path, found = raw / f"{name}.parquet", 0
    content, whole = path.read_bytes(), parts.read_table(path, f"raw.{name}")
    assert whole.num_rows == 3
    for seed in range(400):
        path.write_bytes(flipped(content, seed))
        read = parts.read_table(path, f"raw.{name}")
        assert read.equals(whole) or not read.num_rows
        found += not read.num_rows
    assert found > 200


@pytest.mark.parametrize(
    "change", ["value", "null", "name", "type", "row", "order", "text", "fact"]
)
def test_the_seal_covers_values_nulls_names_types_rows_and_facts(change: str) -> None:
    rows = {"a": [1.5, None, np.nan], "b": ["x", "", None], "c": [True, False, None]}
    table = sealed(pa.table(rows), {"version": "1"})
    assert is_whole(table)
    assert not is_whole(pa.table(rows))
    metadata = table.schema.metadata
    changed = {
        "value": lambda: table.set_column(0, "a", pa.array([1.5000000000000002, None, np.nan])),
        "null": lambda: table.set_column(0, "a", pa.array([1.5, 0.0, np.nan])),
        "name": lambda: table.rename_columns(["A", "b", "c"]),
        "type": lambda: table.set_column(0, "a", table["a"].cast(pa.float32())),
        "row": lambda: table.slice(0, 2),
        "order": lambda: table.take(pa.array([1, 0, 2])),
        "text": lambda: table.set_column(1, "b", pa.array(["", "x", None])),
        "fact": lambda: table.replace_schema_metadata({**metadata, b"version": b"2"}),
    }[change]()
    assert not is_whole(changed.replace_schema_metadata(metadata) if change != "fact" else changed)


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_a_seal_is_the_same_however_many_rows_are_a_chunk(rows: int) -> None:
    whole = pa.table({"a": [1, None, 3], "b": ["é", None, "xy"], "c": [True, None, False]})
    pieces = pa.concat_tables(whole.slice(at, rows) for at in range(0, 3, rows))
    said = sealed(pieces, {"version": "1"}).schema.metadata[checksums.SEAL]
    assert said == b"e3860805ec904f94ea212eefae34b5498ff92380e820418f39dbbec3ab63d686"


def test_tables_reach_a_build_some_rows_at_a_time_and_in_order(
    raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inputs, "ROWS", 2)
    whole = parts.read_table(raw / "headers.parquet", "raw.headers")
    with duckdb.connect() as con, registered(con, SURVEY, raw):
        assert con.sql("FROM input_headers").to_arrow_table()["specid"] == whole["specid"]
    batches = list(inputs._pieces(raw / "headers.parquet"))
    assert [batch.num_rows for batch in batches] == [2, 1]


def test_what_is_read_is_told_by_the_sha256_of_its_tables_as_arrow_writes_them(raw: Path) -> None:
    table = parts.read_table(raw / "headers.parquet", "raw.headers")
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    assert provenance(raw)["headers"] == hashlib.sha256(sink.getvalue()).hexdigest()


def test_a_part_is_known_by_every_byte(raw: Path) -> None:
    (part,) = (raw / "spectra").iterdir()
    content = part.read_bytes()
    assert parts.as_written(part)
    for seed in range(100):
        part.write_bytes(flipped(content, seed))
        assert not parts.as_written(part)
    part.write_bytes(content[:-1])
    assert not parts.as_written(part)


def read_by_a_build(raw: Path) -> None:
    with duckdb.connect() as con:
        provenance(raw)
        with registered(con, SURVEY, raw):
            pass


@pytest.mark.parametrize("kind", ["bit of a part", "bit of headers", "half of files", "no Parquet"])
def test_a_build_names_the_damaged_file_and_the_mend_which_mends_it(
    kind: str, folder: Path, raw: Path
) -> None:
    before = stored(raw)
    part = next((raw / "spectra").iterdir())
    path = {"bit of a part": part, "bit of headers": raw / "headers.parquet"}.get(
        kind, raw / "files.parquet"
    )
    content = path.read_bytes()
    middle = content.index(b"specid") if kind == "bit of headers" else len(content) // 2
    path.write_bytes(
        {"half of files": content[:middle], "no Parquet": b"?"}.get(
            kind, content[:middle] + bytes([content[middle] ^ 8]) + content[middle + 1 :]
        )
    )
    with pytest.raises(DamagedStore) as error:
        read_by_a_build(raw)
    assert str(error.value).startswith(f"{path}: damaged")
    assert "`obcat ingest --again`" in str(error.value)
    counts = ingest(folder, raw, workers=1, again=True)
    assert counts["read"] == counts["ingested"] == 3
    assert stored(raw) == before


@pytest.mark.parametrize(
    "error",
    [
        pa.ArrowMemoryError("malloc of size 47040 failed"),
        pa.ArrowException(
            "Unknown error: Failed to launch worker thread: Resource temporarily unavailable"
        ),
        OSError("Couldn't deserialize thrift: std::bad_alloc"),
    ],
)
def test_a_file_is_not_called_damaged_where_memory_is_wanting(error, raw, monkeypatch):
    def failing(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("obcat.build.inputs.pq.ParquetFile", failing)
    with pytest.raises(type(error)) as found:
        read_by_a_build(raw)
    assert found.value is error


def test_another_content_under_the_same_size_and_time_is_read_when_asked(
    folder: Path, raw: Path
) -> None:
    path = folder / Fake(fiberid=2).name
    Fake(fiberid=2, seed=2).write(folder, path.name)
    (folder / f"{path.name}.gz").unlink()
    ingest(folder, raw, workers=1)
    times = path.stat()
    Fake(fiberid=2, seed=50).write(folder, path.name)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert path.stat().st_size == times.st_size
    before = stored(raw)
    assert ingest(folder, raw, workers=1)["read"] == 0
    assert stored(raw) == before
    assert ingest(folder, raw, workers=1, again=True)["read"] == 3
    headers = pq.read_table(raw / "headers.parquet").to_pylist()
    assert (
        headers[1]["snr_g_computed"]
        != pq.read_table(pa.BufferReader(before["headers.parquet"]))["snr_g_computed"][1].as_py()
    )


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("a\nb"), RecursionError("deep"), AssertionError(), OverflowError(3)]
)
def test_an_error_nobody_thought_of_puts_one_file_aside_with_its_cause(
    error: Exception, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def strange(stored: bytes, name: str) -> object:
        if "-002" in name:
            raise error
        return plain(stored, name)

    plain = spectrum._parse
    monkeypatch.setattr(spectrum, "_parse", strange)
    counts = ingest(folder, tmp_path / "out", workers=1)
    assert (counts["ingested"], counts["unreadable"]) == (2, 1)
    row = pq.read_table(tmp_path / "out" / "files.parquet").to_pylist()[1]
    assert row["reason"] in REASONS
    assert row["detail"].startswith(type(error).__name__)
    assert "(test_store.py:" in row["detail"]
    assert "\n" not in row["detail"]
