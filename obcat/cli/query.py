"""Commands that ask a catalog: sql, explain, sample."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from obcat.cli.group import DATABASE, main, number_option, reading, say
from obcat.errors import ObcatError

FORMATS = ("table", "csv", "json", "parquet", "fits", "ecsv", "votable")
FILES_ONLY = ("parquet", "fits", "ecsv", "votable")
NEW = click.Path(path_type=Path, dir_okay=False)
OLD = click.Path(path_type=Path, dir_okay=False, exists=True)


class Asking(click.Command):
    """A command whose query may begin with a comment: -- and words are no option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        options = [p for p in self.params if isinstance(p, click.Option)]
        valued = {name for p in options if not p.is_flag for name in p.opts}
        names = valued | {name for p in options for name in p.opts}
        end = args.index("--") if "--" in args else len(args)
        for number, (before, word) in enumerate(zip(["", *args], args[:end], strict=False)):
            if before not in valued and _begins_with_comment(word, names):
                args = [*args[:number], *args[number + 1 : end], "--", word, *args[end + 1 :]]
                break
        return super().parse_args(ctx, args)


def _begins_with_comment(word: str, options: set[str]) -> bool:
    return (
        word.startswith("--")
        and any(c.isspace() for c in word)
        and word.partition("=")[0] not in options
    )


def _cookbook() -> dict[str, Path]:
    from obcat.schema import SQL

    return {path.stem: path for path in sorted((SQL / "queries").glob("*.sql"))}


def _list_recipes(context: click.Context, _: click.Parameter, value: bool) -> None:
    """The names of the cookbook with what each asks."""
    from obcat.db import SqlFile

    if not value or context.resilient_parsing:
        return
    files = {name: SqlFile(path) for name, path in _cookbook().items()}
    width = max(map(len, files))
    for name, file in files.items():
        click.echo(f"{name:<{width}}  {', '.join(file.header('Title'))}")
    context.exit()


def _recipe(name: str) -> str:
    """The query of this name; UsageError, with the nearest name, where there is none."""
    from obcat.schema import nearest

    known = _cookbook()
    if name not in known:
        raise click.UsageError(f"no recipe {name!r}{nearest(name, known)}; --recipes lists them")
    return known[name].read_text(encoding="utf-8")


def _size(_: click.Context, __: click.Parameter, text: str | None) -> int:
    """Bytes, of '2GB'."""
    from obcat.query.isolated import LEAST, MEMORY

    if text is None:
        return MEMORY
    from obcat.machine import MachineError, parsed

    try:
        size = parsed(text)
    except MachineError as error:
        raise click.BadParameter(str(error)) from error
    if size < LEAST:
        raise click.BadParameter(f"{text} is too little; give {LEAST // 10**6}MB or more")
    return size


@main.command(cls=Asking)
@DATABASE
@click.argument("query", required=False)
@click.option("--file", "source", type=OLD, help="File that holds the query.")
@click.option(
    "--format", "form", type=click.Choice(FORMATS), help="Default: table on a terminal, else csv."
)
@click.option("--out", type=NEW, help="File to write; its ending tells the format.")
@click.option("--to", metavar="PROGRAM", help="Send it to a program by SAMP: topcat, aladin.")
@number_option("--time-limit", default=60.0, least=0.01, text="Seconds.")
@click.option("--memory", callback=_size, help="Memory that it may take.  [default: 2GB]")
@number_option("--max-rows", default=1_000_000, least=1, text="Rows given at most.")
@click.option("--recipe", metavar="NAME", help="Ask a question of the cookbook.")
@click.option(
    "--recipes",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_list_recipes,
    help="List the cookbook and exit.",
)
def sql(
    database: Path,
    query: str | None,
    source: Path | None,
    recipe: str | None,
    form: str | None,
    out: Path | None,
    to: str | None,
    time_limit: float,
    memory: int,
    max_rows: int,
) -> None:
    """Run one SELECT on DATABASE, read-only, out of reach of files and network.

    Without QUERY it is read from standard input; on a terminal, a prompt takes one after another.
    """
    if sum(given is not None for given in (query, source, recipe)) > 1:
        raise click.UsageError("give a query, --file or --recipe, one of them")
    if recipe is not None:
        query = _recipe(recipe)
    if to and (out or form):
        raise click.UsageError("--to sends a VOTable: without --out and --format")
    if form in FILES_ONLY and not out:
        raise click.UsageError(f"--format {form} needs --out FILE")
    limits = {"time_limit": time_limit, "memory": memory, "max_rows": max_rows}
    asking = Asked(database, chosen(form, out), out, limits)
    if query is None and not source and not to and sys.stdin.isatty():
        prompt(asking.show)
        return
    text = text_of(source) if query is None else query
    if to:
        _send(database, text, to, limits)
    else:
        asking.show(text)


