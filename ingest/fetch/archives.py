"""The archives: ADQL read, TAP and its jobs by pyvo, VizieR and the cross-match by astroquery.

A job is counted first, and taken up again where a kill left it; bytes are checked before any use.
"""

import io
import re
import time
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import requests

from obcat.ingest.errors import Failed, FetchError
from obcat.ingest.fetch.ledger import Ledger
from obcat.ingest.fetch.recipe import Limits
from obcat.ingest.fetch.star_tables import check_bytes, table_of
from obcat.ingest.fetch.web import AGAIN, answered, exchange, get, http_session, kind, redacted
from obcat.schema import nearest

if TYPE_CHECKING:
    from astropy.table import Table
    from pyvo.dal import AsyncTAPJob

__all__ = [
    "Question", "Service", "check_columns", "columns_query", "count", "count_query",
    "cross_matched", "job_body", "named_columns", "output_names", "vizier_table",
]  # fmt: skip

FROM = re.compile(r"\bFROM\b", re.IGNORECASE)
TABLE = re.compile(r"\b(?:FROM|JOIN)\s+(\"[^\"]+\"|[\w.]+)\s+AS\s+(\w+)", re.IGNORECASE)
UPLOAD = "tap_upload."
GONE = (404, 410)
# UWS 1.1, section 2.1.3
GOES_ON = ("PENDING", "QUEUED", "EXECUTING", "UNKNOWN", "HELD", "SUSPENDED")
# the job itself may be well, and is taken up again by the next run
LATER = ("no_answer", "refused")


# ---- the text of a query


def count_query(query: str) -> str:
    """The same FROM, counted. FetchError: a query has no FROM outside of parentheses."""
    return f"SELECT COUNT(*) AS n {query[_from(query) :].strip()}"


def output_names(query: str) -> set[str]:
    """Names of the columns that the query selects, in small letters."""
    select = re.sub(r"^\s*SELECT\s+", "", query[: _from(query)], flags=re.IGNORECASE)
    while select != (flat := re.sub(r"\([^()]*\)", "", select)):
        select = flat
    return {
        re.split(r"\bAS\b|\.", item, flags=re.IGNORECASE)[-1].strip().strip('"').lower()
        for item in select.split(",")
    }


def _from(query: str) -> int:
    """Where the FROM is that stands outside of parentheses."""
    for found in FROM.finditer(query):
        before = query[: found.start()]
        if before.count("(") == before.count(")"):
            return found.start()
    raise FetchError(f"no FROM in the query {query.strip()[:60]!r}")


def named_columns(query: str) -> dict[str, set[str]]:
    """Table of the archive -> columns that the query names as alias.column."""
    found = {}
    for table, alias in TABLE.findall(query):
        columns = re.findall(rf"\b{re.escape(alias)}\.(\"[^\"]+\"|\w+)", query)
        if not table.lower().startswith(UPLOAD):
            found[table.strip('"')] = {c.strip('"') for c in columns}
    return found


def columns_query(tables: list[str]) -> str:
    """Asks the archive which columns its tables have."""
    names = ", ".join("'" + t.replace("'", "''") + "'" for t in tables)
    return f"SELECT table_name, column_name FROM tap_schema.columns WHERE table_name IN ({names})"


# ---- TAP


class Service(NamedTuple):
    """A TAP service, its limits, the sessions of pyvo and of results."""

    url: str
    limits: Limits
    http: requests.Session
    files: requests.Session


def _asked(call: Callable[[], Any], where: str, limits: Limits) -> Any:
    """What pyvo gives, its errors as Failed."""
    from pyvo.dal import DALFormatError, DALQueryError, DALServiceError

    try:
        with exchange(where, limits, limits.table_cap), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they quote the archive
            return call()
    except DALQueryError as error:
        raise Failed("job_failed", f"{where}: {redacted(str(error))[:200]}") from error
    except (DALServiceError, DALFormatError, OSError, ValueError) as error:
        code = getattr(error, "code", None)
        reason = "not_found" if code in GONE else "refused" if code else "no_answer"
        raise Failed(reason, f"{where}: {kind(error)}") from error


def _sync(service: Service, query: str, maxrec: int) -> bytes:
    from pyvo.dal import TAPQuery

    sent = TAPQuery(service.url, query, mode="sync", maxrec=maxrec, session=service.http)
    response = _asked(sent.submit, service.url, service.limits)
    if response.status_code != 200:
        if b"<VOTABLE" in response.content[:400]:  # says what is wrong better than the status
            check_bytes(response.content, service.url)
        raise Failed("refused", f"{service.url}: HTTP {response.status_code}")
    return response.content


