"""Cut a survey that was ingested into partitions of the sky: pixels that hold as many spectra each
as one machine builds at a time, each with all that its stars need, written as `obcat ingest`
writes.
"""

import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from obcat import db
from obcat.build.inputs import NAMES, DamagedStore, append_pixels, registered
from obcat.build.run import Say, override, read_inputs
from obcat.files import clear_left, publishing_folder, working
from obcat.ingest.lamost import parts
from obcat.kernels.grid import DEEPEST, sky_pixel
from obcat.machine import LEAST, chosen, give_back, locked
from obcat.partition import (
    KIND,
    PILOT,
    PLAN,
    Plan,
    enough,
    home_of,
    is_made,
    mark_of,
    plan_mark,
    read_plan,
)
from obcat.schema import SQL, arrow_schema
from obcat.survey import TABLES, TRAINING, Survey

__all__ = [
    "Known",
    "assigned",
    "cut",
    "is_ready",
    "joined",
    "narrow_database",
    "pixels",
    "write_plan",
    "write_stores",
]

# table: its key, and the catalog of ``sources`` that the key is of; a source may be a row
KEYS = dict.fromkeys(("gaia_dr2", "gaia_dr3"), ("source_id", "gaia"))
KEYS |= {name: ("rowid", name) for name in ("twomass", "xstps", "ps1", "apass", "labels")}
OF_PIXELS = pa.schema([("specid", pa.string()), ("sha256", pa.string())])
Known = dict[Path, tuple[np.ndarray, np.ndarray]]  # a part: `_heads`; where its row groups start
PART = 512  # spectra, 16 MB
HELD = 8192  # spectra that wait to be written, 256 MB
WRITING, OWNED = LEAST[0] + LEAST[1] // 2, 50  # bytes of the engine meanwhile; for each spectrum
ROWS = 8192  # of a narrow table, read at a time
LIMITS = "SELECT star_id, max(colour_limit) AS colour_limit FROM sample.gaia_colours"
# of a table: its rows, by which keys a partition has some of them, and in which order
CHOSEN = {
    "headers": ("raw.headers", "spectra", "t.specid = k.specid", "t.specid"),
    "files": (
        "raw.files", "spectra", "t.specid = k.specid AND t.status <> 'quarantined'", "t.path",
    ),
    "colour_limits": (
        f"({LIMITS} WHERE colour_limit IS NOT NULL GROUP BY star_id)", "readers",
        "t.star_id = k.star_id", "t.star_id",
    ),
    **{
        name: (f"raw.{name}", "sources", f"t.{key} = k.source AND k.catalog = '{of}'", "t.rowid")
        for name, (key, of) in KEYS.items()
    },
}  # fmt: skip


def write_stores(
    con: duckdb.DuckDBPyConnection, folder: Path, names: list[str], mark: str, known: Known
) -> None:
    """Write ``partitions/NAME/raw`` of each name; one appears whole or not at all.

    ``con`` has the tables spectra (partition, specid), sources (partition, catalog, source) and
    readers. Raises DamagedStore where a part of ``folder/raw`` is not as it was written; those of
    ``known`` are, to which the others are added.
    """
    with ExitStack() as stack:
        places = {
            name: stack.enter_context(
                publishing_folder(home_of(folder, name) / "raw", KIND, facts={"plan": mark})
            )
            for name in names
        }
        shas = _write_narrow(con, places)
        _write_spectra(folder / "raw", list(places.values()), shas, known)
        training = folder / "raw" / TRAINING
        if PILOT in places and training.is_dir():
            shutil.copytree(training, places[PILOT] / TRAINING)


def _write_narrow(con: duckdb.DuckDBPyConnection, places: dict[str, Path]) -> list[np.ndarray]:
    """Headers, files and tables of partitions, each table in one pass however many they are; the
    SHA-256 of the spectra of each.
    """
    given = {"number": list(range(len(places))), "partition": list(places)}
    con.register("given_places", pa.table(given))
    shas = []
    for place, rows in _of_each(con, "headers", places):
        parts.write_table(rows, place / "headers.parquet")
        shas.append(rows["sha256"].to_numpy(zero_copy_only=False).astype("S64"))
    for place, rows in _of_each(con, "files", places):
        parts.write_table(rows, place / "files.parquet")
    for table in (*TABLES, "colour_limits"):
        each = _of_each if table in CHOSEN else _of_all
        for place, rows in each(con, table, places):
            pq.write_table(rows, place / f"{table}.parquet", compression="zstd")
    con.unregister("given_places")
    return shas


