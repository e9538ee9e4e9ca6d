"""The one way to open a database that is finished: read-only, out of reach of files and network,
and one of ours.

DuckDB's makers compare opening somebody else's database with loading somebody else's program.
Whether to open it at all is for ``check``; once open, its views and macros reach
neither files nor network (``obcat.db.connect``), and what should be a table of ours is one: a view
in its place could be anything, and take for ever.

Which database files are opened without asking: DuckDB warns that a file made to harm can harm
like a program.

A file is ours if it lies in the folder of a build, beside what was ingested or fitted, or if
SHA256SUMS beside it says that it is the file that was released. That tells where a file comes from
by its place and that it is whole; it does not tell that whoever made the release means well.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from obcat import arrow, db, models
from obcat.checksums import SUMS, NoSums, digest, read_sums
from obcat.errors import ObcatError
from obcat.schema import MODES, SQL, nearest

__all__ = [
    "BEST",
    "CATALOG",
    "CATALOGS",
    "DIFFERENCES",
    "Columns",
    "Missing",
    "NotOurs",
    "NotTrusted",
    "Reading",
    "answer_arrays",
    "check",
    "fitted_arrays",
    "has_best",
    "method_parameters",
    "open_database",
    "provenance_of",
    "query_text",
    "reading_of",
    "require_known",
    "table_of",
]

Columns = dict[str, np.ndarray]


CATALOG = "catalog.ob_stars"
BEST = "catalog.ob_stars_best"
CATALOGS = dict(zip(MODES, (CATALOG, BEST), strict=True))
DIFFERENCES = "catalog.catalog_diff"
IS_TABLE = """SELECT 1 FROM system.main.duckdb_tables() WHERE database_name = current_database()
    AND schema_name = $schema AND table_name = $table"""
REMEDY = "give a database made by `obcat build`"


class NotOurs(ObcatError, ValueError):
    """The file is no database of obcat build, or has no catalog; one line."""


class Missing(ObcatError, ValueError):
    """What a figure or a section needs is not in this catalog; says what, and why."""


@dataclass(frozen=True)
class Reading:
    """A database that is open, and what it says of its survey;
    ``truth`` is where a truth would be.
    """

    con: duckdb.DuckDBPyConnection
    name: str
    simulated: bool
    database: Path
    truth: Path

    @property
    def heading(self) -> str:
        return f"{'SIMULATED' if self.simulated else 'Real'} survey {self.name!r}"


def reading_of(
    con: duckdb.DuckDBPyConnection,
    name: str,
    simulated: bool,
    database: Path,
    truth: Path | None = None,
) -> Reading:
    """A connection that is open already, as a Reading; ``truth``: default beside the database."""
    return Reading(con, name, simulated, database, truth or database.parent / "truth")


@contextmanager
def open_database(database: Path, *, truth: Path | None = None, **limits: Any) -> Iterator[Reading]:
    """A finished database with its catalog. ``limits`` go to ``db.connect``; ``truth``: default
    beside the database.

    Raises NotOurs: not a database, not one of obcat build, or a view where a table of ours should
    be.
    """
    with ExitStack() as stack:
        try:
            con = stack.enter_context(db.connect(database, read_only=True, **limits))
            ((name, simulated),) = con.execute("SELECT name, simulated FROM meta.survey").fetchall()
            con.execute(f"SELECT count(*) FROM {CATALOG}").fetchall()
        except (duckdb.IOException, db.NotATable) as error:
            raise NotOurs(f"{database}: {str(error).splitlines()[0]}; {REMEDY}") from error
        except (duckdb.Error, ValueError) as error:
            raise NotOurs(
                f"{database}: is no database of obcat build, or it has no catalog; {REMEDY}"
            ) from error
        yield reading_of(con, name, simulated == 1, database, truth)


def query_text(query: str) -> str:
    """Text of a SQL file by its place under sql/: ``report/stars`` is sql/report/stars.sql."""
    return (SQL / f"{query}.sql").read_text(encoding="utf-8")


def answer_arrays(con: duckdb.DuckDBPyConnection, query: str) -> Columns:
    """Answer to a SQL file: numbers as float64 (n,) with NaN for NULL, lists as (n, k),
    text as str with "".
    """
    return arrow.table_arrays(con.sql(query_text(query)).to_arrow_table())


def method_parameters(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """The numbers of the method that this database was built with, by name."""
    return con.sql("FROM meta.parameters").to_arrow_table().to_pylist()[0]


def provenance_of(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """What made this database, item by item."""
    return dict(con.execute("FROM meta.provenance").fetchall())


def fitted_arrays(con: duckdb.DuckDBPyConnection, model: str) -> dict[str, np.ndarray]:
    """Arrays of a model. Missing: it was not fitted."""
    found = models.arrays(con, model)
    if not any(array.size for array in found.values()):
        raise Missing(f"the model {model} was not fitted: there were too few stars to train it")
    return found


def has_best(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether best mode was run: its table is there, and has rows."""
    schema, _, table = BEST.partition(".")
    found = con.execute(IS_TABLE, {"schema": schema, "table": table}).fetchall()
    return bool(found) and con.execute(f"SELECT 1 FROM {BEST} LIMIT 1").fetchall() != []


def table_of(con: duckdb.DuckDBPyConnection, mode: str, database: Path) -> str:
    """The catalog of a mode: "paper" or "best".

    Raises Missing where there is no such mode, or the database has no best mode.
    """
    if mode not in CATALOGS:
        raise Missing(f"no mode {mode!r}{nearest(mode, CATALOGS)}; there are paper and best")
    if mode == "best" and not has_best(con):
        raise Missing(
            f"{database.name}: no best mode here: {BEST} is missing or empty; build it with "
            'modes = ["paper", "best"], with stars enough'
        )
    return CATALOGS[mode]


def require_known(data: Columns, names: Sequence[str], n: int, why: str) -> None:
    """Missing unless at least ``n`` rows know all of the columns."""
    known = np.logical_and.reduce([np.isfinite(data[name]) for name in names])
    if known.sum() < n:
        raise Missing(f"{known.sum()} stars have {', '.join(names)}; {n} are needed. {why}")


BUILT = ("raw", "models")  # folders that `obcat ingest` and `obcat build` leave beside the database
TRUST_REMEDY = "--trust opens it all the same, if you know who made it"


class NotTrusted(ObcatError):
    """A database that is neither a build nor part of a whole release; one line."""


def check(database: Path) -> None:
    """Raises NotTrusted. A file that is not there is for the reader to complain of."""
    folder = database.resolve().parent
    if not database.is_file():
        return
    if (folder / SUMS).is_file():
        _check_release(database, folder)
    elif not any((folder / name).is_dir() for name in BUILT):
        raise NotTrusted(
            f"{database.name}: neither of a build nor of a release with {SUMS}; {TRUST_REMEDY}"
        )


def _check_release(database: Path, folder: Path) -> None:
    name = database.resolve().name
    try:
        stated = read_sums(folder).get(name)
    except NoSums as error:
        raise NotTrusted(f"{database.name}: {SUMS} beside it is damaged; {TRUST_REMEDY}") from error
    if stated is None:
        raise NotTrusted(f"{database.name}: not in the {SUMS} beside it; {TRUST_REMEDY}")
    if (folder / f"{name}.wal").exists():
        raise NotTrusted(
            f"{database.name}: {name}.wal beside it would change it, and is no part of a release"
        )
    if digest(database) != stated:
        raise NotTrusted(
            f"{database.name}: changed since its release, by the {SUMS} beside it; {TRUST_REMEDY}"
        )
