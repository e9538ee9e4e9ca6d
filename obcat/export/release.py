"""A release: the catalog in every format, with checksums, of one state of the database;
put in place by one rename.
"""

from collections.abc import Callable
from pathlib import Path

from obcat.checksums import SUMS, read_sums
from obcat.export import database as duck
from obcat.export import fits, guide, healpix, models, plain, votable
from obcat.export.cds import machine_readable
from obcat.export.cds import readme as cds
from obcat.export.published import Published, modes_in, opened, read_from
from obcat.export.rest_spectra import write_spectra
from obcat.export.verify import check_builds, silent
from obcat.files import publishing_folder
from obcat.reading import CATALOGS

__all__ = ["KIND", "release"]

KIND = "release"
DATABASE = "obcat.duckdb"
MODELS = "models.safetensors"
PROVENANCE = "provenance.json"
OF_A_TABLE: dict[str, Callable[[Path, Published], None]] = {
    ".fits": fits.write,
    ".csv": plain.write_csv,
    ".vot": votable.write,
    ".parquet": plain.write_parquet,
    "_mrt.txt": machine_readable.write,
    "_moc.fits": healpix.write_moc,
    "_hats": healpix.write_hats,
}
SPECTRA = ("_spectra.fits", "_spectra.parquet", "_obscore.parquet")
OF_ALL: dict[str, Callable[..., None]] = {
    "cds": cds.write,
    "COLUMNS.md": guide.write,
    "CITATION": guide.write_citation,
    "CITATION.bib": guide.write_bibtex,
    "zenodo.json": guide.write_zenodo,
}


def release(database: Path, out: Path, mode: str = "both", *, spectra: bool = False) -> list[Path]:
    """Write the catalog and SHA256SUMS as the folder ``out``; the same catalog gives the same bytes
    in all but one.

    ``mode`` is paper, best, or both: what there is. A database holds both wherever best mode is
    meant, for it is opened by the paper's table. With ``spectra`` the normalised spectra are in it
    too. Raises obcat.Missing where the build has no best
    mode, ReleaseError where a value cannot be published, NotOurs where ``out`` holds what is not
    of a release, Busy where another process writes it; then no file of an earlier release is
    touched.
    """
    stated: dict[str, str] = {}
    with (
        publishing_folder(out, KIND, facts=stated) as staging,
        opened(database, staging / DATABASE) as con,
    ):
        read = {m: read_from(con, database, CATALOGS[m]) for m in modes_in(con, mode, database)}
        catalogs = list(read.values())
        stated.update(_facts(catalogs[0]))
        _write_tables(staging, catalogs)
        if spectra:
            write_spectra(staging, con, database, catalogs[0])
        models.write_from(con, staging / MODELS, catalogs[0])
        both = [*catalogs] if "paper" in read else [read_from(con, database), *catalogs]
        duck.write_from(con, staging / DATABASE, *both)
        guide.write_provenance(staging / PROVENANCE, *catalogs, files=silent(staging))
        check_builds(staging, catalogs[0].provenance.get("fingerprint"))
    kept = [f"{catalogs[0].file}{ending}" for ending in SPECTRA if spectra]
    names = [*_files(catalogs), *kept, PROVENANCE, MODELS, DATABASE]
    order = [n for name in names for n in read_sums(out) if n == name or n.startswith(f"{name}/")]
    return [out / name for name in (*order, SUMS)]


def _files(catalogs: list[Published]) -> list[str]:
    return [*(f"{c.file}{ending}" for c in catalogs for ending in OF_A_TABLE), *OF_ALL]


def _write_tables(folder: Path, catalogs: list[Published]) -> None:
    """The files of each table, and those that describe all."""
    for catalog in catalogs:
        for ending, write in OF_A_TABLE.items():
            write(folder / f"{catalog.file}{ending}", catalog)
    for name, write_all in OF_ALL.items():
        write_all(folder / name, *catalogs)


def _facts(catalog: Published) -> dict[str, str]:
    """What SHA256SUMS says of the release as a whole."""
    known = {name: catalog.provenance.get(name, "") for name in ("obcat", "release", "fingerprint")}
    found = {"survey": catalog.survey, "simulated": "yes" if catalog.simulated else "no", **known}
    return {name: value for name, value in found.items() if value}
