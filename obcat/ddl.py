"""Tables of the database with keys, checks and comments; descriptions that say what was run."""

from dataclasses import replace

import duckdb

from obcat.schema import (
    Column,
    Table,
    columns_of,
    printed,
    quoted,
    read_columns,
    read_parameters,
    read_tables,
)

__all__ = [
    "columns_as_run",
    "comment_on",
    "comment_on_column",
    "create_tables",
    "describe",
    "parameters_as_run",
    "qualified",
]


def create_tables(con: duckdb.DuckDBPyConnection) -> None:
    """Create every schema and declared table, with keys, checks and comments;
    views are made by their files.
    """
    for name in sorted({t.partition(".")[0] for t in read_tables()}):
        con.execute(f"CREATE SCHEMA {quoted(name)}")
    for table in read_tables().values():
        if table.kind == "table":
            con.execute(_create_table(table))
            comment_on(con, table)


def _create_table(table: Table) -> str:
    lines = [_column_line(c) for c in columns_of(table.table)]
    if table.key:
        lines.append(f"PRIMARY KEY ({', '.join(quoted(k) for k in table.key.split())})")
    return f"CREATE TABLE {qualified(table.table)} ({', '.join(lines)})"


def _column_line(c: Column) -> str:
    checks = [
        f"{quoted(c.column)} {op} {bound}" for op, bound in ((">=", c.min), ("<=", c.max)) if bound
    ]
    if c.type == "DOUBLE" and not c.table.startswith("raw."):
        checks.append(f"isfinite({quoted(c.column)})")
    check = f" CHECK ({' AND '.join(checks)})" if checks else ""
    default = f" DEFAULT {c.default}" if c.default else ""
    return f"{quoted(c.column)} {c.type}{' NOT NULL' if c.required else ''}{default}{check}"


def comment_on(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Put the descriptions, with units, on a table or view and on its columns."""
    con.execute(
        f"COMMENT ON {table.kind.upper()} {qualified(table.table)} IS {_literal(table.description)}"
    )
    for c in columns_of(table.table):
        comment_on_column(con, c, c.description)


def comment_on_column(con: duckdb.DuckDBPyConnection, c: Column, text: str) -> None:
    """Put a description, with the unit behind it, on a column."""
    noted = f"{text} [{c.unit}]" if c.unit else text
    con.execute(f"COMMENT ON COLUMN {qualified(c.table)}.{quoted(c.column)} IS {_literal(noted)}")


def qualified(name: str) -> str:
    return ".".join(quoted(part) for part in name.split("."))


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


COMMENTS = """SELECT column_name, comment FROM duckdb_columns()
    WHERE database_name = current_database() AND schema_name = $schema AND table_name = $table"""
MADE = """SELECT schema_name || '.' || table_name FROM duckdb_columns()
    WHERE database_name = current_database() GROUP BY ALL"""
GAIA = """SELECT (SELECT coalesce(max(release), 2) FROM stage.gaia_sources),
    EXISTS (FROM raw.zero_point), (SELECT zero_point_default FROM meta.parameters)"""
NAMED = "SELECT max(zero_point) FROM meta.survey"
ZERO_POINTS = {
    "constant": "one constant, {constant} mas",
    "leung_bovy_2019": "that of Leung & Bovy 2019 against the parallax, as astroNN adds it",
    "zinn_2019": "that of Zinn et al. 2019 against G",
    "lindegren_2021": "that of Lindegren et al. 2021",
    "table": "that of the survey's own table",
}


def describe(con: duckdb.DuckDBPyConnection) -> None:
    """Comment again on every column whose description hangs on what was run,
    and on every parameter; a view of a mode that was not built is not there.
    """
    made = {name for (name,) in con.execute(MADE).fetchall()}
    values = con.sql("FROM meta.parameters").to_arrow_table().to_pylist()[0]
    words = {name: printed(value) for name, value in values.items()} | _gaia(con)
    for c in read_columns():
        if c.table == "meta.parameters":
            comment_on_column(con, c, read_parameters()[c.column].said(values[c.column]))
        elif "{" in c.template and c.table in made:
            comment_on_column(con, c, c.said(words))


def _gaia(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    release, has_table, constant = con.execute(GAIA).fetchall()[0]
    (named,) = con.execute(NAMED).fetchall()[0]
    other = "lindegren_2021" if release == 3 else "constant"
    said = ZERO_POINTS[named or ("table" if has_table else other)]
    return {
        "gaia": f"Gaia DR{release}",
        "zero_point": said.format(constant=printed(constant)),
    }


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