def check_columns(service: Service, query: str) -> None:
    """Raises Failed: unusable, naming the nearest column, where the archive's own list lacks one
    that is asked for.

    A table that the list does not have is left to the archive to refuse.
    """
    wanted = named_columns(query)
    if not wanted:
        return
    table, _ = table_of(_sync(service, columns_query(sorted(wanted)), 100_000), service.url)
    if not {"table_name", "column_name"} <= set(table.column_names):
        raise Failed(
            "unusable",
            f"{service.url}: tap_schema.columns has not the columns table_name and column_name",
        )
    known: dict[str, set[str]] = {}
    for name, column in zip(
        table["table_name"].to_pylist(), table["column_name"].to_pylist(), strict=True
    ):
        known.setdefault(name.strip('"'), set()).add(column.strip('"').lower())
    for name, columns in wanted.items():
        for column in sorted(columns):
            if name in known and column.lower() not in known[name]:
                raise Failed(
                    "unusable", f"{name} has no column {column}{nearest(column, known[name])}"
                )


def count(service: Service, query: str) -> int:
    """The number of rows that a query without upload gives."""
    table, _ = table_of(_sync(service, query, 10), service.url)
    return _number(table, service.url)


def _number(table: Any, where: str) -> int:
    if table.num_rows != 1 or table.num_columns != 1:
        raise Failed(
            "incomplete",
            f"{where}: COUNT(*) gave {table.num_rows} rows of {table.num_columns} columns",
        )
    n = table.column(0)[0].as_py()
    if not isinstance(n, int) or n < 0:
        raise Failed("incomplete", f"{where}: COUNT(*) gave {str(n)[:40]!r}")
    return n


# ---- jobs


class Question(NamedTuple):
    """A query over an upload, and the names under which the ledger keeps its answer."""

    step: str
    item: str
    query: str
    upload: "Table"


def job_body(
    service: Service, ledger: Ledger, question: Question, check: Callable[[bytes], None]
) -> bytes:
    """The VOTable that answers; asked for once, whatever kills the run, and counted by the archive
    first.

    ``check`` may refuse it, by raising Failed, before it is believed. Raises Failed: job_failed,
    deadline, overflow, incomplete and what the wire has.
    """
    counting = question._replace(item=f"{question.item}-count", query=count_query(question.query))
    counted = _job(service, ledger, counting, 2, lambda body: None)
    expected = _number(table_of(counted, service.url)[0], service.url)

    def checked(body: bytes) -> None:
        rows = table_of(body, service.url)[0].num_rows
        if rows != expected:
            ledger.put(counting.step, counting.item, "failed")
            raise Failed(
                "incomplete", f"{service.url}: {rows:,} rows, and the archive counts {expected:,}"
            )
        check(body)

    return _job(service, ledger, question, expected + 1, checked)


def _job(
    service: Service,
    ledger: Ledger,
    question: Question,
    maxrec: int,
    check: Callable[[bytes], None],
) -> bytes:
    step, item, query, upload = question
    if known := ledger.known(step, item, check):
        return known
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
        _asked(job.delete, job.url, service.limits)
    return body


def _ended(service: Service, job: "AsyncTAPJob") -> bytes:
    if job._job.phase == "PENDING":
        _asked(job.run, job.url, service.limits)
    _wait(job, service.limits)
    return _result(service, job)


def _submitted(service: Service, query: str, upload: "Table", maxrec: int) -> "AsyncTAPJob":
    from pyvo.dal import TAPService

    tap = TAPService(service.url, session=service.http)
    return _asked(
        lambda: tap.submit_job(query, uploads={"stars": upload}, maxrec=maxrec),
        service.url,
        service.limits,
    )


def _resumed(service: Service, row: dict[str, Any] | None) -> "AsyncTAPJob | None":
    """The job of an earlier run, unless the archive forgot it or it leads nowhere."""
    from pyvo.dal import AsyncTAPJob

    if not row or not row["job"] or row["status"] != "running":
        return None
    try:
        job = _asked(
            lambda: AsyncTAPJob(row["job"], session=service.http, delete=False),
            row["job"],
            service.limits,
        )
    except Failed as error:
        if error.reason == "not_found":
            return None
        raise
    return job if job._job.phase in (*GOES_ON, "COMPLETED") else None


