"""Commands that give estimates without a survey: predict, and models, which packs what it needs."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from obcat.cli.group import DATABASE, TRUST, TRUSTED, main, path_option, say
from obcat.errors import ObcatError

if TYPE_CHECKING:
    from astropy.table import Table

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
    from obcat.model_file import SUFFIX
    from obcat.steps import packed

    if out.suffix != SUFFIX:
        raise click.BadParameter(f"{out.name}: the ending is {SUFFIX}", param_hint="'OUT'")
    with publishing(out) as partial:
        packed(database, partial, note)
    say(f"{out}: {out.stat().st_size / 1e6:.1f} MB")
