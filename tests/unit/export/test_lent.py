"""Models that another survey lent are said so in every file of a release, and nowhere else."""

import shutil

import pytest
from astropy.io import fits

from obcat import models
from obcat.db import connect
from obcat.export.release import release
from tests.unit.release_rows import rows_of, store

LENDER = "SIMULATED survey 'portable', fingerprint 0123456789abcdef"
SAID = ("SIMULATED survey 'portable'", "SIMULATED survey &apos;portable")
FILES = (
    "demo.fits", "demo.vot", "demo.parquet", "cds/ReadMe", "CITATION.txt", "demo.bib", "zenodo.json",
    "columns.md", "provenance.json", "models.safetensors", "obcat.duckdb",
)  # fmt: skip


def made(template, folder, lent):
    path = folder / "demo.duckdb"
    shutil.copy(template, path)
    store(path, rows_of(5), simulated=0)
    if lent:
        with connect(path) as con:
            con.execute("INSERT INTO meta.provenance VALUES ('models_from', $who)", {"who": LENDER})
    release(path, folder / "release")
    return folder / "release"


@pytest.fixture(scope="module")
def lent(template, tmp_path_factory):
    return made(template, tmp_path_factory.mktemp("lent"), lent=True)


def flat(path):
    """The bytes as text, lines and their marks joined."""
    text = path.read_bytes().decode("latin-1").replace("COMMENT ", "")
    return " ".join(text.split())


def test_every_file_but_the_plain_table_says_whose_models_they_are(lent, template, tmp_path):
    own = made(template, tmp_path, lent=False)
    files = sorted(str(p.relative_to(lent)) for p in lent.rglob("*") if p.is_file())
    said = {name for name in files if "portable" in flat(lent / name)}
    assert {name for name in files if "portable" in flat(own / name)} == set()
    print(files, said)
    assert set(files) - said <= {"SHA256SUMS"} | {n for n in files if n.endswith((".csv", ".dat"))}


def test_the_header_of_the_fits_file_says_it(lent):
    (path,) = lent.glob("demo.fits")
    with fits.open(path) as hdus:
        comments = [" ".join(map(str, hdu.header["COMMENT"])) for hdu in hdus]
    assert all(LENDER in text.replace("  ", " ") or "portable" in text for text in comments)


def test_the_models_of_the_release_say_it(lent):
    _, facts = models.read(lent / "models.safetensors")
    assert facts["models_from"] == LENDER
