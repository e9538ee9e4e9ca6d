"""Rest frame: shifts that can be worked by hand, variance carried, nothing invented."""

import numpy as np
import pytest

from obcat.kernels.continuum import rest_frame, rest_frame_normalised
from obcat.kernels.grid import LIGHT_SPEED, N_PIXEL, WAVELENGTH

PARAMETERS = {"continuum_sigma": 50.0, "pca_min_wavelength": 3750.0, "pca_max_wavelength": 9000.0}


def redshift(pixels):
    return np.atleast_1d(10 ** (1e-4 * np.asarray(pixels, float)) - 1)


def ramp(n=1):
    flux = np.tile(np.arange(N_PIXEL, dtype=np.float32) + 1, (n, 1))
    return flux, np.full_like(flux, 4.0)


def test_a_shift_by_whole_pixels_moves_pixels():
    flux, ivar = rest_frame(*ramp(), redshift(3))
    assert flux[0, 0] == pytest.approx(4, abs=1e-6)
    assert flux[0, 1000] == pytest.approx(1004, rel=1e-5)
    assert np.all(ivar[0, -2:] == 0)


def test_half_a_pixel_is_the_mean_of_two_with_half_the_variance():
    flux, ivar = rest_frame(*ramp(), redshift(0.5))
    assert flux[0, 100] == pytest.approx(101.5, rel=1e-5)
    assert ivar[0, 100] == pytest.approx(8.0, rel=1e-4)
    assert ivar[0, -1] == 0


def test_variance_is_that_of_the_weighted_sum():
    flux, ivar = ramp()
    ivar[0, 101] = 1.0
    _, carried = rest_frame(flux, ivar, redshift(0.25))
    assert carried[0, 100] == pytest.approx(1 / (0.75**2 / 4 + 0.25**2 / 1), rel=1e-3)


def test_a_masked_pixel_masks_every_pixel_it_is_part_of():
    flux, ivar = ramp()
    ivar[0, 500] = 0
    _, carried = rest_frame(flux, ivar, redshift(2.5))
    assert list(np.flatnonzero(carried[0, :1000] == 0)) == [497, 498]


def test_no_shift_changes_nothing():
    flux, ivar = ramp()
    ivar[0, 7] = 0
    out_flux, out_ivar = rest_frame(flux, ivar, np.zeros(1))
    assert np.array_equal(out_flux[ivar > 0], flux[ivar > 0])
    assert np.array_equal(out_ivar, ivar)


@pytest.mark.parametrize("velocity", [-500, -69, 30, 500])
def test_a_line_comes_to_its_rest_wavelength(velocity):
    z = velocity / LIGHT_SPEED
    line = 1 - 0.5 * np.exp(-0.5 * ((WAVELENGTH - 4862.7 * (1 + z)) / 3) ** 2)
    flux, _ = rest_frame(
        line[None].astype(np.float32), np.ones((1, N_PIXEL), np.float32), np.array([z])
    )
    depth = np.where(np.abs(WAVELENGTH - 4862.7) < 20, 1 - flux[0], 0)
    assert np.sum(depth * WAVELENGTH) / np.sum(depth) == pytest.approx(4862.7, abs=0.02)


@pytest.mark.parametrize("z", [np.nan, np.inf, -np.inf, -1.0, -2.0, 2.0, -0.9, -9999.0])
def test_an_unknown_or_absurd_redshift_masks_the_spectrum(z):
    flux, ivar = rest_frame(*ramp(2), np.array([z, 0.0]))
    assert np.all(flux[0] == 0)
    assert np.all(ivar[0] == 0)
    assert np.all(ivar[1] > 0)


def test_500_km_s_leave_every_pixel_used():
    flux, ivar = (np.ones((2, N_PIXEL), np.float32) for _ in range(2))
    *_, masked = rest_frame_normalised(
        flux, ivar, np.array([500, -500]) / LIGHT_SPEED, **PARAMETERS
    )
    assert list(masked) == [0, 0]


def test_share_of_masked_pixels_counts_only_pixels_used():
    flux, ivar = (np.ones((3, N_PIXEL), np.float32) for _ in range(2))
    ivar[0, WAVELENGTH < 3750] = 0
    ivar[1] = 0
    ivar[2, (WAVELENGTH > 4000) & (WAVELENGTH < 4500)] = 0
    *_, masked = rest_frame_normalised(flux, ivar, np.zeros(3), **PARAMETERS)
    assert masked[0] == 0
    assert masked[1] == 1
    assert 0.1 < masked[2] < 0.2


def test_a_row_does_not_depend_on_its_neighbours():
    rng = np.random.default_rng(3)
    flux = rng.normal(300, 5, (300, N_PIXEL)).astype(np.float32)
    ivar = np.where(rng.random(flux.shape) < 0.02, 0, 0.04).astype(np.float32)
    z = rng.normal(0, 2e-4, 300)
    together = rest_frame_normalised(flux, ivar, z, **PARAMETERS)
    for rows in (slice(0, 1), slice(7, 9), slice(200, 270)):
        alone = rest_frame_normalised(flux[rows], ivar[rows], z[rows], **PARAMETERS)
        assert all(np.array_equal(a, b[rows]) for a, b in zip(alone, together, strict=True))
