"""What a fetch would ask for: every query, how many rows are expected, how much to download and how long it takes."""

from collections.abc import Iterator
from math import ceil
from pathlib import Path

from obcat.fetch import recipe
from obcat.fetch.adql import columns_query, count_query, named_columns
from obcat.fetch.errors import Failed
from obcat.fetch.recipe import Lamost, Recipe, Step, Tap, Vizier
from obcat.fetch.spectra import MOST_WORKERS, wanted_of
from obcat.fetch.stars import stars_of
from obcat.fetch.tables import read_targets
from obcat.survey import Survey

__all__ = ["described"]

SPECTRUM_BYTES = 45_000  # a gzip image of DR5, measured (LAMOST_FILES 2)
ROW_BYTES = 1_000  # a VOTable row of some 30 columns, measured with the loopback archives
SPECTRUM_SECONDS = 1.0  # assumed: one file, from the request to its last byte
JOB_SECONDS = 60.0  # assumed: one job or cross-match of a chunk
SPECTRA_PER_STAR = 22_901 / 16_032  # Liu et al. 2019


def described(survey: Survey, toml: Path, limit: int | None) -> Iterator[str]:
    """Lines of text; nothing is asked of anybody. Counts are those published until the list is there."""
    plan = recipe.read(toml)
    spectra, stars, known = _counts(survey, plan, limit)
    yield f"{survey.name}: {spectra:,} spectra of {stars:,} stars ({known})"
    for name, step in plan.steps.items():
        yield ""
        yield from _step(name, step, plan, spectra, stars)
    for name, table in survey.tables.items():
        if name not in plan.steps:
            yield f"\n[{name}] your own file: {table.path}, {'there' if table.path.is_file() else 'NOT there yet'}"
    yield ""
    yield from _totals(plan, spectra, stars)


def _counts(survey: Survey, plan: Recipe, limit: int | None) -> tuple[int, int, str]:
    """Spectra, stars, and where the numbers come from; 0 is unknown."""
    table = survey.tables.get("targets")
    if table and table.path.is_file():
        try:
            targets = read_targets(table)[: limit or None]
            return len(wanted_of(targets)), stars_of(targets).ids.size, f"read from {table.path.name}"
        except Failed as error:
            return 0, 0, str(error)
    step = plan.steps.get("targets")
    rows = step.rows if isinstance(step, Vizier) and step.rows else 0
    rows = min(rows, limit or rows)
    known = "as published; the list is not there yet" if rows else "the list is not there yet, so nothing is known"
    return rows, ceil(rows / SPECTRA_PER_STAR), known


def _step(name: str, step: Step, plan: Recipe, spectra: int, stars: int) -> Iterator[str]:
    jobs = ceil(stars / plan.limits.chunk)
    if isinstance(step, Vizier):
        yield f"[{name}] VizieR {plan.hosts[step.host]}: all of {step.table}"
        yield f"  rows expected: {step.rows:,} (published)" if step.rows else "  rows expected: from the count below"
        if not step.rows:
            yield f'  {plan.hosts[step.count_host]}: SELECT COUNT(*) AS n FROM "{step.table}"'
    elif isinstance(step, Lamost):
        workers = min(plan.limits.workers, MOST_WORKERS)
        yield f"[{name}] {spectra:,} files, {workers} at once; forms of the address, in order:"
        yield from (f"  {_shown(url, plan)}" for url in step.urls)
    elif isinstance(step, Tap):
        yield f"[{name}] TAP {plan.hosts[step.host]}: {jobs} jobs of at most {plan.limits.chunk:,} of {stars:,} stars"
        yield from _indented(columns_query(sorted(named_columns(step.query))))
        yield "  for each job first the number of rows, then the rows:"
        yield from _indented(count_query(step.query))
        yield from _indented(step.query)
    else:
        yield f"[{name}] cross-match {plan.hosts[step.host]}: vizier:{step.table} within {step.radius:g} arcsec,"
        yield f"  {jobs} requests of at most {plan.limits.chunk:,} of {stars:,} stars, one after another"


def _shown(url: str, plan: Recipe) -> str:
    for name, host in plan.hosts.items():
        url = url.replace("{" + name + "}", host)
    return url


def _indented(text: str) -> Iterator[str]:
    return (f"    {line.strip()}" for line in text.strip().splitlines())


def _totals(plan: Recipe, spectra: int, stars: int) -> Iterator[str]:
    chunked = [s for s in plan.steps.values() if not isinstance(s, Vizier | Lamost)]
    rows = sum(s.rows or 0 for s in plan.steps.values() if isinstance(s, Vizier)) + len(chunked) * stars
    files = spectra if any(isinstance(s, Lamost) for s in plan.steps.values()) else 0
    size = files * SPECTRUM_BYTES + rows * ROW_BYTES
    jobs = sum(ceil(stars / plan.limits.chunk) * (2 if isinstance(s, Tap) else 1) for s in chunked)
    seconds = files * SPECTRUM_SECONDS / min(plan.limits.workers, MOST_WORKERS) + jobs * JOB_SECONDS
    yield f"to download: {size / 1e9:.2f} GB"
    of_tables = f"{rows:,} rows of {ROW_BYTES:,} bytes (one a star and table)"
    yield f"  {files:,} spectra of {SPECTRUM_BYTES:,} bytes, {of_tables}"
    each = f"{SPECTRUM_SECONDS:g} s a spectrum, {JOB_SECONDS:g} s a job"
    yield f"time: {seconds / 3600:.1f} h ({each}, assumed)"
