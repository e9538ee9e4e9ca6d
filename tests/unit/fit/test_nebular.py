"""Forbidden lines: found by hand-made bumps, taken out by a straight line."""

import numpy as np
import pytest

from obcat.fit.excess import Found, forbidden_excess, found_nebular, straightened
from obcat.kernels.grid import N_PIXEL, WAVELENGTH, around

LINE = 6718.3  # [S II]
PLACE = 1  # of [N II] 6583, [S II] 6716, [S II] 6731, [O III] 4959, 5007


def sloping(n=3):
    """Spectra that rise by 1 per cent in 10 Angstrom about the line."""
    norm = 1 + 1e-3 * (WAVELENGTH - LINE)
    return np.tile(norm, (n, 1)).astype(np.float32), np.full((n, N_PIXEL), 1e4, np.float32)


def test_the_excess_is_that_of_the_core_over_its_sides():
    norm, ivar = sloping()
    norm[1, around(LINE, 4.5)] += 0.25
    ivar[2, around(LINE, 1)] = 0
    excess, error = forbidden_excess(norm, ivar)
    assert excess.shape == error.shape == (3, 5)
    assert excess[:2, PLACE] == pytest.approx([0.0, 0.25], abs=1e-3)
    core, both = around(LINE, 4.5).sum(), around(LINE, 9).sum()
    assert error[0, PLACE] == pytest.approx(0.01 * np.sqrt(1 / core + 1 / (both - core)))
    assert np.isnan([excess[2, PLACE], error[2, PLACE]]).all()


def test_a_straight_line_takes_the_place_of_the_line_in_nebular_stars_only():
    flat, ivar = sloping()
    norm = flat.copy()
    norm[:, around(LINE, 4.5)] += 0.25
    ivar[1, around(LINE, 9) & (WAVELENGTH > LINE + 4.5)] = 0
    flux, weight = straightened(norm, ivar, np.array([True, True, False]))
    assert flux[0] == pytest.approx(flat[0], abs=1e-4)
    assert not weight[1, around(LINE, 4.5)].any()
    assert np.array_equal(flux[2], norm[2])
    assert np.array_equal(weight[0], ivar[0])


def test_a_star_is_nebular_by_any_of_its_lines():
    random = np.random.default_rng(3)
    error = np.full((400, 5), 0.01)
    excess = random.normal(0, 0.01, (400, 5))
    excess[:5, 3] += 0.2
    excess[7] = np.nan
    nothing = np.zeros(400)
    above = found_nebular(
        Found(nothing, nothing, excess, error, nothing, nothing), false_alarm=1e-4
    )
    assert above[:5].all()
    assert above[5:].sum() <= 2
    assert not above[7]