def _send(database: Path, query: str, to: str, limits: dict[str, Any]) -> None:
    from obcat.query.formats import send
    from obcat.query.isolated import Bounds

    for program in send(database, query, to, f"obcat {database.parent.name}", Bounds(**limits)):
        say(f"{program} has it")


class NoText(ObcatError):
    """A file that holds no query; one line."""


def text_of(source: Path | None) -> str:
    """The query of a file, or of standard input; a byte order mark is no part of it."""
    content = source.read_bytes() if source else sys.stdin.buffer.read()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = source or "standard input"
        raise NoText(f"{place}: the query is no text in UTF-8") from error


def chosen(form: str | None, out: Path | None) -> str:
    """The format that the name of the file tells, or what suits where the text goes."""
    if out:
        from obcat.query.formats import BadName, form_of

        try:
            return form_of(out.name, form)
        except BadName as error:
            raise click.BadParameter(str(error), param_hint="'--out'") from error
    return form or ("table" if sys.stdout.isatty() else "csv")


@dataclass(frozen=True)
class Asked:
    """What all queries of a command have in common."""

    database: Path
    form: str
    out: Path | None
    limits: dict[str, Any]

    def show(self, query: str) -> None:
        """Show one answer, or write it; what there is to say of it goes to stderr."""
        from obcat.query.isolated import Bounds, asked

        escape = self.out is None and sys.stdout.isatty()
        bounds = Bounds(**self.limits)
        with asked(self.database, query, self.form, bounds, out=self.out, escape=escape) as reply:
            shown = sys.stdout.buffer
            for chunk in reply.chunks():
                shown.write(chunk)
            shown.flush()
        for note in reply.notes:
            say(note)
        if reply.cut:
            say(f"cut after {bounds.max_rows:,} rows; --max-rows gives more")


def prompt(put: Callable[[str], None]) -> None:
    """One query after another, each ended by a semicolon;
    an error does not end the conversation.
    """
    from importlib import import_module

    import_module("readline")  # gives input() its line editing and history
    say(
        "One SELECT, ended by a semicolon. Tables: SHOW ALL TABLES; columns: DESCRIBE "
        "catalog.ob_stars. Ctrl-D ends."
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
            except ObcatError as error:
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
@click.option(
    "--resolve",
    is_flag=True,
    help="A name that the catalog has not is asked for at the CDS, over the network.",
)
def explain(database: Path, star: str, html: Path | None, *, resolve: bool) -> None:
    """Why these numbers? All that made the row of STAR:
    a specid, star_id, Gaia DR2 id, target name or "RA DEC".
    """
    from obcat.explain import explain as run
    from obcat.files import publishing

    with reading(database):
        text = run(database, star, html=bool(html), resolve=resolve)
    if html:
        with publishing(html) as partial:
            partial.write_text(text, encoding="utf-8")
    else:
        click.echo(text, nl=False)


@main.command()
@DATABASE
@click.option("--out", type=NEW, required=True, help="Parquet file to write.")
@number_option("--draws", default=100, least=1, most=100_000, text="Of each star.")
def sample(database: Path, out: Path, draws: int) -> None:
    """Draw from best mode's posterior of every star: luminosity, E(B-V),
    distance and companion together; the same each time.
    """
    from obcat.reading import open_database
    from obcat.samples import write_samples

    with reading(database), open_database(database) as survey:
        stars = write_samples(survey, out, draws)
        kind = "SIMULATED stars" if survey.simulated else "stars"
    say(f"{draws:,} draws of each of {stars:,} {kind}")
    click.echo(out)
