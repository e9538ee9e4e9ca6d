"""The released database: the catalog and what describes it,
in a file that older DuckDB clients open.

models.safetensors: the models of the build, so that others can use them without its database.
"""

from collections.abc import Iterator
from pathlib import Path

import duckdb

from obcat import db
from obcat import models as stored
from obcat.export import NOT_REAL, TABLES, Published, ReleaseError, check_tables, opened, read_from
from obcat.reading import BEST, DIFFERENCES

__all__ = ["held", "write", "write_from", "write_models", "write_models_from"]

ROWS = "published_rows"


def write(path: Path, database: Path) -> None:
    """Copy catalog.ob_stars and the tables of meta, with keys, checks, comments and macros, to a
    new file.

    Raises ReleaseError where the database is not whole, or the file cannot be written.
    """
    with opened(database, path) as con:
        write_from(con, path, read_from(con, database))


def held(*catalogs: Published) -> tuple[str, ...]:
    """The tables of a released database; where both modes are, what differs between them too."""
    best = any(c.table == BEST for c in catalogs)
    return (*TABLES, BEST, DIFFERENCES) if best else TABLES


def write_from(con: duckdb.DuckDBPyConnection, path: Path, *catalogs: Published) -> None:
    """The same over a connection that the catalogs were read from,
    whose rows are written as they were read.
    """
    names = held(*catalogs)
    check_tables(con, path, names)
    rows = {c.table: f"{ROWS}_{c.status}" for c in catalogs}
    try:
        con.execute(
            f"ATTACH $path AS released (STORAGE_VERSION '{db.STORAGE}')", {"path": str(path)}
        )
        for catalog in catalogs:
            con.register(rows[catalog.table], catalog.rows)
        statements = list(_copies(con, names, rows))
        con.execute("USE released")
        for statement in (*statements, *_macros()):
            con.execute(statement)
        con.execute("CHECKPOINT released")
        con.execute("USE obcat")
        con.execute("DETACH released")
        for view in rows.values():
            con.unregister(view)
    except duckdb.Error as error:
        raise ReleaseError(f"{path.name}: {str(error).splitlines()[0]}") from error


def _copies(
    con: duckdb.DuckDBPyConnection, names: tuple[str, ...], rows: dict[str, str]
) -> Iterator[str]:
    """Statements that make the tables anew, in their order; ``rows`` has those that were read."""
    for schema in sorted({name.partition(".")[0] for name in names}):
        yield f'CREATE SCHEMA "{schema}"'
    for name in names:
        schema, _, table = name.partition(".")
        where = f"database_name = 'obcat' AND schema_name = '{schema}' AND table_name = '{table}'"
        created, comment = con.execute(
            f"SELECT sql, comment FROM system.main.duckdb_tables() WHERE {where}"
        ).fetchall()[0]
        yield created
        order = "" if name in rows else " ORDER BY 1"  # what was read is in order
        yield f"INSERT INTO {name} FROM {rows.get(name, f'obcat.{name}')}{order}"
        yield f"COMMENT ON TABLE {name} IS {_literal(comment)}"
        columns = con.execute(
            f"SELECT column_name, comment FROM system.main.duckdb_columns() WHERE {where}"
        ).fetchall()
        yield from (
            f'COMMENT ON COLUMN {name}."{column}" IS {_literal(text)}' for column, text in columns
        )


def _macros() -> list[str]:
    """The files of pure-SQL macros, so that any client has them."""
    return [file.text for file in db.sql_files("00_meta") if file.header("Grain") == ("macros.",)]


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def write_models(path: Path, catalog: Published, database: Path) -> None:
    """Write every model of the build, the parameters, and whether the stars exist.
    Raises ReleaseError.
    """
    with opened(database) as con:
        write_models_from(con, path, catalog)


def write_models_from(con: duckdb.DuckDBPyConnection, path: Path, catalog: Published) -> None:
    """The same over a connection, to the state of the database that the catalog was read from."""
    check_tables(con, path, ("model.arrays",))
    try:
        models = {name: stored.arrays(con, name) for name in stored.names(con)}
    except duckdb.Error as error:
        raise ReleaseError(f"{path.name}: {str(error).splitlines()[0]}") from error
    facts = {name: catalog.provenance.get(name) for name in ("release", "obcat", "fingerprint")}
    facts |= {"models_from": catalog.provenance["models_from"]} if catalog.lent else {}
    warning = {"warning": NOT_REAL} if catalog.simulated else {}
    given = {
        "survey": catalog.survey,
        "simulated": catalog.simulated,
        "parameters": catalog.parameters,
    }
    stored.write(path, models, {**facts, **given, **warning})