def _wait(job: "AsyncTAPJob", limits: Limits) -> None:
    """Ask for the phase now and then, ever more seldom, until it is COMPLETED."""
    started = pending = time.monotonic()
    wait, again, mute = limits.poll_first, False, 0
    while (phase := _asked(lambda: job.phase, job.url, limits)) != "COMPLETED":
        if phase in ("ERROR", "ABORTED"):
            _asked(job.raise_if_error, job.url, limits)
            raise Failed("job_failed", f"{job.url}: {phase}")
        mute = 0 if phase in GOES_ON else mute + 1
        if mute >= limits.tries:
            raise Failed(
                "no_answer",
                f"{job.url}: the description of the job names no phase: {str(phase)[:40]!r}",
            )
        now = time.monotonic()
        if phase == "PENDING" and now - pending > limits.pending:
            if again:
                _give_up(job, "PENDING, although started twice", limits)
            _asked(job.run, job.url, limits)
            pending, again = now, True
        if now - started > limits.job:
            _give_up(job, f"{phase} after {limits.job:g} s", limits)
        time.sleep(wait)
        wait = min(1.5 * wait, limits.poll_most)


def _give_up(job: "AsyncTAPJob", what: str, limits: Limits) -> None:
    _asked(job.abort, job.url, limits)
    raise Failed("deadline", f"{job.url}: {what}; aborted")


def _result(service: Service, job: "AsyncTAPJob") -> bytes:
    uri = job.result_uri
    if not uri:
        raise Failed("job_failed", f"{job.url}: COMPLETED without a result")
    limits = service.limits
    return get(
        service.files, uri, limits, limits.table_cap, lambda body: check_bytes(body, job.url)
    ).body


# ---- CDS


def vizier_table(server: str, table: str, limits: Limits) -> bytes:
    """All rows and columns of a table of VizieR, as the VOTable that came. Raises Failed."""
    from astroquery import cache_conf

    with redirect_stdout(io.StringIO()):
        from astroquery.vizier import VizierClass

    class Client(VizierClass):
        def _server_to_url(self, return_type: str = "votable") -> str:
            return f"{server}/viz-bin/{return_type}"  # the client knows https only

    with cache_conf.set_temp("cache_active", False):
        client = Client(columns=["**"], row_limit=-1, timeout=_patience(limits))
        return _answer(lambda: client.get_catalogs_async(table), client._session, server, limits)


def _patience(limits: Limits) -> float:
    """Seconds without a byte while rows are gathered; as many are left to a next try."""
    return max(limits.read, limits.download / limits.tries)


def cross_matched(url: str, table: str, stars: "Table", radius: float, limits: Limits) -> bytes:
    """Rows of a VizieR table within ``radius`` (arcsec) of stars, as VOTable. Or Failed."""
    import astropy.units as u
    from astroquery import cache_conf

    with redirect_stdout(io.StringIO()):
        from astroquery.xmatch import XMatchClass

    class Client(XMatchClass):
        listed: list[str] | None = None

        def get_available_tables(self, *, cache: bool = False) -> list[str]:
            if self.listed is None:  # the client asks for the long list twice
                self.listed = super().get_available_tables(cache=cache)
            return self.listed

    with cache_conf.set_temp("cache_active", False):
        client = Client()
        client.URL, client.TIMEOUT = url, _patience(limits)

        def ask() -> requests.Response:
            names = {"colRA1": "star_ra", "colDec1": "star_dec"}
            return client.query_async(
                stars, f"vizier:{table}", radius * u.arcsec, cache=False, **names
            )

        return _answer(ask, client._session, url, limits)


def _answer(
    ask: Callable[[], requests.Response], http: requests.Session, where: str, limits: Limits
) -> bytes:
    """The body of a client's answer, asked for again while it breaks off."""
    http_session(limits, [where], http, whole=True)
    statuses: list[int] = []
    http.hooks["response"].append(lambda response, *_, **__: statuses.append(response.status_code))
    with exchange(where, limits, limits.table_cap) as under_way:
        while True:
            try:
                return _once(ask, statuses, where)
            except Failed as error:
                if error.reason not in AGAIN:
                    raise
                under_way.again(error)


def _once(ask: Callable[[], requests.Response], statuses: list[int], where: str) -> bytes:
    """The status of the server, which the clients hide behind errors of their own."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            response = ask()
    except (requests.RequestException, ValueError, KeyError) as error:
        status = statuses[-1] if statuses else 200
        if status >= 400:
            raise Failed("refused", f"{where}: HTTP {status}, {kind(error)}") from error
        reason = "no_answer" if isinstance(error, requests.RequestException) else "refused"
        raise Failed(reason, f"{where}: {kind(error)}") from error
    answered(response)
    check_bytes(response.content, where)
    return response.content
