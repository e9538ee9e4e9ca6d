"""Bring what a survey names from the archives to disk: resumable, provably complete, polite.

Nothing here contacts a host when it is imported; the archives' clients are imported where they are
used.

A whole survey: list, tables, spectra, in this order; what could not be had is a list, and the
next run goes on.

Before it runs, the plan: every query, how many rows are expected, how much to download and how long
it takes.
"""

from collections.abc import Callable, Iterator
from math import ceil
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from obcat.errors import one_line
from obcat.ingest.errors import Failed, FetchError
from obcat.ingest.fetch import archives, ledger, recipe, web
from obcat.ingest.fetch.recipe import Lamost, Recipe, Step, Tap, Vizier, XMatch
from obcat.ingest.fetch.spectra import CHECKS, MOST_WORKERS, fetch_spectra, wanted_of
from obcat.ingest.fetch.star_tables import Chunk, stars_of
from obcat.ingest.fetch.tables import Session, fetch_table, read_targets, vizier
from obcat.survey import Survey, SurveyTable

__all__ = ["Missing", "described", "fetch", "folder_of"]

Progress = Callable[[int, int], None]
SPECTRUM_BYTES = 45_000  # a gzip image of DR5, measured (LAMOST_FILES 2)
ROW_BYTES = 1_000  # a VOTable row of some 30 columns, measured with the loopback archives
SPECTRUM_SECONDS = 1.0  # assumed: one file, from the request to its last byte
JOB_SECONDS = 60.0  # assumed: one job or cross-match of a chunk
SPECTRA_PER_STAR = 22_901 / 16_032  # Liu et al. 2019


class Missing(NamedTuple):
    """A table or a spectrum that could not be had, and why."""

    step: str
    name: str
    why: str


def folder_of(survey: Survey, toml: Path) -> Path:
    """Where the ledger and the answers of a survey are kept."""
    return toml.absolute().parent / survey.name


def fetch(
    survey: Survey, toml: Path, *, limit: int | None, say: Callable[[str], None], progress: Progress
) -> list[Missing]:
    """Bring everything that ``toml`` names and that is not there yet; what is missing at the end,
    by name.

    ``limit``: only the first spectra of the list, and their stars. Raises FetchError where nothing
    can be fetched.
    """
    plan = recipe.read(survey, toml)
    with (
        ledger.opened(folder_of(survey, toml), CHECKS) as book,
        web.http_session(plan.limits, plan.named(), whole=True) as http,
        web.http_session(plan.limits, plan.named()) as files,
    ):
        missing = list(_steps(survey, Session(plan, book, http, files, say), limit, progress))
        _write_missing(book.folder, missing)
    return missing


def _steps(
    survey: Survey, session: Session, limit: int | None, progress: Progress
) -> Iterator[Missing]:
    steps = session.recipe.steps
    listed = steps.get("targets")
    failed = _table("targets", listed, survey, None, session) if listed else []
    targets = _targets(survey, failed, session.ledger.folder)[: limit or None]
    stars = (
        _stars(targets) if any(isinstance(step, Tap | XMatch) for step in steps.values()) else None
    )
    for name, step in steps.items():
        if isinstance(step, Lamost):
            for spectrum, error in fetch_spectra(
                wanted_of(targets), step, survey.spectra, session, progress
            ).items():
                yield Missing(name, one_line(spectrum), str(error))
        elif name != "targets":
            yield from _table(name, step, survey, stars, session)
    for name, table in survey.tables.items():
        if name not in steps and not _there(table):
            yield _absent(name, table)


def _targets(survey: Survey, missing: list[Missing], place: Path) -> pa.Table:
    if missing:
        raise FetchError(
            f"targets: {missing[0].why}; without the list nothing else can be asked for; run "
            "again later"
        )
    if "targets" not in survey.tables or not survey.tables["targets"].path.is_file():
        raise FetchError(
            "tables.targets: no list of targets; give its file, or the section [fetch.targets]"
        )
    try:
        return read_targets(survey.tables["targets"], place)
    except Failed as error:
        raise FetchError(f"tables.targets: {error.detail}") from error


def _stars(targets: pa.Table) -> Chunk:
    try:
        return stars_of(targets)
    except Failed as error:
        raise FetchError(f"tables.targets: {error.detail}") from error


def _table(
    name: str, step: Step, survey: Survey, stars: Chunk | None, session: Session
) -> list[Missing]:
    assert not isinstance(step, Lamost)
    folder = session.ledger.folder.parent
    target = (
        survey.tables.get(name) or SurveyTable(folder / step.path)
        if step.path
        else survey.tables[name]
    )
    try:
        if isinstance(step, Vizier):
            vizier(name, step, target, session)
        elif stars is not None:
            fetch_table(name, step, target, stars, session)
    except Failed as error:
        session.ledger.put(name, "table", "failed", reason=str(error))
        session.say(f"{name}: {error}")
        return [Missing(name, "table", str(error))]
    return []


def _there(table: SurveyTable) -> bool:
    return table.path.is_dir() if table.hats else table.path.is_file()


