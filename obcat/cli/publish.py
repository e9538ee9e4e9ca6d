"""Commands that give away: export, verify, check-cds, page; and estimates without a survey:
predict, and models, which packs what it needs.
"""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from obcat.cli.group import (
    DATABASE,
    JSON,
    TRUST,
    TRUSTED,
    echo_json,
    main,
    naming,
    number_option,
    path_option,
    say,
)
from obcat.errors import ObcatError

if TYPE_CHECKING:
    from astropy.table import Table

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
@path_option(
    "--stars",
    "File of star_id or specid, one a line: --spectra of these alone.",
    dir_okay=False,
    exists=True,
)
def export(
    database: Path, out: Path | None, mode: str, *, spectra: bool, stars: Path | None
) -> None:
    """Write catalog.ob_stars and catalog.ob_stars_best as FITS, CSV, VOTable, Parquet, DuckDB
    and CDS package, with checksums and a guide.
    """
    from obcat.export import ReleaseError
    from obcat.export.release import release
    from obcat.files import refusal

    folder = out or database.parent / "release"
    named = _names(stars)
    try:
        written = release(database, folder, mode, spectra=spectra or bool(named), stars=named)
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
    from obcat.export.release import verify as run

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
    from obcat.export.cds import check, forms

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

    made = run(database, out or database.parent / "catalog.html", spectra, _names(stars))
    if (size := made.stat().st_size) > LARGE:
        say(
            f"{size / 1e6:.0f} MB: a browser opens it in several seconds and takes several times "
            "that in memory; fewer --spectra make it smaller"
        )
    click.echo(made)


def _names(stars: Path | None) -> list[str]:
    return stars.read_text(encoding="utf-8").split() if stars else []


FORMATS = {"csv": "ascii.csv", "ecsv": "ascii.ecsv", "fits": "fits", "votable": "votable"}
AT_ONCE = 1024  # spectra, 32 MB
HIDDEN = ("score_clean", "score_full")
FILES = click.Path(path_type=Path, exists=True, dir_okay=False)


class NotRead(ObcatError):
    """Some files gave no spectrum; one line."""


@main.command()
@click.argument("files", nargs=-1, required=True, type=FILES)
@click.option(
    "--models",
    type=FILES,
    help="models.safetensors of a release or obcat.duckdb of a build; default: those of the "
    "package, of a SIMULATED survey.",
)
@click.option("--z", type=float, help="Redshift of spectra whose file has none.")
@path_option("--out", "File to write; its ending tells the format.", dir_okay=False)
@click.option("--format", "form", type=click.Choice(list(FORMATS)), help="Default: csv.")
@TRUST
def predict(
    files: tuple[Path, ...],
    models: Path | None,
    z: float | None,
    out: Path | None,
    form: str | None,
) -> None:
    """Labels, absolute magnitude and emission of the spectra in FILES, one row a file.

    FILES are LAMOST's low-resolution spectra, or tables (.csv, .ecsv, .vot, .txt) with columns
    wavelength, flux, and ivar or error. What limits a row stands in words in the column warnings.
    """
    from astropy.table import vstack

    form = _chosen(form, out)
    parts = [
        _predicted(files[start : start + AT_ONCE], models, z)
        for start in range(0, len(files), AT_ONCE)
    ]
    table = vstack(parts, metadata_conflicts="silent")
    say(f"models: {table.meta['models']}")
    _write(table, form, out)
    failed = [str(row["file"]) for row in table if str(row["warnings"]).startswith("not read: ")]
    if failed:
        more = f" and {len(failed) - 3} more" if len(failed) > 3 else ""
        raise NotRead(
            f"{len(failed)} of {len(files)} files could not be read, see their warnings: "
            f"{', '.join(failed[:3])}{more}"
        )


def _chosen(form: str | None, out: Path | None) -> str:
    from obcat.query.formats import BadName, form_of

    try:
        chosen = form_of(out.name, form) if out else form or "csv"
    except BadName as error:
        raise click.BadParameter(str(error), param_hint="'--out'") from error
    if chosen not in FORMATS:
        raise click.BadParameter(f"{chosen}: take {', '.join(FORMATS)}", param_hint="'--out'")
    return chosen


def _predicted(files: tuple[Path, ...], models: Path | None, z: float | None) -> "Table":
    """One row a file; of a file that cannot be read all but its name and the reason is masked."""
    from obcat.own_files import read_files
    from obcat.prediction import About, predict_gridded

    own = read_files(files, z)
    about = About(own.z, own.snr_g, header_class=own.header_class, subclass=own.subclass)
    trust = click.get_current_context().meta[TRUSTED]
    table = predict_gridded(own.flux, own.ivar, about, models=models, trust=trust)
    table.remove_columns(HIDDEN)
    table.add_columns([own.file, own.specid, own.z], [0, 0, 0], ["file", "specid", "z"])
    table["warnings"] = [
        f"not read: {fault}" if fault else text
        for fault, text in zip(own.fault, table["warnings"], strict=True)
    ]
    return table


def _write(table: "Table", form: str, out: Path | None) -> None:
    import io
    import warnings

    from astropy.units import UnitsWarning

    from obcat.files import publishing

    if out is None and form in ("csv", "ecsv"):
        text = io.StringIO()
        table.write(text, format=FORMATS[form])
        click.echo(text.getvalue(), nl=False)
    elif out is None:
        raise click.UsageError(f"--format {form} needs --out FILE")
    else:
        with publishing(out) as partial, warnings.catch_warnings():
            warnings.simplefilter("ignore", UnitsWarning)  # of VOTable, which has its own Angstrom
            table.write(partial, format=FORMATS[form], overwrite=True)


@main.command()
@DATABASE
@click.argument("out", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--note", default="", help="How the build was made; said wherever they are used.")
def models(database: Path, out: Path, note: str) -> None:
    """Pack the models of DATABASE that predict needs into one small file OUT (.safetensors)."""
    from obcat.files import publishing
    from obcat.models import SUFFIX
    from obcat.steps import packed

    if out.suffix != SUFFIX:
        raise click.BadParameter(f"{out.name}: the ending is {SUFFIX}", param_hint="'OUT'")
    with naming(out), publishing(out) as partial:
        packed(database, partial, note)
    say(f"{out}: {out.stat().st_size / 1e6:.1f} MB")
