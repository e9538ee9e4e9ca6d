"""Killed at any moment: the old catalog stays whole and readable,
the next run completes and gives the same catalog.
"""

import hashlib
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pyarrow.dataset as ds
import pytest

from obcat.build import inputs
from obcat.ingest.survey import ingest
from tests.whole.small import (
    OBCAT,
    PARAMETERS,
    Made,
    built,
    copy_build,
    csv_of,
    environment,
    loaded,
    tables_of,
    write_survey,
)

pytestmark = pytest.mark.slow
CHANGED = PARAMETERS | {"epochs": 6, "binary_nsigma": 2.5}
STAGES = ["40_spectra/10_normalised", "60_luminosity/20_good_parallax", "90_catalog/20_ob_stars"]
DRIVER = """
import os, signal, sys
from importlib import import_module
from obcat.cli import main
module, name, wanted = sys.argv[1:4]
owner = import_module(module.partition(":")[0])
owner = getattr(owner, module.partition(":")[2]) if ":" in module else owner
original, calls = getattr(owner, name), 0
def counted(*given, **named):
    global calls
    calls += 1
    if calls == int(wanted):
        os.kill(os.getpid(), signal.SIGKILL)
    return original(*given, **named)
setattr(owner, name, counted)
main(sys.argv[4:])
"""


@pytest.fixture(scope="module")
def changed(first, files, tmp_path_factory) -> Path:
    """Survey file of the next build: the network and the binaries are others. The tables of best
    mode are in the same file, and its models are kept as these are.
    """
    folder = tmp_path_factory.mktemp("changed")
    path = write_survey(folder / "survey.toml", files / "spectra", tables_of(files), CHANGED)
    said = path.read_text(encoding="utf-8") + '[build]\nmodes = ["paper"]\n'
    path.write_text(said, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def uninterrupted(first, changed) -> Made:
    folder = changed.parent / "small"
    copy_build(first, folder, "raw", "models")
    made = built(changed, folder)
    assert made.csv != first.csv
    return made


@pytest.fixture
def folder(first, tmp_path) -> Path:
    """A folder of builds in which the catalog of the old survey stands."""
    copy_build(first, tmp_path / "small", "raw", "models", "obcat.duckdb")
    return tmp_path / "small"


def starts(toml: Path, folder: Path) -> subprocess.Popen[str]:
    command = [*OBCAT, "build", str(toml), "--build", str(folder.parent)]
    return subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(PYTHONUNBUFFERED="1"),
    )


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    assert process.stderr
    process.stderr.close()


def the_old_one_stands(folder: Path, first: Made) -> None:
    with duckdb.connect(str(folder / "obcat.duckdb"), read_only=True) as con:
        assert con.execute("SELECT count(*) FROM obcat.catalog.ob_stars").fetchall()[0][0] > 0
    assert csv_of(folder / "obcat.duckdb") == first.csv


def the_next_run_completes(toml: Path, folder: Path, uninterrupted: Made) -> None:
    made = built(toml, folder)
    assert made.csv == uninterrupted.csv
    assert not [
        p.name for p in (*folder.glob("*.partial*"), *(folder / "models").glob("*.partial"))
    ]


@pytest.mark.parametrize("stage", STAGES)
def test_after_a_stage(first, changed, uninterrupted, folder, stage):
    if "spectra" in stage:
        shutil.rmtree(folder / "models")
    if "catalog" in stage:  # no model is left to be fitted
        copy_build(uninterrupted, folder, "models")
    process = starts(changed, folder)
    assert process.stderr
    for line in process.stderr:
        if line.startswith(stage):
            break
    else:
        pytest.fail(f"no line of {stage}")
    kill(process)
    assert process.returncode == -signal.SIGKILL
    the_old_one_stands(folder, first)
    the_next_run_completes(changed, folder, uninterrupted)


@pytest.mark.parametrize("seed", range(1))
def test_at_a_moment_of_chance(first, changed, uninterrupted, folder, seed):
    process = starts(changed, folder)
    assert process.stderr
    assert any(line.startswith("00_meta") for line in process.stderr)
    time.sleep(random.Random(seed).uniform(0, 3))
    kill(process)
    if process.returncode:
        the_old_one_stands(folder, first)
    the_next_run_completes(changed, folder, uninterrupted)


@pytest.mark.parametrize(
    ("owner", "function", "n", "published"),
    [
        ("os", "fsync", 1, False),
        ("pathlib:Path", "replace", 1, False),
        ("os", "fsync", 2, True),
        ("pathlib:Path", "rename", 1, False),
        ("obcat.models", "store", 5, False),
    ],
    ids=[
        "before publishing",
        "in publishing",
        "after publishing",
        "in keeping a model",
        "in storing a model",
    ],
)
def test_at_a_step_of_the_end(first, changed, uninterrupted, folder, owner, function, n, published):
    if owner != "pathlib:Path" or function != "rename":
        shutil.rmtree(folder / "models")
        copy_build(uninterrupted, folder, "models")
    command = [sys.executable, "-c", DRIVER, owner, function, str(n)]
    command += ["build", str(changed), "--build", str(folder.parent)]
    done = subprocess.run(command, env=environment(), capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    if published:
        assert csv_of(folder / "obcat.duckdb") == uninterrupted.csv
    else:
        the_old_one_stands(folder, first)
    the_next_run_completes(changed, folder, uninterrupted)


def content(raw: Path) -> tuple[str, str]:
    """Of the tables, and of the spectra in the order of their names."""
    spectra = ds.dataset(raw / "spectra", format="parquet").to_table().sort_by("specid")
    digest = hashlib.sha256(repr(spectra["specid"].to_pylist()).encode())
    for name in ("flux", "ivar"):
        digest.update(spectra[name].combine_chunks().flatten().to_numpy().tobytes())
    return inputs.content_hash(inputs.provenance(raw)), digest.hexdigest()


@pytest.mark.parametrize("n", [1, 2, 4, 6])
def test_ingest_before_a_file_is_put_in_place(first, tmp_path, n):
    command = [
        sys.executable,
        "-c",
        DRIVER,
        "pathlib:Path",
        "replace",
        str(n),
        "ingest",
        str(first.toml),
    ]
    done = subprocess.run(
        [*command, "--build", str(tmp_path), "--workers", "1"],
        env=environment(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    ingest(first.survey, tmp_path / "small" / "raw", workers=1)
    assert content(tmp_path / "small" / "raw") == content(first.folder / "raw")
    left = [p.name for p in (tmp_path / "small").rglob("*") if p.suffix in (".partial", ".tmp")]
    assert left == []


def test_ingest_of_spectra_at_moments_of_chance(first, tmp_path):
    raw = tmp_path / "small" / "raw"
    moments = random.Random(3)
    for _ in range(2):
        process = subprocess.Popen(
            [*OBCAT, "ingest", str(first.toml), "--build", str(tmp_path)],
            env=environment(),
            stderr=subprocess.DEVNULL,
        )
        while process.poll() is None and not raw.is_dir():
            time.sleep(0.01)
        time.sleep(moments.uniform(0, 1))
        process.kill()
        process.wait()
    counts = ingest(loaded(first.toml), raw, workers=1)
    assert counts[-1].startswith("spectra: ")
    assert content(raw) == content(first.folder / "raw")
