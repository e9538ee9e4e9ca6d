"""Descriptions that say what was run: the parameters of the survey, its release of Gaia, its zero point."""

from dataclasses import replace

import duckdb

from obcat.ddl import comment_on_column
from obcat.parameters import printed, read_parameters
from obcat.schema import Column, columns_of, read_columns

__all__ = ["columns_as_run", "describe", "parameters_as_run"]

COMMENTS = """SELECT column_name, comment FROM duckdb_columns()
    WHERE database_name = current_database() AND schema_name = $schema AND table_name = $table"""
GAIA = """SELECT (SELECT coalesce(max(release), 2) FROM stage.gaia_sources),
    EXISTS (FROM raw.zero_point), (SELECT zero_point_default FROM meta.parameters)"""


def describe(con: duckdb.DuckDBPyConnection) -> None:
    """Comment again on every column whose description hangs on what was run, and on every parameter."""
    values = con.sql("FROM meta.parameters").to_arrow_table().to_pylist()[0]
    words = {name: printed(value) for name, value in values.items()} | _gaia(con)
    for c in read_columns():
        if c.table == "meta.parameters":
            comment_on_column(con, c, read_parameters()[c.column].said(values[c.column]))
        elif "{" in c.template:
            comment_on_column(con, c, c.said(words))


def _gaia(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    release, has_table, constant = con.execute(GAIA).fetchall()[0]
    other = (
        "that of Lindegren et al. 2021"
        if release == 3
        else f"one constant, {printed(constant)} mas"
    )
    zero_point = "that of the survey's own table" if has_table else other
    return {"gaia": f"Gaia DR{release}", "zero_point": zero_point}


def columns_as_run(con: duckdb.DuckDBPyConnection, table: str) -> tuple[Column, ...]:
    """The declared columns of a table, each with the description that stands in the database."""
    noted = _notes(con, table)
    return tuple(
        replace(c, description=noted.get(c.column) or c.description) for c in columns_of(table)
    )


def parameters_as_run(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Parameter -> where its value comes from, a colon, and what it is, as the database says."""
    noted = _notes(con, "meta.parameters")
    return {name: noted[name] for name in read_parameters() if noted.get(name)}


def _notes(con: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    """Column -> its comment without the unit."""
    schema, _, name = table.partition(".")
    found = con.execute(COMMENTS, {"schema": schema, "table": name}).fetchall()
    units = {c.column: f" [{c.unit}]" for c in columns_of(table) if c.unit}
    return {column: (text or "").removesuffix(units.get(column, "")) for column, text in found}
