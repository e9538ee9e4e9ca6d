"""Ad-hoc SQL on a finished database, read-only and bounded; what the database says of itself, and
what a build gave, in a few lines for the terminal.
"""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, Any

import duckdb

from obcat.errors import ObcatError
from obcat.query.formats import as_csv, printable
from obcat.query.isolated import MAX_ROWS, MEMORY, TIME_LIMIT, QueryRefused, too_long
from obcat.reading import open_database, provenance_of, query_text

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "Answer",
    "QueryRefused",
    "answer",
    "answered",
    "ask",
    "lock_down",
    "old_names",
    "one_line_errors",
    "opened",
    "outcome",
    "status",
    "status_tables",
]

SELECT, EXPLAIN = duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN
# the keyword with its options, after blanks and comments
EXPLAINING = re.compile(
    r"(?:\s|--[^\n]*\n|/\*.*?\*/)*explain(?:\s+analyze\b|\s*\([^)]*\))?", re.IGNORECASE | re.DOTALL
)
# of a file, not of an address: https://host/page stays whole
LONG_PATH = re.compile(r"(?<![\w.])(?<!:/)/(?:[^/\s\"':]+/)+(?=[^/\s\"':])")
# what DuckDB says of the place in the query, after what is wrong and what could be meant
PLACE = re.compile(r"\n\s*LINE \d+:.*", re.DOTALL)
NO_EXTENSIONS: dict[str, str | bool | int | float | list[str]] = {
    "autoload_known_extensions": False,
    "autoinstall_known_extensions": False,
    "allow_community_extensions": False,
}
OLD_NAMES = {"emission.spectra": "spectra.normalised", "emission.scores": "spectra.scores"}
SETTINGS = (
    "enable_progress_bar = false", "python_enable_replacements = false", "temp_directory = ''",
    "enable_external_access = false", "lock_configuration = true",
)  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """Rows of a result, and whether the limit of rows cut it."""

    table: "pa.Table"
    cut: bool


def answer(
    database: Path, query: str, *, time_limit: float = TIME_LIMIT, max_rows: int = MAX_ROWS
) -> Answer:
    """The first ``max_rows`` rows of one SELECT or EXPLAIN. The query can reach neither files nor
    the network.

    Raises QueryRefused where the query is something else, cannot be run, takes longer than
    ``time_limit`` seconds, or there is no database to ask.
    """
    with opened(database) as con:
        lock_down(con)
        return answered(con, database, query, time_limit=time_limit, max_rows=max_rows)


def answered(
    con: duckdb.DuckDBPyConnection,
    database: Path,
    query: str,
    *,
    time_limit: float,
    max_rows: int | None,
) -> Answer:
    """The same on a connection that is open and locked down; without ``max_rows`` all rows."""
    timer = Timer(time_limit, con.interrupt)
    timer.daemon = True
    with one_line_errors(database, time_limit):
        timer.start()
        try:
            return _rows_of(con, _one_statement(con, query), max_rows)
        finally:
            timer.cancel()


def ask(database: Path, query: str) -> str:
    """The answer to one SELECT as CSV text; see ``answer``."""
    return as_csv(answer(database, query).table)


def old_names(query: str) -> str | None:
    """What to say of a query that uses the name that a relation had before this release."""
    used = [
        f"{old} is called {new}"
        for old, new in OLD_NAMES.items()
        if re.search(rf"\b{old}\b", query)
    ]
    return f"{'; '.join(used)}; the old name goes with the next release" if used else None


def _one_statement(con: duckdb.DuckDBPyConnection, query: str) -> str:
    """The query, if it is one SELECT, or EXPLAIN of one: EXPLAIN ANALYZE runs what it explains."""
    query.encode()  # of what is no text DuckDB says no more than that it is of a wrong type
    statements = con.extract_statements(query)
    if not statements:
        raise QueryRefused("the query is empty; give one SELECT")
    if len(statements) == 1 and statements[0].type == SELECT:
        return query
    if (
        len(statements) == 1
        and statements[0].type == EXPLAIN
        and (found := EXPLAINING.match(query))
    ):
        explained = con.extract_statements(query[found.end() :])
        if [s.type for s in explained] == [SELECT]:
            return query
    raise QueryRefused("one SELECT at a time, and nothing but SELECT")


def _rows_of(con: duckdb.DuckDBPyConnection, query: str, max_rows: int | None) -> Answer:
    import pyarrow as pa

    reader = con.sql(query).to_arrow_reader(2048)
    batches, count = [], 0
    for batch in reader:
        batches.append(batch)
        count += len(batch)
        if max_rows is not None and count > max_rows:
            break
    table = pa.Table.from_batches(batches, reader.schema).slice(0, max_rows)
    return Answer(table, table.num_rows < count)


