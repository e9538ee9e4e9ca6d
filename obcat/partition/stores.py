"""What partitions read, written as `obcat ingest` writes: headers, spectra, rows of the tables."""

import shutil
from contextlib import ExitStack
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from obcat.build.inputs import DamagedStore
from obcat.files import publishing_folder
from obcat.ingest.lamost import parts
from obcat.kernels.grid import N_PIXEL
from obcat.partition.layout import KIND, PILOT, home_of
from obcat.schema import arrow_schema
from obcat.survey import TABLES, TRAINING

__all__ = ["write_stores"]

BY_ROW = ("twomass", "xstps", "ps1", "apass", "labels")  # a source is a row of the table
GAIA = ("gaia_dr2", "gaia_dr3")
PART = 512  # spectra, 16 MB
HELD = 16_384  # spectra that wait to be written, 512 MB
SPECTRA = "SELECT specid FROM spectra WHERE partition = $partition"


def write_stores(con: duckdb.DuckDBPyConnection, folder: Path, names: list[str], mark: str) -> None:
    """Write ``partitions/NAME/raw`` of each name; one appears whole or not at all.

    ``con`` has the tables spectra (partition, specid), sources (partition, catalog, source) and
    readers. Raises DamagedStore where a part of ``folder/raw`` is not as it was written.
    """
    with ExitStack() as stack:
        places = {
            name: stack.enter_context(
                publishing_folder(home_of(folder, name) / "raw", KIND, facts={"plan": mark})
            )
            for name in names
        }
        headers = {name: _write_narrow(con, folder / "raw", name, places[name]) for name in names}
        _write_spectra(folder / "raw", list(places.values()), list(headers.values()))
        training = folder / "raw" / TRAINING
        if PILOT in places and training.is_dir():
            shutil.copytree(training, places[PILOT] / TRAINING)


def _write_narrow(con: duckdb.DuckDBPyConnection, raw: Path, name: str, place: Path) -> np.ndarray:
    """Headers, files and tables of a partition; the SHA-256 of its spectra."""
    specids = con.sql(SPECTRA, params={"partition": name}).to_arrow_table()["specid"]
    headers = _of(parts.read_table(raw / "headers.parquet", "raw.headers"), specids)
    files = _of(parts.read_table(raw / "files.parquet", "raw.files"), specids)
    read = files.filter(pc.not_equal(files["status"], "quarantined"))
    parts.write_table(headers, place / "headers.parquet")
    parts.write_table(read, place / "files.parquet")
    for table in TABLES:
        _write(con, f"FROM raw.{table} WHERE {_chosen(table, name)}", table, name, place)
    limits = "SELECT star_id, max(colour_limit) AS colour_limit FROM sample.gaia_colours"
    of_readers = "star_id IN (SELECT star_id FROM readers WHERE partition = $partition)"
    known = f"{of_readers} AND colour_limit IS NOT NULL GROUP BY star_id ORDER BY star_id"
    _write(con, f"{limits} WHERE {known}", "colour_limits", name, place)
    return headers["sha256"].to_numpy(zero_copy_only=False).astype("S64")


def _of(table: pa.Table, specids: pa.ChunkedArray) -> pa.Table:
    return table.filter(pc.is_in(table["specid"], specids.combine_chunks()))


def _chosen(table: str, name: str) -> str:
    """Which rows of a table a partition reads; lists of a few rows are everybody's."""
    rows = "SELECT source FROM sources WHERE partition = $partition AND catalog = "
    if table in GAIA:
        return f"source_id IN ({rows} 'gaia') ORDER BY rowid"
    if table in BY_ROW:
        return f"rowid IN ({rows} '{table}') ORDER BY rowid"
    if table == TRAINING and name != PILOT:
        return "$partition IS NULL"
    return "$partition IS NOT NULL ORDER BY rowid"


def _write(con: duckdb.DuckDBPyConnection, query: str, table: str, name: str, place: Path) -> None:
    rows = con.sql(query, params={"partition": name}).to_arrow_table()
    pq.write_table(
        rows.cast(arrow_schema(f"raw.{table}")), place / f"{table}.parquet", compression="zstd"
    )


def _write_spectra(raw: Path, places: list[Path], shas: list[np.ndarray]) -> None:
    """Each spectrum to every partition that reads it, in one pass over the parts."""
    known = np.concatenate(shas)
    owner = np.repeat(np.arange(len(shas)), [len(s) for s in shas])
    order = np.argsort(known, kind="stable")
    known, owner = known[order], owner[order]
    waiting: list[list[pa.Table]] = [[] for _ in places]
    for path in sorted((raw / "spectra").glob("part-*.parquet")):
        if not parts.as_written(path):
            raise DamagedStore(path)
        table = pq.read_table(path, use_threads=False)
        for i, rows in _rows_of(table, known, owner):
            waiting[i].append(table.take(pa.array(rows)))
            _flush(places[i], waiting[i], PART)
        if sum(map(_held, waiting)) > HELD:
            for place, tables in zip(places, waiting, strict=True):
                _flush(place, tables, 1)
    for place, tables in zip(places, waiting, strict=True):
        (place / "spectra").mkdir(exist_ok=True)
        _flush(place, tables, 1)


def _rows_of(table: pa.Table, known: np.ndarray, owner: np.ndarray) -> list[tuple[int, np.ndarray]]:
    """Partition, and the rows of a part that it reads."""
    shas = table["sha256"].to_numpy().astype("S64")
    first, last = (np.searchsorted(known, shas, side) for side in ("left", "right"))
    rows = np.repeat(np.arange(len(shas)), last - first)
    found = np.concatenate([owner[a:b] for a, b in zip(first, last, strict=True)])
    return [(int(i), rows[found == i]) for i in np.unique(found)]


def _held(tables: list[pa.Table]) -> int:
    return sum(table.num_rows for table in tables)


def _flush(place: Path, tables: list[pa.Table], least: int) -> None:
    """Write the spectra that wait, where there are enough of them, as one part."""
    if _held(tables) < max(least, 1):
        return
    table = pa.concat_tables(tables).combine_chunks()
    flux, ivar = (
        table[name].combine_chunks().flatten().to_numpy().reshape(-1, N_PIXEL)
        for name in ("flux", "ivar")
    )
    (place / "spectra").mkdir(exist_ok=True)
    parts.write_part(
        place / "spectra", table["specid"].to_pylist(), table["sha256"].to_pylist(), flux, ivar
    )
    tables.clear()
