"""A release: the catalog in every format, with checksums, of one state of the database;
put in place by one rename.
"""

from collections.abc import Callable
from pathlib import Path

from obcat.checksums import SUMS, read_sums
from obcat.export import database as duck
from obcat.export import fits, guide, models, plain, votable
from obcat.export.cds import readme as cds
from obcat.export.published import Published, opened, read_from
from obcat.export.verify import check_builds, silent
from obcat.files import publishing_folder

__all__ = ["KIND", "release"]

KIND = "release"
DATABASE = "obcat.duckdb"
MODELS = "models.safetensors"
PROVENANCE = "provenance.json"
WRITERS: dict[str, Callable[[Path, Published], None]] = {
    "{}.fits": fits.write,
    "{}.csv": plain.write_csv,
    "{}.vot": votable.write,
    "{}.parquet": plain.write_parquet,
    "cds": cds.write,
    "COLUMNS.md": guide.write,
    "CITATION": guide.write_citation,
    "CITATION.bib": guide.write_bibtex,
    "zenodo.json": guide.write_zenodo,
}


def release(database: Path, out: Path) -> list[Path]:
    """Write the catalog and SHA256SUMS as the folder ``out``; the same catalog gives the same bytes
    in all but one.

    Raises ReleaseError where a value cannot be published, NotOurs where ``out`` holds what is not
    of a release, Busy where another process writes it; then no file of an earlier release is
    touched.
    """
    stated: dict[str, str] = {}
    with (
        publishing_folder(out, KIND, facts=stated) as staging,
        opened(database, staging / DATABASE) as con,
    ):
        catalog = read_from(con, database)
        stated.update(_facts(catalog))
        names = [name.format(catalog.survey) for name in (*WRITERS, PROVENANCE, MODELS, DATABASE)]
        for name, write in WRITERS.items():
            write(staging / name.format(catalog.survey), catalog)
        models.write_from(con, staging / MODELS, catalog)
        duck.write_from(con, staging / DATABASE, catalog)
        guide.write_provenance(staging / PROVENANCE, catalog, silent(staging))
        check_builds(staging, catalog.provenance.get("fingerprint"))
    order = [n for name in names for n in read_sums(out) if n == name or n.startswith(f"{name}/")]
    return [out / name for name in (*order, SUMS)]


def _facts(catalog: Published) -> dict[str, str]:
    """What SHA256SUMS says of the release as a whole."""
    known = {name: catalog.provenance.get(name, "") for name in ("obcat", "release", "fingerprint")}
    found = {"survey": catalog.survey, "simulated": "yes" if catalog.simulated else "no", **known}
    return {name: value for name, value in found.items() if value}
