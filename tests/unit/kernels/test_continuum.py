"""Pseudo-continuum: against the sum written out, and what must not disturb it."""

import numpy as np
import pytest

from obcat.kernels.continuum import normalise, pseudo_continuum
from obcat.kernels.grid import N_PIXEL, WAVELENGTH, around, clean_pixels

SIGMA = 50.0
# H alpha, H beta, He I, O I, Ca II, Fe II, [N II], [S II], [O III]; not the higher Balmer lines
LEFT_OUT = (
    *((6564.6, 40), (4862.7, 30), (5877.2, 12), (6680.0, 12), (7067.2, 12)),
    *((7776.3, 15), (8448.7, 15), (8500.4, 15), (8544.4, 15), (8664.5, 15)),
    *((5019.8, 8), (5170.5, 8), (5318.1, 8), (6549.9, 8), (6585.3, 8)),
    *((6718.3, 8), (6732.7, 8), (4960.3, 8), (5008.2, 8)),
)


def spectra(*rows):
    flux = np.array(rows, np.float32)
    return flux, np.ones_like(flux)


def test_it_is_the_weighted_gaussian_mean_written_out():
    rng = np.random.default_rng(1)
    flux = rng.normal(10, 1, (1, N_PIXEL)).astype(np.float32)
    ivar = rng.uniform(0.5, 1, (1, N_PIXEL)).astype(np.float32)
    ivar[0, 1000:1030] = 0
    level = pseudo_continuum(flux, ivar, continuum_sigma=SIGMA)
    weight = np.minimum(ivar[0], np.sort(ivar[0])[-40]).astype(float)
    for centre, halfwidth in LEFT_OUT:
        weight[around(centre, halfwidth)] = 0
    for i in (0, 1015, 2000, 2491, N_PIXEL - 1):
        distance = np.abs(WAVELENGTH - WAVELENGTH[i])
        kernel = np.where(distance <= 4 * SIGMA, np.exp(-0.5 * (distance / SIGMA) ** 2), 0) * weight
        assert level[0, i] == pytest.approx(np.sum(kernel * flux[0]) / np.sum(kernel), rel=1e-5)


def test_a_flat_spectrum_becomes_one_whatever_its_level():
    norm, ivar = normalise(
        *spectra(np.full(N_PIXEL, 3e4), np.full(N_PIXEL, 2e-17)), continuum_sigma=SIGMA
    )
    assert np.allclose(norm, 1, atol=1e-5)
    assert np.allclose(ivar[0], 9e8, rtol=1e-4)


def test_signal_to_noise_of_a_pixel_is_kept():
    rng = np.random.default_rng(2)
    flux, ivar = spectra(rng.normal(100, 3, N_PIXEL) * (WAVELENGTH / 6000) ** -3)
    norm, norm_ivar = normalise(flux, ivar, continuum_sigma=SIGMA)
    assert np.allclose(norm * np.sqrt(norm_ivar), flux * np.sqrt(ivar), rtol=1e-5)


def test_reddening_does_not_change_a_normalised_line():
    line = 1 - 0.4 * np.exp(-0.5 * ((WAVELENGTH - 4472.7) / 4) ** 2)
    slope = (WAVELENGTH / 5000) ** np.array([[-4.0], [0.0]])
    norm, _ = normalise(*spectra(*(line * slope)), continuum_sigma=SIGMA)
    near = around(4472.7, 30)
    assert np.abs(norm[0] - norm[1])[near].max() < 0.015


@pytest.mark.parametrize("line", [centre for centre, _ in LEFT_OUT])
def test_emission_leaves_the_clean_windows_alone(line):
    bright = 1 + 8 * np.exp(-0.5 * ((WAVELENGTH - line) / 1.5) ** 2)
    norm, _ = normalise(*spectra(bright), continuum_sigma=SIGMA)
    clean = clean_pixels(3750.0, 9000.0)
    assert np.allclose(norm[0, clean], 1, atol=1e-4)
    peak = around(line, 1)
    assert norm[0, peak] == pytest.approx(bright[peak], rel=2e-3)


@pytest.mark.parametrize("line", [4341.7, 4102.9, 3971.2, 3890.2, 3836.5])
def test_the_higher_balmer_lines_are_part_of_the_level(line):
    deep = 1 - 0.6 * np.exp(-0.5 * ((WAVELENGTH - line) / 12) ** 2)
    norm, _ = normalise(*spectra(deep), continuum_sigma=SIGMA)
    assert norm[0, around(line, 1)].min() > 0.43


def test_one_absurd_inverse_variance_does_not_rule_its_neighbours():
    flux, ivar = spectra(np.ones(N_PIXEL))
    flux[0, 2000], ivar[0, 2000] = 3, 1e6
    norm, _ = normalise(flux, ivar, continuum_sigma=SIGMA)
    assert np.allclose(np.delete(norm[0], 2000), 1, atol=0.03)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_pixel_that_is_no_number_is_masked_and_harms_no_other(bad):
    flux, ivar = spectra(np.ones(N_PIXEL), np.ones(N_PIXEL))
    flux[0, 5], ivar[1, 6] = bad, bad
    norm, norm_ivar = normalise(flux, ivar, continuum_sigma=SIGMA)
    assert norm_ivar[0, 5] == norm_ivar[1, 6] == norm[0, 5] == 0
    assert np.count_nonzero(norm_ivar == 0) == 2
    assert np.isfinite(norm).all()


def test_nothing_comes_of_nothing():
    flux, ivar = spectra(np.ones(N_PIXEL), -np.ones(N_PIXEL), np.zeros(N_PIXEL), np.ones(N_PIXEL))
    ivar[0] = 0
    ivar[3, 100:] = 0
    ivar[3, :80] = 0
    norm, norm_ivar = normalise(flux, ivar, continuum_sigma=SIGMA)
    assert not norm.any()
    assert not norm_ivar.any()


def test_masked_flux_is_never_read():
    flux, ivar = spectra(np.ones(N_PIXEL), np.ones(N_PIXEL))
    ivar[:, 700:720] = 0
    flux[1, 700:720] = 1e9
    norm, _ = normalise(flux, ivar, continuum_sigma=SIGMA)
    assert np.array_equal(norm[0], norm[1])
