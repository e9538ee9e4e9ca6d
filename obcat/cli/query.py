"""Commands that ask a catalog: sql, explain."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from obcat.cli.group import DATABASE, main, reading, say
from obcat.errors import ObcatError

FORMATS = ("table", "csv", "json", "parquet", "fits")
NEW = click.Path(path_type=Path, dir_okay=False)
OLD = click.Path(path_type=Path, dir_okay=False, exists=True)


@main.command()
@DATABASE
@click.argument("query", required=False)
@click.option("--file", "source", type=OLD, help="File that holds the query.")
@click.option(
    "--format", "form", type=click.Choice(FORMATS), help="Default: table on a terminal, else csv."
)
@click.option("--out", type=NEW, help="File to write; needed for parquet and fits.")
@click.option(
    "--time-limit",
    default=60.0,
    show_default=True,
    type=click.FloatRange(min=0.01),
    help="Seconds.",
)
@click.option(
    "--max-rows",
    default=1_000_000,
    show_default=True,
    type=click.IntRange(min=1),
    help="Rows given at most.",
)
def sql(
    database: Path,
    query: str | None,
    source: Path | None,
    form: str | None,
    out: Path | None,
    time_limit: float,
    max_rows: int,
) -> None:
    """Run one SELECT on DATABASE, read-only, out of reach of files and network.

    Without QUERY it is read from standard input; on a terminal, a prompt takes one after another.
    """
    if query and source:
        raise click.UsageError("give a query or --file, not both")
    if form in ("parquet", "fits") and not out:
        raise click.UsageError(f"--format {form} needs --out FILE")
    form = form or form_of(out)

    def put(text: str) -> None:
        show(database, text, form, out, {"time_limit": time_limit, "max_rows": max_rows})

    if not query and not source and sys.stdin.isatty():
        prompt(put)
        return
    put(query or (source.read_text(encoding="utf-8") if source else sys.stdin.read()))


def form_of(out: Path | None) -> str:
    """The format that the name of the file tells, or what suits where the text goes."""
    if out:
        ending = out.suffix.lstrip(".").lower()
        return ending if ending in FORMATS else "csv"
    return "table" if sys.stdout.isatty() else "csv"


class Unanswered(ObcatError):
    """A query that was refused, or an answer that its format or file cannot hold."""


def show(database: Path, query: str, form: str, out: Path | None, limits: dict[str, Any]) -> None:
    from obcat.query.formats import text_of, write
    from obcat.query.sql import QueryRefused, answer, old_names

    try:
        found = answer(database, query, **limits)
        if out:
            write(found.table, form, out)
        else:
            click.echo(text_of(found.table, form), nl=False)
    except (QueryRefused, OSError, ValueError, OverflowError) as error:
        raise Unanswered(error) from error
    if note := old_names(query):
        say(note)
    if found.cut:
        say(f"cut after {limits['max_rows']:,} rows; --max-rows gives more")


def prompt(put: Callable[[str], None]) -> None:
    """One query after another, each ended by a semicolon; an error does not end the conversation."""
    from importlib import import_module

    import_module("readline")  # gives input() its line editing and history
    say(
        "One SELECT, ended by a semicolon. Tables: SHOW ALL TABLES; columns: DESCRIBE catalog.ob_stars. Ctrl-D ends."
    )
    lines: list[str] = []
    while True:
        try:
            lines.append(typed("   ...> " if lines else "obcat> "))
        except (EOFError, KeyboardInterrupt):
            say("")
            return
        if lines[-1].rstrip().endswith(";"):
            try:
                put("\n".join(lines))
            except Unanswered as error:
                say(f"Error: {error}")
            lines.clear()


def typed(mark: str) -> str:
    """A line from the terminal; the mark goes to stdout only where that is the terminal too."""
    if sys.stdout.isatty():
        return input(mark)
    click.echo(mark, err=True, nl=False)
    return input()


@main.command()
@DATABASE
@click.argument("star")
@click.option(
    "--html",
    type=NEW,
    help="Write one HTML page, with the spectrum and the distance drawn, to this file.",
)
def explain(database: Path, star: str, html: Path | None) -> None:
    """Why these numbers? All that made the row of STAR: a specid, star_id, Gaia DR2 id, target name or "RA DEC"."""
    from obcat.explain import explain as run
    from obcat.files import publishing

    with reading(database):
        text = run(database, star, html=bool(html))
    if html:
        with publishing(html) as partial:
            partial.write_text(text, encoding="utf-8")
    else:
        click.echo(text, nl=False)
