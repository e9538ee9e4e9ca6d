"""A release: the catalog in every format, with checksums, each file put under its name when all are whole."""

import shutil
from collections.abc import Callable
from pathlib import Path

from obcat import db
from obcat.export import database as duck
from obcat.export import delimited, fits, guide, models, parquet, provenance, votable
from obcat.export.cds import package as cds
from obcat.export.published import Published, read
from obcat.sums import SUMS, digest

__all__ = ["release"]

DATABASE = "obcat.duckdb"
MODELS = "models.safetensors"
WRITERS: dict[str, Callable[[Path, Published], None]] = {
    "{}.fits": fits.write,
    "{}.csv": delimited.write,
    "{}.vot": votable.write,
    "{}.parquet": parquet.write,
    "cds": cds.write,
    "COLUMNS.md": guide.write,
    "CITATION": provenance.write_citation,
    "provenance.json": provenance.write,
}


def release(database: Path, out: Path) -> list[Path]:
    """Write the catalog and SHA256SUMS into ``out``; the same catalog gives the same bytes, but for the database.

    Raises ReleaseError where a value cannot be published; then no file of an earlier release is touched.
    """
    catalog = read(database)
    out.mkdir(parents=True, exist_ok=True)
    staging = out.with_name(f"{out.name}.partial")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir()
    try:
        for name, write in WRITERS.items():
            write(staging / name.format(catalog.survey), catalog)
        models.write(staging / MODELS, catalog, database)
        duck.write(staging / DATABASE, database)
        names = [
            n for pattern in (*WRITERS, MODELS, DATABASE) for n in files_of(staging, pattern.format(catalog.survey))
        ]
        (staging / SUMS).write_text("".join(f"{digest(staging / name)}  {name}\n" for name in names), encoding="ascii")
        for name in (*names, SUMS):
            (out / name).parent.mkdir(exist_ok=True)
            db.publish(staging / name, out / name)
    finally:
        shutil.rmtree(staging)
    return [out / name for name in (*names, SUMS)]


def files_of(folder: Path, name: str) -> list[str]:
    """Names, relative to the folder, of a file or of the files of a folder in it."""
    path = folder / name
    return [p.relative_to(folder).as_posix() for p in ([path] if path.is_file() else sorted(path.iterdir()))]
