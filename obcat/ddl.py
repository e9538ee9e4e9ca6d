"""Schemas, tables and comments of the database, made from columns.csv and tables.csv."""

import duckdb

from obcat.schema import Column, Table, columns_of, quoted, read_tables

__all__ = ["comment_on", "comment_on_column", "create_tables"]


def create_tables(con: duckdb.DuckDBPyConnection) -> None:
    """Create every schema and declared table, with keys, checks and comments; views are made by their files."""
    for name in sorted({t.partition(".")[0] for t in read_tables()}):
        con.execute(f"CREATE SCHEMA {quoted(name)}")
    for table in read_tables().values():
        if table.kind == "table":
            con.execute(create_table(table))
            comment_on(con, table)


def create_table(table: Table) -> str:
    lines = [column_line(c) for c in columns_of(table.table)]
    if table.key:
        lines.append(f"PRIMARY KEY ({', '.join(quoted(k) for k in table.key.split())})")
    return f"CREATE TABLE {qualified(table.table)} ({', '.join(lines)})"


def column_line(c: Column) -> str:
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
        f"COMMENT ON {table.kind.upper()} {qualified(table.table)} IS {literal(table.description)}"
    )
    for c in columns_of(table.table):
        comment_on_column(con, c, c.description)


def comment_on_column(con: duckdb.DuckDBPyConnection, c: Column, text: str) -> None:
    """Put a description, with the unit behind it, on a column."""
    noted = f"{text} [{c.unit}]" if c.unit else text
    con.execute(f"COMMENT ON COLUMN {qualified(c.table)}.{quoted(c.column)} IS {literal(noted)}")


def qualified(name: str) -> str:
    return ".".join(quoted(part) for part in name.split("."))


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
