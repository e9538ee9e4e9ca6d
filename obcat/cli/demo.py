"""The command that makes a whole catalog of simulated stars: the route of a first visit."""

import shlex
from pathlib import Path

import click

from obcat.cli.build import build, ingest, simulate
from obcat.cli.group import main, say

QUESTION = "SELECT star_id, mk, dis FROM catalog.ob_stars WHERE uniqflag = 1 ORDER BY mk LIMIT 5"


@main.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path("build/demo"))
@click.option(
    "--stars",
    default=2_000,
    show_default=True,
    type=click.IntRange(1, 1_000_000),
    help="Number of stars.",
)
@click.pass_context
def demo(context: click.Context, folder: Path, stars: int) -> None:
    """Simulate, ingest and build a catalog of SIMULATED stars in FOLDER, and say where it is.

    FOLDER is build/demo unless given.
    """
    from obcat.build.run import require_training

    require_training()
    survey = folder / "simulated" / "survey" / "survey.toml"
    context.invoke(simulate, folder=folder / "simulated", size=stars)
    context.invoke(ingest, survey=survey, root=folder)
    context.invoke(build, survey=survey, root=folder)
    database = folder / "simulated" / "obcat.duckdb"
    say(f"The catalog of SIMULATED stars is {database}. Ask it:")
    say(shlex.join(["obcat", "sql", str(database), QUESTION]))
