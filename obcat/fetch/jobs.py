"""One asynchronous TAP job a chunk, counted first, taken up again where a kill left it."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from obcat.fetch.adql import count_query
from obcat.fetch.answer import check_bytes, table_of
from obcat.fetch.errors import Failed
from obcat.fetch.ledger import Ledger
from obcat.fetch.recipe import Limits
from obcat.fetch.tap import Service, asked, number
from obcat.fetch.web import get

if TYPE_CHECKING:
    from astropy.table import Table
    from pyvo.dal import AsyncTAPJob

__all__ = ["job_body"]

LATER = ("no_answer", "refused")  # the job itself may be well, and is taken up again by the next run


def job_body(
    service: Service, ledger: Ledger, step: str, item: str, query: str, upload: "Table", check: Callable[[bytes], None]
) -> bytes:
    """The VOTable of a query over an upload; asked for once, whatever kills the run, and counted by the archive first.

    ``check`` may refuse it, by raising Failed, before it is believed. Raises Failed: job_failed, deadline, overflow,
    incomplete and what the wire has.
    """
    counting = f"{item}-count"
    counted = _job(service, ledger, step, counting, count_query(query), upload, 2, lambda body: None)
    expected = number(table_of(counted, service.url)[0], service.url)

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
        asked(job.delete, job.url)
    return body


def _ended(service: Service, job: "AsyncTAPJob") -> bytes:
    if job._job.phase == "PENDING":
        asked(job.run, job.url)
    _wait(job, service.limits)
    return _result(service, job)


def _submitted(service: Service, query: str, upload: "Table", maxrec: int) -> "AsyncTAPJob":
    from pyvo.dal import TAPService

    tap = TAPService(service.url, session=service.http)
    return asked(lambda: tap.submit_job(query, uploads={"stars": upload}, maxrec=maxrec), service.url)


def _resumed(service: Service, row: dict[str, Any] | None) -> "AsyncTAPJob | None":
    """The job that an earlier run has started, unless the archive has forgotten it or it has failed."""
    from pyvo.dal import AsyncTAPJob

    if not row or not row["job"] or row["status"] != "running":
        return None
    try:
        job = asked(lambda: AsyncTAPJob(row["job"], session=service.http, delete=False), row["job"])
    except Failed as error:
        if error.reason == "not_found":
            return None
        raise
    return None if job._job.phase in ("ERROR", "ABORTED") else job


def _wait(job: "AsyncTAPJob", limits: Limits) -> None:
    """Ask for the phase now and then, ever more seldom, until it is COMPLETED."""
    started = pending = time.monotonic()
    wait, again, mute = limits.poll_first, False, 0
    while (phase := asked(lambda: job.phase, job.url)) != "COMPLETED":
        if phase in ("ERROR", "ABORTED"):
            asked(job.raise_if_error, job.url)
            raise Failed("job_failed", f"{job.url}: {phase}")
        mute = 0 if phase else mute + 1
        if mute >= limits.tries:
            raise Failed("no_answer", f"{job.url}: the description of the job names no phase")
        now = time.monotonic()
        if phase == "PENDING" and now - pending > limits.pending:
            if again:
                _give_up(job, "PENDING, although started twice")
            asked(job.run, job.url)
            pending, again = now, True
        if now - started > limits.job:
            _give_up(job, f"{phase} after {limits.job:g} s")
        time.sleep(wait)
        wait = min(1.5 * wait, limits.poll_most)


def _give_up(job: "AsyncTAPJob", what: str) -> None:
    asked(job.abort, job.url)
    raise Failed("deadline", f"{job.url}: {what}; aborted")


def _result(service: Service, job: "AsyncTAPJob") -> bytes:
    uri = job.result_uri
    if not uri:
        raise Failed("job_failed", f"{job.url}: COMPLETED without a result")
    limits = service.limits
    return get(service.files, uri, limits, limits.table_cap, lambda body: check_bytes(body, job.url)).body