def _of_each(
    con: duckdb.DuckDBPyConnection, table: str, places: dict[str, Path]
) -> Iterator[tuple[Path, pa.Table]]:
    """The place of each partition, and the rows of a table that it reads."""
    source, keys, on, order = CHOSEN[table]
    reader = con.sql(
        f"SELECT k.number, t.* FROM {source} AS t INNER JOIN (FROM {keys} INNER JOIN given_places "
        f"USING (partition)) AS k ON {on} ORDER BY k.number, {order}"
    ).to_arrow_reader(ROWS)
    narrow, schema = reader.schema.remove(0), arrow_schema(f"raw.{table}")
    left, at = iter(places.values()), 0
    waiting: list[pa.RecordBatch] = []
    for batch in reader:
        number, rows, start = batch["number"].to_numpy(), batch.drop_columns(["number"]), 0
        for whole in range(at, number[-1]):
            end = int(np.searchsorted(number, whole, "right"))
            waiting.append(rows.slice(start, end - start))
            yield next(left), pa.Table.from_batches(waiting, narrow).cast(schema)
            waiting, start = [], end
        at = int(number[-1])
        waiting.append(rows.slice(start))
    for place in left:
        yield place, pa.Table.from_batches(waiting, narrow).cast(schema)
        waiting = []


def _of_all(
    con: duckdb.DuckDBPyConnection, table: str, places: dict[str, Path]
) -> Iterator[tuple[Path, pa.Table]]:
    """Lists of a few rows are everybody's, spectra to train on the pilot's."""
    rows = con.sql(f"FROM raw.{table} ORDER BY rowid").to_arrow_table()
    rows = rows.cast(arrow_schema(f"raw.{table}"))
    for name, place in places.items():
        yield place, rows.slice(0, 0) if table == TRAINING and name != PILOT else rows


def _write_spectra(raw: Path, places: list[Path], shas: list[np.ndarray], known: Known) -> None:
    """Each spectrum to every partition that reads it, in one pass over the parts; of what none of
    them reads only the names are looked at, once.
    """
    wanted = np.concatenate(shas)
    owner = np.repeat(np.arange(len(shas)), [len(s) for s in shas])
    order = np.argsort(wanted, kind="stable")
    wanted, owner = wanted[order], owner[order]
    heads = _sorted_heads(wanted)
    waiting: list[list[pa.Table]] = [[] for _ in places]
    names = [[OF_PIXELS.empty_table()] for _ in places]
    for place in places:
        (place / "spectra").mkdir()
    for path in sorted((raw / "spectra").glob("part-*.parquet")):
        if path not in known and not parts.as_written(path):
            raise DamagedStore(path)
        for table in _tables(path, heads, known):
            for i, rows in _rows_of(table, wanted, owner):
                waiting[i].append(table.take(pa.array(rows)))
                names[i].append(waiting[i][-1].select(OF_PIXELS.names).cast(OF_PIXELS))
                _flush(places[i], waiting[i], PART)
            if sum(map(_held, waiting)) > HELD:
                for place, tables in zip(places, waiting, strict=True):
                    _flush(place, tables, 1)
    for place, tables, found in zip(places, waiting, names, strict=True):
        _flush(place, tables, 1)
        pq.write_table(pa.concat_tables(found), place / "spectra" / NAMES)


def _heads(shas: np.ndarray) -> np.ndarray:
    """The first eight digits of each SHA-256, (n,) S64, as a number: two may share one."""
    return shas.astype("S8").view(np.uint64)


def _sorted_heads(shas: np.ndarray) -> np.ndarray:
    """`_heads` in order, and at the end a number that is none of them and above them all."""
    return np.append(np.sort(_heads(shas)), np.iinfo(np.uint64).max)


