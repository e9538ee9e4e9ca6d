"""Open the database; run SQL files: the order of their names is the order of the build. Its tables
with keys, checks and comments; descriptions that say what was run.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import duckdb

from obcat.errors import ObcatError
from obcat.schema import (
    MODES,
    SQL,
    Column,
    Table,
    columns_of,
    printed,
    quoted,
    read_parameters,
    read_tables,
)

__all__ = [
    "CHECKS",
    "STORAGE",
    "NotATable",
    "SqlFile",
    "StepFailed",
    "columns_as_run",
    "connect",
    "create_tables",
    "describe",
    "insert",
    "parameters_as_run",
    "qualified",
    "run",
    "sql_files",
]


class StepFailed(ObcatError):
    """A SQL file could not be run; names the file and what DuckDB said."""


class NotATable(duckdb.Error):
    """A view stands where obcat build makes a table; one line that names it."""


@dataclass(frozen=True)
class SqlFile:
    """A file under sql/: ``40_spectra/30_scores.sql`` makes ``spectra.scores``."""

    path: Path

    @property
    def relation(self) -> str:
        return f"{self.path.parent.name[3:]}.{self.path.stem[3:]}"

    @property
    def name(self) -> str:
        return f"{self.path.parent.name}/{self.path.stem}"

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def mode(self) -> str:
        """The mode a step of a build belongs to."""
        return (*self.header("Mode"), *MODES)[0]

    def reading(self, names: Mapping[str, str]) -> "SqlFile":
        """The same step, of relations by other names."""
        other, text = SqlFile(self.path), self.text
        for name, instead in names.items():
            text = text.replace(name, instead)
        vars(other)["text"] = text
        return other

    def header(self, field: str) -> tuple[str, ...]:
        """The values of a header line: ``-- Reads: a, b`` -> ('a', 'b')."""
        found = re.search(rf"^-- {field}: *(.*)$", self.text, re.MULTILINE)
        return tuple(x.strip() for x in found.group(1).split(",") if x.strip()) if found else ()


CHECKS = "95_check"
# a file of another kind is refused, not fetched a reader for
NO_EXTENSIONS = (
    "autoload_known_extensions",
    "autoinstall_known_extensions",
    "allow_community_extensions",
)
BESIDE = (
    "",
    ".wal",
    ".wal.checkpoint",
    ".wal.recovery",
    ".tmp",
)  # files of a database that is written
STORAGE = "v1.0.0"  # what every DuckDB since 1.0 can open
NO_LOG = "RECOVERY_MODE no_wal_writes"


def sql_files(layer: str | None = None) -> list[SqlFile]:
    """Files of a layer; without one, of every layer of a build, in build order."""
    paths = sorted(SQL.glob(f"{layer or '[0-9][0-9]_*'}/*.sql"))
    return [SqlFile(path) for path in paths if layer or path.parent.name != CHECKS]


@contextmanager
def connect(
    path: Path,
    *,
    read_only: bool = False,
    writes: Path | None = None,
    threads: int = 2,
    memory_limit: str = "1500MB",
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the file attached and in use; closed, with its file released, at the end.

    Read-only, it is locked down: nothing in the file reaches another file or the network, but for
    the one database that ``writes`` names, and what should be a table of ours is one. Raises
    NotATable; duckdb.Error where the file is no database.

    A new file has the storage of DuckDB 1.0, so that older clients open it.
    Row groups of 2,048 rows (given at every open) let two threads share 16,000 spectra and keep
    buffers small. Domain errors (log of a negative, division by zero) are errors here, never NaN.
    Joins keep their left side as the one that streams, so that rows stay in its order: wide spectra
    are never held, and no plan hangs on statistics. What is written is whole when it is closed:
    there is no log to recover from, for it gets its name after that.
    """
    con = duckdb.connect()
    try:
        con.execute("SET enable_progress_bar = false")
        for setting in NO_EXTENSIONS:
            con.execute(f"SET {setting} = false")
        con.execute("SET ieee_floating_point_ops = false")
        con.execute("SET python_enable_replacements = false")
        con.execute("SET disabled_optimizers = 'join_order,build_side_probe_side'")
        con.execute(f"SET threads = {int(threads)}")
        con.execute("SET memory_limit = $limit", {"limit": memory_limit})
        con.execute(
            "SET temp_directory = $folder", {"folder": str(path.parent / f"{path.name}.tmp")}
        )
        way = "READ_ONLY" if read_only else f"STORAGE_VERSION '{STORAGE}', {NO_LOG}"
        options = f"{way}, ROW_GROUP_SIZE 2048"
        con.execute(f"ATTACH $path AS obcat ({options})", {"path": str(path)})
        con.execute("USE obcat")
        if read_only:
            _lock_down(con, writes)
            _only_tables(con)
        yield con
    finally:
        con.close()


