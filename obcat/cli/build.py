"""Commands that make a catalog: simulate, ingest, build."""

import time
from pathlib import Path

import click

from obcat.cli.group import BUILD, SURVEY, TRUST, load, main, refuse_untrusted, say
from obcat.progress import progress


def list_ingredients(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    from obcat.simulate.recipe import INGREDIENTS

    if wanted:
        width = max(map(len, INGREDIENTS))
        for name, text in INGREDIENTS.items():
            click.echo(f"{name:<{width}}  {text}")
        context.exit()


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--size",
    "--stars",
    default=16_032,
    show_default=True,
    type=click.IntRange(1, 1_000_000),
    help="Number of stars; 16032 stars have 22,901 spectra.",
)
@click.option(
    "--seed",
    default=1,
    show_default=True,
    type=click.IntRange(min=0),
    help="The same seed gives the same files.",
)
@click.option(
    "--without", multiple=True, metavar="NAME", help="An ingredient to leave out; may be repeated."
)
@click.option(
    "--seed-of",
    "seeds",
    multiple=True,
    metavar="NAME=SEED",
    help="A seed of its own for an ingredient; repeatable.",
)
@click.option(
    "--ingredients",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=list_ingredients,
    help="List them.",
)
@click.option(
    "--workers", default=2, show_default=True, type=click.IntRange(min=1), help="Processes."
)
def simulate(
    folder: Path,
    size: int,
    seed: int,
    without: tuple[str, ...],
    seeds: tuple[str, ...],
    workers: int,
) -> None:
    """Make a SIMULATED survey in FOLDER/survey and its truth in FOLDER/truth; no build looks at the truth.

    Both are links into FOLDER/simulation, which appears as a whole; nothing that obcat did not make is replaced.

    Each ingredient draws from a stream of its own: leaving one out, or another seed for it, changes no draw of the
    others.
    """
    from obcat import simulate as simulation
    from obcat.files import clear_left

    recipe = simulation.recipe_of(seed, without, seeds)
    survey, truth = folder / "survey", folder / "truth"
    clear_left(folder)
    if simulation.is_current(survey, truth, size, recipe):
        say(f"{survey}: simulated survey is there already")
        return
    started = time.monotonic()
    with progress("simulating spectra") as step:
        simulation.simulate(
            survey, truth, n_stars=size, recipe=recipe, workers=workers, progress=step
        )
    say(f"{survey}: simulated in {time.monotonic() - started:.0f} s")


@main.command()
@SURVEY
@BUILD
@click.option(
    "--workers", default=2, show_default=True, type=click.IntRange(min=1), help="Reader processes."
)
@click.option(
    "--again",
    "--rehash",
    is_flag=True,
    help="Read every file again, though size and time are as before; repairs a damaged store.",
)
@click.option(
    "--allow-empty", is_flag=True, help="Accept tables of which no row belongs to a spectrum."
)
def ingest(survey: Path, root: Path, workers: int, *, again: bool, allow_empty: bool) -> None:
    """Read the spectra and tables of SURVEY (a TOML file) into build/NAME/raw; only what is new or changed is read."""
    from obcat.ingest.survey import ingest as run
    from obcat.lock import locked

    described = load(survey)
    folder = root / described.name
    started = time.monotonic()
    with locked(folder), progress("reading spectra") as step:
        counts = run(
            described,
            folder / "raw",
            workers=workers,
            progress=step,
            again=again,
            allow_empty=allow_empty,
        )
    for line in counts:
        say(line)
    say(f"{folder / 'raw'}: up to date in {time.monotonic() - started:.0f} s")


@main.command()
@SURVEY
@BUILD
@click.option(
    "--threads", type=click.IntRange(min=1), help="Default: the CPUs that this process may use."
)
@click.option(
    "--memory",
    metavar="SIZE",
    help="For the database, such as 2GB; batches and fits take up to 2 GB besides. Default: follows the machine.",
)
@TRUST
def build(survey: Path, root: Path, threads: int | None, memory: str | None) -> None:
    """Make build/NAME/obcat.duckdb from what was ingested; does nothing if nothing has changed."""
    from obcat.build.run import build as run

    described = load(survey)
    refuse_untrusted(described.models_from, "models_from: ")
    folder = root / described.name
    started = time.monotonic()
    made = run(described, folder, say=say, threads=threads, memory=memory)
    done = f"built in {time.monotonic() - started:.0f} s" if made else "nothing has changed"
    say(f"{folder / 'obcat.duckdb'}: {done}")
