"""Noise of simulated spectra: what is stated, what is there, and the marks on it,
as measured on real files.
"""

import numpy as np
import pytest

from obcat.kernels.grid import WAVELENGTH
from obcat.simulate import detector, night
from obcat.simulate.detector import (
    ARMS,
    JOIN_PIXEL,
    SIZES,
    SKY,
    SPOIL_ARM,
    SPOILED,
    WAVELENGTH_SCALE,
    Marked,
    add_sky,
    calibration,
    hit,
    marked,
    spoil,
)
from obcat.simulate.ingredients import Recipe
from obcat.simulate.night import AIRMASS, LATITUDE, airs, left_over

N = 120
LATE, EARLY = np.zeros(N, dtype=bool), np.ones(N, dtype=bool)
FLUX = (
    np.full((N, len(WAVELENGTH)), 500, dtype=np.float32)
    * (WAVELENGTH / 5000).astype(np.float32) ** -3
)
NO_SKY_LINES = Recipe(1, without=frozenset({"sky_lines"}))


def between(low: float, high: float) -> slice:
    return slice(*np.searchsorted(WAVELENGTH, (low, high)))


def pulls(snr: float, pilot: np.ndarray = LATE, recipe: Recipe = NO_SKY_LINES) -> np.ndarray:
    seen = detector.observe(FLUX, np.full(N, snr), pilot, recipe, (0, 0))
    return (seen.flux - FLUX) * np.sqrt(seen.ivar)


@pytest.fixture(scope="module")
def faint() -> np.ndarray:
    return pulls(20)


def neighbours(x: np.ndarray, lag: int) -> float:
    return float(np.mean(x[:, lag:] * x[:, :-lag]) / np.mean(x**2))


@pytest.mark.parametrize(
    ("low", "high", "expected"), [(3950, 4100, 0.83), (5100, 5300, 0.735), (7000, 7400, 0.82)]
)
def test_scatter_is_smaller_than_stated_by_what_was_measured(
    faint: np.ndarray, low: float, high: float, expected: float
) -> None:
    each = np.std(faint[:, between(low, high)], axis=1)
    assert np.median(each) == pytest.approx(expected, rel=0.05)
    assert np.std(np.log(each)) == pytest.approx(np.hypot(detector.COMMON, detector.ARM), rel=0.35)


def test_scatter_exceeds_the_stated_error_of_bright_stars() -> None:
    assert np.median(np.std(pulls(300)[:, between(4300, 4500)], axis=1)) > 1.1


@pytest.mark.parametrize(
    ("low", "high", "expected"), [(4000, 4500, 0.08), (5100, 5300, 0.05), (7200, 7600, 0.03)]
)
def test_neighbours_share_noise(
    faint: np.ndarray, low: float, high: float, expected: float
) -> None:
    near = faint[:, between(low, high)]
    assert neighbours(near, 1) == pytest.approx(expected, abs=0.02)
    assert abs(neighbours(near, 2)) < 0.02


def test_the_red_arm_of_2011_was_noisier_and_smoother(faint: np.ndarray) -> None:
    red, then = faint[:, between(7000, 8400)], pulls(20, EARLY)[:, between(7000, 8400)]
    assert np.std(then) / np.std(red) == pytest.approx(1.5, rel=0.1)
    assert neighbours(then, 1) == pytest.approx(detector.PILOT_NEIGHBOUR, abs=0.03)


@pytest.mark.parametrize("snr", [15, 80, 300])
def test_signal_to_noise_in_g_is_what_was_asked(snr: float) -> None:
    seen = detector.observe(FLUX, np.full(N, float(snr)), LATE, Recipe(1), (0, 0))
    assert np.median(detector.band_snr(seen)["g"]) == pytest.approx(snr, rel=0.04)


def test_faint_stars_are_lost_in_the_lines_of_the_sky_first() -> None:
    line, beside = np.searchsorted(WAVELENGTH, (8348.3, 8325))
    loss = {}
    for snr in (15.0, 200.0):
        variance = sum(detector.stated_variance(FLUX, np.full(N, snr), np.random.default_rng(1)))
        loss[snr] = (variance[:, line] / variance[:, beside]).mean()
    assert loss[15.0] > 3 * loss[200.0] > 3


