"""What an archive's table must be before it is believed: a whole VOTable, not cut, of the rows that were asked for."""

import re
from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc

from obcat.fetch.errors import Failed
from obcat.ingest.errors import IngestError

__all__ = ["STAR", "check_bytes", "check_stars", "table_of"]

STAR = "star_id"
STATUS = re.compile(rb"<INFO\b[^>]*\bname=[\"']QUERY_STATUS[\"'][^>]*>(?:\s*<!\[CDATA\[)?([^<\]]*)", re.IGNORECASE)
VALUE = re.compile(rb"\bvalue=[\"'](\w+)[\"']")


def check_bytes(body: bytes, where: str) -> None:
    """Raises Failed unless ``body`` is a VOTable to its last tag, and says of itself that nothing was cut off."""
    start = body[:400].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    if re.match(rb"(?i)<!doctype html|<html", start):
        raise Failed("html", f"{where}: a web page instead of a table")
    if not start.startswith((b"<?xml", b"<VOTABLE", b"<!--")):
        raise Failed("damaged", f"{where}: begins with {start[:20]!r}, which is no VOTable")
    for info in STATUS.finditer(body):
        status = VALUE.search(info.group())
        _check_status(status[1] if status else b"OK", info[1], where)
    if not body.rstrip().endswith((b"VOTABLE>", b"-->")):
        raise Failed("damaged", f"{where}: the VOTable ends after {len(body):,} bytes, before its last tag")


def _check_status(status: bytes, message: bytes, where: str) -> None:
    if status == b"OVERFLOW":
        raise Failed("overflow", f"{where}: QUERY_STATUS is OVERFLOW")
    if status == b"ERROR":
        raise Failed(
            "job_failed", f"{where}: {message.decode('utf-8', 'replace').strip()[:200] or 'QUERY_STATUS ERROR'}"
        )


def table_of(body: bytes, where: str) -> tuple[pa.Table, dict[str, str]]:
    """The one table of a checked VOTable, and the units of its columns. Raises Failed: damaged."""
    from obcat.ingest.tables.votable import votable

    check_bytes(body, where)
    try:
        return votable(body, where)
    except IngestError as error:
        raise Failed("damaged", str(error)) from error


def check_stars(table: pa.Table, asked: Collection[int], where: str) -> None:
    """Raises Failed unless every row is of a star in ``asked``, and no row is there twice."""
    if STAR not in table.column_names or not pa.types.is_integer(table[STAR].type):
        raise Failed("unusable", f"{where}: {STAR} did not come back as the integer that was sent")
    others = set(pc.unique(table[STAR]).to_pylist()) - set(asked)
    if others:
        raise Failed("unasked", f"{where}: rows of {len(others)} stars that were not asked for, as {min(others)}")
    distinct = table.group_by(table.column_names, use_threads=False).aggregate([]).num_rows
    if distinct != table.num_rows:
        raise Failed("unasked", f"{where}: {table.num_rows - distinct} rows are there twice")
