"""Spectra into DuckDB and back: ARRAY columns in row groups of 2,048 and of the default size,
Parquet, plain copies.
"""

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from timing import Row, seconds, show

from obcat import db

N, PIXELS, BATCH = 8192, 3909, 2048
ARRAY = pa.list_(pa.float32(), PIXELS)


def spectra() -> np.ndarray:
    rng = np.random.default_rng(1)
    return (500 + 20 * rng.standard_normal((N, PIXELS), np.float32)).astype(np.float32)


def batches(flux: np.ndarray) -> Iterator[pa.RecordBatch]:
    for start in range(0, N, BATCH):
        rows = flux[start : start + BATCH]
        ids = pa.array(np.arange(start, start + len(rows)))
        yield pa.record_batch(
            [ids, pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), PIXELS)], ["id", "flux"]
        )


def reader(flux: np.ndarray) -> pa.RecordBatchReader:
    return pa.RecordBatchReader.from_batches(
        pa.schema([("id", pa.int64()), ("flux", ARRAY)]), batches(flux)
    )


def load(con: duckdb.DuckDBPyConnection, flux: np.ndarray) -> None:
    con.execute(f"CREATE OR REPLACE TABLE spectra (id BIGINT, flux FLOAT[{PIXELS}])")
    con.register("incoming", reader(flux))
    con.execute("INSERT INTO spectra SELECT * FROM incoming")
    con.unregister("incoming")
    con.execute("CHECKPOINT")


def scan(con: duckdb.DuckDBPyConnection, out: np.ndarray) -> None:
    gather(con.sql("SELECT flux FROM spectra").to_arrow_reader(BATCH), out)


def scan_parquet(path: Path, out: np.ndarray) -> None:
    gather(pq.ParquetFile(path).iter_batches(BATCH, columns=["flux"], use_threads=False), out)


def gather(incoming: Iterable[pa.RecordBatch], out: np.ndarray) -> None:
    start = 0
    for batch in incoming:
        rows = batch.column(0).flatten().to_numpy().reshape(-1, PIXELS)
        out[start : start + len(rows)] = rows
        start += len(rows)


def measure(folder: Path) -> None:
    flux = spectra()
    out = np.empty_like(flux)
    plain, parquet = folder / "flux.npy", folder / "flux.parquet"
    written, read = [Row("limit: numpy save", seconds(lambda: np.save(plain, flux)))], []
    read.append(Row("limit: memory to memory", seconds(lambda: np.copyto(out, flux))))
    read.append(Row("numpy load", seconds(lambda: np.copyto(out, np.load(plain)))))
    with db.connect(folder / "ours.duckdb", threads=1) as con:
        written.append(Row("DuckDB, row groups of 2,048 (obcat)", seconds(lambda: load(con, flux))))
        read.append(Row("DuckDB, row groups of 2,048 (obcat)", seconds(lambda: scan(con, out))))
        assert np.array_equal(out, flux)
    with duckdb.connect(str(folder / "default.duckdb"), config={"threads": 1}) as con:
        con.execute("SET enable_progress_bar = false")
        written.append(Row("DuckDB, default row groups", seconds(lambda: load(con, flux), 1)))
        read.append(Row("DuckDB, default row groups", seconds(lambda: scan(con, out))))
    written.append(Row("Parquet, zstd", seconds(lambda: write_parquet(parquet, flux))))
    read.append(Row("Parquet, zstd", seconds(lambda: scan_parquet(parquet, out))))
    show(f"Writing {N} spectra of {PIXELS} float32", written, N, "spectrum")
    show(f"Scanning {N} spectra of {PIXELS} float32 into one numpy array", read, N, "spectrum")
    for path in (folder / "ours.duckdb", folder / "default.duckdb", parquet):
        print(
            f"    size of {path.name:<16} {path.stat().st_size / flux.nbytes:5.2f} of the "
            "bytes in memory"
        )
    print()


def write_parquet(path: Path, flux: np.ndarray) -> None:
    with pq.ParquetWriter(path, reader(flux).schema, compression="zstd") as writer:
        for batch in reader(flux):
            writer.write_batch(batch)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        measure(Path(name))
