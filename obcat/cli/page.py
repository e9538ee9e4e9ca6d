"""The command that makes one page to look at: page."""

from pathlib import Path

import click

from obcat.cli.group import DATABASE, fail, main


@main.command()
@DATABASE
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Default: catalog.html beside DATABASE.")
@click.option(
    "--spectra", default=2000, show_default=True, type=click.IntRange(min=0), help="Stars whose spectra are in it."
)
def page(database: Path, out: Path | None, spectra: int) -> None:
    """Write DATABASE as one HTML file for a browser: SQL, linked plots, spectra; no server and no network needed."""
    from obcat.page import PageError
    from obcat.page import page as run

    try:
        click.echo(run(database, out or database.parent / "catalog.html", spectra))
    except PageError as error:
        fail(error)