def _tables(path: Path, heads: np.ndarray, known: Known) -> Iterator[pa.Table]:
    """A part by its row groups, in half the time of batches, but for those of which no partition
    reads a spectrum: `_sorted_heads` tell, and now and then let one more pass.
    """
    with pq.ParquetFile(path, pre_buffer=False) as file:
        if path not in known:
            names = file.read(["sha256"], use_threads=False)["sha256"]
            groups = (file.metadata.row_group(i).num_rows for i in range(file.num_row_groups))
            known[path] = (_heads(names.to_numpy().astype("S64")), np.cumsum([0, *groups])[:-1])
        own, starts = known[path]
        read = heads[np.searchsorted(heads, own)] == own
        for i in np.flatnonzero(np.logical_or.reduceat(read, starts)):
            yield file.read_row_group(int(i), use_threads=False)


def _rows_of(
    table: pa.Table, wanted: np.ndarray, owner: np.ndarray
) -> list[tuple[int, np.ndarray]]:
    """Partition, and the rows of a part that it reads."""
    shas = table["sha256"].to_numpy().astype("S64")
    first, last = (np.searchsorted(wanted, shas, side) for side in ("left", "right"))
    times = last - first
    rows = np.repeat(np.arange(len(shas)), times)
    found = owner[np.arange(len(rows)) + np.repeat(first - np.cumsum(times) + times, times)]
    return [(int(i), rows[found == i]) for i in np.unique(found)]


def _held(tables: list[pa.Table]) -> int:
    return sum(table.num_rows for table in tables)


def _flush(place: Path, tables: list[pa.Table], least: int) -> None:
    """Write the spectra that wait, where there are enough of them."""
    if _held(tables) >= max(least, 1):
        append_pixels(pa.concat_tables(tables), place / "spectra")
        tables.clear()


def pixels(ra: np.ndarray, dec: np.ndarray, most: int) -> list[str]:
    """The pixel of each position, 'ORDER-NUMBER' of HEALPix in nested order.

    A pixel with more than ``most`` positions is split into its four, as in HATS (adaptive order).

    ra, dec : (n,) degrees, ICRS; a position that is not known counts as 0, 0
    """
    deep = sky_pixel(ra, dec)
    found, left = np.full(len(deep), "", dtype=object), np.arange(len(deep))
    for order in range(DEEPEST + 1):
        number = deep[left] >> 2 * (DEEPEST - order)
        each, place, count = np.unique(number, return_inverse=True, return_counts=True)
        names = np.array([f"{order}-{n}" for n in each.tolist()], dtype=object)
        fits = (count <= most) | (order == DEEPEST)
        found[left[fits[place]]] = names[place[fits[place]]]
        left = left[~fits[place]]
    return found.tolist()


def joined(found: list[str], most: int) -> list[str]:
    """The partition of each position: its pixel and those that follow it along the curve, as far
    as ``most`` positions, by the name of the first. Each partition has costs of its own.
    """
    named: dict[str, str] = {}
    first, held = "", most
    for name, size in sorted(Counter(found).items(), key=lambda item: _place(item[0])):
        if held + size > most:
            first, held = name, 0
        named[name] = first
        held += size
    return [named[name] for name in found]


WIDE = ("spectra", "training_spectra")
LAST = "sample.gaia_colours"  # the last step that asks the whole survey
BUNCH = 128  # partitions that are written in one pass over the spectra


def cut(survey: Survey, folder: Path, *, spectra: int, say: Say) -> Plan:
    """Write ``folder/partitions`` from ``folder/raw``; pixels have at most ``spectra`` spectra.

    A star belongs to the pixel of its best visit, with all its visits. A partition reads its own
    stars, and every star that could be given a source that one of its own could: who gets it is
    then decided as in the whole survey, however far away or fast a star is. Nothing is done where
    nothing has changed, and only what is left where a run was killed. Raises BuildFailed,
    PartitionFailed, StepFailed.
    """
    mark, lent = plan_mark(survey, read_inputs(survey, folder), spectra), survey.models_from
    with locked(folder / "partitions"):
        if mark_of(home_of(folder, "plan")) == mark:
            plan = read_plan(folder)
            pilot = [PILOT] if plan.pilot else []
            if all(is_ready(survey, folder, name, mark) for name in (*plan.names, *pilot)):
                return plan
        clear_left(folder / "partitions")
        with narrow_database(survey, folder) as con:
            names = assigned(con, spectra, pilot=not lent)
            every = [*names, *([] if lent else [PILOT])]
            todo = [name for name in every if not is_ready(survey, folder, name, mark)]
            known: Known = {}
            for start in range(0, len(todo), BUNCH):
                write_stores(con, folder, todo[start : start + BUNCH], mark, known)
                say(f"{min(start + BUNCH, len(todo))} of {len(todo)} partitions written")
            facts = {"plan": mark, "spectra": str(spectra), "pilot": "no" if lent else "yes"}
            write_plan(con, folder, names, facts)
    return read_plan(folder)


