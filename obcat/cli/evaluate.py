"""Commands that judge a catalog: check, status, evaluate, figure, report, realism, compare."""

from pathlib import Path

import click

from obcat.cli.group import (
    DATABASE,
    JSON,
    database_argument,
    echo_json,
    main,
    number_option,
    path_option,
    reading,
    trusted,
)


@main.command()
@DATABASE
@JSON
def check(database: Path, *, as_json: bool) -> None:
    """Run the checks of sql/95_check on DATABASE; every row a check returns is a fault."""
    from obcat import db
    from obcat.build.run import check as run
    from obcat.reading import open_database

    said: list[str] = []
    with reading(database), open_database(database) as survey:
        failed = run(survey.con, said.append if as_json else click.echo)
    n = len(db.sql_files(db.CHECKS))
    if as_json:
        echo_json({"checks": n, "failed": failed, "said": said})
    if failed:
        raise click.ClickException(f"failed: {', '.join(failed)}")
    if not as_json:
        click.echo(f"{n} checks, no failure")


@main.command()
@DATABASE
@JSON
def status(database: Path, *, as_json: bool) -> None:
    """What DATABASE holds: inputs, quarantine, parameters with their source, models,
    time by step.
    """
    from obcat.query.sql import status as run
    from obcat.query.sql import status_tables

    with reading(database):
        if as_json:
            echo_json(status_tables(database))
        else:
            click.echo(run(database), nl=False)


@main.command()
@DATABASE
@path_option("--truth", "Folder of the truth; default: truth beside DATABASE.")
@click.option(
    "--companions",
    type=click.Path(path_type=Path),
    callback=trusted,
    help="Catalog whose A, F, G dwarfs join mock binaries.",
)
@path_option("--real", "Folder of real stars: judge the models on them instead; no truth is read.")
@click.option("--readme", is_flag=True, help="Print the main numbers only, as a table in Markdown.")
@JSON
def evaluate(
    database: Path,
    truth: Path | None,
    companions: Path | None,
    real: Path | None,
    *,
    readme: bool,
    as_json: bool,
) -> None:
    """Compare the catalog of a SIMULATED survey with its truth, beside the paper's numbers."""
    from obcat.evaluate.evaluation import evaluate as tables
    from obcat.evaluate.evaluation import main_numbers
    from obcat.real_stars.beside import real_stars

    if readme and as_json:
        raise click.UsageError("give --readme or --json, not both")
    with reading(database):
        if real:
            click.echo(real_stars(database, real, as_json=as_json), nl=False)
            return
        beside = truth or database.parent / "truth"
        if readme:
            said = main_numbers(database, beside)
        else:
            said = tables(database, beside, companions, as_json=as_json)
        click.echo(said, nl=False)


@main.command()
@DATABASE
@click.argument("picture", type=click.Path(path_type=Path))
def figure(database: Path, picture: Path) -> None:
    """Draw the catalog as one PICTURE (PNG):
    M_spec against M_geo, HR diagram, map, distance errors.
    """
    from obcat.report.overview import draw_overview

    draw_overview(database, picture)
    click.echo(picture)


@main.command()
@DATABASE
@path_option("--out", "Folder to write to; default: report beside DATABASE.")
def report(database: Path, out: Path | None) -> None:
    """Write a page with the paper's figures and numbers from DATABASE,
    and the figures as PDF and PNG.
    """
    from obcat.report.page import report as run

    folder = out or database.parent / "report"
    with reading(database):
        run(database, folder)
    click.echo(folder / "index.html")


@main.command()
@click.argument("spectra", type=click.Path(path_type=Path))
@path_option("--real", "Folder of real LAMOST spectra; default: their statistics.")
@path_option("--save", "CSV file for the statistics of the real spectra.")
@path_option("--write", "Folder to make, of realism.md and realism.png.")
@number_option("--most", default=2000, least=20, text="Spectra of a folder to use.")
def realism(
    spectra: Path, real: Path | None, save: Path | None, write: Path | None, most: int
) -> None:
    """Compare noise, masks and calibration of SIMULATED spectra (a folder,
    SPECTRA) with those of real ones.
    """
    from obcat.realism.comparison import compare_spectra

    click.echo(compare_spectra(spectra, real, save, write, most), nl=False)


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
@path_option("--out", "Folder to write to; default: compare beside DATABASE.")
def compare(
    catalog: Path, database: Path | None, by: str | None, columns: tuple[str, ...], out: Path | None
) -> None:
    """Compare DATABASE with CATALOG, a table that others published: bias, scatter, agreement of
    flags, a picture.

    CATALOG is FITS, VOTable, CSV, ECSV or Parquet, for example J/ApJS/253/22. DATABASE may be left
    out where there is one build only.
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
