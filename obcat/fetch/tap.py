"""TAP through pyvo: columns checked, rows counted, then one asynchronous job a chunk, resumed where a kill left it."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import requests

from obcat.fetch.adql import columns_query, count_query, named_columns
from obcat.fetch.answer import check_bytes, table_of
from obcat.fetch.errors import Failed
from obcat.fetch.ledger import Ledger
from obcat.fetch.recipe import Limits
from obcat.fetch.web import get, kind, redacted
from obcat.schema import nearest

if TYPE_CHECKING:
    from astropy.table import Table
    from pyvo.dal import AsyncTAPJob

__all__ = ["Service", "check_columns", "count", "job_body"]

GONE = (404, 410)
LATER = ("no_answer", "refused")  # the job itself may be well, and is taken up again by the next run


class Service(NamedTuple):
    """A TAP service, its limits, the session that pyvo reaches it with, and the one that results come by."""

    url: str
    limits: Limits
    http: requests.Session
    files: requests.Session


def _asked(call: Callable[[], Any], where: str) -> Any:
    """What pyvo gives, its errors as Failed."""
    from pyvo.dal import DALFormatError, DALQueryError, DALServiceError

    try:
        return call()
    except DALQueryError as error:
        raise Failed("job_failed", f"{where}: {redacted(str(error))[:200]}") from error
    except (DALServiceError, DALFormatError, requests.RequestException, OSError) as error:
        code = getattr(error, "code", None)
        reason = "not_found" if code in GONE else "refused" if code else "no_answer"
        raise Failed(reason, f"{where}: {kind(error)}") from error


def _sync(service: Service, query: str, maxrec: int) -> bytes:
    from pyvo.dal import TAPQuery

    asked = TAPQuery(service.url, query, mode="sync", maxrec=maxrec, session=service.http)
    response = _asked(asked.submit, service.url)
    if response.status_code != 200:
        if b"<VOTABLE" in response.content[:400]:
            check_bytes(response.content, service.url)  # says what is wrong better than the status does
        raise Failed("refused", f"{service.url}: HTTP {response.status_code}")
    return response.content


def check_columns(service: Service, query: str) -> None:
    """Raises Failed: unusable, naming the nearest column, where the archive's own list lacks one that is asked for.

    A table that the list does not have is left to the archive to refuse.
    """
    wanted = named_columns(query)
    if not wanted:
        return
    asked = columns_query(sorted(wanted))
    table, _ = table_of(_sync(service, asked, 100_000), service.url)
    known: dict[str, set[str]] = {}
    for name, column in zip(table["table_name"].to_pylist(), table["column_name"].to_pylist(), strict=True):
        known.setdefault(name.strip('"'), set()).add(column.strip('"').lower())
    for name, columns in wanted.items():
        for column in sorted(columns):
            if name in known and column.lower() not in known[name]:
                raise Failed("unusable", f"{name} has no column {column}{nearest(column, known[name])}")


def count(service: Service, query: str) -> int:
    """The number of rows that a query without upload gives."""
    table, _ = table_of(_sync(service, query, 10), service.url)
    return _number(table, service.url)


def _number(table: Any, where: str) -> int:
    if table.num_rows != 1 or table.num_columns != 1:
        raise Failed("incomplete", f"{where}: COUNT(*) gave {table.num_rows} rows of {table.num_columns} columns")
    return int(table.column(0)[0].as_py())


def job_body(
    service: Service, ledger: Ledger, step: str, item: str, query: str, upload: "Table", check: Callable[[bytes], None]
) -> bytes:
    """The VOTable of a query over an upload; asked for once, whatever kills the run, and counted by the archive first.

    ``check`` may refuse it, by raising Failed, before it is believed. Raises Failed: job_failed, deadline, overflow,
    incomplete and what the wire has.
    """
    counting = f"{item}-count"
    counted = _job(service, ledger, step, counting, count_query(query), upload, 2, lambda body: None)
    expected = _number(table_of(counted, service.url)[0], service.url)

    def checked(body: bytes) -> None:
        rows = table_of(body, service.url)[0].num_rows
        if rows != expected:
            ledger.put(step, counting, "failed")
            raise Failed("incomplete", f"{service.url}: {rows:,} rows, and the archive counts {expected:,}")
        check(body)

    return _job(service, ledger, step, item, query, upload, expected + 1, checked)


def _job(
    service: Service,
    ledger: Ledger,
    step: str,
    item: str,
    query: str,
    upload: "Table",
    maxrec: int,
    check: Callable[[bytes], None],
) -> bytes:
    whole = ledger.done(step, item)
    if whole:
        return whole.read_bytes()
    job = _resumed(service, ledger.row(step, item)) or _submitted(service, query, upload, maxrec)
    said = {"job": job.url, "url": service.url, "query": query}
    ledger.put(step, item, "running", **said)
    try:
        body = _ended(service, job)
        check(body)
    except Failed as error:
        if error.reason not in LATER:
            ledger.put(step, item, "failed", reason=str(error), **said)
        raise
    path = ledger.folder / "parts" / step / f"{item}.vot"
    ledger.keep(step, item, path, body, rows=table_of(body, job.url)[0].num_rows, http=200, **said)
    with suppress(Failed):  # a job that stays harms nobody
        _asked(job.delete, job.url)
    return body


def _ended(service: Service, job: "AsyncTAPJob") -> bytes:
    if job._job.phase == "PENDING":
        _asked(job.run, job.url)
    _wait(job, service.limits)
    return _result(service, job)


def _submitted(service: Service, query: str, upload: "Table", maxrec: int) -> "AsyncTAPJob":
    from pyvo.dal import TAPService

    tap = TAPService(service.url, session=service.http)
    return _asked(lambda: tap.submit_job(query, uploads={"stars": upload}, maxrec=maxrec), service.url)


def _resumed(service: Service, row: dict[str, Any] | None) -> "AsyncTAPJob | None":
    """The job that an earlier run has started, unless the archive has forgotten it or it has failed."""
    from pyvo.dal import AsyncTAPJob

    if not row or not row["job"] or row["status"] != "running":
        return None
    try:
        job = _asked(lambda: AsyncTAPJob(row["job"], session=service.http, delete=False), row["job"])
    except Failed as error:
        if error.reason == "not_found":
            return None
        raise
    return None if job._job.phase in ("ERROR", "ABORTED") else job


def _wait(job: "AsyncTAPJob", limits: Limits) -> None:
    """Ask for the phase now and then, ever more seldom, until it is COMPLETED."""
    started = pending = time.monotonic()
    wait, again, mute = limits.poll_first, False, 0
    while (phase := _asked(lambda: job.phase, job.url)) != "COMPLETED":
        if phase in ("ERROR", "ABORTED"):
            _asked(job.raise_if_error, job.url)
            raise Failed("job_failed", f"{job.url}: {phase}")
        mute = 0 if phase else mute + 1
        if mute >= limits.tries:
            raise Failed("no_answer", f"{job.url}: the description of the job names no phase")
        now = time.monotonic()
        if phase == "PENDING" and now - pending > limits.pending:
            if again:
                _give_up(job, "PENDING, although started twice")
            _asked(job.run, job.url)
            pending, again = now, True
        if now - started > limits.job:
            _give_up(job, f"{phase} after {limits.job:g} s")
        time.sleep(wait)
        wait = min(1.5 * wait, limits.poll_most)


def _give_up(job: "AsyncTAPJob", what: str) -> None:
    _asked(job.abort, job.url)
    raise Failed("deadline", f"{job.url}: {what}; aborted")


def _result(service: Service, job: "AsyncTAPJob") -> bytes:
    uri = job.result_uri
    if not uri:
        raise Failed("job_failed", f"{job.url}: COMPLETED without a result")
    limits = service.limits
    return get(service.files, uri, limits, limits.table_cap, lambda body: check_bytes(body, job.url)).body
