"""The wheel with what it depends on and nothing else: no torch, LightGBM or emcee."""

import json
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

from obcat.build.fitting import TRAINING, fingerprint_of
from tests.whole.small import ROOT, copy_build, csv_of, make, obcat, tables_of, write_survey

pytestmark = pytest.mark.slow
ESTIMATED = "FROM obcat.catalog.ob_stars WHERE mk IS NOT NULL"
SEEN = """\
import importlib.util, sys, obcat
print(obcat.__file__)
print([name for name in sys.argv[1:] if importlib.util.find_spec(name)])
"""
COMMANDS = """\
import json, sys
from obcat.cli import main
for words in json.loads(sys.argv[1]):
    try:
        main(words)
    except SystemExit as end:
        if end.code:
            sys.exit(f"{words}: exit code {end.code}")
"""
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
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)["project"]["dependencies"]


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
    """An environment of its own: links to packages installed here, and the wheel by pip."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    (site,) = folder.glob("lib/python*/site-packages")
    for found in packages.values():
        for part in {file.parts[0] for file in found.files or []} - {"..", "__pycache__"}:
            (site / part).unlink(missing_ok=True)
            (site / part).symlink_to(found.locate_file(part))
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    offline = ["--no-deps", "--no-index"]
    wheel = ["wheel", *offline, "--no-build-isolation", "--wheel-dir", folder, ROOT]
    subprocess.run([*pip, *wheel], check=True)
    (path,) = folder.glob("*.whl")
    install = ["install", *offline, "--no-compile", "--target", site, path]
    subprocess.run([*pip, *install], check=True)
    return folder / "bin" / "python"


@pytest.fixture
def run(python, tmp_path):
    """Runs that Python below tmp_path; fails unless the exit code is the one expected."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    settings = {
        "cwd": tmp_path,
        "env": inherited | {"MPLBACKEND": "Agg"},
        "capture_output": True,
        "text": True,
        "check": False,
        "timeout": 300,
    }

    def call(*arguments: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
        command = [str(python), "-W", "error", *map(str, arguments)]
        done = subprocess.run(command, **settings)
        assert done.returncode == code, (arguments, done.stderr[-2000:])
        return done

    return call


def test_a_light_install_brings_nothing_that_trains(packages, run):
    assert "duckdb" in packages
    assert not {*TRAINING, "pandas", "pytest", "ruff", "setuptools"} & packages.keys()
    place, found = run("-c", SEEN, *TRAINING).stdout.splitlines()
    assert not Path(place).is_relative_to(ROOT)
    assert found == "[]"


def test_everything_but_training_works(first, files, run, tmp_path):
    copy_build(first, tmp_path / "small", "raw", "obcat.duckdb")
    database = tmp_path / "small" / "obcat.duckdb"
    with duckdb.connect(str(database), read_only=True) as con:
        ((star,),) = con.sql(f"SELECT star_id {ESTIMATED} LIMIT 1").fetchall()
    cli = ("-m", "obcat.cli")
    asked = run(*cli, "sql", database, "SELECT count(*) > 0 AS some FROM catalog.ob_stars")
    assert asked.stdout == "some\ntrue\n"
    words = [[command, database] for command in ("check", "status", "export", "page", "report")]
    words += [["figure", database, "catalog.png"]]
    words += [["evaluate", database, "--truth", files.parent / "truth"]]
    words += [["verify", tmp_path / "small" / "release"]]
    run("-c", COMMANDS, json.dumps(words, default=str))
    assert (tmp_path / "small" / "catalog.html").is_file()
    assert star in run(*cli, "explain", database, star).stdout


def test_models_are_borrowed_with_the_fingerprint_of_a_full_install(first, files, run, tmp_path):
    """The same catalog, with the packages that train and without them."""
    spectra = tmp_path / "some"
    spectra.mkdir()
    for path in sorted((files / "spectra").rglob("*.fits*"))[:5]:
        (spectra / path.name).symlink_to(path)
    tables = tables_of(files)
    toml = write_survey(tmp_path / "survey.toml", spectra, tables, {}, models_from=first.database)
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
    assert said.startswith("Error: training the models needs torch, lightgbm, emcee, not installed")
    assert 'pip install "obcat[build]"' in said
    assert [path.name for path in (tmp_path / "build").iterdir()] == ["small"]
    assert [path.name for path in (tmp_path / "build" / "small").iterdir()] == ["raw"]


def test_a_package_that_is_there_but_broken_is_one_line(first, tmp_path):
    """LightGBM where no OpenMP runtime is."""
    copy_build(first, tmp_path / "small", "raw")
    stubs = tmp_path / "stubs"
    stubs.mkdir()
    (stubs / "lightgbm.py").write_text("raise OSError('libgomp.so.1: no such file\\nand more')")
    done = obcat("build", first.toml, "--build", tmp_path, PYTHONPATH=f"{stubs}{os.pathsep}{ROOT}")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    said = done.stderr.splitlines()[-1]
    assert said.startswith("Error: ")
    assert "cannot import what trains the model (libgomp.so.1: no such file): pip install" in said
