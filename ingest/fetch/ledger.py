"""The download ledger: one small DuckDB file that says what was asked, when, and what came.

A thing is done when its row says so and its file still has the hash in that row; everything else is
fetched again.
"""

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import Any

import duckdb

from obcat.files import publishing
from obcat.ingest.errors import Failed, FetchError
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
NAME = "downloads.duckdb"


class Ledger:
    """Rows by (step, item); files are named below ``folder``.

    Statements run in a thread of their own: in the main thread a signal would break one off, and
    DuckDB its group.
    """

    def __init__(self, folder: Path, checks: str) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._con: duckdb.DuckDBPyConnection | None = None
        self.folder = folder
        self.checks = checks
        self.every: float | None = None
        self.since = 0.0
        self.clients = ", ".join(
            f"{name} {version(name)}" for name in ("astroquery", "pyvo", "requests")
        )
        self.clients += f", {checks}"

    @contextmanager
    def grouped(self, every: float = 1.0) -> Iterator[None]:
        """Rows reach the disk together, now and then:
        a kill costs what was fetched since, and no more.
        """
        self.every, self.since = every, time.monotonic()
        self._run("BEGIN")
        try:
            yield
        finally:
            self._run("COMMIT")
            self.every = None

    def _run(self, sql: str, values: list[Any] | None = None) -> list[dict[str, Any]]:
        """The rows that a statement gives.
        Raises FetchError where the ledger cannot be read or written.
        """
        path = self.folder / NAME

        def rows() -> list[dict[str, Any]]:
            if self._con is None:
                self._con = duckdb.connect(str(path))
            cursor = self._con.execute(sql, values)
            names = [d[0] for d in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

        try:
            return self._thread.submit(rows).result()
        except duckdb.Error as error:
            raise FetchError(
                f"{path}: {str(error).splitlines()[0]}; is there room, and may it be written? "
                "If it is damaged, "
                f"move it away, and everything is fetched anew"
            ) from error

    def create(self) -> None:
        columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
        self._run(
            f"SET threads = 1; CREATE TABLE IF NOT EXISTS downloads ({columns}, PRIMARY KEY "
            "(step, item))"
        )

    def close(self) -> None:
        """A checkpoint that finds no room leaves the log, which the next run reads."""
        if self._con is not None:
            with suppress(duckdb.Error):
                self._thread.submit(self._con.close).result()
        self._thread.shutdown(wait=False)

    def row(self, step: str, item: str) -> dict[str, Any] | None:
        found = self._run("FROM downloads WHERE step = $1 AND item = $2", [step, item])
        return found[0] if found else None

    def put(self, step: str, item: str, status: str, **said: Any) -> None:
        """Write a row, in place of an older one;
        it is on disk when this returns, unless rows are grouped.
        """
        said = {k: redacted(v) if isinstance(v, str) else v for k, v in said.items()}
        row = {"step": step, "item": item, "status": status, **said}
        row |= {"finished": datetime.now(UTC).replace(tzinfo=None), "clients": self.clients}
        values = [row.get(name) for name in COLUMNS]
        marks = ", ".join("?" * len(COLUMNS))
        self._run(f"INSERT OR REPLACE INTO downloads VALUES ({marks})", values)
        if self.every is not None and time.monotonic() - self.since > self.every:
            self._run("COMMIT; BEGIN")
            self.since = time.monotonic()

    def done(self, step: str, item: str) -> Path | None:
        """The file of a row that is done, if it is there and whole."""
        row = self.row(step, item)
        return self._whole(row) if row and row["status"] == "done" else None

    def known(self, step: str, item: str, check: Callable[[bytes], None]) -> bytes | None:
        """The content of what is done, unless ``check`` refuses it today, by raising Failed."""
        path = self.done(step, item)
        if not path:
            return None
        try:
            check(body := path.read_bytes())
        except Failed as error:
            self.forget(step, [item], error)
            return None
        return body

    def all_done(self, step: str) -> dict[str, Path]:
        """Item -> file, of a whole step at once."""
        query = (
            "SELECT item, path, sha256 FROM downloads WHERE step = $1 AND status = 'done' "
            "ORDER BY item"
        )
        found = {row["item"]: self._whole(row) for row in self._run(query, [step])}
        return {item: path for item, path in found.items() if path}

    def unchecked(self, step: str) -> set[str]:
        """Items that are done, but passed other checks than ours of today."""
        query = (
            "SELECT item FROM downloads WHERE step = $1 AND status = 'done' AND NOT "
            "ends_with(clients, $2)"
        )
        return {row["item"] for row in self._run(query, [step, self.checks])}

    def checked(self, step: str, item: str) -> None:
        self._run(
            "UPDATE downloads SET clients = $3 WHERE step = $1 AND item = $2",
            [step, item, self.clients],
        )

    def forget(self, step: str, items: Iterable[str], why: Failed) -> None:
        """What was done is asked for again."""
        for item in items:
            self.put(step, item, "failed", reason=str(why))

    def _whole(self, row: dict[str, Any]) -> Path | None:
        path = self.folder / row["path"]
        try:
            with path.open("rb") as file:
                return (
                    path
                    if hashlib.file_digest(file, "sha256").hexdigest() == row["sha256"]
                    else None
                )
        except OSError:
            return None

    def keep(self, step: str, item: str, path: Path, body: bytes, **said: Any) -> Path:
        """Put ``body`` under ``path``, whole or not at all,
        then write the row that says it is done.
        """
        publish(path, body)
        name = os.path.relpath(path, self.folder)
        self.put(
            step,
            item,
            "done",
            path=name,
            bytes=len(body),
            sha256=hashlib.sha256(body).hexdigest(),
            **said,
        )
        return path


@contextmanager
def opened(folder: Path, checks: str) -> Iterator[Ledger]:
    """The ledger of a folder; a process that is killed leaves it as it was after its last row.

    ``checks``: names what a spectrum must pass to be done.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ledger = Ledger(folder, checks)
    try:
        ledger.create()
        yield ledger
    finally:
        ledger.close()


def set_aside(path: Path) -> None:
    """What stands under the name of a table that is to be fetched anew keeps its content,
    but not the name.
    """
    if path.is_file():
        names = (path.with_name(f"{path.name}.old{n or ''}") for n in count())
        path.rename(next(name for name in names if not name.exists()))


def publish(path: Path, body: bytes) -> None:
    """A name is always that of a whole file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with publishing(path) as partial:
        partial.write_bytes(body)