def _absent(name: str, table: SurveyTable) -> Missing:
    return Missing(
        name,
        "table",
        f"no file {table.path}: give it, or take [tables.{name}] out of the survey file",
    )


def _write_missing(folder: Path, missing: list[Missing]) -> None:
    path = folder / "missing.tsv"
    if missing:
        lines = [
            "step\tname\twhy",
            *("\t".join(" ".join(word.split()) for word in m) for m in missing),
        ]
        ledger.publish(path, ("\n".join(lines) + "\n").encode())
    else:
        path.unlink(missing_ok=True)


# ---- the plan


def described(survey: Survey, toml: Path, limit: int | None) -> Iterator[str]:
    """Lines of text; nothing is asked of anybody.
    Counts are those published until the list is there.
    """
    plan = recipe.read(survey, toml)
    spectra, stars, known = _counts(survey, plan, limit)
    yield f"{survey.name}: {spectra:,} spectra of {stars:,} stars ({known})"
    for name, step in plan.steps.items():
        yield ""
        yield from _described(name, step, plan, spectra, stars)
    for name, table in survey.tables.items():
        if name not in plan.steps:
            yield ""
            yield (
                f"[{name}] your own file: {table.path}, "
                f"{'there' if _there(table) else 'NOT there yet'}"
            )
    yield ""
    yield from _totals(plan, spectra, stars)


def _counts(survey: Survey, plan: Recipe, limit: int | None) -> tuple[int, int, str]:
    """Spectra, stars, and where the numbers come from; 0 is unknown."""
    table = survey.tables.get("targets")
    if table and table.path.is_file():
        try:
            targets = read_targets(table)[: limit or None]
            return (
                len(wanted_of(targets)),
                stars_of(targets).ids.size,
                f"read from {table.path.name}",
            )
        except Failed as error:
            return 0, 0, str(error)
    step = plan.steps.get("targets")
    rows = step.rows if isinstance(step, Vizier) and step.rows else 0
    rows = min(rows, limit or rows)
    known = (
        "as published; the list is not there yet"
        if rows
        else "the list is not there yet, so nothing is known"
    )
    return rows, ceil(rows / SPECTRA_PER_STAR), known


def _described(name: str, step: Step, plan: Recipe, spectra: int, stars: int) -> Iterator[str]:
    jobs = ceil(stars / plan.limits.chunk)
    if isinstance(step, Vizier):
        yield f"[{name}] VizieR {plan.hosts[step.host]}: all of {step.table}"
        yield (
            f"  rows expected: {step.rows:,} (published)"
            if step.rows
            else "  rows expected: from the count below"
        )
        if not step.rows:
            yield f'  {plan.hosts[step.count_host]}: SELECT COUNT(*) AS n FROM "{step.table}"'
    elif isinstance(step, Lamost):
        workers = min(plan.limits.workers, MOST_WORKERS)
        yield f"[{name}] {spectra:,} files, {workers} at once; forms of the address, in order:"
        yield from (f"  {plan.shown(url)}" for url in step.urls)
    elif isinstance(step, Tap):
        yield (
            f"[{name}] TAP {plan.hosts[step.host]}: {jobs} jobs of at most "
            f"{plan.limits.chunk:,} of {stars:,} stars"
        )
        yield from _indented(archives.columns_query(sorted(archives.named_columns(step.query))))
        yield "  for each job first the number of rows, then the rows:"
        yield from _indented(archives.count_query(step.query))
        yield from _indented(step.query)
    else:
        yield (
            f"[{name}] cross-match {plan.hosts[step.host]}: vizier:{step.table} within "
            f"{step.radius:g} arcsec,"
        )
        yield (
            f"  {jobs} requests of at most {plan.limits.chunk:,} of {stars:,} stars, one "
            "after another"
        )


def _indented(text: str) -> Iterator[str]:
    return (f"    {line.strip()}" for line in text.strip().splitlines())


def _totals(plan: Recipe, spectra: int, stars: int) -> Iterator[str]:
    chunked = [s for s in plan.steps.values() if not isinstance(s, Vizier | Lamost)]
    rows = (
        sum(s.rows or 0 for s in plan.steps.values() if isinstance(s, Vizier))
        + len(chunked) * stars
    )
    files = spectra if any(isinstance(s, Lamost) for s in plan.steps.values()) else 0
    size = files * SPECTRUM_BYTES + rows * ROW_BYTES
    jobs = sum(ceil(stars / plan.limits.chunk) * (2 if isinstance(s, Tap) else 1) for s in chunked)
    seconds = files * SPECTRUM_SECONDS / min(plan.limits.workers, MOST_WORKERS) + jobs * JOB_SECONDS
    yield f"to download: {size / 1e9:.2f} GB"
    of_tables = f"{rows:,} rows of {ROW_BYTES:,} bytes (one a star and table)"
    yield f"  {files:,} spectra of {SPECTRUM_BYTES:,} bytes, {of_tables}"
    each = f"{SPECTRUM_SECONDS:g} s a spectrum, {JOB_SECONDS:g} s a job"
    yield f"time: {seconds / 3600:.1f} h ({each}, assumed)"
