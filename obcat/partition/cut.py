"""Cut a survey that was ingested into partitions of the sky, each with all that its stars need."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from obcat import db, ddl
from obcat.build.inputs import registered
from obcat.build.run import Say, override, read_inputs
from obcat.files import clear_left, publishing_folder, working
from obcat.lock import locked
from obcat.machine import chosen
from obcat.partition.layout import PILOT, PLAN, Plan, home_of, mark_of, plan_mark, read_plan
from obcat.partition.pixels import pixels
from obcat.partition.stores import write_stores
from obcat.schema import SQL
from obcat.survey import Survey

__all__ = ["cut"]

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
    read = read_inputs(survey, folder)
    mark = plan_mark(survey, read, spectra)
    with locked(folder / "partitions"):
        if mark_of(home_of(folder, "plan")) == mark:
            return read_plan(folder)
        clear_left(folder / "partitions")
        with _narrow(survey, folder) as con:
            names = _assigned(con, spectra, pilot=not survey.models_from)
            every = [*names, *([] if survey.models_from else [PILOT])]
            todo = [name for name in every if mark_of(home_of(folder, name) / "raw") != mark]
            for start in range(0, len(todo), BUNCH):
                write_stores(con, folder, todo[start : start + BUNCH], mark)
                say(f"{min(start + BUNCH, len(todo))} of {len(todo)} partitions written")
            facts = {"plan": mark, "spectra": str(spectra)}
            facts["pilot"] = "no" if survey.models_from else "yes"
            _write_plan(con, folder, names, facts)
    return read_plan(folder)


@contextmanager
def _narrow(survey: Survey, folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database of headers and tables, without spectra, as far as the candidates of stars."""
    limits = chosen(survey.build)
    with (
        working(folder / "partitions" / "plan.duckdb") as work,
        db.connect(
            work / "plan.duckdb", threads=limits.threads, memory_limit=f"{limits.memory}B"
        ) as con,
    ):
        ddl.create_tables(con)
        with registered(con, survey, folder / "raw", without=WIDE):
            for file in db.sql_files():
                if file.relation not in {f"raw.{name}" for name in WIDE}:
                    db.run(con, file)
                if file.relation == "meta.parameters":
                    override(con, survey.parameters)
                if file.relation == LAST:
                    break
        yield con


def _assigned(con: duckdb.DuckDBPyConnection, spectra: int, *, pilot: bool) -> list[str]:
    """Make the tables owners, readers, and what they read; the names of partitions, in order."""
    places = con.sql(_text("positions")).to_arrow_table()
    found = pixels(places["ra"].to_numpy(), places["dec"].to_numpy(), spectra)
    owners = places.select(["specid", "star_id"]).append_column("partition", pa.array(found))
    con.register("given_owners", owners)
    con.execute("CREATE TEMP TABLE owners AS FROM given_owners")
    con.execute("CREATE TEMP TABLE wanted AS SELECT partition, star_id, specid FROM owners")
    if pilot:
        stars = con.sql(_text("pilot")).to_arrow_table()
        con.register("given_pilot", stars)
        con.execute(f"INSERT INTO wanted SELECT '{PILOT}', star_id, NULL FROM given_pilot")
    for table in ("candidates", "readers", "spectra", "sources"):
        con.execute(f"CREATE TEMP TABLE {table} AS {_text(table)}")
    return sorted(set(found), key=_place)


def _place(name: str) -> tuple[int, int]:
    """Along the curve of the pixels, whatever their orders."""
    order, number = map(int, name.split("-"))
    return number << 2 * (29 - order), order


def _text(name: str) -> str:
    return (SQL / "partition" / f"{name}.sql").read_text(encoding="utf-8")


def _write_plan(
    con: duckdb.DuckDBPyConnection, folder: Path, names: list[str], facts: dict[str, str]
) -> None:
    """The list last: until it is there the next run goes on."""
    owners = con.sql("FROM owners ORDER BY specid").to_arrow_table()
    counts = dict(zip(*np.unique(owners["partition"].to_numpy(), return_counts=True), strict=True))
    listed = {"partition": names, "spectra": [int(counts[name]) for name in names]}
    with publishing_folder(home_of(folder, "plan"), PLAN, facts=facts) as partial:
        pq.write_table(owners, partial / "owners.parquet")
        pq.write_table(pa.table(listed), partial / "partitions.parquet")
