"""Commands that give a catalog away: export."""

from pathlib import Path

import click

from obcat.cli.group import DATABASE, fail, main


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
