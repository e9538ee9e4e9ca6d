"""obcat: from a folder of spectra and tables to a catalog of hot stars."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import click

SURVEY = click.argument("survey", type=click.Path(path_type=Path))
BUILD = click.option(
    "--build",
    "root",
    type=click.Path(path_type=Path),
    default=Path("build"),
    show_default=True,
    help="Folder of builds; a survey is built in a folder of its name below it.",
)
DATABASE = click.argument("database", type=click.Path(path_type=Path, exists=True))


def say(text: str) -> None:
    click.echo(text, err=True)


def fail(error: Exception) -> NoReturn:
    """One line on stderr, and an exit code that is not 0."""
    click.echo(f"Error: {error}", err=True)
    sys.exit(getattr(error, "exit_code", 1))


@contextmanager
def reading(database: Path) -> Iterator[None]:
    """Stops with one line where DATABASE is none, or none of ours."""
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise click.ClickException(f"{database}: {reason}; give a database made by `obcat build`") from error


@click.group(context_settings={"max_content_width": 120})
@click.version_option(package_name="obcat")
def main() -> None:
    """Absolute magnitudes, extinctions, distances, binarity and emission of O and B stars (Xiang et al. 2021)."""
    # DuckDB and the reader processes use the cores; a second level of threads would change the last bits of sums.
    for library in ("OPENBLAS", "OMP", "MKL"):
        os.environ[f"{library}_NUM_THREADS"] = "1"


def load(path: Path):
    from obcat.schema import columns_of
    from obcat.survey import SurveyError, load

    try:
        return load(path, [c.column for c in columns_of("meta.parameters")])
    except SurveyError as error:
        fail(error)


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--stars", default=16032, show_default=True, type=click.IntRange(min=1), help="Number of stars.")
@click.option("--seed", default=1, show_default=True, help="Seed; the same seed gives the same files.")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(min=1))
def simulate(folder: Path, stars: int, seed: int, workers: int) -> None:
    """Make a SIMULATED survey in FOLDER/survey and its truth in FOLDER/truth (full size: 22,901 spectra)."""
    from obcat.ingest import simulate as simulation

    survey, truth = folder / "survey", folder / "truth"
    if simulation.is_current(survey, truth, stars, seed):
        say(f"{survey}: simulated survey is there already")
        return
    with progress("simulating spectra") as step:
        simulation.simulate(survey, truth, n_stars=stars, seed=seed, workers=workers, progress=step)


@main.command()
@SURVEY
@BUILD
@click.option("--workers", default=2, show_default=True, type=click.IntRange(min=1), help="Reader processes.")
def ingest(survey: Path, root: Path, workers: int) -> None:
    """Read the spectra and tables of SURVEY (a TOML file) into build/NAME/raw; only what is new or changed is read."""
    from obcat.ingest.errors import IngestError
    from obcat.ingest.survey import ingest as run
    from obcat.lock import Locked, locked

    described = load(survey)
    folder = root / described.name
    try:
        with locked(folder), progress("reading spectra") as step:
            counts = run(described, folder / "raw", workers=workers, progress=step)
    except (IngestError, Locked) as error:
        fail(error)
    for line in counts:
        say(line)


@main.command()
@SURVEY
@BUILD
@click.option("--threads", default=2, show_default=True, type=click.IntRange(min=1))
def build(survey: Path, root: Path, threads: int) -> None:
    """Make build/NAME/obcat.duckdb from what was ingested; does nothing if nothing has changed."""
    from obcat.build import BuildFailed
    from obcat.build import build as run
    from obcat.db import StepFailed
    from obcat.lock import Locked

    described = load(survey)
    folder = root / described.name
    try:
        made = run(described, folder, say=say, threads=threads)
    except (BuildFailed, Locked, StepFailed) as error:
        fail(error)
    say(f"{folder / 'obcat.duckdb'}: {'built' if made else 'nothing has changed'}")


@main.command()
@DATABASE
def check(database: Path) -> None:
    """Run the checks of sql/95_check on DATABASE; every row a check returns is a fault."""
    from obcat import db
    from obcat.build import check as run

    with reading(database), db.connect(database, read_only=True) as con:
        failed = run(con, click.echo)
    if failed:
        raise click.ClickException(f"failed: {', '.join(failed)}")
    click.echo(f"{len(db.sql_files(db.CHECKS))} checks, no failure")


@main.command()
@DATABASE
@click.option("--out", type=click.Path(path_type=Path), help="Folder to write to; default: release beside DATABASE.")
def export(database: Path, out: Path | None) -> None:
    """Write catalog.ob_stars as FITS and CSV."""
    from obcat.export.published import ReleaseError
    from obcat.export.release import release

    try:
        written = release(database, out or database.parent / "release")
    except ReleaseError as error:
        fail(error)
    for path in written:
        click.echo(path)


@main.command()
@DATABASE
@click.argument("query", required=False)
def sql(database: Path, query: str | None) -> None:
    """Run one QUERY on DATABASE, read-only; without QUERY, read it from standard input."""
    from obcat.query import QueryRefused, ask

    try:
        click.echo(ask(database, query or sys.stdin.read()), nl=False)
    except QueryRefused as error:
        fail(error)


@main.command()
@DATABASE
def status(database: Path) -> None:
    """What DATABASE holds: inputs, quarantine, parameters with their source, models, time by step."""
    from obcat.query import QueryRefused
    from obcat.query import status as run

    try:
        with reading(database):
            click.echo(run(database), nl=False)
    except QueryRefused as error:
        fail(error)


@main.command()
@DATABASE
@click.option("--truth", type=click.Path(path_type=Path), help="Folder of the truth; default: truth beside DATABASE.")
def evaluate(database: Path, truth: Path | None) -> None:
    """Compare the catalog of a SIMULATED survey with its truth, beside the paper's numbers."""
    from obcat.report.evaluate import evaluate as run
    from obcat.report.truth import EvaluateError

    try:
        with reading(database):
            click.echo(run(database, truth or database.parent / "truth"), nl=False)
    except EvaluateError as error:
        fail(error)


@main.command()
@DATABASE
@click.argument("picture", type=click.Path(path_type=Path))
def figure(database: Path, picture: Path) -> None:
    """Draw the catalog as one PICTURE (PNG): M_spec against M_geo, HR diagram, map, distance errors."""
    from obcat.report.figure import FigureError, draw

    try:
        draw(database, picture)
    except FigureError as error:
        fail(error)
    click.echo(picture)


def progress(title: str):
    from obcat.progress import progress as bar

    return bar(title)


Step = Callable[[int, int], None]

if __name__ == "__main__":
    main()
