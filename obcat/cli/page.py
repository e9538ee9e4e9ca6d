"""The command that makes one page to look at: page."""

from pathlib import Path

import click

from obcat.cli.group import DATABASE, main


@main.command()
@DATABASE
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Default: catalog.html beside DATABASE.",
)
@click.option(
    "--spectra",
    default=2000,
    show_default=True,
    type=click.IntRange(min=0),
    help="Stars whose spectra are in it.",
)
@click.option(
    "--stars",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="File of star_id or specid, one a line, whose spectra come first.",
)
def page(database: Path, out: Path | None, spectra: int, stars: Path | None) -> None:
    """Write DATABASE as one HTML file for a browser: SQL, linked plots, spectra; no server and no network needed."""
    from obcat.page import page as run

    first = stars.read_text(encoding="utf-8").split() if stars else []
    click.echo(run(database, out or database.parent / "catalog.html", spectra, first))
