"""Open the database; run SQL files. The order of their names is the order of the build."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import duckdb

from obcat.errors import ObcatError
from obcat.schema import MODES, SQL, read_tables

__all__ = [
    "CHECKS",
    "STORAGE",
    "NotATable",
    "SqlFile",
    "StepFailed",
    "connect",
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
    are never held, and no plan hangs on statistics.
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
        way = "READ_ONLY" if read_only else f"STORAGE_VERSION '{STORAGE}'"
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
