"""A whole survey: list, tables, spectra, in this order; what could not be had is a list, and the next run goes on."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from obcat.fetch import ledger, recipe, web
from obcat.fetch.desk import Desk
from obcat.fetch.errors import Failed, FetchError
from obcat.fetch.recipe import Lamost, Step, Tap, Vizier, XMatch
from obcat.fetch.spectra import fetch_spectra, wanted_of
from obcat.fetch.stars import Chunk, stars_of
from obcat.fetch.tables import fetch_table, read_targets, vizier
from obcat.survey import Survey, SurveyTable

__all__ = ["Missing", "fetch", "folder_of"]

Progress = Callable[[int, int], None]


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
    """Bring everything that ``toml`` names and that is not there yet; what is missing at the end, by name.

    ``limit``: only the first spectra of the list, and their stars. Raises FetchError where nothing can be fetched.
    """
    plan = recipe.read(toml)
    with (
        ledger.opened(folder_of(survey, toml)) as book,
        web.session(plan.limits, whole=True) as http,
        web.session(plan.limits) as files,
    ):
        missing = list(_steps(survey, Desk(plan, book, http, files, say), limit, progress))
        _write_missing(book.folder, missing)
    return missing


def _steps(survey: Survey, desk: Desk, limit: int | None, progress: Progress) -> Iterator[Missing]:
    steps = desk.recipe.steps
    listed = steps.get("targets")
    failed = _table("targets", listed, survey, None, desk) if listed else []
    targets = _targets(survey, failed)[: limit or None]
    stars = _stars(targets) if any(isinstance(step, Tap | XMatch) for step in steps.values()) else None
    for name, step in steps.items():
        if isinstance(step, Lamost):
            for spectrum, error in fetch_spectra(wanted_of(targets), step, survey.spectra, desk, progress).items():
                yield Missing(name, spectrum, str(error))
        elif name != "targets":
            yield from _table(name, step, survey, stars, desk)
    for name, table in survey.tables.items():
        if name not in steps and not table.path.is_file():
            yield _absent(name, table)


def _targets(survey: Survey, missing: list[Missing]) -> pa.Table:
    if missing:
        raise FetchError(f"targets: {missing[0].why}; without the list nothing else can be asked for; run again later")
    if "targets" not in survey.tables or not survey.tables["targets"].path.is_file():
        raise FetchError("tables.targets: no list of targets; give its file, or the section [fetch.targets]")
    try:
        return read_targets(survey.tables["targets"])
    except Failed as error:
        raise FetchError(f"tables.targets: {error.detail}") from error


def _stars(targets: pa.Table) -> Chunk:
    try:
        return stars_of(targets)
    except Failed as error:
        raise FetchError(f"tables.targets: {error.detail}") from error


def _table(name: str, step: Step, survey: Survey, stars: Chunk | None, desk: Desk) -> list[Missing]:
    assert not isinstance(step, Lamost)
    folder = desk.ledger.folder.parent
    target = survey.tables.get(name) or SurveyTable(folder / step.path) if step.path else survey.tables[name]
    try:
        if isinstance(step, Vizier):
            vizier(name, step, target, desk)
        elif stars is not None:
            fetch_table(name, step, target, stars, desk)
    except Failed as error:
        desk.ledger.put(name, "table", "failed", reason=str(error))
        desk.say(f"{name}: {error}")
        return [Missing(name, "table", str(error))]
    return []


def _absent(name: str, table: SurveyTable) -> Missing:
    return Missing(name, "table", f"no file {table.path}: give it, or take [tables.{name}] out of the survey file")


def _write_missing(folder: Path, missing: list[Missing]) -> None:
    path = folder / "missing.tsv"
    if missing:
        lines = ["step\tname\twhy", *("\t".join(" ".join(word.split()) for word in m) for m in missing)]
        ledger.publish(path, ("\n".join(lines) + "\n").encode())
    else:
        path.unlink(missing_ok=True)
