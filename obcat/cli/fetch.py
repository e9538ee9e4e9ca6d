"""The command that downloads a survey: fetch."""

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click

from obcat.cli.group import HEEDED, loading, main, naming, say
from obcat.errors import printable
from obcat.progress import progress

SHOWN = 20  # missing things that are named on the terminal; the rest stand in missing.tsv


@main.command()
@click.argument("survey", type=click.Path(path_type=Path))
@click.option(
    "--dry-run", is_flag=True, help="Print every query, count, size and time; ask nobody."
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    help="Only the first N spectra of the list, for a small try.",
)
def fetch(survey: Path, dry_run: bool, limit: int | None) -> None:
    """Download what SURVEY (a TOML file, or the name of one in surveys/) names;
    run again, it goes on.
    """
    command = f"obcat fetch {survey}" + (f" --limit {limit}" if limit else "")
    with stopped_by_signals(command):
        _fetched(survey, dry_run, limit, command)


@contextmanager
def stopped_by_signals(command: str) -> Iterator[None]:
    """SIGINT, SIGTERM and SIGHUP end the command at once with one line and 128 + their number.

    What is done is in the ledger by then; threads that still wait for a host are not waited for.
    """
    from obcat.ingest.errors import Stopped

    def end(number: int) -> None:
        say(f"Stopped; what is done is kept, and the same command goes on: {command}")
        sys.stdout.flush()
        os._exit(128 + number)

    def stop(number: int, frame: FrameType | None) -> None:
        if loading(frame):
            end(number)
        raise Stopped(number)

    numbers = [n for n in HEEDED if signal.getsignal(n) != signal.SIG_IGN]
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    except (Stopped, KeyboardInterrupt) as stopped:  # a library that watches for Ctrl-C itself
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        end((stopped.args or (signal.SIGINT,))[0])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _fetched(survey: Path, dry_run: bool, limit: int | None, command: str) -> None:
    from obcat.ingest.fetch import Missing, described, folder_of
    from obcat.ingest.fetch import fetch as run
    from obcat.machine import locked
    from obcat.schema import columns_of
    from obcat.survey import load

    missing: list[Missing] = []
    toml = located(survey)
    described_survey = load(toml, [c.column for c in columns_of("meta.parameters")], there=False)
    if dry_run:
        for line in described(described_survey, toml, limit):
            click.echo(printable(line.expandtabs()))
        return
    place = folder_of(described_survey, toml)
    with naming(place), locked(place), progress("fetching spectra") as step:
        missing = run(described_survey, toml, limit=limit, say=say, progress=step)
    if missing:
        report(missing, folder_of(described_survey, toml), command)
    say(f"{toml}: everything is there; next: obcat ingest {toml}")


def located(survey: Path) -> Path:
    """The survey file: as given, by its name in surveys/, or one of the package's,
    copied to surveys/.
    """
    from obcat.ingest.errors import FetchError

    beside = Path("surveys") / f"{survey}.toml"
    for path in (survey, beside):
        if path.is_file():
            return path
    own = Path(__file__).parents[1] / "surveys" / f"{survey.name}.toml"
    if survey.suffix or survey.name != str(survey) or not own.is_file():
        raise FetchError(f"{survey}: no such file, nor {beside}; give a survey's TOML file")
    beside.parent.mkdir(exist_ok=True)
    shutil.copyfile(own, beside)
    say(f"{beside}: written")
    return beside


def report(missing: list, folder: Path, command: str) -> None:
    """What is missing, by name, and how to go on;
    ends the command with an exit code that is not 0.
    """
    for one in missing[:SHOWN]:
        say(f"missing: {one.step} {one.name}: {one.why}")
    if len(missing) > SHOWN:
        say(f"missing: {len(missing) - SHOWN:,} more")
    raise click.ClickException(
        f"{len(missing):,} missing, all named in {folder / 'missing.tsv'}; to try again what is "
        f"missing: {command}"
    )
