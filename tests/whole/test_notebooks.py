"""The notebooks of the docs run from top to bottom, all on one build; nothing in them is left from
an earlier run.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.whole.small import ROOT, Made, copy_build

pytestmark = pytest.mark.slow

NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


def cells(path: Path, kind: str) -> list[str]:
    found = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in found if cell["cell_type"] == kind]


def program(path: Path) -> str:
    """The code as plain Python: a line that begins with ! is one of the shell."""
    text = "\n".join(cells(path, "code"))
    shell = re.sub(r"^( *)!(.*)$", lambda m: f"{m[1]}_shell({m[2]!r})", text, flags=re.MULTILINE)
    head = "import subprocess\n\ndef _shell(line):\n    subprocess.run(line, shell=True, check=True)\n\n"
    return head + shell


@pytest.fixture(scope="module")
def folder(files: Path, first: Made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place with a build and the survey it is of, as `obcat demo build` leaves them."""
    place = tmp_path_factory.mktemp("notebooks")
    copy_build(first, place / "build" / "simulated", "obcat.duckdb", "models")
    shutil.copytree(files, place / "build" / "simulated" / "survey")
    return place


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path: Path, folder: Path) -> None:
    (folder / "program.py").write_text(program(path), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "program.py"],
        cwd=folder,
        env=os.environ
        | {"PATH": f"{Path(sys.prefix) / 'bin'}:{os.environ['PATH']}", "MPLBACKEND": "Agg",
           "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert not (folder / "build" / "simulation").exists(), "it made a survey of its own"


def test_three_notebooks_with_nothing_left_in_them() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["figure_for_a_paper", "first_catalog", "own_field"]
    for path in NOTEBOOKS:
        found = json.loads(path.read_text(encoding="utf-8"))
        assert (found["nbformat"], found["nbformat_minor"]) == (4, 5)
        code = [cell for cell in found["cells"] if cell["cell_type"] == "code"]
        assert all(not cell["outputs"] and cell["execution_count"] is None for cell in code)
        assert "SIMULATED" in cells(path, "markdown")[0]

        compile(program(path), path.name, "exec")
