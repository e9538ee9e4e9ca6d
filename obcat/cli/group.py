"""The command obcat, and what its commands share."""

import os
import sys
from collections.abc import Iterator
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
