"""What decides a catalog, as one hash:
inputs, survey, SQL, code and the versions of the libraries.
"""

import hashlib
import json
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import duckdb

from obcat import db
from obcat._version import __version__
from obcat.build import inputs
from obcat.build.fitting import TRAINING, code_hash, module_of
from obcat.schema import SQL
from obcat.survey import Survey

__all__ = ["fingerprint", "fingerprint_of", "lender_of", "provenance"]

PACKAGES = ("duckdb", "numpy", "scipy", "pyarrow", "gaiadr3-zeropoint")


def fingerprint(survey: Survey, read: Mapping[str, str]) -> str:
    """SHA-256 over everything a catalog is made from; ``read`` is what `inputs.provenance` says."""
    digest = hashlib.sha256()
    settings = [survey.name, survey.simulated, survey.release, sorted(survey.parameters.items())]
    settings.append(sorted(survey.build.modes))
    digest.update(
        json.dumps(
            [settings, [version(p) for p in _packages(survey)], sys.version_info[:2]]
        ).encode()
    )
    digest.update(code_hash("obcat.build.run", *_fits()).encode())
    digest.update(inputs.content_hash(read).encode())
    if survey.models_from:
        digest.update((fingerprint_of(survey.models_from) or "").encode())
    layers = [path for kind in ("sql", "csv") for path in SQL.glob(f"[0-9][0-9]_*/*.{kind}")]
    for path in sorted([*layers, *SQL.glob("schema/*.csv")]):
        digest.update(path.relative_to(SQL).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _fits() -> list[str]:
    """The modules that the headers of sql/ name and a build imports by that name alone."""
    return sorted({module_of(name) for file in db.sql_files() for name in file.header("Fit")})


def fingerprint_of(path: Path) -> str | None:
    """The fingerprint written in a database;
    None where there is no database, or none that can be read.
    """
    return _provenance_in(path).get("fingerprint")


def _provenance_in(path: Path) -> dict[str, str]:
    """What a database says made it; nothing where none can be read."""
    if not path.is_file():
        return {}
    try:
        with db.connect(path, read_only=True) as con:
            return dict(con.execute("SELECT item, value FROM meta.provenance").fetchall())
    except duckdb.Error:
        return {}


def lender_of(path: Path) -> str:
    """In words, whose stars the models of a database learnt from: whether they exist, the survey,
    the fingerprint of its build."""
    said = _provenance_in(path)
    if "models_from" in said:
        return said["models_from"]
    kind = "SIMULATED survey" if said.get("simulated") == "yes" else "survey"
    return f"{kind} {said.get('survey', '')!r}, fingerprint {said.get('fingerprint', '')[:16]}"


def provenance(survey: Survey, read: Mapping[str, str], mark: str) -> dict[str, str]:
    """What meta.provenance records of a build."""
    lent = {"models_from": lender_of(survey.models_from)} if survey.models_from else {}
    return {
        "obcat": __version__,
        "fingerprint": mark,
        "survey": survey.name,
        "release": survey.release,
        "simulated": "yes" if survey.simulated else "no",
        **lent,
        **{f"version of {p}": version(p) for p in _packages(survey)},
        **{f"input {name}": value for name, value in read.items()},
    }


def _packages(survey: Survey) -> tuple[str, ...]:
    """What the numbers hang on; the packages that train only where no models of another build are
    used.
    """
    return PACKAGES if survey.models_from else (*PACKAGES, *TRAINING)
