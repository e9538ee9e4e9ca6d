"""What the process does that runs one query for another: take a job, answer once, end.

The first line of what it sends is JSON: either the error, or what there is to say of the answer
that follows.
"""

import ctypes
import json
import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any

from obcat.errors import ObcatError, one_line
from obcat.query.isolated import too_much

if TYPE_CHECKING:
    import duckdb

    from obcat.query.sql import Answer

__all__ = ["work"]

LIBRARIES = 10**8  # bytes of files that are mapped, which no limit of data counts
PARENT_DEATH_SIGNAL = 1  # of prctl
SAID = 2_000  # letters of an error


def work(
    database: str,
    query: str,
    form: str,
    time_limit: float,
    memory: int,
    max_rows: int | None,
    out: str | None,
    escape: bool,
) -> None:
    """Answer one query (see ``obcat.query.isolated``) and end the process."""
    pipe = _own_pipe()
    sys.excepthook = partial(_fail, pipe, memory)
    _follow_parent()
    _confine(memory)
    from obcat.query import sql

    with sql.opened(Path(database)) as con:
        sql.lock_down(con, memory)
        found = sql.answered(con, Path(database), query, time_limit=time_limit, max_rows=max_rows)
        head, body = _made(con, query, found, form, out, escape)
    pipe.write(json.dumps(head).encode() + b"\n")
    body(pipe)
    pipe.flush()
    os._exit(0)


def _made(
    con: "duckdb.DuckDBPyConnection",
    query: str,
    found: "Answer",
    form: str,
    out: str | None,
    escape: bool,
) -> tuple[dict[str, Any], Callable[[IO[bytes]], Any]]:
    """What there is to say, and what writes the answer that is whole already."""
    from obcat.query import formats, sql

    notes = [sql.old_names(query)] if out or form != "arrow" else []
    if form == "csv":
        notes.append(formats.formulas(found.table))
    head = {"cut": found.cut, "notes": [note for note in notes if note]}
    if out:
        known = None
        if form in formats.DESCRIBED:
            from obcat.query.origin import of_query

            known = of_query(con, query, found.table)
        formats.write(found.table, form, Path(out), known)
        return head, lambda pipe: None
    if form == "arrow":
        return head, partial(_stream, found)
    text = formats.text_of(found.table, form)
    return head, partial(_put, formats.printable(text) if escape else text)


def _put(text: str, pipe: IO[bytes]) -> None:
    for start in range(0, len(text), 1 << 20):
        pipe.write(text[start : start + (1 << 20)].encode())


def _stream(found: "Answer", pipe: IO[bytes]) -> None:
    import pyarrow as pa

    with pa.ipc.new_stream(pipe, found.table.schema) as stream:
        stream.write_table(found.table)


def _own_pipe() -> IO[bytes]:
    """The pipe to the parent; whatever a library prints goes nowhere."""
    pipe = os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)
    return pipe


def _follow_parent() -> None:
    """End when the parent ends, however that ends,
    in the midst of a step too where the system can.
    """
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, int(signal.SIGKILL))
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    os.read(0, 1)
    os._exit(1)


def _confine(memory: int) -> None:
    """What is written to memory is bounded by the system, and a breakdown leaves no file behind."""
    for kind, most in ((resource.RLIMIT_DATA, memory - LIBRARIES), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(kind)
        if hard != resource.RLIM_INFINITY:
            most = min(most, hard)
        resource.setrlimit(kind, (most, hard))


def _fail(
    pipe: IO[bytes],
    memory: int,
    kind: type[BaseException],
    error: BaseException,
    trace: TracebackType | None,
) -> None:
    foreseen = isinstance(error, ObcatError)
    shown = "" if foreseen else "".join(traceback.format_exception(error))
    head = {"error": _said(error, memory)[:SAID], "trace": shown[-SAID:]}
    pipe.write(json.dumps(head).encode() + b"\n")
    pipe.flush()
    os._exit(1)


def _said(error: BaseException, memory: int) -> str:
    if isinstance(error, MemoryError):
        return too_much(memory)
    if isinstance(error, OSError) and error.strerror:
        place = "" if error.filename is None else f"{error.filename}: "
        return one_line(f"{place}{error.strerror}")
    if isinstance(error, ObcatError | ValueError | OverflowError | OSError):
        return one_line(error)
    return one_line(f"{type(error).__name__}: {error}")
