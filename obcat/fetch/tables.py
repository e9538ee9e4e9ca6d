"""The tables of a survey: each from its archive to its file, counted, checked against ingest's own reader."""

import hashlib
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from obcat.fetch import cds, tap
from obcat.fetch.adql import output_names
from obcat.fetch.answer import STAR, check_stars, table_of
from obcat.fetch.desk import Desk
from obcat.fetch.errors import Failed
from obcat.fetch.jobs import job_body
from obcat.fetch.ledger import set_aside
from obcat.fetch.merge import merged, parquet_of
from obcat.fetch.recipe import Tap, Vizier, XMatch
from obcat.fetch.stars import Chunk, chunks
from obcat.ingest.errors import IngestError
from obcat.ingest.tables import ingest
from obcat.survey import SurveyTable

__all__ = ["fetch_table", "read_targets", "vizier"]

ECHO = 1e-9  # degrees within which a position that was sent must come back
ROUNDED = 1e-3  # arcsec by which an archive may round a distance


def vizier(name: str, step: Vizier, target: SurveyTable, desk: Desk) -> None:
    """A whole table of VizieR, with exactly the rows that were published or are counted. Raises Failed."""
    row = desk.ledger.row(name, "table")
    if desk.ledger.done(name, "table") and row and row["query"] == step.table:
        return
    set_aside(target.path)
    expected = step.rows if step.rows is not None else tap.count(desk.tap(step.count_host), _count_of(step.table))
    body = cds.vizier_table(desk.recipe.hosts[step.host], step.table, desk.recipe.limits)
    rows = table_of(body, step.table)[0].num_rows
    if rows != expected:
        raise Failed("incomplete", f"{step.table}: {rows:,} rows came, {expected:,} were expected")
    check_readable(name, body, ".vot", target.columns)
    desk.ledger.keep(name, "table", target.path, body, rows=rows, query=step.table, url=desk.recipe.hosts[step.host])
    desk.say(f"{name}: {rows:,} rows")


def _count_of(table: str) -> str:
    return f'SELECT COUNT(*) AS n FROM "{table}"'


def fetch_table(name: str, step: Tap | XMatch, target: SurveyTable, stars: Chunk, desk: Desk) -> None:
    """What an archive has at the positions of the stars, chunk by chunk, in one Parquet file. Raises Failed."""
    query = step.query if isinstance(step, Tap) else f"{step.table} {step.radius:g}"
    parts = chunks(stars, desk.recipe.limits.chunk)
    item = "table " + hashlib.sha256(" ".join(part.name(query) for part in parts).encode()).hexdigest()[:16]
    if desk.ledger.done(name, item):
        return
    set_aside(target.path)
    if isinstance(step, Tap):
        tap.check_columns(desk.tap(step.host), step.query)
    bodies = [_part(name, step, part, part.name(query), target, desk) for part in parts]
    table, units = merged([table_of(body, name) for body in bodies], name)
    body = parquet_of(table, units)
    check_readable(name, body, ".parquet", target.columns)
    desk.ledger.keep(name, item, target.path, body, rows=table.num_rows, query=query)
    found = len(pc.unique(table[STAR]))
    desk.say(f"{name}: {table.num_rows:,} rows of {found:,} stars; {stars.ids.size - found:,} stars have none")


def _part(name: str, step: Tap | XMatch, part: Chunk, item: str, target: SurveyTable, desk: Desk) -> bytes:
    """The answer about one chunk: whole, about these stars, and such that ingest can read it."""

    def check(body: bytes) -> None:
        table, _ = table_of(body, name)
        check_stars(table, part.ids.tolist(), name)
        if isinstance(step, Tap):
            _check_names(table, step.query, name)
        else:
            _check_pairs(table, part, step.radius, name)
        check_readable(name, body, ".vot", target.columns)

    if isinstance(step, Tap):
        return job_body(desk.tap(step.host), desk.ledger, name, item, step.query, part.table(), check)
    return _cross_matched(name, step, part, item, check, desk)


def _cross_matched(
    name: str, step: XMatch, part: Chunk, item: str, check: Callable[[bytes], None], desk: Desk
) -> bytes:
    whole = desk.ledger.done(name, item)
    if whole:
        return whole.read_bytes()
    url = desk.recipe.hosts[step.host]
    body = cds.cross_matched(url, step.table, part.table(), step.radius, desk.recipe.limits)
    check(body)
    rows = table_of(body, name)[0].num_rows
    path = desk.ledger.folder / "parts" / name / f"{item}.vot"
    desk.ledger.keep(name, item, path, body, rows=rows, query=step.table, url=url, http=200)
    return body


def _check_names(table: pa.Table, query: str, where: str) -> None:
    differ = output_names(query) ^ {column.lower() for column in table.column_names}
    if differ:
        raise Failed(
            "unusable", f"{where}: columns asked for and those that came differ in {', '.join(sorted(differ))}"
        )


def _check_pairs(table: pa.Table, part: Chunk, radius: float, where: str) -> None:
    """The cross-match service counts nothing, so its pairs are held against what was sent."""
    sent = table[STAR].to_numpy() - part.ids[0]  # the ids of a chunk are consecutive
    for column, values in (("star_ra", part.ra), ("star_dec", part.dec)):
        if np.any(np.abs(table[column].to_numpy() - values[sent]) > ECHO):
            raise Failed("unasked", f"{where}: {column} came back other than it was sent")
    if "angDist" in table.column_names and np.any(table["angDist"].to_numpy() > radius + ROUNDED):
        raise Failed("unasked", f"{where}: pairs wider than {radius:g} arcsec")


def check_readable(name: str, body: bytes, ending: str, columns: Mapping[str, str]) -> None:
    """Raises Failed: unusable, where ingest would refuse the table: names, units, floating ids, contradictions."""
    from obcat.survey import TABLES

    if name not in TABLES:
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}{ending}"
        path.write_bytes(body)
        _ingested(name, path, columns, Path(folder))


def _ingested(name: str, path: Path, columns: Mapping[str, str], out: Path) -> pa.Table:
    import pyarrow.parquet as pq

    try:
        ingest(name, path, out / "read", columns=columns)
    except IngestError as error:
        raise Failed("unusable", str(error)) from error
    return pq.read_table(out / "read" / f"{name}.parquet")


def read_targets(table: SurveyTable) -> pa.Table:
    """The list of a survey as raw.targets. Raises Failed: unusable."""
    with tempfile.TemporaryDirectory() as folder:
        return _ingested("targets", table.path, table.columns, Path(folder))
