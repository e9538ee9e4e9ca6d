"""What a database says of itself: its survey, its parameters, and what it has not."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import duckdb

from obcat.ddl import columns_as_run
from obcat.query.isolated import Bounds, asked
from obcat.reading import CATALOG, Missing
from obcat.schema import quoted

if TYPE_CHECKING:
    import pyarrow as pa
    from astropy.table import Table

__all__ = [
    "ParameterUsed",
    "answer_apart",
    "astropy_of",
    "declared_rows",
    "require_table",
    "survey_of",
]

TABLES = "SELECT schema_name || '.' || table_name FROM duckdb_tables()"


class ParameterUsed(NamedTuple):
    """A number of the method as it was used: value, unit, where it comes from, and what it is."""

    value: float
    unit: str
    status: str
    meaning: str


def survey_of(con: duckdb.DuckDBPyConnection, path: Path) -> tuple[str, bool]:
    """The name of the survey, that of the file where none is said, and whether it is simulated."""
    try:
        rows = con.execute("SELECT name, simulated FROM meta.survey").fetchall()
    except duckdb.Error:
        rows = []
    return (rows[0][0], rows[0][1] == 1) if rows else (path.name, False)


def require_table(con: duckdb.DuckDBPyConnection, path: Path, table: str, what: str) -> None:
    """Missing, which names ``what`` cannot be had, where the database lacks a table."""
    if (table,) not in con.execute(TABLES).fetchall():
        raise Missing(
            f"{path.name}: no {what} here, for it has no {table}; "
            "open the database of a build, a release has the catalog alone"
        )


def answer_apart(database: Path, query: str, bounds: Bounds) -> "pa.Table":
    """The answer to a query that runs in a process of its own."""
    import pyarrow as pa

    with asked(database, query, "arrow", bounds) as reply:
        return pa.ipc.open_stream(reply.body).read_all()


def astropy_of(con: duckdb.DuckDBPyConnection, rows: "pa.Table", name: str = CATALOG) -> "Table":
    """Rows of a table as astropy has them, with the units and descriptions of its columns."""
    from obcat.astro_table import astropy_table

    return astropy_table(rows, {c.column: c for c in columns_as_run(con, name)})


def declared_rows(
    con: duckdb.DuckDBPyConnection,
    name: str,
    *,
    extra: str = "",
    rest: str = "",
    parameters: Mapping[str, Any] | None = None,
) -> "Table":
    """The declared columns of a table and ``extra``, with what ``rest`` says of rows and order."""
    schema, _, table = name.partition(".")
    listed = ", ".join(quoted(c.column) for c in columns_as_run(con, name))
    query = f"SELECT {listed}{extra} FROM {quoted(schema)}.{quoted(table)} {rest}"
    return astropy_of(con, con.sql(query, params=parameters).to_arrow_table(), name)
