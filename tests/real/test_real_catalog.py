"""The whole chain on the real spectra, as `make catalog SURVEY=...` runs it:
every file accounted for, visits right.
"""

import csv

import duckdb
import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord, search_around_sky
from astropy.io import fits
from click.testing import CliRunner
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from obcat.cli import main
from obcat.kernels.grid import N_PIXEL
from tests.lamost_files import Fake
from tests.real.known_stars import BE_STAR, BE_TEMPLATES, LATE_B, NEBULAR

pytestmark = [pytest.mark.real, pytest.mark.slow]


def built(folder, name, text):
    """The database of a survey, made as a user makes it."""
    survey = folder / f"{name}.toml"
    survey.write_text(f'name = "{name}"\n{text}')
    for command in ("ingest", "build"):
        done = CliRunner().invoke(main, [command, str(survey), "--build", str(folder / "build")])
        assert done.exit_code == 0, done.output
    return folder / "build" / name / "obcat.duckdb"


@pytest.fixture(scope="module")
def database(real, tmp_path_factory):
    labels = real / "labels" / "lasp_dr10.csv"
    text = (
        f'release = "DR1 to DR10"\nspectra = "{real / "spectra"}"\n[tables.labels]\npath = '
        f'"{labels}"\n'
    )
    return built(tmp_path_factory.mktemp("real"), "real", text)


@pytest.fixture(scope="module")
def con(database):
    with duckdb.connect(str(database), read_only=True) as con:
        yield con


def flags(con, names):
    query = "SELECT split_part(fitsname, '.fits', 1), em_flag FROM catalog.ob_stars"
    return {name: flag for name, flag in con.execute(query).fetchall() if name in names}


def test_every_file_is_in_the_catalog_or_in_quarantine(con, real):
    files = {str(p.relative_to(real / "spectra")) for p in (real / "spectra").rglob("*.fits*")}
    rows = con.execute("SELECT path, status, specid, reason FROM raw.files").fetchall()
    assert {path for path, *_ in rows} == files
    cataloged = {s for (s,) in con.execute("SELECT specid FROM catalog.ob_stars").fetchall()}
    assert all(
        specid in cataloged if status != "quarantined" else reason
        for _, status, specid, reason in rows
    )


def test_be_star_has_emission_and_late_b_stars_have_none(con):
    assert flags(con, [BE_STAR]) == {BE_STAR: 1}
    assert flags(con, LATE_B) == dict.fromkeys(LATE_B, 0)


def test_nebular_stars_are_listed(con, capsys):
    found = flags(con, NEBULAR)
    assert set(found) == set(NEBULAR)
    with capsys.disabled():
        print("\nnebular A stars, em_flag:", found)


def test_visits_of_a_star_are_numbered_by_falling_snr(con, real):
    with (real / "manifest.csv").open(newline="") as f:
        rows = list(csv.DictReader(f))
    sky = SkyCoord([float(r["ra"]) for r in rows], [float(r["dec"]) for r in rows], unit="deg")
    i, j, _, _ = search_around_sky(sky, sky, 3 * u.arcsec)
    _, group = connected_components(
        coo_array((np.ones(len(i)), (i, j)), shape=(len(rows), len(rows)))
    )
    query = (
        "SELECT path, star_id, uniqflag, snr_g FROM raw.files INNER JOIN catalog.ob_stars "
        "USING (specid)"
    )
    found = {path: rest for path, *rest in con.execute(query).fetchall()}
    stars: dict[int, list] = {}
    for row, g in zip(rows, group, strict=True):
        stars.setdefault(g, []).append(found[row["file"].removeprefix("spectra/")])
    assert sum(len(v) > 1 for v in stars.values()) > 50
    for visits in stars.values():
        by_flag = sorted(visits, key=lambda v: v[1])
        assert [v[1] for v in by_flag] == list(range(1, len(visits) + 1))
        assert len({v[0] for v in visits}) == 1
        snr = [v[2] for v in by_flag]
        assert snr == sorted(snr, reverse=True)


def test_estimates_that_need_a_parallax_are_null_and_say_so(con):
    query = (
        "SELECT count(mk), count(dis), count(binary_flag), count(ebv), bit_and(quality) "
        "FROM catalog.ob_stars"
    )
    *counts, quality = con.execute(query).fetchall()[0]
    assert counts == [0, 0, 0, 0]
    bits = dict(con.execute("SELECT name, bit FROM meta.quality_bits").fetchall())
    for name in ("no_gaia", "no_ks", "no_mk"):
        assert quality & bits[name]


def write_templates(real, folder, snr):
    """The O and B templates as LAMOST files with noise:
    name in the library by the name of the file.
    """
    rng = np.random.default_rng(60)
    with fits.open(real / "spEigenStar-55734.fits") as hdus:
        names = [str(hdus[0].header[f"NAME{i}"]) for i in range(len(hdus[0].data))]
        flux = np.array(hdus[0].data[:, 840 : 840 + N_PIXEL], float)
    written = {}
    for i in (i for i, name in enumerate(names) if name[0] in "OB"):
        sigma = np.abs(flux[i]) / snr + 1e-6
        arrays = {"flux": flux[i] + sigma * rng.normal(size=N_PIXEL), "ivar": sigma**-2}
        fake = Fake(
            fiberid=i + 1, arrays=arrays, cards={"RA": 10.0 + i, "Z": 0.0, "SNRG": float(snr)}
        )
        written[fake.write(folder).name] = names[i]
    return written


def test_be_stars_of_a_template_library_have_emission_at_snr_60(database, real, tmp_path, capsys):
    written = write_templates(real, tmp_path / "spectra", 60)
    lent = built(tmp_path, "templates", f'spectra = "spectra"\nmodels_from = "{database}"\n')
    query = (
        "SELECT path, em_flag, halpha_significance FROM raw.files JOIN emission.lines "
        "USING (specid)"
    )
    with duckdb.connect(str(lent), read_only=True) as con:
        found = {
            written[path]: (flag, round(pull, 1))
            for path, flag, pull in con.execute(query).fetchall()
        }
    assert len(found) == 33
    be = {name for name in found if name.partition("(")[2].rstrip(")") in BE_TEMPLATES}
    assert len(be) == 7
    with capsys.disabled():
        print("\nthe other templates, em_flag and significance:")
        for name in sorted(found.keys() - be):
            print(f"  {name:<24}{found[name][0]}{found[name][1]:8.1f}")
    assert {found[name][0] for name in be} == {1}
