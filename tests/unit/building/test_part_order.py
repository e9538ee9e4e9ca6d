"""Spectra come in the order of specid from parts in any order, in bounded memory,
and never through a sort.
"""

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from obcat import db
from obcat.build import inputs
from obcat.build.inputs import _named, heaps, ordered_spectra
from obcat.ingest.lamost import parts
from obcat.kernels.grid import N_PIXEL
from obcat.schema import arrow_schema

SCHEMA = arrow_schema("raw.spectra")
SIZE, LIMIT = 8192, "240MB"
SORTING = """INSERT INTO raw.spectra BY NAME
SELECT s.specid, h.z, s.flux, s.ivar
FROM input_spectra AS s
INNER JOIN input_headers AS h USING (specid)
ORDER BY s.specid"""


def write(folder, numbers, version="a"):
    """A part: the pixels of a spectrum are its number, its inverse variance that plus a half."""
    ids, shas = [f"{n:06}" for n in numbers], [f"{version}{n}" for n in numbers]
    flux = np.repeat(np.asarray(numbers, np.float32)[:, None], N_PIXEL, axis=1)
    parts.write_part(folder, ids, shas, flux, flux + np.float32(0.5))


def headers(numbers, version="a"):
    z = [None if n % 7 == 0 else n / 1000 for n in numbers]
    ids, shas = [f"{n:06}" for n in numbers], [f"{version}{n}" for n in numbers]
    texts = {"specid": pa.array(ids, pa.string()), "sha256": pa.array(shas, pa.string())}
    return pa.table(texts | {"z": pa.array(z, pa.float64())})


def read(folder, known):
    """Order, z and pixels as the stream gives them; every pixel must be that of its spectrum."""
    table = ordered_spectra(sorted(folder.glob("*.parquet")), known, SCHEMA, folder).read_all()
    assert table.schema.equals(SCHEMA)
    numbers = np.array([int(x) for x in table["specid"].to_pylist()])
    for name, more in (("flux", 0), ("ivar", 0.5)):
        for chunk, start in zip(
            table[name].chunks, np.cumsum([0, *map(len, table[name].chunks)]), strict=False
        ):
            pixels = chunk.flatten().to_numpy().reshape(-1, N_PIXEL)
            assert (pixels == (numbers[start : start + len(chunk)] + more)[:, None]).all()
    assert table["z"].to_pylist() == [None if n % 7 == 0 else n / 1000 for n in numbers]
    return numbers.tolist()


@pytest.mark.parametrize("merged", [4096, 0])
def test_parts_in_any_order_come_by_specid(tmp_path, monkeypatch, merged):
    """Apart, within each other, interleaved, each in an order of its own;
    in memory and through a file.
    """
    monkeypatch.setattr(inputs, "MERGED", merged)
    monkeypatch.setattr(inputs, "BATCH", 16)
    rng = np.random.default_rng(3)
    write(tmp_path, rng.permutation(np.arange(900, 950)))
    write(tmp_path, rng.permutation(np.arange(0, 60)))
    write(tmp_path, rng.permutation(np.arange(100, 200, 2)))
    write(tmp_path, rng.permutation(np.arange(101, 180, 2)))
    write(tmp_path, [150_000, 61, 103_000])
    every = [
        *range(60),
        61,
        *range(100, 180),
        *range(180, 200, 2),
        *range(900, 950),
        103_000,
        150_000,
    ]
    assert read(tmp_path, headers(rng.permutation(every))) == every
    assert not list(tmp_path.glob("tmp*"))


def test_spectra_that_no_header_names_stay_out(tmp_path):
    write(tmp_path, [3, 1, 2])
    write(tmp_path, [2, 5], version="b")
    known = pa.concat_tables([headers([1, 3]), headers([2], version="b")])
    assert read(tmp_path, known) == [1, 2, 3]
    assert read(tmp_path, headers([])) == []


def test_heaps_are_parts_that_overlap(tmp_path):
    for numbers in ([10, 19], [12, 40], [30, 35], [41, 50], [51], [51, 60]):
        write(tmp_path, numbers, version=f"v{numbers[0]}{len(numbers)}")
    shas = [
        (n, f"v{p[0]}{len(p)}")
        for p in ([10, 19], [12, 40], [30, 35], [41, 50], [51], [51, 60])
        for n in p
    ]
    known = pa.concat_tables([headers([n], version=v) for n, v in shas])
    found = heaps(_named(tmp_path.glob("*.parquet"), known))
    assert [[(int(p.first), int(p.last)) for p in heap] for heap in found] == [
        [(10, 19), (12, 40), (30, 35)],
        [(41, 50)],
        [(51, 51), (51, 60)],
    ]


@pytest.mark.parametrize("at", [0.2, 0.5, 1])
def test_a_damaged_part_is_named(tmp_path, at):
    write(tmp_path, range(5))
    (path,) = tmp_path.glob("*.parquet")
    content = bytearray(path.read_bytes())
    content[round(at * (len(content) - 1))] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(
        db.StepFailed, match=r"part-[\w-]+\.parquet: damaged .*`obcat ingest --again`"
    ):
        ordered_spectra([path], headers(range(5)), SCHEMA, tmp_path).read_all()


@pytest.mark.parametrize("scattered", [False, True])
def test_loading_needs_less_memory_than_the_spectra(tmp_path, scattered):
    """8,192 spectra are 256 MB; a sort of them fails under the limit that the stream keeps to."""
    numbers = np.random.default_rng(5).permutation(SIZE) if scattered else np.arange(SIZE)
    for start in range(0, SIZE, 512):
        write(tmp_path, numbers[start : start + 512])
    paths, known = sorted(tmp_path.glob("*.parquet")), headers(range(SIZE))
    with db.connect(tmp_path / "x.duckdb", threads=2, memory_limit=LIMIT) as con:
        db.create_tables(con)
        con.register("input_spectra", ordered_spectra(paths, known, SCHEMA, tmp_path))
        (file,) = [f for f in db.sql_files("10_raw") if f.relation == "raw.spectra"]
        db.run(con, file)
        con.execute("SET threads = 1")
        found = con.execute("SELECT specid, flux[1], ivar[3909] FROM raw.spectra").fetchall()
        assert found == [(f"{n:06}", n, n + 0.5) for n in range(SIZE)]
        con.execute("TRUNCATE raw.spectra")
        con.register("input_spectra", ordered_spectra(paths, known, SCHEMA, tmp_path))
        con.register("input_headers", known.select(["specid", "z"]))
        with pytest.raises(duckdb.OutOfMemoryException):
            con.execute(SORTING.replace("h.z", "s.z"))
