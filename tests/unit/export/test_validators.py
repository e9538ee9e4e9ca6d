"""Other people's validators on the release: fitsverify, votlint, astropy;
each is seen to find a fault.
"""

import io
import shutil
import subprocess
from pathlib import Path

import pytest
from astropy.io import fits, votable
from release_rows import rows_of, store

from obcat.export.release import release


@pytest.fixture(scope="module")
def folder(template, tmp_path_factory) -> Path:
    path = Path(shutil.copy(template, tmp_path_factory.mktemp("validators") / "source.duckdb"))
    store(path, rows_of(40))
    release(path, path.parent / "release")
    return path.parent / "release"


def said_by(program: str, *arguments: str | Path) -> str:
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed")
    done = subprocess.run(
        [program, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=120
    )
    return done.stdout + done.stderr


def test_fitsverify_has_nothing_to_say(folder):
    assert said_by("fitsverify", "-q", folder / "demo.fits").startswith("verification OK")
    assert "found 0 warning(s) and 0 error(s)" in said_by("fitsverify", folder / "demo.fits")


def test_fitsverify_finds_a_missing_card(folder, tmp_path):
    with fits.open(folder / "demo.fits") as hdus:
        del hdus[1].header["LONGSTRN"]
        hdus.writeto(tmp_path / "x.fits")
    assert "FAILED" in said_by("fitsverify", "-q", tmp_path / "x.fits")
    assert "recommended LONGSTRN keyword" in said_by("fitsverify", tmp_path / "x.fits")


def test_votlint_has_nothing_to_say(folder):
    assert said_by("stilts", "votlint", folder / "demo.vot") == ""


def test_votlint_finds_a_frame_that_is_not_there(folder, tmp_path):
    text = (folder / "demo.vot").read_text(encoding="ascii")
    (tmp_path / "x.vot").write_text(text.replace('ref="gaia"', 'ref="fk5"'), encoding="ascii")
    assert "ERROR" in said_by("stilts", "votlint", tmp_path / "x.vot")


def test_astropy_finds_no_violation(folder):
    assert votable.validate(folder / "demo.vot", output=io.StringIO())
