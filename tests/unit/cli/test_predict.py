"""obcat predict: one row a file, whatever the file; what made the numbers is said."""

import csv
import io

import numpy as np
import pytest
from astropy.table import Table
from click.testing import CliRunner

import obcat
from obcat import models
from obcat.cli import main
from obcat.data import PORTABLE
from obcat.kernels.grid import WAVELENGTH
from tests.lamost_files import Fake

WRITTEN = {"csv": "ascii.csv", "ecsv": "ascii.ecsv", "vot": "votable"}


def spectrum(seed=1):
    """A hot continuum with the Balmer lines, S/N 60."""
    level = 1e3 * (WAVELENGTH / 5000) ** -2
    for line in (4102.9, 4341.7, 4862.7, 6564.6):
        level = level * (1 - 0.4 * np.exp(-(((WAVELENGTH - line) / 12) ** 2) / 2))
    sigma = level / 60
    return level + sigma * np.random.default_rng(seed).normal(size=len(level)), sigma


@pytest.fixture(scope="module")
def lamost(tmp_path_factory):
    flux, sigma = spectrum()
    fake = Fake(arrays={"flux": flux, "ivar": sigma**-2}, cards={"Z": 1e-4, "SNRG": 60.0})
    return fake.write(tmp_path_factory.mktemp("own"))


def ran(*words, code=0):
    done = CliRunner().invoke(main, ["predict", *map(str, words)])
    assert done.exit_code == code, done.output
    return list(csv.DictReader(io.StringIO(done.stdout))), done.stderr


def test_the_packaged_models_are_used_where_none_are_named_and_say_what_they_are(lamost):
    (row,), said = ran(lamost)
    assert row["file"] == str(lamost)
    assert float(row["mk"]) == pytest.approx(float(row["mk"]))
    assert float(row["snr_g"]) == 60
    assert "SIMULATED survey" in said
    _, facts = models.read(PORTABLE)
    assert facts["fingerprint"][:16] in said
    assert facts["note"] in said
    assert facts["simulated"] is True


def test_python_gives_the_same_with_and_without_a_name(lamost):
    flux, sigma = spectrum()
    given = WAVELENGTH, flux.astype(np.float32), (sigma**-2).astype(np.float32)
    mine = obcat.predict(*given, z=1e-4, snr_g=60)
    named = obcat.predict(*given, z=1e-4, snr_g=60, models=PORTABLE)
    (row,), _ = ran(lamost)
    assert mine["mk"][0] == named["mk"][0] == pytest.approx(float(row["mk"]), abs=1e-5)
    assert mine["warnings"][0] == row["warnings"]
    assert "SIMULATED" in mine.meta["models"]


@pytest.mark.parametrize("ending", WRITTEN)
def test_tables_of_wavelength_flux_and_error_are_read(lamost, tmp_path, ending):
    flux, sigma = spectrum()
    table = Table({"wavelength": WAVELENGTH, "flux": flux, "error": sigma})
    path = tmp_path / f"own.{ending}"
    table.write(path, format=WRITTEN[ending])
    (row,), _ = ran(path, "--z", 1e-4)
    (known,), _ = ran(lamost)
    assert float(row["mk"]) == pytest.approx(float(known["mk"]), abs=0.02)
    (without,), _ = ran(path)
    assert without["mk"] == ""
    assert "no redshift" in without["warnings"]


def test_a_file_that_cannot_be_read_has_a_row_that_says_why(lamost, tmp_path):
    poor = tmp_path / "poor.csv"
    poor.write_text("wavelength,light\n4000,1\n5000,1\n")
    broken = tmp_path / "broken.fits"
    broken.write_bytes(lamost.read_bytes()[:4000])
    rows, said = ran(lamost, poor, broken, code=1)
    assert [row["mk"] != "" for row in rows] == [True, False, False]
    assert "no column flux" in rows[1]["warnings"]
    assert "truncated_gzip" in rows[2]["warnings"]
    assert said.strip().splitlines()[-1].startswith("Error: 2 of 3 files could not be read")


@pytest.mark.filterwarnings("ignore::astropy.units.UnitsWarning")
@pytest.mark.parametrize("ending", ["csv", "ecsv", "fits", "vot"])
def test_the_ending_tells_the_format(lamost, tmp_path, ending):
    out = tmp_path / f"mine.{ending}"
    ran(lamost, "--out", out)
    assert len(Table.read(out, format=WRITTEN.get(ending, ending))) == 1


