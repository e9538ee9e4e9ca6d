"""Emission at H alpha: known excess recovered, its error true, flags as they should be."""

import numpy as np
import pytest

from obcat.kernels.emission import emission, expected_excess, quadratic
from obcat.kernels.grid import N_PIXEL, WAVELENGTH, around, clean_pixels, full_pixels
from tests.measured import EMISSION

HALPHA = 6564.6
CHOICES = {
    "halpha": HALPHA,
    "halpha_halfwidth": 15.0,
    "halpha_chi2_halfwidth": 40.0,
    "erroneous_chi2": 10.0,
    "model_error": 0.0,
}
ABSORPTION = 0.4 * np.exp(-0.5 * ((WAVELENGTH - HALPHA) / 6) ** 2)


@pytest.fixture
def model():
    """One component: the depth of H alpha goes with the level of the clean pixels."""
    used, clean = full_pixels(3750.0, 9000.0), clean_pixels(3750.0, 9000.0)
    mean, scale = np.where(used, 1 - ABSORPTION, np.nan), np.where(used, 0.01, 0)
    basis = (clean / np.sqrt(clean.sum()))[None].astype(np.float32)
    shape = (basis - 5 * np.where(used & ~clean, ABSORPTION, 0)).astype(np.float32)
    return {
        "mean": mean,
        "scale": scale,
        "clean_basis": basis,
        "full_from_clean": shape,
        "score_clean_scale": np.ones(1),
        "residual_sd": np.full(N_PIXEL, 0.003),
        "excess_curve": np.zeros(0),
        "excess_limits": np.zeros((2, 0)),
        "excess_calibration": np.array([0.0, 1.0, 0.002, 3.09]),
    }


def run(model, norm, sigma=0.01, score=None):
    norm = np.atleast_2d(norm).astype(np.float32)
    ivar = np.full(norm.shape, sigma**-2, np.float32)
    score = np.zeros((len(norm), 1)) if score is None else score
    return dict(zip(EMISSION, emission(norm, ivar, score, **model, **CHOICES), strict=True))


def bump(ew, width=4.0, centre=HALPHA):
    return ew / (width * np.sqrt(2 * np.pi)) * np.exp(-0.5 * ((WAVELENGTH - centre) / width) ** 2)


def test_an_ordinary_star_has_none(model):
    found = run(model, 1 - ABSORPTION)
    assert found["excess"] == pytest.approx(0, abs=1e-6)
    assert found["em_flag"] == found["erroneous"] == 0
    assert found["chi2_red"] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("ew", [1.0, 5.0, 40.0])
def test_the_equivalent_width_of_emission_comes_back(model, ew):
    found = run(model, 1 - ABSORPTION + bump(ew))
    assert found["ew"] == pytest.approx(ew, rel=0.02)
    assert found["em_flag"] == 1
    assert found["erroneous"] == 0


def test_deeper_absorption_is_no_emission(model):
    found = run(model, 1 - 1.5 * ABSORPTION)
    assert found["significance"] < -5
    assert found["em_flag"] == 0


def test_what_the_clean_pixels_predict_is_no_excess(model):
    score = np.array([[4.0]])
    norm = np.nan_to_num(model["mean"] + model["scale"] * (score @ model["full_from_clean"]))
    assert run(model, norm, score=score)["excess"] == pytest.approx(0, abs=1e-6)


def test_the_error_is_the_scatter_under_noise(model):
    rng = np.random.default_rng(6)
    noisy = (1 - ABSORPTION) + rng.normal(0, 0.05, (1500, N_PIXEL))
    clean = model["clean_basis"][0] != 0
    score = ((noisy - 1 + ABSORPTION)[:, clean] / 0.01) @ model["clean_basis"][:, clean].T
    found = run(model, noisy, 0.05, score)
    assert np.std(found["excess"]) == pytest.approx(np.median(found["excess_err"]), rel=0.06)
    core = np.count_nonzero(around(HALPHA, 15))
    assert np.median(found["excess_err"]) > 1.02 * 0.05 / np.sqrt(
        core
    )  # the reconstruction's own noise counts


def test_chi_square_is_one_under_noise(model):
    rng = np.random.default_rng(7)
    sigma = np.hypot(0.02, 0.003)
    found = run(model, 1 - ABSORPTION + rng.normal(0, sigma, (200, N_PIXEL)), 0.02)
    assert np.mean(found["chi2_red"]) == pytest.approx(1, abs=0.05)
    assert np.mean(found["chi2_clean"]) == pytest.approx(1, abs=0.02)


def test_significance_counts_noise_and_ordinary_scatter(model):
    model["excess_calibration"] = np.array([0.01, 2.0, 0.03, 3.0])
    found = run(model, 1 - ABSORPTION + bump(6.0))
    expected = (found["excess"] - 0.01) / np.hypot(2 * found["excess_err"], 0.03)
    assert found["significance"] == pytest.approx(expected)


@pytest.mark.parametrize("shift", [-20, 20])
def test_a_line_moved_by_a_wrong_wavelength_scale_is_erroneous(model, shift):
    moved = 0.4 * np.exp(-0.5 * ((WAVELENGTH - HALPHA - shift) / 6) ** 2)
    found = run(model, 1 - moved)
    assert found["excess"] > 0.1
    assert found["em_flag"] == 0
    assert found["erroneous"] == 1


def test_spectra_that_cannot_be_reconstructed_are_erroneous(model):
    jagged = np.where(np.arange(N_PIXEL) % 2, 0.1, -0.1)
    found = run(model, 1 - ABSORPTION + np.where(around(HALPHA, 60), 0, jagged))
    assert found["em_flag"] == 0
    assert found["erroneous"] == 1


