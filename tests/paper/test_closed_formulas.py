"""Worked by hand: what the closed formulas must give (METHOD sections 4, 6, 7; paper Eq. 15-17)."""

from math import sqrt

import pytest

from tests.paper.closed_formulas import (
    galactic_xyz,
    mk_geo,
    mk_geo_err,
    parallax_spec,
    parallax_spec_err,
    snr_dparallax,
)

SUN_X, SUN_Z = -8.122, 0.0208


@pytest.mark.parametrize(
    ("ks", "a_ks", "parallax", "expected"),
    [
        (8.0, 0.5, 1.0, -2.5),
        (8.0, 0.5, 0.1, -7.5),
        (4.0, 0.0, 100.0, 4.0),  # at 10 pc
        (8.0, 0.5, 2.0, -0.994850),  # 5 log10 2 = 1.505150
    ],
)
def test_absolute_magnitude_and_its_parallax_are_inverse(ks, a_ks, parallax, expected):
    assert mk_geo(ks, a_ks, parallax) == pytest.approx(expected, abs=1e-6)
    assert parallax_spec(expected, ks, a_ks) == pytest.approx(parallax, rel=1e-6)


def test_error_of_the_geometric_magnitude():
    """5 / ln 10 = 2.171472; sqrt(0.03^2 + 0.04^2 + 0.2171472^2) = 0.222829;
    a tenth of the parallax is 0.217 mag.
    """
    assert mk_geo_err(0.03, 0.04, 1.0, 0.1) == pytest.approx(0.222829, abs=1e-6)
    assert mk_geo_err(0.0, 0.0, 5.0, 0.5) == pytest.approx(0.217147, abs=1e-6)


def test_error_of_the_spectroscopic_parallax():
    """0.2 ln 10 = 0.460517; sigma_int 0.25, sigma_mea 0.1, m 0.03, A 0.04: sqrt(0.075) = 0.273861;
    2 mas.
    """
    assert parallax_spec_err(2.0, sqrt(0.25**2 + 0.1**2), 0.03, 0.04) == pytest.approx(
        0.252236, abs=1e-6
    )


def test_parallax_excess():
    assert snr_dparallax(2.0, 0.06, 1.2, 0.08) == pytest.approx(8.0)
    assert snr_dparallax(1.0, 0.06, 1.2, 0.08) == pytest.approx(-2.0)


def test_equal_binary_seems_nearer_by_root_two():
    """Two equal stars are 2.5 log10 2 = 0.752575 mag brighter than the one the spectrum shows."""
    assert parallax_spec(0.0, 10.0 - 0.752575, 0.0) == pytest.approx(sqrt(2), rel=1e-6)


@pytest.mark.parametrize(
    ("ra", "dec", "dis", "xyz"),
    [
        (266.40499, -28.93617, 8.122, (0.0, 0.0, SUN_Z)),  # l = 0, b = 0: the Galactic centre
        (318.00438, 48.32964, 2.0, (SUN_X, 2.0, SUN_Z)),  # l = 90: the way the Galaxy turns
        (86.40499, 28.93617, 1.0, (SUN_X - 1, 0.0, SUN_Z)),  # l = 180
        (192.85948, 27.12825, 3.0, (SUN_X, 0.0, SUN_Z + 3)),  # b = +90
    ],
)
def test_directions_of_the_galactic_frame(ra, dec, dis, xyz):
    assert galactic_xyz(ra, dec, dis, SUN_X, SUN_Z) == pytest.approx(xyz, abs=1e-4)
