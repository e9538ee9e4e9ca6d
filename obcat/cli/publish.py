"""Commands that give a catalog away: export, verify, check-cds, page."""

from dataclasses import asdict
from pathlib import Path

import click

from obcat.cli.group import DATABASE, JSON, echo_json, main, number_option, path_option, say

LARGE = 100_000_000  # bytes of a page that mail and browsers find large
FOLDER = click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))


@main.command()
@DATABASE
@path_option("--out", "Folder to write to; default: release beside DATABASE.")
@click.option(
    "--mode",
    type=click.Choice(["best", "paper", "both"]),
    default="both",
    show_default=True,
    help="Which catalog: the paper's, best mode's, or each that the build has.",
)
@click.option("--spectra", is_flag=True, help="The normalised spectra at rest, too.")
def export(database: Path, out: Path | None, mode: str, *, spectra: bool) -> None:
    """Write catalog.ob_stars and catalog.ob_stars_best as FITS, CSV, VOTable, Parquet, DuckDB
    and CDS package, with checksums and a guide.
    """
    from obcat.export.published import ReleaseError
    from obcat.export.release import release
    from obcat.files import refusal

    folder = out or database.parent / "release"
    try:
        written = release(database, folder, mode, spectra=spectra)
    except OSError as error:
        raise ReleaseError(refusal(folder, error)) from error
    for path in written:
        click.echo(path)


@main.command()
@FOLDER
@JSON
def verify(folder: Path, *, as_json: bool) -> None:
    """Compare the files of a release in FOLDER with its SHA256SUMS;
    names what is damaged or missing.
    """
    from obcat.export.verify import verify as run

    found = run(folder)
    if as_json:
        echo_json(asdict(found))
    for name in found.unknown:
        click.echo(f"{folder / name}: not part of the release", err=True)
    damaged = [
        *(f"{folder / n}: damaged" for n in found.changed),
        *(f"{folder / n}: missing" for n in found.missing),
    ]
    if damaged:
        raise click.ClickException("; ".join(damaged))
    if not as_json:
        click.echo(f"{len(found.whole)} files, all as they were made")


@main.command("check-cds")
@FOLDER
@click.option(
    "--draft",
    is_flag=True,
    help="Form alone: authors may be missing, and the stars SIMULATED.",
)
def check_cds(folder: Path, *, draft: bool) -> None:
    """Check a package for CDS/VizieR in FOLDER: a ReadMe and the tables it describes,
    with all that a submission needs; one line a fault.
    """
    from obcat.export.cds.check import check, forms

    faults = (forms if draft else check)(folder)
    for fault in faults:
        click.echo(fault)
    if faults:
        raise click.ClickException(f"{len(faults)} faults")
    click.echo(f"{folder}: no fault")


@main.command()
@DATABASE
@path_option("--out", "Default: catalog.html beside DATABASE.", dir_okay=False)
@number_option("--spectra", default=2000, least=0, text="Stars whose spectra are in it.")
@path_option(
    "--stars",
    "File of star_id or specid, one a line, whose spectra come first.",
    dir_okay=False,
    exists=True,
)
def page(database: Path, out: Path | None, spectra: int, stars: Path | None) -> None:
    """Write DATABASE as one HTML file for a browser: SQL, linked plots, spectra;
    no server and no network needed.
    """
    from obcat.page import page as run

    first = stars.read_text(encoding="utf-8").split() if stars else []
    made = run(database, out or database.parent / "catalog.html", spectra, first)
    if (size := made.stat().st_size) > LARGE:
        say(
            f"{size / 1e6:.0f} MB: a browser opens it in several seconds and takes several times "
            "that in memory; fewer --spectra make it smaller"
        )
    click.echo(made)
