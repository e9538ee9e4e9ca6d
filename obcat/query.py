"""Ad-hoc SQL on a finished database, read-only, and what the database says of itself."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

__all__ = ["QueryRefused", "ask", "status"]

ALLOWED = {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN}


class QueryRefused(Exception):
    """A query that is not one SELECT, or that DuckDB cannot run; one line."""


def ask(database: Path, query: str) -> str:
    """The answer to one SELECT as CSV text. The database is read-only and cannot reach files or the network.

    Raises QueryRefused where the query is something else, cannot be run, or there is no database to ask.
    """
    with opened(database) as con:
        lock_down(con)
        try:
            statements = con.extract_statements(query)
        except duckdb.Error as error:
            raise QueryRefused(first_line(error)) from error
        if len(statements) != 1 or statements[0].type not in ALLOWED:
            raise QueryRefused("one SELECT at a time, and nothing but SELECT")
        try:
            return as_csv(con.sql(statements[0].query))
        except duckdb.Error as error:
            raise QueryRefused(first_line(error)) from error


@contextmanager
def opened(database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The database, read-only, under the name obcat: its file may be called like one of its schemas."""
    with duckdb.connect() as con:
        try:
            con.execute("ATTACH $path AS obcat (READ_ONLY)", {"path": str(database)})
        except duckdb.Error as error:
            raise QueryRefused(f"{database}: {first_line(error)}") from error
        con.execute("USE obcat")
        yield con


def lock_down(con: duckdb.DuckDBPyConnection) -> None:
    for setting in (
        "enable_progress_bar = false",
        "python_enable_replacements = false",
        "enable_external_access = false",
        "autoload_known_extensions = false",
        "autoinstall_known_extensions = false",
        "allow_community_extensions = false",
        "lock_configuration = true",
    ):
        con.execute(f"SET {setting}")


def as_csv(relation: duckdb.DuckDBPyRelation) -> str:
    import csv

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(relation.columns)
    writer.writerows(relation.fetchall())
    return text.getvalue()


def first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]


STATUS = {
    "survey": "SELECT item, value FROM meta.provenance WHERE item NOT LIKE 'input %' ORDER BY item",
    "files": "SELECT status, reason, count(*) AS files FROM raw.files GROUP BY ALL ORDER BY ALL",
    "rejected rows": "SELECT source, reason, count(*) AS rows FROM raw.rejected_rows GROUP BY ALL ORDER BY ALL",
    "models": "SELECT model, n_rows, origin, left(key, 16) AS key FROM model.fits ORDER BY model",
    "quality": """SELECT b.name, b.meaning, count(*) FILTER (quality & bit > 0) AS rows
        FROM meta.quality_bits AS b CROSS JOIN catalog.ob_stars GROUP BY b.bit, b.name, b.meaning ORDER BY b.bit""",
    "steps": "SELECT step, rows, round(seconds, 2) AS seconds, round(peak_memory) AS MiB FROM meta.steps ORDER BY step",
}
PARAMETERS = """SELECT column_name AS parameter, comment FROM duckdb_columns()
    WHERE database_name = current_database() AND schema_name = 'meta' AND table_name = 'parameters'
    ORDER BY column_index"""


def status(database: Path) -> str:
    """Tables of what the database holds, as text: survey, files, parameters with source and status, models, steps."""
    from rich.console import Console

    with opened(database) as con:
        console = Console(file=io.StringIO(), width=150)
        for title, query in STATUS.items():
            show(console, title, con.sql(query).columns, con.execute(query).fetchall())
        values = con.execute("FROM meta.parameters").fetchall()[0]
        rows = [
            (name, value, note) for (name, note), value in zip(con.execute(PARAMETERS).fetchall(), values, strict=True)
        ]
        show(console, "parameters", ["parameter", "value", "source"], rows)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def show(console, title: str, columns: list[str], rows: list) -> None:
    from rich.table import Table

    table = Table(*columns, title=title, title_justify="left", box=None)
    for row in rows:
        table.add_row(*("" if v is None else str(v) for v in row))
    console.print(table)
    console.print()
