"""The tables of a survey: each from its archive to its file, counted,
checked against ingest's own reader; and what every step of a fetch shares.
"""

import hashlib
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import requests

from obcat.files import working
from obcat.ingest.errors import Failed, IngestError
from obcat.ingest.fetch import archives
from obcat.ingest.fetch.archives import Service
from obcat.ingest.fetch.ledger import Ledger, set_aside
from obcat.ingest.fetch.recipe import Recipe, Tap, Vizier, XMatch
from obcat.ingest.fetch.star_tables import (
    STAR,
    Chunk,
    check_stars,
    chunks,
    merged,
    parquet_of,
    table_of,
)
from obcat.ingest.tables import ingest
from obcat.survey import SurveyTable

__all__ = ["Session", "fetch_table", "read_targets", "vizier"]


class Session(NamedTuple):
    """What every step needs: the recipe, the ledger, sessions,
    and where to say what has been done.
    """

    recipe: Recipe
    ledger: Ledger
    http: requests.Session  # for clients: reads every body whole
    files: requests.Session
    say: Callable[[str], None]

    def tap(self, host: str) -> Service:
        return Service(self.recipe.hosts[host], self.recipe.limits, self.http, self.files)


ECHO = 1e-9  # degrees within which a position that was sent must come back
READING = "reading"  # working folder, so that the next run clears what a kill left
ROUNDED = 1e-3  # arcsec by which an archive may round a distance


def vizier(name: str, step: Vizier, target: SurveyTable, session: Session) -> None:
    """A whole table of VizieR, with exactly the rows that were published or are counted.
    Raises Failed.
    """

    def check(body: bytes) -> None:
        _check_readable(name, body, ".vot", target.columns, session)

    row = session.ledger.row(name, "table")
    same = row and row["query"] == step.table and step.rows in (None, row["rows"])
    if same and session.ledger.known(name, "table", check):
        return
    set_aside(target.path)
    host, counting = session.recipe.hosts[step.host], session.tap(step.count_host)
    expected = (
        step.rows if step.rows is not None else archives.count(counting, _count_of(step.table))
    )
    body = archives.vizier_table(host, step.table, session.recipe.limits)
    rows = table_of(body, step.table)[0].num_rows
    if rows != expected:
        raise Failed("incomplete", f"{step.table}: {rows:,} rows came, {expected:,} were expected")
    check(body)
    session.ledger.keep(name, "table", target.path, body, rows=rows, query=step.table, url=host)
    session.say(f"{name}: {rows:,} rows")


def _count_of(table: str) -> str:
    return f'SELECT COUNT(*) AS n FROM "{table}"'


def fetch_table(
    name: str, step: Tap | XMatch, target: SurveyTable, stars: Chunk, session: Session
) -> None:
    """What an archive has at the positions of the stars, chunk by chunk, in one Parquet file.
    Raises Failed.
    """
    query = step.query if isinstance(step, Tap) else f"{step.table} {step.radius:g}"
    parts = chunks(stars, session.recipe.limits.chunk)
    item = (
        "table "
        + hashlib.sha256(" ".join(part.name(query) for part in parts).encode()).hexdigest()[:16]
    )

    def check(body: bytes) -> None:
        _check_readable(name, body, ".parquet", target.columns, session)

    if session.ledger.known(name, item, check):
        return
    set_aside(target.path)
    if isinstance(step, Tap):
        archives.check_columns(session.tap(step.host), step.query)
    bodies = [_part(name, step, part, part.name(query), target, session) for part in parts]
    try:
        table, units = merged([table_of(body, name) for body in bodies], name)
        check(body := parquet_of(table, units))
    except Failed as error:  # each part is right by itself
        session.ledger.forget(name, [part.name(query) for part in parts], error)
        raise
    session.ledger.keep(name, item, target.path, body, rows=table.num_rows, query=query)
    found = len(pc.unique(table[STAR]))
    session.say(
        f"{name}: {table.num_rows:,} rows of {found:,} stars; {stars.ids.size - found:,} "
        "stars have none"
    )


def _part(
    name: str, step: Tap | XMatch, part: Chunk, item: str, target: SurveyTable, session: Session
) -> bytes:
    """The answer about one chunk: whole, about these stars, and such that ingest can read it."""

    def check(body: bytes) -> None:
        table, _ = table_of(body, name)
        check_stars(table, part.ids.tolist(), name)
        if isinstance(step, Tap):
            _check_names(table, step.query, name)
        else:
            _check_pairs(table, part, step.radius, name)
        _check_readable(name, body, ".vot", target.columns, session)

    if isinstance(step, Tap):
        question = archives.Question(name, item, step.query, part.table())
        return archives.job_body(session.tap(step.host), session.ledger, question, check)
    return _cross_matched(name, step, part, item, check, session)


def _cross_matched(
    name: str,
    step: XMatch,
    part: Chunk,
    item: str,
    check: Callable[[bytes], None],
    session: Session,
) -> bytes:
    if known := session.ledger.known(name, item, check):
        return known
    url = session.recipe.hosts[step.host]
    body = archives.cross_matched(url, step.table, part.table(), step.radius, session.recipe.limits)
    check(body)
    rows = table_of(body, name)[0].num_rows
    path = session.ledger.folder / "parts" / name / f"{item}.vot"
    session.ledger.keep(name, item, path, body, rows=rows, query=step.table, url=url, http=200)
    return body


def _check_names(table: pa.Table, query: str, where: str) -> None:
    differ = archives.output_names(query) ^ {column.lower() for column in table.column_names}
    if differ:
        raise Failed(
            "unusable",
            f"{where}: columns asked for and those that came differ in {', '.join(sorted(differ))}",
        )


def _check_pairs(table: pa.Table, part: Chunk, radius: float, where: str) -> None:
    """The cross-match service counts nothing, so its pairs are held against what was sent."""
    sent = table[STAR].to_numpy() - part.ids[0]  # the ids of a chunk are consecutive
    for column, values in (("star_ra", part.ra), ("star_dec", part.dec)):
        if np.any(np.abs(table[column].to_numpy() - values[sent]) > ECHO):
            raise Failed("unasked", f"{where}: {column} came back other than it was sent")
    if "angDist" in table.column_names and np.any(table["angDist"].to_numpy() > radius + ROUNDED):
        raise Failed("unasked", f"{where}: pairs wider than {radius:g} arcsec")


def _check_readable(
    name: str, body: bytes, ending: str, columns: Mapping[str, str], session: Session
) -> None:
    """Raises Failed: unusable, where ingest would refuse the table:
    names, units, floating ids, contradictions.
    """
    from obcat.survey import TABLES

    if name not in TABLES:
        return
    with working(session.ledger.folder / READING) as folder:
        path = folder / f"{name}{ending}"
        path.write_bytes(body)
        _ingested(name, path, columns, folder)


def _ingested(name: str, path: Path, columns: Mapping[str, str], out: Path) -> pa.Table:
    import pyarrow.parquet as pq

    try:
        ingest(name, path, out / "read", columns=columns)
    except IngestError as error:
        raise Failed("unusable", str(error)) from error
    return pq.read_table(out / "read" / f"{name}.parquet")


def read_targets(table: SurveyTable, place: Path | None = None) -> pa.Table:
    """The list of a survey as raw.targets, read in a working folder at ``place``.
    Raises Failed: unusable.
    """
    with working(place / READING) if place else tempfile.TemporaryDirectory() as folder:
        return _ingested("targets", table.path, table.columns, Path(folder))