@pytest.mark.parametrize(
    ("words", "said"), [(["--out", "a.parquet"], "take csv"), (["--format", "fits"], "--out FILE")]
)
def test_formats_that_cannot_be_are_refused(lamost, words, said):
    done = CliRunner().invoke(main, ["predict", str(lamost), *words])
    assert done.exit_code == 2
    assert said in done.stderr


def test_the_package_is_small_and_holds_what_predict_reads():
    arrays, facts = models.read(PORTABLE)
    assert PORTABLE.stat().st_size < 8e6
    assert not [
        name for model in arrays.values() for name, a in model.items() if a.dtype == np.float64
    ]
    assert facts["parameters"]["full_gap_min"] == 8200
    assert facts["parameters"]["emission_chooses"] == 0
    assert not arrays["pca"]["full_basis"][:, (WAVELENGTH > 8200) & (WAVELENGTH < 9000)].any()


def test_the_file_of_a_galaxy_stops_nothing(lamost, tmp_path):
    far = Fake(fiberid=12, cards={"Z": 0.15, "SNRG": 20.0}).write(tmp_path)
    rows, _ = ran(lamost, far)
    assert [row["mk"] != "" for row in rows] == [True, False]
    assert "no redshift of a star" in rows[1]["warnings"]


def test_a_file_without_a_model_is_one_line(lamost, tmp_path):
    arrays, facts = models.read(PORTABLE)
    path = tmp_path / "models.safetensors"
    models.write(path, {name: a for name, a in arrays.items() if name != "noise"}, facts)
    _, said = ran(lamost, "--models", path, code=1)
    assert said == "Error: models.safetensors has no model 'noise'; give those of a build\n"


def test_a_file_of_an_earlier_version_lacks_parameters_that_have_their_defaults(lamost, tmp_path):
    arrays, facts = models.read(PORTABLE)
    older = {name: v for name, v in facts["parameters"].items() if name != "emission_chooses"}
    path = tmp_path / "models.safetensors"
    models.write(path, arrays, {**facts, "parameters": older})
    (row,), _ = ran(lamost, "--models", path)
    assert row["mk"]


class Series:
    """As of pandas: its ``mask`` is a method."""

    def __init__(self, values):
        self.values = np.asarray(values)

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype=dtype)

    def mask(self, condition):
        raise AssertionError


def test_a_mask_that_is_a_method_hides_nothing():
    flux, sigma = spectrum()
    plain = obcat.predict(WAVELENGTH, flux, sigma**-2, z=0)
    of_frame = obcat.predict(*map(Series, (WAVELENGTH, flux, sigma**-2)), z=Series([0.0]))
    assert of_frame["mk"][0] == plain["mk"][0]


def test_what_is_said_of_two_spectra_is_of_two_or_of_all():
    flux, sigma = (np.tile(x, (2, 1)) for x in spectrum())
    three = {"z": [0, 0, 0]}, {"snr_g": [9, 9, 9]}, {"star": "abc"}, {"subclass": ["A", "B", "F"]}
    for wrong in three:
        (name, value), given = *wrong.items(), {"z": 0.0} | wrong
        given[name] = list(value)
        with pytest.raises(ValueError, match=rf"^{name}: \(3,\) for 2 spectra"):
            obcat.predict(WAVELENGTH, flux, sigma**-2, **given)
    with pytest.raises(ValueError, match="flux: ndarray is not an array of numbers"):
        obcat.predict(WAVELENGTH, flux * 1j, sigma**-2, z=0)


def test_spectra_of_no_star_are_stars_and_bytes_are_text():
    (flux, sigma), cool = spectrum(), spectrum(2)[0] * (WAVELENGTH / 5000) ** 2
    both = np.stack([flux, cool]), np.stack([sigma, sigma * 2]) ** -2.0
    alone = obcat.predict(WAVELENGTH, *both, z=0)["teff"].tolist()
    for star in ([None, None], [np.nan, np.nan]):
        assert obcat.predict(WAVELENGTH, *both, z=0, star=star)["teff"].tolist() == alone
    assert len(set(obcat.predict(WAVELENGTH, *both, z=0, star=["a", "a"])["teff"].tolist())) == 1
    said = [
        obcat.predict(WAVELENGTH, *both, z=0, header_class=kind)["warnings"].tolist()
        for kind in (b"GALAXY", "GALAXY", "STAR")
    ]
    assert said[0] == said[1] != said[2]