def test_emission_does_not_hide_a_misfit_of_the_clean_windows(model):
    """An M dwarf with H alpha: the line is there, and the rest is like no star that trained."""
    jagged = np.where(np.arange(N_PIXEL) % 2, 0.1, -0.1)
    found = run(model, 1 - ABSORPTION + bump(6.0) + np.where(around(HALPHA, 60), 0, jagged))
    assert found["em_flag"] == 1
    assert found["erroneous"] == 1


@pytest.mark.parametrize("at", [HALPHA, HALPHA + 30, 4700.0, 3751.0, 8999.0])
def test_one_hot_pixel_makes_no_spectrum_erroneous(model, at):
    """A thousand sigma in one pixel would be a chi-square of 10,000 about H alpha."""
    norm = 1 - ABSORPTION
    norm[np.argmin(np.abs(WAVELENGTH - at))] += 10
    found = run(model, norm)
    assert found["erroneous"] == found["em_flag"] == 0
    assert found["chi2_red"] < 1e-3


def test_a_line_as_narrow_as_the_spectrograph_makes_it_is_no_hot_pixel(model):
    norm = 1 - ABSORPTION + bump(8.0, width=1.15)
    assert run(model, norm)["em_flag"] == 1
    assert run(model, norm)["ew"] == pytest.approx(8.0, rel=0.03)


def test_emission_does_not_hide_what_a_moved_line_leaves_beside_it(model):
    """H alpha in absorption 25 Angstrom from where it should be: its place looks like emission."""
    moved = 1 - 0.4 * np.exp(-0.5 * ((WAVELENGTH - HALPHA - 25) / 6) ** 2)
    found = run(model, moved)
    assert found["excess"] > 0.1
    assert (found["erroneous"], found["em_flag"]) == (1, 0)
    emission_too = run(model, 1 - ABSORPTION + bump(15.0, width=5.0))
    assert (emission_too["erroneous"], emission_too["em_flag"]) == (0, 1)


def test_models_and_good_spectra_may_differ_by_the_model_error(model):
    """4 % off everywhere, noise 1 % and scatter 0.3 %: chi-square 0.04^2 / 0.000109 = 14.7; an
    allowance of 3 % adds 0.03^2 / 0.000109 = 8.3 to the limit of 10."""
    off = (1 - ABSORPTION) + 0.04
    names = {**CHOICES, "model_error": 0.03}
    ivar = np.full((1, N_PIXEL), 1e4, np.float32)
    allowed = emission(off[None].astype(np.float32), ivar, np.zeros((1, 1)), **model, **names)
    assert run(model, off)["chi2_clean"] == pytest.approx(14.7, abs=0.05)
    assert run(model, off)["erroneous"] == 1
    assert allowed[-1] == 0


def test_a_masked_core_is_unknown(model):
    norm = np.tile(1 - ABSORPTION + bump(5.0), (2, 1)).astype(np.float32)
    ivar = np.full(norm.shape, 1e4, np.float32)
    ivar[0, around(HALPHA, 8)] = 0
    ivar[1, around(HALPHA, 3)] = 0
    found = dict(
        zip(EMISSION, emission(norm, ivar, np.zeros((2, 1)), **model, **CHOICES), strict=True)
    )
    assert np.isnan(found["em_flag"][0])
    assert np.isnan(found["erroneous"][0])
    assert found["em_flag"][1] == 1


@pytest.mark.parametrize("fault", ["score", "flux", "ivar", "calibration", "model"])
def test_what_is_unknown_stays_unknown(model, fault):
    norm, ivar = np.ones((2, N_PIXEL), np.float32), np.ones((2, N_PIXEL), np.float32)
    score = np.zeros((2, 1))
    if fault == "score":
        score[:] = np.nan
    elif fault == "flux":
        norm[:] = np.nan
    elif fault == "ivar":
        ivar[:] = 0
    elif fault == "calibration":
        model["excess_calibration"] = np.zeros(0)
    else:
        model |= {"mean": np.zeros(0), "scale": np.zeros(0), "residual_sd": np.zeros(0)}
        model |= dict.fromkeys(("clean_basis", "full_from_clean"), np.zeros((1, 0), np.float32))
    found = dict(zip(EMISSION, emission(norm, ivar, score, **model, **CHOICES), strict=True))
    assert np.isnan(found["em_flag"]).all()
    assert np.isnan(found["erroneous"]).all()


def test_the_curve_of_ordinary_stars_is_taken_off(model):
    model["excess_curve"], model["excess_limits"] = (
        np.array([0.01, 0.02, 0.03]),
        np.array([[-1.0], [2.0]]),
    )
    model["score_clean_scale"] = np.array([2.0])
    names = ("score_clean_scale", "excess_curve", "excess_limits")
    expected = expected_excess(np.array([[2.0], [40.0]]), **{name: model[name] for name in names})
    assert expected == pytest.approx(
        [0.01 + 0.02 + 0.03, 0.01 + 0.04 + 0.12]
    )  # held at 2 beyond the training stars
    assert run(model, 1 - ABSORPTION)["excess"] == pytest.approx(-0.01, abs=1e-6)


def test_quadratic_terms_by_hand():
    assert quadratic(np.array([[2.0, 3.0]])).tolist() == [[1, 2, 3, 4, 6, 9]]


def test_a_row_does_not_depend_on_its_neighbours(model):
    rng = np.random.default_rng(8)
    norm, score = rng.normal(1, 0.02, (300, N_PIXEL)), rng.normal(size=(300, 1))
    together = run(model, norm, score=score)
    for rows in (slice(0, 1), slice(5, 7), slice(100, 165)):
        alone = run(model, norm[rows], score=score[rows])
        assert all(np.array_equal(alone[name], together[name][rows]) for name in EMISSION)
