"""An installed wheel builds a catalog outside the checkout."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.whole.small import ROOT

pytestmark = pytest.mark.slow
N_STARS = 12


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    done = subprocess.run(
        [
            *pip,
            "wheel",
            "--no-deps",
            "--no-build-isolation",
            "--no-index",
            "--wheel-dir",
            str(folder),
            str(ROOT),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def site(wheel) -> Path:
    """Packages of the wheel alone, as pip would put them; a wheel is a zip file of just that."""
    folder = wheel.parent / "site"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    command = [
        *pip,
        "install",
        "--no-deps",
        "--no-index",
        "--no-compile",
        "--target",
        str(folder),
        str(wheel),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def tracked(*folders: str) -> set[str]:
    suffixes = (".py", ".sql", ".csv", ".npz", ".parquet")
    paths = [p for folder in folders for p in (ROOT / folder).rglob("*") if p.suffix in suffixes]
    return {p.relative_to(ROOT).as_posix() for p in paths}


def test_everything_is_in_it(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    wanted = tracked("obcat") | {f"obcat/{name}" for name in tracked("sql", "ingest")}
    assert len(wanted) > 150
    assert wanted - names == set()
    assert [
        name for name in names if name.startswith(("tests/", "sql/", "ingest/")) or ".pyc" in name
    ] == []


def test_type_checkers_are_told_that_it_is_typed(wheel):
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read("obcat/py.typed") == b""


def run(site: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    script = (
        "import sys, obcat; from pathlib import Path; from obcat.cli import main; "
        "here = Path(obcat.__file__).resolve(); site = Path(sys.argv.pop(1)).resolve(); "
        "assert here.is_relative_to(site), here; main()"
    )
    return subprocess.run(
        [sys.executable, "-P", "-c", script, str(site), *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_builds_a_catalog(site, tmp_path):
    steps = [
        ["simulate", "sky", "--stars", str(N_STARS)],
        ["ingest", "sky/survey/survey.toml"],
        ["build", "sky/survey/survey.toml"],
        ["check", "build/simulated/obcat.duckdb"],
        ["export", "build/simulated/obcat.duckdb"],
    ]
    for step in steps:
        done = run(site, tmp_path, *step)
        assert done.returncode == 0, (step, done.stderr)
    rows = (tmp_path / "build" / "simulated" / "release" / "simulated.csv").read_text().splitlines()
    assert len(rows) > N_STARS
    answer = run(
        site,
        tmp_path,
        "sql",
        "build/simulated/obcat.duckdb",
        "SELECT count(dis) > 0 AS some FROM catalog.ob_stars",
    )
    assert answer.stdout == "some\ntrue\n"


def test_the_checkout_would_be_seen(tmp_path):
    done = run(tmp_path, tmp_path, "--help")
    assert done.returncode == 1
    assert "AssertionError" in done.stderr
