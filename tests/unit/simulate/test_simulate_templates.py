"""Interpolation in the grid of spectra: inside the hull or not at all."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from obcat.simulate.ingredients import Recipe
from obcat.simulate.light import COOLEST, spectrum_feh, templates, weights
from obcat.simulate.stars import KS, LOGG, TEFF, draw_stars


def one(*values: float) -> tuple[np.ndarray, ...]:
    return tuple(np.array([v]) for v in values)


@settings(max_examples=60, deadline=None)
@given(st.floats(3.96, 4.4), st.floats(3.6, 4.9), st.floats(-0.5, 0.3))
def test_weights_are_shares(log_teff: float, logg: float, feh: float) -> None:
    _, weight = weights(*one(log_teff, logg, feh))
    assert (weight >= 0).all()
    assert weight.sum() == pytest.approx(1, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.floats(3.96, 4.4), st.floats(3.6, 4.9), st.floats(-0.5, 0.3))
def test_interpolated_coordinates_are_the_stars_own(
    log_teff: float, logg: float, feh: float
) -> None:
    t = templates()
    index, weight = weights(*one(log_teff, logg, feh))
    own = [
        (weight[0] * column[index[0]]).sum() for column in (np.log10(t.teff), t.logg, t.node_feh)
    ]
    np.testing.assert_allclose(own, [log_teff, logg, feh], atol=1e-9)


def test_a_node_is_itself() -> None:
    t = templates()
    index, weight = weights(*one(4.0, 4.0, 0.0))
    node = index[0][np.argmax(weight)]
    assert (t.teff[node], t.logg[node], t.node_feh[node]) == (10_000, 4, 0)
    assert weight.max() == pytest.approx(1)


@pytest.mark.parametrize(
    ("teff", "logg", "feh"),
    [
        (7900, 4.0, 0.0),
        (51_000, 5.0, 0.0),
        (30_000, 2.5, 0.0),
        (15_000, 5.2, 0.0),
        (45_000, 5.0, 0.2),
    ],
)
def test_outside_the_hull_nothing_is_extrapolated(teff: float, logg: float, feh: float) -> None:
    with pytest.raises(ValueError, match="outside the grid"):
        weights(*one(np.log10(teff), logg, feh))


@pytest.mark.parametrize(
    ("teff", "logg", "feh", "expected"),
    [
        (15_000, 4.0, -0.3, -0.3),
        (8500, 4.0, -0.3, 0.0),
        (45_000, 4.9, 0.2, 0.0),
        (COOLEST, 4.0, 0.2, 0.0),
        (7000, 4.0, 0.0, np.nan),
        (15_000, 4.0, 0.25, 0.25),
        (15_000, 4.0, -0.8, 0.0),
    ],
)
def test_metallicity_of_the_spectrum_is_solar_where_only_that_grid_reaches(
    teff: float, logg: float, feh: float, expected: float
) -> None:
    np.testing.assert_equal(spectrum_feh(*one(np.log10(teff), logg, feh))[0], expected)


def test_every_drawn_star_lies_inside_the_hull() -> None:
    stars = draw_stars(1500, Recipe(5), 0)
    _, weight = weights(stars.primary[:, TEFF], stars.primary[:, LOGG], stars.spectrum_feh)
    np.testing.assert_allclose(weight.sum(axis=1), 1)
    assert (stars.primary[:, TEFF] > np.log10(8000)).all()
    assert (stars.primary[stars.primary[:, KS] > -4, TEFF] > np.log10(9500)).all()
