"""docs/add-a-step.md: its patches apply to this checkout, its tests pass there,
and a build has the new column.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.whole.small import OBCAT, ROOT, copy_build, tables_of, write_survey

pytestmark = pytest.mark.slow

PAGE = (ROOT / "docs" / "add-a-step.md").read_text(encoding="utf-8")
PATCH = "".join(re.findall(r"^```diff\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
LEFT_OUT = ("build", "dist", ".git", ".venv")  # of the checkout
TESTS = ("test_helium", "test_golden", "test_sql_files", "test_schema", "test_udf")
ASKED = "SELECT count(helium_ew) > 200, median(helium_ew) > 0 FROM catalog.ob_stars"


def run(folder: Path, *command: str | Path) -> str:
    """What a command says that runs in a checkout, with its code."""
    done = subprocess.run(
        ["env", f"PYTHONPATH={folder}", *map(str, command)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("step") / "obcat"
    folder.mkdir()
    for path in ROOT.iterdir():
        if path.is_dir() and path.name not in LEFT_OUT:
            shutil.copytree(path, folder / path.name, symlinks=True)
        elif path.is_file():
            shutil.copy2(path, folder)
    (folder / "step.patch").write_text(PATCH, encoding="utf-8")
    run(folder, "git", "apply", "step.patch")
    return folder


def test_the_tests_of_the_step_pass(checkout):
    files = [next((checkout / "tests").rglob(f"{name}.py")) for name in TESTS]
    run(checkout, sys.executable, "-m", "pytest", "-q", "-n", "0", *files)


def test_the_index_of_sql_has_the_step(checkout):
    run(checkout, sys.executable, "docs/sql_index.py")
    index = (checkout / "sql" / "README.md").read_text(encoding="utf-8")
    assert "40_spectra/40_fit_helium.sql" in index
    assert "40_spectra/50_helium.sql" in index


def test_a_build_has_the_column(checkout, files, first, tmp_path):
    """What the first build read and fitted is used again; only the new fit is made."""
    toml = write_survey(tmp_path / "survey.toml", files / "spectra", tables_of(files))
    copy_build(first, tmp_path / "small", "raw", "models")
    run(checkout, *OBCAT, "build", toml, "--build", tmp_path)
    database = tmp_path / "small" / "obcat.duckdb"
    assert run(checkout, *OBCAT, "sql", database, ASKED).split()[-1] == "true,true"
    fitted = "SELECT model FROM model.fits WHERE origin = 'fitted'"
    assert run(checkout, *OBCAT, "sql", database, fitted).split() == ["model", "helium"]
    run(checkout, *OBCAT, "check", database)
