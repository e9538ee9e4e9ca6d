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
@database_argument(several=True)
@click.option(
    "--truth",
    "truths",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Folder of the truth, one for each DATABASE; default: truth beside it.",
)
@click.option(
    "--companions",
    type=click.Path(path_type=Path),
    callback=trusted,
    help="Catalog whose A, F, G dwarfs join mock binaries.",
)
@path_option("--real", "Folder of real stars: judge the models on them instead; no truth is read.")
@click.option("--readme", is_flag=True, help="Print the main numbers only, as a table in Markdown.")
@click.option(
    "--aims",
    is_flag=True,
    help="Print what paper mode is judged by, before and now, in Markdown; with --real there too.",
)
@path_option("--save", "CSV file to write: with --aims, the numbers, for a later table's 'before'.")
@JSON
@click.option(
    "--oracle",
    type=click.Choice(["labels", "zero_point", "parallax_errors", "companions"]),
    help="Build again with this known from the truth: what limits each number.",
)
def evaluate(
    databases: tuple[Path, ...],
    truths: tuple[Path, ...],
    companions: Path | None,
    real: Path | None,
    save: Path | None,
    oracle: str | None,
    *,
    readme: bool,
    aims: bool,
    as_json: bool,
) -> None:
    """Compare the catalog of a SIMULATED survey with its truth, beside the paper's numbers.

    Of several DATABASEs, builds of surveys of other seeds, the mean of each number and its spread
    (standard deviation).
    """
    if readme + as_json + aims > 1:
        raise click.UsageError("give one of --readme, --aims and --json")
    if save and not aims:
        raise click.UsageError("--save goes with --aims")
    if len(databases) > 1 and (companions or (real and not aims)):
        raise click.UsageError("--companions, and --real without --aims, take one DATABASE")
    places = _places(databases, truths)
    if oracle and len(databases) > 1:
        raise click.UsageError("--oracle takes one DATABASE")
    with reading(databases[0]):
        if oracle:
            said = _with_oracle(*places[0], oracle)
        elif aims:
            said = _aims(places, real, save)
        elif real:
            from obcat.real_stars import real_stars

            said = real_stars(databases[0], real, as_json=as_json)
        elif len(places) > 1:
            said = _of_several(places, readme=readme, as_json=as_json)
        else:
            said = _of_one(*places[0], companions, readme=readme, as_json=as_json)
        click.echo(said, nl=False)


def _places(databases: tuple[Path, ...], truths: tuple[Path, ...]) -> list[tuple[Path, Path]]:
    """Each database and the folder of its truth."""
    if truths and len(truths) != len(databases):
        raise click.UsageError(
            f"{len(databases)} DATABASE and {len(truths)} --truth: give one for each, or none"
        )
    beside = truths or [database.parent / "truth" for database in databases]
    return list(zip(databases, beside, strict=True))


def _of_one(
    database: Path, truth: Path, companions: Path | None, *, readme: bool, as_json: bool
) -> str:
    from obcat.evaluate.evaluation import evaluate as tables
    from obcat.evaluate.evaluation import main_numbers

    if readme:
        return main_numbers(database, truth)
    return tables(database, truth, companions, as_json=as_json)


def _of_several(places: list[tuple[Path, Path]], *, readme: bool, as_json: bool) -> str:
    from obcat.evaluate.aims import main_numbers_of_all, tables_of_all

    return main_numbers_of_all(places) if readme else tables_of_all(places, as_json=as_json)


def _aims(places: list[tuple[Path, Path]], real: Path | None, save: Path | None) -> str:
    from obcat.evaluate.aims import Aim, aims_of_all, aims_table, write_before
    from obcat.real_stars import real_aims

    further = (
        [[Aim(*row) for row in real_aims(database, real)] for database, _ in places] if real else []
    )
    found = aims_of_all(places, further)
    if save:
        write_before(save, found)
    return aims_table(found)


def _with_oracle(database: Path, truth: Path, name: str) -> str:
    """Text; the copy in which something is known is gone at the end, or, where that was a kill,
    with the next build or the next such copy.
    """
    from obcat.build.again import again
    from obcat.evaluate.aims import oracle
    from obcat.files import working

    with working(database.parent / "oracle") as folder:
        return oracle(
            database,
            truth,
            name,
            lambda change, first: again(database, folder, first=first, change=change),
        )


@main.command()
@DATABASE
@click.argument("picture", type=click.Path(path_type=Path))
def figure(database: Path, picture: Path) -> None:
    """Draw the catalog as one PICTURE (PNG):
    M_spec against M_geo, HR diagram, map, distance errors.
    """
    from obcat.report.distances import draw_overview

    draw_overview(database, picture)
    click.echo(picture)


@main.command()
@DATABASE
@path_option("--out", "Folder to write to; default: report beside DATABASE.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["html", "pdf"]),
    default="html",
    show_default=True,
    help="A page for a browser, or one for a printer.",
)
def report(database: Path, out: Path | None, form: str) -> None:
    """Write a page with the paper's figures and numbers from DATABASE,
    and the figures as PDF and PNG, with what they draw as CSV.
    """
    from obcat.report.page import report as run

    folder = out or database.parent / "report"
    with reading(database):
        click.echo(run(database, folder, form)[0])


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
    from obcat.compare.join import read_foreign
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
