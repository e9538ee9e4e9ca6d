"""What decides a catalog, as one hash: inputs, survey, SQL, code and the versions of the libraries."""

import hashlib
import json
import sys
from importlib.metadata import version
from pathlib import Path

import duckdb

from obcat import __version__, db, inputs, models
from obcat.schema import SQL
from obcat.survey import Survey

__all__ = ["fingerprint", "fingerprint_of", "provenance"]

PACKAGES = ("duckdb", "numpy", "scipy", "torch", "lightgbm", "emcee", "pyarrow")
MODULES = (
    "build.py",
    "db.py",
    "ddl.py",
    "fitting.py",
    "inputs.py",
    "models.py",
    "part_order.py",
    "schema.py",
    "udf.py",
)


def fingerprint(survey: Survey, folder: Path) -> str:
    """SHA-256 over everything the catalog in ``folder`` is made from."""
    digest = hashlib.sha256()
    settings = [survey.name, survey.simulated, survey.release, sorted(survey.parameters.items())]
    digest.update(json.dumps([settings, [version(p) for p in PACKAGES], sys.version_info[:2]]).encode())
    digest.update(models.code_hash("fit", "kernels").encode())
    digest.update(inputs.content_hash(folder / "raw").encode())
    if survey.models_from:
        digest.update((fingerprint_of(survey.models_from) or "").encode())
    package = Path(__file__).parent
    sql = sorted([*SQL.glob("[0-9][0-9]_*/*.sql"), *SQL.glob("schema/*.csv")])
    for path in [*sql, *(package / name for name in MODULES)]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def fingerprint_of(path: Path) -> str | None:
    """The fingerprint written in a database; None where there is no database, or none that can be read."""
    if not path.is_file():
        return None
    try:
        with db.connect(path, read_only=True) as con:
            found = con.execute("SELECT value FROM meta.provenance WHERE item = 'fingerprint'").fetchall()
    except duckdb.Error:
        return None
    return found[0][0] if found else None


def provenance(survey: Survey, folder: Path, mark: str) -> dict[str, str]:
    """What meta.provenance records of a build."""
    return {
        "obcat": __version__,
        "fingerprint": mark,
        "survey": survey.name,
        "release": survey.release,
        "simulated": "yes" if survey.simulated else "no",
        **{f"version of {p}": version(p) for p in PACKAGES},
        **{f"input {name}": value for name, value in inputs.provenance(folder / "raw").items()},
    }
