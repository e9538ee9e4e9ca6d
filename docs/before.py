"""What paper mode was before it was mended: ``python docs/before.py --work FOLDER --real FOLDER
SURVEY...`` measures the "before" of `obcat evaluate --aims`, obcat/data/reference/
paper_mode_before.csv.

The code of COMMIT, from before the mending, builds each SURVEY, a folder that `obcat simulate` made
today; stars that train from outside the sample are left out, for it knew none. Today's code judges
what came out, and the code of then judges the real stars with today's rules.
"""

import json
import os
import re
import subprocess
import sys
import tarfile
from argparse import ArgumentParser, Namespace
from io import BytesIO
from pathlib import Path
from shutil import copy, copytree

from obcat.data import REFERENCE
from obcat.evaluate.aims import BEFORE, Aim, aims_of_all, write_before

COMMIT = "05f3b98"  # 28 November 2026, 07:42
ROOT = Path(__file__).parent.parent
NAME = "simulated"  # of the surveys
OBCAT = "from obcat.cli import main; main()"
REAL = """
import json, sys
from pathlib import Path
from obcat.real_stars import real_aims
print(json.dumps(real_aims(Path(sys.argv[1]), Path(sys.argv[2]), with_header=False)))
"""


def main() -> None:
    given = _given()
    given.work.mkdir(parents=True, exist_ok=True)
    tree = given.work.resolve() / "tree"
    if not tree.exists():
        _checked_out(given.commit, tree)
    builds = [_built(tree, survey.resolve(), given.work.resolve()) for survey in given.surveys]
    real = [_real(tree, database, given.real.resolve()) for database in builds]
    truths = [survey / "truth" for survey in given.surveys]
    write_before(BEFORE, aims_of_all(list(zip(builds, truths, strict=True)), real))


def _given() -> Namespace:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--commit", default=COMMIT)
    parser.add_argument("--work", type=Path, required=True, help="folder of the old code, builds")
    parser.add_argument("--real", type=Path, required=True, help="folder of real stars")
    parser.add_argument("surveys", type=Path, nargs="+")
    return parser.parse_args()


def _checked_out(commit: str, tree: Path) -> None:
    """The code of then, and the rules for real stars of today beside it."""
    packed = subprocess.run(
        ["git", "-C", ROOT, "archive", commit], check=True, capture_output=True
    ).stdout
    with tarfile.open(fileobj=BytesIO(packed)) as archive:
        archive.extractall(tree, filter="tar")
    copytree(ROOT / "obcat" / "real_stars", tree / "obcat" / "real_stars")
    copy(REFERENCE / "expected_magnitudes.csv", tree / "obcat" / "data" / "reference")


def _built(tree: Path, survey: Path, work: Path) -> Path:
    """The database of one survey by the code of then."""
    toml = work / f"{survey.name}.toml"
    text = (survey / "survey" / "survey.toml").read_text(encoding="utf-8")
    text = text.partition("[tables.training]")[0]
    toml.write_text(
        re.sub(r'^(spectra|path) = "', rf'\1 = "{survey}/survey/', text, flags=re.MULTILINE),
        encoding="utf-8",
    )
    for command in ("ingest", "build"):
        _run(tree, OBCAT, command, toml, "--build", work / survey.name)
    return work / survey.name / NAME / "obcat.duckdb"


def _real(tree: Path, database: Path, folder: Path) -> list[Aim]:
    return [Aim(*row) for row in json.loads(_run(tree, REAL, database, folder))]


def _run(tree: Path, code: str, *words: str | Path) -> str:
    """Output of Python with the code of then."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, words)],
        env=os.environ | {"PYTHONPATH": str(tree)},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        cwd=tree,
    )
    return done.stdout


if __name__ == "__main__":
    main()
