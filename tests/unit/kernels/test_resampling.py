"""Resampling: shares, variances and masks worked out by hand; air and vacuum by Morton's numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from obcat.ingest.instruments.rows import (
    combined,
    first_on_grid,
    gridded,
    resampled,
    shares,
    vacuum,
)
from obcat.kernels.grid import N_PIXEL, WAVELENGTH

EDGES = WAVELENGTH[0] * 10 ** (1e-4 * (np.arange(N_PIXEL + 1) - 0.5))


def test_pixels_of_the_grid_are_taken_over():
    flux, ivar = np.random.default_rng(1).uniform(1, 2, (2, 3000))
    ivar[5] = 0
    found = gridded(WAVELENGTH[100:3100], flux, ivar)
    assert first_on_grid(WAVELENGTH[100:3100]) == 100
    np.testing.assert_array_equal(found[1][100:3100], ivar.astype(np.float32))
    assert found[0][105] == 0
    assert not found[1][:100].any()


def test_halves_of_two_pixels():
    """Centres on the borders of ours: half of each, so the mean, and twice the inverse variance."""
    centres = EDGES[:-1]
    flux, ivar = np.arange(N_PIXEL, dtype=float) + 1, np.full(N_PIXEL, 4.0)
    found = resampled(shares(centres), flux, ivar)
    np.testing.assert_allclose(found[0][10:20], np.arange(10, 20) + 1.5, rtol=1e-3)
    np.testing.assert_allclose(found[1][10:20], 8.0, rtol=1e-3)
    ivar[15] = 0
    assert [x > 0 for x in resampled(shares(centres), flux, ivar)[1][13:17]] == [1, 0, 0, 1]


@pytest.mark.parametrize("step", [0.3, 0.8, 1.4])
def test_flux_is_kept_whatever_the_step(step):
    """A line of 30 Angstrom square: its integral over our pixels is that over theirs."""
    wavelength = np.arange(3650.0, 9150.0, step)
    flux = 1 + 5 * np.exp(-0.5 * ((wavelength - 5000) / 4) ** 2)
    found, ivar = gridded(wavelength, flux, np.ones(wavelength.size))
    assert (ivar > 0).all()
    area = np.sum((found - 1) * np.diff(EDGES))
    assert area == pytest.approx(5 * 4 * np.sqrt(2 * np.pi), rel=2e-3)


@given(st.integers(0, 2**31))
def test_noise_of_a_pixel_is_as_told(seed):
    wavelength = np.arange(3650.0, 9150.0, 0.8)
    noise = np.random.default_rng(seed).standard_normal(wavelength.size)
    flux, ivar = gridded(wavelength, 100 + noise, np.ones(wavelength.size))
    pulls = (flux - 100) * np.sqrt(ivar)
    assert np.std(pulls) == pytest.approx(1, abs=0.08)


def test_a_gap_is_not_bridged_and_ends_are_masked():
    wavelength = np.arange(3800.0, 8000.0, 0.8)
    wavelength = wavelength[(wavelength < 5000) | (wavelength > 5040)]
    ivar = gridded(wavelength, np.ones(wavelength.size), np.ones(wavelength.size))[1]
    dark = WAVELENGTH[ivar == 0]
    assert ((dark < 3801) | (dark > 7998) | ((dark > 4998) & (dark < 5042))).all()
    assert (ivar[(WAVELENGTH > 5002) & (WAVELENGTH < 5038)] == 0).all()


def test_vacuum_of_balmer_lines():
    """NIST: air 6562.79, 4861.35 and 3970.075 are 6564.60, 4862.71 and 3971.198 in vacuum."""
    found = vacuum(np.array([6562.79, 4861.35, 3970.075]))
    np.testing.assert_allclose(found, [6564.60, 4862.71, 3971.198], atol=0.01)


def test_arms_are_weighted_by_inverse_variance():
    one = (np.full(N_PIXEL, 1.0), np.full(N_PIXEL, 3.0))
    two = (np.full(N_PIXEL, 5.0), np.full(N_PIXEL, 1.0))
    flux, ivar = combined([one, two])
    assert (flux[0], ivar[0]) == (2.0, 4.0)
    nothing = np.zeros(N_PIXEL)
    assert combined([one, (nothing, nothing)])[0][7] == 1.0
