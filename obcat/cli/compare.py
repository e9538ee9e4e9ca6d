"""The command that puts a catalog beside another: compare."""

from pathlib import Path

import click

from obcat.cli.group import database_argument, main, reading


@main.command()
@click.argument("catalog", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@database_argument(required=False)
@click.option(
    "--by",
    type=click.Choice(["fitsname", "specid", "gaia_id"]),
    help="Key; default: what finds most rows.",
)
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="OURS=THEIRS",
    help="What CATALOG calls a column of ours.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder to write to; default: compare beside DATABASE.",
)
def compare(
    catalog: Path, database: Path | None, by: str | None, columns: tuple[str, ...], out: Path | None
) -> None:
    """Compare DATABASE with CATALOG, a table that others published: bias, scatter, agreement of flags, a picture.

    CATALOG is FITS, VOTable, CSV, ECSV or Parquet, for example J/ApJS/253/22. DATABASE may be left out where there
    is one build only.
    """
    from obcat.compare import compare as run
    from obcat.compare import names
    from obcat.ingest.tables.foreign import read_foreign
    from obcat.schema import columns_of

    database = database or _only_build()
    folder = out or database.parent / "compare"
    theirs = read_foreign(
        catalog, columns_of("catalog.ob_stars"), names(), dict(map(_pair, columns))
    )
    with reading(database):
        click.echo(run(database, theirs, catalog.name, folder, by=by), nl=False)
    click.echo(folder / "compare.png")


def _only_build() -> Path:
    found = sorted(Path("build").glob("*/obcat.duckdb"))
    if len(found) == 1:
        return found[0]
    there = ", ".join(map(str, found)) or "none"
    raise click.UsageError(
        f"which DATABASE? There is not exactly one build/*/obcat.duckdb (found: {there})"
    )


def _pair(text: str) -> tuple[str, str]:
    ours, equals, theirs = text.partition("=")
    if not (ours and equals and theirs):
        raise click.UsageError(f"--column {text}: write OURS=THEIRS, for example mk=MKs")
    return ours.strip(), theirs.strip()
