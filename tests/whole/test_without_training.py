"""The wheel with what it depends on and nothing else: no torch, no LightGBM, no emcee, no tools of tests."""

import os
import re
import subprocess
import sys
import tomllib
import venv
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import duckdb
import pytest
from packaging.requirements import Requirement

from obcat.fingerprint import fingerprint_of
from obcat.fitting import TRAINING
from tests.whole.small import ROOT, copy_build, csv_of, make, tables_of, write_survey

pytestmark = pytest.mark.slow
PREDICT = """\
import sys
import numpy as np
import obcat
wavelength = np.geomspace(3700, 9000, 3900)
flat = np.ones((1, 3900))
found = obcat.predict(wavelength, flat, 1e4 * flat, models=sys.argv[1], z=[0.0])
print(len(found), "mk" in found.colnames)
"""


def requirements() -> list[str]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]


def closure(required: list[str], extra: str = "") -> Iterator[metadata.Distribution]:
    """The distributions that requirements bring, those that they bring, and so on."""
    for requirement in map(Requirement, required):
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            found = metadata.distribution(requirement.name)
            yield found
            for wanted in ["", *requirement.extras]:
                yield from closure(found.requires or [], wanted)


@pytest.fixture(scope="module")
def packages() -> dict[str, metadata.Distribution]:
    return {re.sub(r"[-_.]+", "-", found.name).lower(): found for found in closure(requirements())}


@pytest.fixture(scope="module")
def python(packages, tmp_path_factory) -> Path:
    """An environment of its own: links to the packages installed here, and the wheel as pip installs it."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    (site,) = folder.glob("lib/python*/site-packages")
    for found in packages.values():
        for part in {file.parts[0] for file in found.files or []} - {"..", "__pycache__"}:
            (site / part).unlink(missing_ok=True)
            (site / part).symlink_to(found.locate_file(part))
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    wheel = ["wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", folder, ROOT]
    subprocess.run([*pip, *wheel], check=True)
    (path,) = folder.glob("*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--no-index", "--no-compile", "--target", site, path], check=True)
    return folder / "bin" / "python"


@pytest.fixture
def run(python, tmp_path):
    """Runs that Python below tmp_path; fails with what it says unless the exit code is the one expected."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"MPLBACKEND": "Agg"}

    def call(*arguments: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
        command = [str(python), "-W", "error", *map(str, arguments)]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == code, (arguments, done.stderr[-2000:])
        return done

    return call


def test_a_light_install_brings_nothing_that_trains(packages, run):
    assert "duckdb" in packages
    assert not {*TRAINING, "pandas", "pytest", "ruff", "setuptools"} & packages.keys()
    seen = "import importlib.util, obcat; print(obcat.__file__, [n for n in {} if importlib.util.find_spec(n)])"
    place, _, found = run("-c", seen.format(TRAINING)).stdout.strip().partition(" ")
    assert not Path(place).is_relative_to(ROOT)
    assert found == "[]"


def test_everything_but_training_works(first, files, run, tmp_path):
    copy_build(first, tmp_path / "small", "raw", "obcat.duckdb")
    database = tmp_path / "small" / "obcat.duckdb"
    with duckdb.connect(str(database), read_only=True) as con:
        one = con.execute("SELECT star_id FROM obcat.catalog.ob_stars WHERE mk IS NOT NULL LIMIT 1").fetchall()[0][0]
    obcat = ("-m", "obcat.cli")
    assert run(*obcat, "sql", database, "SELECT count(*) > 0 AS some FROM catalog.ob_stars").stdout == "some\ntrue\n"
    for command in ("check", "status", "export", "page", "report", "figure"):
        run(*obcat, command, database, *(["catalog.png"] if command == "figure" else []))
    assert (tmp_path / "small" / "catalog.html").is_file()
    run(*obcat, "evaluate", database, "--truth", files.parent / "truth")
    run(*obcat, "verify", tmp_path / "small" / "release")
    assert one in run(*obcat, "explain", database, one).stdout


def test_models_are_borrowed_with_the_fingerprint_of_a_full_install(first, files, run, tmp_path):
    """The same catalog, with the packages that train and without them."""
    spectra = tmp_path / "some"
    spectra.mkdir()
    for path in sorted((files / "spectra").rglob("*.fits*"))[:5]:
        (spectra / path.name).symlink_to(path)
    toml = write_survey(tmp_path / "survey.toml", spectra, tables_of(files), {}, models_from=first.database)
    run("-m", "obcat.cli", "ingest", toml)
    run("-m", "obcat.cli", "build", toml)
    light = tmp_path / "build" / "small" / "obcat.duckdb"
    full = make(toml, tmp_path / "full")
    assert fingerprint_of(light) == fingerprint_of(full.database)
    assert csv_of(light) == full.csv
    (said,) = run("-m", "obcat.cli", "build", toml).stderr.splitlines()
    assert said.endswith("nothing has changed")
    run("-m", "obcat.cli", "export", light)
    models = light.parent / "release" / "models.safetensors"
    assert run("-c", PREDICT, models).stdout == "1 True\n"


@pytest.mark.parametrize("command", ["build", "demo"])
def test_training_stops_at_once_in_one_line(first, run, tmp_path, command):
    copy_build(first, tmp_path / "build" / "small", "raw")
    arguments = [first.toml] if command == "build" else []
    (said,) = run("-m", "obcat.cli", command, *arguments, code=1).stderr.splitlines()
    assert said.startswith("Error: training the models needs torch, lightgbm, emcee, not installed here: ")
    assert 'pip install "obcat[build]"' in said
    assert [path.name for path in (tmp_path / "build").rglob("*") if path.parent.name in ("build", "small")] == [
        "small",
        "raw",
    ]
