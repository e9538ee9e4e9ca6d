"""The download ledger: one small DuckDB file that says what was asked, when, and what came.

A thing is done when its row says so and its file still has the hash in that row; everything else is fetched again.
"""

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb

from obcat.ingest.fetch.errors import FetchError
from obcat.ingest.fetch.web import redacted

__all__ = ["Ledger", "opened", "publish", "set_aside"]

COLUMNS = {
    "step": "VARCHAR NOT NULL",
    "item": "VARCHAR NOT NULL",
    "status": "VARCHAR NOT NULL",  # done, running (a job at the archive), failed
    "reason": "VARCHAR",
    "url": "VARCHAR",
    "query": "VARCHAR",
    "job": "VARCHAR",
    "path": "VARCHAR",
    "rows": "BIGINT",
    "bytes": "BIGINT",
    "sha256": "VARCHAR",
    "http": "INTEGER",
    "tries": "INTEGER",
    "seconds": "DOUBLE",
    "finished": "TIMESTAMP",
    "clients": "VARCHAR",
}
PARTIAL = ".part"


class Ledger:
    """Rows by (step, item); files are named below ``folder``."""

    def __init__(self, con: duckdb.DuckDBPyConnection, folder: Path) -> None:
        self.con = con
        self.folder = folder
        self.every: float | None = None
        self.since = 0.0
        self.clients = ", ".join(f"{name} {version(name)}" for name in ("astroquery", "pyvo", "requests"))

    @contextmanager
    def grouped(self, every: float = 1.0) -> Iterator[None]:
        """Rows reach the disk together, now and then: a kill costs what was fetched since, and no more."""
        self.every, self.since = every, time.monotonic()
        self.con.execute("BEGIN")
        try:
            yield
        finally:
            self.con.execute("COMMIT")
            self.every = None

    def row(self, step: str, item: str) -> dict[str, Any] | None:
        cursor = self.con.execute("FROM downloads WHERE step = $1 AND item = $2", [step, item])
        found, names = cursor.fetchall(), [d[0] for d in cursor.description or ()]
        return dict(zip(names, found[0], strict=True)) if found else None

    def put(self, step: str, item: str, status: str, **said: Any) -> None:
        """Write a row, in place of an older one; it is on disk when this returns, unless rows are grouped."""
        said = {k: redacted(v) if isinstance(v, str) else v for k, v in said.items()}
        row = {"step": step, "item": item, "status": status, **said}
        row |= {"finished": datetime.now(UTC).replace(tzinfo=None), "clients": self.clients}
        values = [row.get(name) for name in COLUMNS]
        marks = ", ".join("?" * len(COLUMNS))
        self.con.execute(f"INSERT OR REPLACE INTO downloads VALUES ({marks})", values)
        if self.every is not None and time.monotonic() - self.since > self.every:
            self.con.execute("COMMIT")
            self.con.execute("BEGIN")
            self.since = time.monotonic()

    def done(self, step: str, item: str) -> Path | None:
        """The file of a row that is done, if it is there and whole."""
        row = self.row(step, item)
        return self._whole(row) if row and row["status"] == "done" else None

    def all_done(self, step: str) -> dict[str, Path]:
        """Item -> file, of a whole step at once."""
        query = "SELECT item, path, sha256 FROM downloads WHERE step = $1 AND status = 'done' ORDER BY item"
        rows = self.con.execute(query, [step]).fetchall()
        found = {item: self._whole({"path": path, "sha256": sha}) for item, path, sha in rows}
        return {item: path for item, path in found.items() if path}

    def _whole(self, row: dict[str, Any]) -> Path | None:
        path = self.folder / row["path"]
        try:
            with path.open("rb") as file:
                return path if hashlib.file_digest(file, "sha256").hexdigest() == row["sha256"] else None
        except OSError:
            return None

    def keep(self, step: str, item: str, path: Path, body: bytes, **said: Any) -> Path:
        """Put ``body`` under ``path``, whole or not at all, then write the row that says it is done."""
        publish(path, body)
        name = os.path.relpath(path, self.folder)
        self.put(step, item, "done", path=name, bytes=len(body), sha256=hashlib.sha256(body).hexdigest(), **said)
        return path


@contextmanager
def opened(folder: Path) -> Iterator[Ledger]:
    """The ledger of a folder; a process that is killed leaves it as it was after its last row."""
    folder.mkdir(parents=True, exist_ok=True)
    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    path = folder / "downloads.duckdb"
    try:
        con = duckdb.connect(str(path))
    except duckdb.Error as error:
        raise FetchError(
            f"{path}: {str(error).splitlines()[0]}; move it away, and everything is fetched anew"
        ) from error
    try:
        con.execute("SET threads = 1")
        con.execute(f"CREATE TABLE IF NOT EXISTS downloads ({columns}, PRIMARY KEY (step, item))")
        yield Ledger(con, folder)
    finally:
        con.close()


def set_aside(path: Path) -> None:
    """What stands under the name of a table that is to be fetched anew keeps its content, but not the name."""
    if path.is_file():
        path.replace(path.with_name(path.name + ".old"))


def publish(path: Path, body: bytes) -> None:
    """A name without .part is always a whole file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + PARTIAL)
    with partial.open("wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