def is_ready(survey: Survey, folder: Path, name: str, mark: str) -> bool:
    """Whether a partition has what it reads, or is built and need not have it any more; one that
    lacks spectra is made room for.
    """
    raw = home_of(folder, name) / "raw"
    if mark_of(raw) != mark:
        return False
    if not survey.engine.keep_spectra and is_made(survey, folder, name, mark):
        return True
    if not (raw / "spectra").is_dir():
        shutil.rmtree(raw)
        return False
    return True


@contextmanager
def narrow_database(survey: Survey, folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database of headers and tables, without spectra, as far as the candidates of stars."""
    spectra = pq.read_metadata(folder / "raw" / "headers.parquet").num_rows
    most = enough(spectra)
    limits = chosen(survey.build, enough=most, least=most)
    with (
        working(folder / "partitions" / "plan.duckdb") as work,
        db.connect(
            work / "plan.duckdb", threads=limits.threads, memory_limit=f"{limits.memory}B"
        ) as con,
    ):
        db.create_tables(con, noted=False)
        with registered(con, survey, folder / "raw", without=WIDE):
            for file in db.sql_files():
                if file.relation not in {f"raw.{name}" for name in WIDE}:
                    db.run(con, file)
                if file.relation == "meta.parameters":
                    override(con, survey.parameters)
                if file.relation == LAST:
                    break
        yield con


def assigned(con: duckdb.DuckDBPyConnection, spectra: int, *, pilot: bool) -> list[str]:
    """Make the tables owners, readers, and what they read; the names of partitions, in order."""
    places = con.sql(_text("positions")).to_arrow_table()
    found = joined(pixels(places["ra"].to_numpy(), places["dec"].to_numpy(), spectra), spectra)
    owners = places.select(["specid", "star_id"]).append_column("partition", pa.array(found))
    con.register("given_owners", owners)
    con.execute("CREATE TEMP TABLE owners AS FROM given_owners")
    con.execute("CREATE TEMP TABLE wanted AS SELECT partition, star_id, specid FROM owners")
    if pilot:
        con.register("given_pilot", con.sql(_text("pilot")).to_arrow_table())
        con.execute(f"INSERT INTO wanted SELECT '{PILOT}', star_id, NULL FROM given_pilot")
    for table in ("candidates", "readers", "spectra", "sources"):
        con.execute(f"CREATE TEMP TABLE {table} AS {_text(table)}")
    con.execute(f"SET memory_limit = '{WRITING + OWNED * len(owners)}B'")
    give_back()
    return sorted(set(found), key=_place)


def _place(name: str) -> tuple[int, int]:
    """Along the curve of the pixels, whatever their orders."""
    order, number = map(int, name.split("-"))
    return number << 2 * (29 - order), order


def _text(name: str) -> str:
    return (SQL / "partition" / f"{name}.sql").read_text(encoding="utf-8")


def write_plan(
    con: duckdb.DuckDBPyConnection, folder: Path, names: list[str], facts: dict[str, str]
) -> None:
    """The list last: until it is there the next run goes on."""
    owners = con.sql("FROM owners ORDER BY specid").to_arrow_table()
    counts = dict(zip(*np.unique(owners["partition"].to_numpy(), return_counts=True), strict=True))
    listed = {"partition": names, "spectra": [int(counts[name]) for name in names]}
    with publishing_folder(home_of(folder, "plan"), PLAN, facts=facts) as partial:
        pq.write_table(owners, partial / "owners.parquet")
        pq.write_table(pa.table(listed), partial / "partitions.parquet")