def test_sky_subtraction_leaves_more_than_noise_in_its_lines() -> None:
    extra = np.var(pulls(20, recipe=Recipe(1)), axis=0) - np.var(pulls(20), axis=0)
    assert extra[np.argmin(np.abs(WAVELENGTH - 8348.3))] > 0.2
    assert abs(extra[between(6600, 6800)].mean()) < 0.02


def test_a_line_taken_off_to_one_side_leaves_both_signs() -> None:
    """Residuals of real files two pixels apart: correlation -0.1 to -0.2 in lines of the sky."""
    left = night.residue(np.ones((4000, len(WAVELENGTH)), np.float32), np.random.default_rng(8))
    line = int(np.argmin(np.abs(WAVELENGTH - 8348.3)))
    near = np.corrcoef(left[:, line - 1], left[:, line + 1])[0, 1]
    far = np.corrcoef(left[:, line - 1], left[:, line + 40])[0, 1]
    assert near < far - 0.1


def test_without_noise_the_flux_is_the_light_and_the_stated_error_stays() -> None:
    bare = Recipe(1, without=frozenset({"noise", "sky_lines"}))
    seen = detector.observe(FLUX, np.full(N, 50.0), LATE, bare, (0, 0))
    np.testing.assert_array_equal(seen.flux, FLUX)
    assert np.median(detector.band_snr(seen)["g"]) == pytest.approx(50, rel=0.01)


@pytest.fixture(scope="module")
def seen() -> Marked:
    seen = detector.observe(
        np.repeat(FLUX, 5, axis=0), np.full(5 * N, 50.0), np.repeat(LATE, 5), Recipe(2), (0, 0)
    )
    return marked(seen.flux, seen.ivar, np.repeat(LATE, 5), np.random.default_rng(3))


def test_bits_are_lamosts_and_mark_pixels_without_ivar(seen: Marked) -> None:
    assert set(np.unique(seen.ormask)) <= {0, 1, 2, 3}
    assert (seen.ivar[seen.ormask > 0] == 0).all()
    assert (seen.ormask[seen.andmask > 0] > 0).all()
    assert 1.5 < (seen.ivar == 0).mean() / (seen.ormask > 0).mean() < 3.5


def test_fractions_of_masked_pixels_are_those_of_real_files(seen: Marked) -> None:
    """One half of the real files at hand: a fifth has none; quartiles 4, 10, 22 pixels of a file with a
    bit, 12, 27, 57 without ivar; 571 in one of a hundred; 3 in all exposures, two in three of none.
    """
    bits, no_ivar = np.sum(seen.ormask > 0, axis=1), np.sum(seen.ivar == 0, axis=1)
    always = np.sum(seen.andmask > 0, axis=1)
    assert np.mean(bits == 0) == pytest.approx(0.21, abs=0.06)
    assert 8 <= np.median(bits[bits > 0]) <= 12
    assert 22 <= np.median(no_ivar[no_ivar > 0]) <= 35
    assert 400 <= np.percentile(no_ivar, 99) <= 900
    assert 2 <= np.median(always[always > 0]) <= 4
    assert np.mean(always > 0) == pytest.approx(0.47, abs=0.1)


def test_the_second_bit_is_rare_and_stands_alone() -> None:
    flux = np.ones((4000, len(WAVELENGTH)), dtype=np.float32)
    ormask = marked(flux, flux, np.zeros(4000, dtype=bool), np.random.default_rng(3)).ormask
    assert set(np.unique(ormask)) == {0, detector.BIT, detector.SECOND_BIT}
    assert 5e-6 < np.mean(ormask == detector.SECOND_BIT) < 5e-5


