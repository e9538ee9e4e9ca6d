"""A query in a process of its own, with an end: of its time, of its memory, of whoever asked.

DuckDB heeds its limits between two steps of a plan; a single function, the planner or the making of
the answer is no such step. The process that asks has no such gaps: it waits, and kills.
"""

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from obcat.errors import ObcatError

__all__ = [
    "LEAST",
    "MAX_ROWS",
    "MEMORY",
    "TIME_LIMIT",
    "Bounds",
    "QueryRefused",
    "Reply",
    "asked",
    "too_long",
    "too_much",
]

MAX_ROWS = 1_000_000
TIME_LIMIT = 60.0  # seconds
MEMORY = 2 * 10**9  # bytes that the process may have in memory
LEAST = 5 * 10**8  # of which libraries take a fifth
GRACE = 0.5  # seconds beyond the limit of time, in which a process starts
PAUSE = 0.02  # seconds between two looks at the memory
CHUNK = 1 << 20
# what multiprocessing does for a process that it spawns: the same modules from the same places
START = """import json, sys
job = json.loads(sys.stdin.buffer.readline())
sys.path[:] = job.pop("modules")
from obcat.query.child import work
work(**job)"""


class QueryRefused(ObcatError):
    """A query that is not one SELECT, or that DuckDB cannot run; one line."""


@dataclass(frozen=True)
class Bounds:
    """Seconds, bytes, and rows that are given at most; None for all."""

    time_limit: float = TIME_LIMIT
    memory: int = MEMORY
    max_rows: int | None = MAX_ROWS


@dataclass(frozen=True)
class Reply:
    """Whether the limit of rows cut the answer, what else there is to say,
    and the answer itself.
    """

    cut: bool
    notes: tuple[str, ...]
    body: IO[bytes]

    def chunks(self) -> Iterator[bytes]:
        while chunk := self.body.read(CHUNK):
            yield chunk


@contextmanager
def asked(
    database: Path,
    query: str,
    form: str,
    bounds: Bounds,
    *,
    out: Path | None = None,
    escape: bool = False,
) -> Iterator[Reply]:
    """The answer, made whole by another process: a text, a stream of Arrow (``form`` arrow), or the
    file ``out``.

    ``escape`` is for a text that goes to a terminal. Raises QueryRefused where the query, its
    answer or its format is refused, or more time or memory is needed than ``bounds`` give.
    """
    with subprocess.Popen(
        [sys.executable, "-P", "-c", START],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # an interrupt at the terminal is for the one that asks
    ) as process:
        try:
            _send(process, _job(database, query, form, bounds, out, escape))
            head = _head(process, bounds)
            if "error" in head:
                refused = QueryRefused(head["error"])
                if head["trace"]:
                    refused.add_note(head["trace"])
                raise refused
            assert process.stdout is not None
            yield Reply(head["cut"], tuple(head["notes"]), process.stdout)
        finally:
            process.kill()


def _job(
    database: Path, query: str, form: str, bounds: Bounds, out: Path | None, escape: bool
) -> dict[str, Any]:
    return {
        "modules": sys.path,
        "database": str(database),
        "query": query,
        "form": form,
        "time_limit": bounds.time_limit,
        "memory": bounds.memory,
        "max_rows": bounds.max_rows,
        "out": None if out is None else str(out),
        "escape": escape,
    }


def _send(process: subprocess.Popen[bytes], job: dict[str, Any]) -> None:
    """The pipe stays open: its end tells the other process that this one is gone."""
    assert process.stdin is not None
    try:
        process.stdin.write(json.dumps(job).encode() + b"\n")
        process.stdin.flush()
    except BrokenPipeError:  # it ended at its start: what there is to say is said by ``_end``
        with suppress(BrokenPipeError):
            process.stdin.close()


def _head(process: subprocess.Popen[bytes], bounds: Bounds) -> dict[str, Any]:
    end = time.monotonic() + bounds.time_limit + GRACE
    assert process.stdout is not None
    with selectors.DefaultSelector() as waiting:
        waiting.register(process.stdout, selectors.EVENT_READ)
        while not waiting.select(PAUSE):
            if time.monotonic() > end:
                raise QueryRefused(too_long(bounds.time_limit))
            if _resident(process.pid) > bounds.memory:
                raise QueryRefused(too_much(bounds.memory))
    line = process.stdout.readline()
    if not line:
        raise QueryRefused(_end(process))
    found: dict[str, Any] = json.loads(line)
    return found


def _resident(number: int) -> int:
    """Bytes of a process in memory; 0 where the system does not say."""
    try:
        pages = Path(f"/proc/{number}/statm").read_text(encoding="ascii").split()[1]
    except (OSError, IndexError):
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def too_long(seconds: float) -> str:
    return f"stopped after {seconds:g} s; ask for less, or give --time-limit"


def too_much(memory: int) -> str:
    return (
        f"stopped: it needs more than {memory / 1e9:g} GB of memory; ask for less, or give --memory"
    )


def _end(process: subprocess.Popen[bytes]) -> str:
    """Of a process that said nothing."""
    code = process.wait()
    if code == -signal.SIGKILL:
        return "killed from outside, most often for want of memory on this machine; ask for less"
    name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return (
        f"DuckDB broke down over it ({name}): there is too little memory for it, or it is nested"
        " too deep; ask for less"
    )
