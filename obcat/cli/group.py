"""The command obcat, and what its commands share."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from obcat.cli.stopping import Stopping, open_standard_files
from obcat.errors import one_line

Command = Callable[..., Any]

SURVEY = click.argument("survey", type=click.Path(path_type=Path))
BUILD = click.option(
    "--build",
    "root",
    type=click.Path(path_type=Path),
    default=Path("build"),
    show_default=True,
    help="Folder of builds; a survey is built in a folder of its name below it.",
)
FILE = "obcat.duckdb"  # of a build, and of a release
TRUSTED = "obcat.trust"  # key of what --trust said


def _remember(context: click.Context, _: click.Parameter, trust: bool) -> None:
    context.meta[TRUSTED] = trust


def refuse_untrusted(database: Path | None, where: str = "") -> None:
    """Stops with one line where the database is neither of a build nor of a release, and --trust was not given.

    ``where`` stands before what is said: the setting that names the database.
    """
    from obcat.query.trust import NotTrusted, check

    try:
        if database is not None and not click.get_current_context().meta[TRUSTED]:
            check(database)
    except (NotTrusted, OSError) as error:
        raise NotTrusted(f"{where}{error}") from error


def trusted(_: click.Context, __: click.Parameter, database: Path | None) -> Path | None:
    refuse_untrusted(database)
    return database


TRUST = click.option(
    "--trust",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_remember,
    help="Open a database though it is neither of a build nor of a release that is whole.",
)


class _Database(click.Path):
    """A database, the folder that holds it, or the name of a survey that was built below here."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        given = Path(value)
        built = Path("build") / given
        if not given.exists() and len(given.parts) == 1 and (built / FILE).is_file():
            given = built
        if given.is_dir():
            given /= FILE
        return super().convert(given, param, ctx)


def database_argument(*, required: bool = True) -> Callable[[Command], Command]:
    """The argument DATABASE, opened only if it is ours or with --trust."""
    path = _Database(path_type=Path, exists=True)
    argument = click.argument("database", type=path, required=required, callback=trusted)

    def decorated(command: Command) -> Command:
        return argument(TRUST(command))

    return decorated


DATABASE = database_argument()


def say(text: str) -> None:
    click.echo(one_line(text) if "\n" not in text else text, err=True)


@contextmanager
def reading(database: Path) -> Iterator[None]:
    """Stops with one line where DATABASE is none, or none of ours."""
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise click.ClickException(
            f"{database}: {reason}; give a database made by `obcat build`"
        ) from error


SECTIONS = {
    "Make a catalog": ("demo", "simulate", "fetch", "ingest", "build"),
    "Ask it": ("sql", "explain", "status"),
    "Give it away": ("export", "verify", "check-cds", "page"),
    "Judge it": ("check", "evaluate", "report", "figure", "compare", "realism"),
}


class Commands(click.Group):
    """The commands in sections, all ending alike: an error is one line, a signal an exit code."""

    def main(self, *words: Any, **settings: Any) -> Any:
        open_standard_files()
        return super().main(*words, **settings)

    def invoke(self, ctx: click.Context) -> Any:
        with Stopping(debug=ctx.params["debug"]):
            return super().invoke(ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        known = [name for names in SECTIONS.values() for name in names]
        further = tuple(name for name in self.list_commands(ctx) if name not in known)
        for title, names in {**SECTIONS, "Further": further}.items():
            found = [(name, self.commands[name]) for name in names if name in self.commands]
            if found:
                with formatter.section(title):
                    formatter.write_dl([(name, c.get_short_help_str(100)) for name, c in found])


@click.group(
    cls=Commands, context_settings={"max_content_width": 120, "help_option_names": ["-h", "--help"]}
)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.version_option(package_name="obcat")
def main(*, debug: bool) -> None:
    """Absolute magnitudes, extinctions, distances, binarity and emission of O and B stars (Xiang et al. 2021)."""
    # DuckDB and the reader processes use the cores; a second level of threads would change the last bits of sums.
    for library in ("OPENBLAS", "OMP", "MKL"):
        os.environ[f"{library}_NUM_THREADS"] = "1"


def load(path: Path):
    from obcat.schema import columns_of
    from obcat.survey import load

    return load(path, [c.column for c in columns_of("meta.parameters")])