def test_the_last_pixels_have_no_flux_and_an_ivar_that_hides_it(seen: Marked) -> None:
    hidden = (seen.flux == 0) & (seen.ivar > 0)
    assert WAVELENGTH[hidden.any(axis=0)].min() > 9000
    assert hidden.any(axis=1).mean() == pytest.approx(0.56, abs=0.08)
    assert hidden.sum(axis=1).max() < 17


def test_cosmic_rays_only_add_light_and_rarely() -> None:
    sigma = np.ones_like(FLUX)
    excess = hit(FLUX, sigma, JOIN_PIXEL, np.random.default_rng(4)) - FLUX
    assert (excess >= 0).all()
    assert 3e-4 < (excess > 4.9).mean() < 1e-3


def test_calibration_is_smooth_and_of_the_size_of_repeat_visits() -> None:
    """Eight per cent: 41 pairs of real visits differ by 0.077 (median rms), 0.23 (84 per cent)."""
    error = np.log(calibration(600, np.random.default_rng(2)))[:, between(4000, 8900)]
    pair = error[::2] - error[1::2]
    rms = np.std(pair, axis=1)
    assert np.median(rms) == pytest.approx(0.077, rel=0.25)
    assert np.percentile(rms, 84) == pytest.approx(0.23, rel=0.3)
    assert np.abs(np.diff(error, axis=1)).max() < 0.02
    assert SIZES[0] > SIZES[1] > SIZES[2]


def test_telluric_bands_are_where_they_are_and_grow_with_airmass() -> None:
    names = [{"PLANID": f"P{k}", "LMJD": 57_000, "SPID": 1, "DEC": 40.39} for k in range(400)]
    high = airs(names, Recipe(5))
    low = airs([n | {"DEC": -10.0} for n in names], Recipe(5))
    assert (
        np.median([a.airmass for a in high]) < 1.05 < AIRMASS < np.median([a.airmass for a in low])
    )
    factors = [left_over(air, np.random.default_rng(6)) for air in (high, low)]
    core, clean = np.argmin(np.abs(WAVELENGTH - 7605)), between(4000, 6200)
    assert np.std(factors[0][:, core]) == pytest.approx(0.0075, rel=0.35)
    assert np.std(factors[1][:, core]) > 1.3 * np.std(factors[0][:, core])
    assert np.abs(factors[0][:, clean] - 1).max() < 0.01
    assert np.degrees(LATITUDE) == pytest.approx(40.39)


def test_stars_of_one_spectrograph_and_night_share_their_air() -> None:
    card = {"PLANID": "P", "LMJD": 57_000, "SPID": 1, "DEC": 20.0}
    first, second, third = airs([card, card, card | {"SPID": 2}], Recipe(5))
    np.testing.assert_array_equal(first.excess, second.excess)
    assert (first.water, first.airmass) == (third.water, third.airmass)
    assert (first.excess != third.excess).all()


def test_spoiled_spectra_are_shifted_or_broken_and_others_untouched() -> None:
    flux = np.tile(np.linspace(1, 2, len(WAVELENGTH), dtype=np.float32), (4, 1))
    mode = np.array([0, WAVELENGTH_SCALE, ARMS, SKY])
    out = spoil(flux, mode, np.random.default_rng(3))
    np.testing.assert_array_equal(out[[0, 3]], flux[[0, 3]])
    for row in (1, 2):
        changed = out[row] != flux[row]
        assert changed[:JOIN_PIXEL].all() != changed[JOIN_PIXEL:].all()
    ratio = out[2] / flux[2]
    assert abs(np.log(ratio[0] / ratio[-1])) > SPOIL_ARM[0]
    assert SPOILED[SKY] == "sky"


def test_a_wrong_sky_adds_or_takes_the_lines_of_the_night() -> None:
    flux = FLUX[:2]
    out = add_sky(flux, flux, np.array([0, SKY]), np.random.default_rng(7))
    np.testing.assert_array_equal(out[0], flux[0])
    added = out[1] - flux[1]
    line = np.argmax(night.AIRGLOW)
    assert WAVELENGTH[line] == pytest.approx(5578.3, abs=1.5)
    assert abs(added[line]) > 5 * abs(np.median(added)) > 0