def _lock_down(con: duckdb.DuckDBPyConnection, writes: Path | None) -> None:
    allowed = [f"{writes}{ending}" for ending in BESIDE] if writes else []
    con.execute("SET allowed_paths = $paths", {"paths": allowed})
    con.execute("SET enable_external_access = false")
    con.execute("SET lock_configuration = true")


def _only_tables(con: duckdb.DuckDBPyConnection) -> None:
    """A view in the place of a table could be anything, and take for ever."""
    views = con.execute(
        "SELECT schema_name || '.' || view_name FROM duckdb_views() WHERE database_name = "
        "current_database()"
    ).fetchall()
    for (name,) in sorted(views):
        if name in read_tables() and read_tables()[name].kind == "table":
            raise NotATable(f"{name} is a view, where obcat build makes a table")


def run(
    con: duckdb.DuckDBPyConnection, file: SqlFile, parameters: Mapping[str, object] | None = None
) -> None:
    """Run the one statement, or the macros, of a file."""
    try:
        con.execute(file.text, parameters or None)
    except duckdb.Error as error:
        raise StepFailed(f"sql/{file.name}.sql: {error}") from error


def insert(con: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Sequence[object]]) -> None:
    """Insert rows of Python values, each as wide as the table: some hundred of them, at once."""
    if rows:
        places = ", ".join([f"({', '.join('?' * len(rows[0]))})"] * len(rows))
        values = [value for row in rows for value in row]
        con.execute(f"INSERT INTO {qualified(table)} VALUES {places}", values)


def create_tables(con: duckdb.DuckDBPyConnection, *, noted: bool = True) -> None:
    """Create every schema and declared table, with keys, checks and, where they are to be
    ``noted``, comments; views are made by their files.
    """
    for name in sorted({t.partition(".")[0] for t in read_tables()}):
        con.execute(f"CREATE SCHEMA {quoted(name)}")
    for table in read_tables().values():
        if table.kind == "table":
            con.execute(_create_table(table))
            if noted:
                _comment_on(con, table, {c: c.description for c in columns_of(table.table)})


def _create_table(table: Table) -> str:
    lines = [_column_line(c) for c in columns_of(table.table)]
    if table.key:
        lines.append(f"PRIMARY KEY ({', '.join(quoted(k) for k in table.key.split())})")
    return f"CREATE TABLE {qualified(table.table)} ({', '.join(lines)})"


def _column_line(c: Column) -> str:
    name, bounds = quoted(c.column), ((">=", c.min), ("<=", c.max))
    checks = [f"{name} {op} {bound}" for op, bound in bounds if bound]
    if c.table == "meta.parameters":  # looked at before; each comment would copy all its checks
        checks = []
    elif c.min and c.max:  # no NaN, no infinity; and each comment copies the checks of its table
        checks = [f"{name} BETWEEN {c.min} AND {c.max}"]
    elif c.type == "DOUBLE" and not c.table.startswith("raw."):
        checks.append(f"isfinite({name})")
    check = f" CHECK ({' AND '.join(checks)})" if checks else ""
    default = f" DEFAULT {c.default}" if c.default else ""
    return f"{quoted(c.column)} {c.type}{' NOT NULL' if c.required else ''}{default}{check}"


def _comment_on(con: duckdb.DuckDBPyConnection, table: Table, texts: Mapping[Column, str]) -> None:
    """Put the descriptions, with units, on a table or view and on its columns."""
    kind, name = table.kind.upper(), qualified(table.table)
    said = [f"COMMENT ON {kind} {name} IS {_literal(table.description)}"]
    for c, text in texts.items():
        noted = f"{text} [{c.unit}]" if c.unit else text
        said.append(f"COMMENT ON COLUMN {name}.{quoted(c.column)} IS {_literal(noted)}")
    con.execute(";".join(said))


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
    """Comment on every table, view and column, in the words of what was run, and on every
    parameter; a view of a mode that was not built is not there.
    """
    made = {name for (name,) in con.execute(MADE).fetchall()}
    values = con.sql("FROM meta.parameters").to_arrow_table().to_pylist()[0]
    words = {name: printed(value) for name, value in values.items()} | _gaia(con)
    con.execute("BEGIN")
    for name, table in read_tables().items():
        if name == "meta.parameters":
            noted = {
                c: read_parameters()[c.column].said(values[c.column]) for c in columns_of(name)
            }
            _comment_on(con, table, noted)
        elif name in made:
            _comment_on(con, table, {c: c.said(words) for c in columns_of(name)})
    con.execute("COMMIT")


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
