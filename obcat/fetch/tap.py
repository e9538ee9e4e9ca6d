"""TAP through pyvo: its errors by our names, columns checked, rows counted."""

from collections.abc import Callable
from typing import Any, NamedTuple

import requests

from obcat.fetch.adql import columns_query, named_columns
from obcat.fetch.answer import check_bytes, table_of
from obcat.fetch.errors import Failed
from obcat.fetch.recipe import Limits
from obcat.fetch.web import kind, redacted
from obcat.schema import nearest

__all__ = ["Service", "asked", "check_columns", "count", "number"]

GONE = (404, 410)


class Service(NamedTuple):
    """A TAP service, its limits, the session that pyvo reaches it with, and the one that results come by."""

    url: str
    limits: Limits
    http: requests.Session
    files: requests.Session


def asked(call: Callable[[], Any], where: str) -> Any:
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

    sent = TAPQuery(service.url, query, mode="sync", maxrec=maxrec, session=service.http)
    response = asked(sent.submit, service.url)
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
    table, _ = table_of(_sync(service, columns_query(sorted(wanted)), 100_000), service.url)
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
    return number(table, service.url)


def number(table: Any, where: str) -> int:
    if table.num_rows != 1 or table.num_columns != 1:
        raise Failed("incomplete", f"{where}: COUNT(*) gave {table.num_rows} rows of {table.num_columns} columns")
    return int(table.column(0)[0].as_py())