@contextmanager
def opened(database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The database, read-only, under the name obcat: its file may be called like one of its
    schemas.

    No extension is looked for: a file of another kind is refused, not fetched a reader for. Raises
    QueryRefused where there is no database, or none that this DuckDB can read.
    """
    with duckdb.connect(config=NO_EXTENSIONS) as con:
        try:
            con.execute("ATTACH $path AS obcat (READ_ONLY)", {"path": str(database)})
        except duckdb.Error as error:
            raise QueryRefused(
                f"{database.name}: {_shortened(_in_one_line(error), database)}"
            ) from error
        con.execute("USE obcat")
        yield con


def lock_down(con: duckdb.DuckDBPyConnection, memory: int = MEMORY) -> None:
    """Let nothing out, and nothing change; DuckDB gets three quarters of ``memory`` (bytes)."""
    for setting in (f"memory_limit = '{memory * 3 // 4 // 10**6}MB'", *SETTINGS):
        con.execute(f"SET {setting}")


@contextmanager
def one_line_errors(database: Path, time_limit: float) -> Iterator[None]:
    try:
        yield
    except ObcatError:
        raise
    except (duckdb.Error, OSError, ValueError) as error:  # Arrow has kinds of its own for DuckDB's
        raise QueryRefused(_refusal(error, database, time_limit)) from error


def _refusal(error: Exception, database: Path, time_limit: float) -> str:
    """What DuckDB said, as an error of its own or through Arrow, in one line."""
    if isinstance(error, UnicodeEncodeError):
        return "the query is no text in UTF-8"
    said = str(error).strip()
    if said.startswith("INTERRUPT Error"):
        return too_long(time_limit)
    if said.startswith("Out of Memory Error"):  # its advice is to change settings, which are locked
        return f"{said.splitlines()[0]}; ask for less, or give --memory"
    return _shortened(_in_one_line(error), database)


def _shortened(message: str, database: Path) -> str:
    """A message without the folders of this computer: '/home/me/x.csv' -> 'x.csv'."""
    for folder in (database.resolve().parent, Path.home()):
        message = message.replace(f"{folder}/", "")
    return LONG_PATH.sub("", message)


def _in_one_line(error: Exception) -> str:
    """What is wrong and what DuckDB thinks was meant, without the picture of the place."""
    return " ".join(PLACE.sub("", str(error).strip()).split())


STATUS = {
    "survey": "SELECT item, value FROM meta.provenance WHERE item NOT LIKE 'input %' ORDER BY item",
    "files": "SELECT status, reason, count(*) AS files FROM raw.files GROUP BY ALL ORDER BY ALL",
    "files of training stars": "SELECT status, reason, count(*) AS files FROM raw.training_files "
    "GROUP BY ALL ORDER BY ALL",
    "training stars from outside the sample": "SELECT is_train, count(*) AS stars FROM "
    "luminosity.supplement GROUP BY is_train ORDER BY is_train",
    "rejected rows": "SELECT source, reason, count(*) AS rows FROM raw.rejected_rows GROUP BY "
    "ALL ORDER BY ALL",
    "models": "SELECT model, n_rows, origin, left(key, 16) AS key FROM model.fits ORDER BY model",
    "quality": """SELECT b.name, b.meaning, count(*) FILTER (quality & bit > 0) AS rows
        FROM meta.quality_bits AS b CROSS JOIN catalog.ob_stars GROUP BY b.bit, b.name, b.meaning ORDER BY b.bit""",
    "steps": "SELECT step, rows, round(seconds, 2) AS seconds, round(peak_memory) AS MiB FROM "
    "meta.steps ORDER BY step",
}


def status_tables(database: Path) -> dict[str, list[dict[str, Any]]]:
    """The same as ``status`` for a program: table -> rows, each an object."""
    from obcat import reading

    with reading.open_database(database) as survey:
        found = {t: survey.con.sql(q).to_arrow_table().to_pylist() for t, q in STATUS.items()}
        found["parameters"] = survey.con.sql("FROM meta.parameters").to_arrow_table().to_pylist()
    return found


def status(database: Path) -> str:
    """Tables of what the database holds, as text:
    survey, files, parameters with source and status, models, steps.
    """
    from rich.console import Console

    from obcat import reading

    with reading.open_database(database) as survey:
        con = survey.con
        console = Console(file=io.StringIO(), width=150)
        for title, query in STATUS.items():
            _show(console, title, con.sql(query).columns, con.execute(query).fetchall())
        values = con.execute("FROM meta.parameters").fetchall()[0]
        notes = con.execute(reading.query_text("report/parameters")).fetchall()
        rows = [(name, value, note) for (name, note), value in zip(notes, values, strict=True)]
        _show(console, "parameters", ["parameter", "value", "source"], rows)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def _show(console, title: str, columns: list[str], rows: list) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, title=title, title_justify="left", box=None)
    for row in rows:
        table.add_row(*(Text("" if v is None else printable(str(v))) for v in row))
    console.print(table)
    console.print()


def outcome(database: Path) -> list[str]:
    """Lines about a finished database: how many stars have what, which columns are empty and why,
    and three commands to go on with. NotOurs where it is none of ours.
    """
    with open_database(database) as survey:
        cursor = survey.con.execute(query_text("report/outcome"))
        names = [column[0] for column in cursor.description or ()]
        n = dict(zip(names, cursor.fetchall()[0], strict=True))
        empty = survey.con.execute(query_text("95_check/70_empty")).fetchall()
        heading = survey.heading
        lender = provenance_of(survey.con).get("models_from")
    return [
        f"{heading}: {n['spectra']:,} spectra of {n['stars']:,} stars"
        f" ({n['quarantined']:,} files in quarantine)",
        *([f"  models lent by the {lender}"] if lender else []),
        f"  absolute magnitude   {_of(n['magnitude'], n['stars'])}",
        f"  distance             {_of(n['distance'], n['stars'])}",
        f"  E(B-V)               {_of(n['reddening'], n['stars'])}",
        f"  binaries             {_of(n['binaries'], n['classified'])} that can be told",
        f"  emission lines       {_of(n['emission'], n['stars'])}",
        f"  with a warning       {_of(n['warned'], n['stars'])}: out_of_domain or erroneous",
        *(f"  empty: {column} ({reason})" for column, reason in empty),
        *(f"  obcat {command}" for command in _next(database)),
    ]


def _of(part: int, whole: int) -> str:
    share = f" ({100 * part / whole:.1f} %)" if whole else ""
    return f"{part:>7,} of {whole:,}{share}"


def _next(database: Path) -> list[str]:
    return [
        f"sql {database} --recipe first_look",
        f"page {database}",
        f"export {database}",
    ]
