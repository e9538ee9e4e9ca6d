"""Simulated stars in the layouts of SDSS, DESI and of a table have the magnitudes that they have
in LAMOST's.
"""

from pathlib import Path

import duckdb
import numpy as np
import pytest

from tests.instrument_files import Star, write_desi, write_sdss, write_table
from tests.whole.small import PARAMETERS, Made, make

N_STARS = 40
TEXT = """
name = "{kind}"
simulated = true
models_from = "{models}"

[spectra]
kind = "{kind}"
path = "spectra"
{more}

[parameters]
{parameters}
"""


@pytest.fixture(scope="module")
def known(first: Made) -> list[tuple]:
    with duckdb.connect(str(first.database), read_only=True) as con:
        con.execute("USE obcat.catalog")
        return con.execute(
            "SELECT c.ra, c.dec, h.z, s.flux, s.ivar, c.mk, c.mk_err FROM ob_stars AS c "
            "JOIN raw.headers AS h USING (specid) JOIN raw.spectra AS s USING (specid) "
            f"WHERE mk IS NOT NULL AND uniqflag = 1 ORDER BY specid LIMIT {N_STARS}"
        ).fetchall()


def written(kind: str, folder: Path, known: list[tuple]) -> str:
    stars = [
        Star(i, np.array(flux), np.array(ivar), ra, dec, z)
        for i, (ra, dec, z, flux, ivar, *_) in enumerate(known, 1)
    ]
    if kind == "sdss":
        for star in stars:
            write_sdss(folder, star)
    elif kind == "desi":
        write_desi(folder, stars)
    else:
        write_table(folder / "a.parquet", stars)
    return 'wavelengths = "vacuum"' if kind == "table" else ""


@pytest.mark.parametrize(("kind", "share"), [("sdss", 1e-3), ("table", 1e-3), ("desi", 0.5)])
def test_magnitudes_are_those_of_the_layout_of_lamost(kind, share, first, known, tmp_path):
    """By their errors; pixels of SDSS and of the table are the same, those of DESI resampled."""
    more = written(kind, tmp_path / "spectra", known)
    parameters = "\n".join(f"{name} = {value}" for name, value in PARAMETERS.items())
    text = TEXT.format(kind=kind, models=first.database, more=more, parameters=parameters)
    (tmp_path / "survey.toml").write_text(text, encoding="utf-8")
    made = make(tmp_path / "survey.toml", tmp_path / "build", allow_empty=True)
    with duckdb.connect(str(made.database), read_only=True) as con:
        rows = con.execute("SELECT ra, dec, mk FROM obcat.catalog.ob_stars").fetchall()
    found = {(round(ra, 6), round(dec, 6)): mk for ra, dec, mk in rows}
    off = [
        abs(found[round(ra, 6), round(dec, 6)] - mk) / mk_err
        for ra, dec, _, _, _, mk, mk_err in known
    ]
    assert len(off) == N_STARS
    assert np.mean(np.array(off) < 1) >= 0.95
    assert np.median(off) < share
