"""What a database says of itself: its survey, its parameters, and what it has not."""

from pathlib import Path
from typing import NamedTuple

import duckdb

from obcat.reading import Missing

__all__ = ["ParameterUsed", "require_table", "survey_of"]

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
