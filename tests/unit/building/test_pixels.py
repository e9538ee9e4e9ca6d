"""Pixels that a partition keeps in plain files, not in its database."""

from pathlib import Path

import pyarrow as pa
import pytest

from obcat import db
from obcat.build import inputs, run


@pytest.fixture
def con(tmp_path):
    with db.connect(tmp_path / "obcat.duckdb") as con:
        con.execute("CREATE SCHEMA raw")
        con.execute(
            "CREATE TABLE raw.spectra (specid VARCHAR, z FLOAT, flux FLOAT[], ivar FLOAT[])"
        )
        yield con


@pytest.fixture
def file(tmp_path):
    folder = tmp_path / "10_raw"
    folder.mkdir()
    ones = "list_transform(range(3909), lambda x: (x + i)::FLOAT)::FLOAT[3909]"
    (folder / "60_spectra.sql").write_text(
        "INSERT INTO raw.spectra BY NAME\n"
        f"SELECT i::VARCHAR AS specid, i::FLOAT AS z, {ones} AS flux, {ones} AS ivar\n"
        "FROM range(3000) AS _(i) ORDER BY i\n"
    )
    return db.SqlFile(folder / "60_spectra.sql")


def reaches(column: pa.ChunkedArray) -> list[tuple[int, int]]:
    """From where to where buffers lie."""
    buffers = [b for chunk in column.chunks for b in chunk.buffers() if b is not None]
    return [(b.address, b.address + b.size) for b in buffers]


def test_rows_are_those_of_the_step(con, file, tmp_path):
    found = run._write_pixels(con, file, tmp_path / "pixels")
    flux, ivar = found.read(slice(1000, 1002))
    assert flux[:, 0].tolist() == [1000, 1001]
    assert ivar[1, -1] == 1001 + 3908
    assert found.names["specid"].to_pylist() == [str(i) for i in range(3000)]


def test_pixels_of_the_input_of_a_partition_stay_where_they_are(con, file, tmp_path):
    """Either way the table has all columns but them."""
    names = pa.table({"specid": ["a", "b"], "z": pa.array([1, 2], pa.float32())})
    told = "SELECT specid, z, flux FROM raw.spectra ORDER BY z LIMIT 2"
    for cut, wanted in (
        (inputs.Pixels(names, lambda _: []), [("a", 1, None), ("b", 2, None)]),
        (None, [("0", 0, None), ("1", 1, None)]),
    ):
        run._beside(tmp_path / "pixels", cut)(con, file, tmp_path, None, {}, str)
        assert con.execute(told).fetchall() == wanted
        assert (tmp_path / "pixels").is_dir() == (cut is None)
        con.execute("DELETE FROM raw.spectra")


def test_what_is_kept_of_rows_holds_no_pixels(con, file, tmp_path, monkeypatch):
    """A column of a batch of DuckDB's is released with the whole batch: a partition held all the
    spectra that it had put into files.
    """
    seen = []
    written = inputs.append_pixels

    def kept(rows: pa.RecordBatch, folder: Path) -> None:
        seen.append(rows)
        written(rows, folder)

    monkeypatch.setattr(inputs, "append_pixels", kept)
    found = run._write_pixels(con, file, tmp_path / "pixels")
    assert sum(batch.num_rows for batch in seen) == found.names.num_rows == 3000
    theirs = [
        reach
        for batch in seen
        for name in ("specid", "z")
        for reach in reaches(pa.chunked_array([batch[name]]))
    ]
    own = [reach for name in ("specid", "z") for reach in reaches(found.names[name])]
    assert own
    assert not [1 for a, b in own for c, d in theirs if a < d and c < b]
