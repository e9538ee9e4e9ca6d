"""Spectra of the simulation: lines where and as strong as they should be,
blurred but not weakened.
"""

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from obcat.kernels.grid import LIGHT_SPEED, WAVELENGTH
from obcat.simulate.dust import f99
from obcat.simulate.light import FINE_STEP, FREQUENCY, Component, composite, normalised, rotation
from obcat.simulate.lines import DIB, GROUPS, equivalent_widths, gas_velocity, transmission
from obcat.simulate.night import _RESOLUTION, blurred, draw_resolution

Spectrum = np.ndarray


def star(
    teff: float, logg: float = 4.0, vsini: float = 0.0, rv: float = 0.0, m_v: float = 0.0
) -> Component:
    values = (np.array([float(v)]) for v in (np.log10(teff), logg, 0, vsini, rv, m_v))
    return Component(*values, np.ones((1, len(GROUPS))))


def lines(component: Component, resolution: float = 1800.0) -> Spectrum:
    return normalised(component, np.array([resolution]))[0][0].astype(float)


def width(spectrum: Spectrum, centre: float, half: float) -> float:
    """Equivalent width in Angstrom, absorption positive."""
    near = np.abs(WAVELENGTH - centre) < half
    return float(np.trapezoid(1 - spectrum[near], WAVELENGTH[near]))


# Balmer maximum near A0, He I maximum near B2: Didelon (1982), Jaschek & Jaschek (1987)
@pytest.mark.parametrize(
    ("teff", "h_beta", "he_4471"),
    [
        (10_000, (13, 19), (0.0, 0.25)),
        (15_000, (7, 10), (0.5, 1.1)),
        (20_000, (5, 7.5), (0.8, 1.6)),
    ],
)
def test_equivalent_widths_are_those_of_b_stars(
    teff: float, h_beta: tuple[float, float], he_4471: tuple[float, float]
) -> None:
    spectrum = lines(star(teff, vsini=100))
    assert h_beta[0] < width(spectrum, 4862.7, 60) < h_beta[1]
    assert he_4471[0] < width(spectrum, 4472.7, 7.5) < he_4471[1]


def test_rotation_and_resolution_keep_equivalent_widths() -> None:
    narrow, broad = lines(star(15_000)), lines(star(15_000, vsini=250), resolution=1500)
    assert width(broad, 6564.6, 90) == pytest.approx(width(narrow, 6564.6, 90), rel=0.01)
    assert (
        broad[np.argmin(np.abs(WAVELENGTH - 6564.6))]
        > narrow[np.argmin(np.abs(WAVELENGTH - 6564.6))]
    )


@pytest.mark.parametrize("rv", [-300.0, -34.5, 20.0, 150.0])
def test_a_line_moves_by_its_radial_velocity(rv: float) -> None:
    still, moving = (lines(star(15_000, vsini=100, rv=v)) for v in (0.0, rv))
    expected = CubicSpline(WAVELENGTH, still)(WAVELENGTH / (1 + rv / LIGHT_SPEED))
    np.testing.assert_allclose(moving[50:-50], expected[50:-50], atol=0.002)


def test_rotation_widens_a_line_by_the_variance_of_its_profile() -> None:
    """Variance of the profile: v^2 (1 - 7 eps/15) / (4 (1 - eps/3)), from Gray's eq.
    18.14, eps = 0.4.
    """
    x = 2 * np.pi * FREQUENCY[10:12] * 200 / LIGHT_SPEED / FINE_STEP
    second = 2 * (1 - rotation(x)) / x**2
    assert second[0] == pytest.approx((1 - 7 * 0.4 / 15) / (4 * (1 - 0.4 / 3)), rel=0.02)


def test_light_of_two_stars_adds_by_their_magnitudes() -> None:
    bright, faint = star(15_000, m_v=0.0), star(10_000, m_v=2.5)
    rows, resolution = np.array([0]), np.array([1800.0])
    _, both = composite([(rows, bright), (rows, faint)], 1, resolution)
    at = np.searchsorted(WAVELENGTH, 5500)
    assert both[0, at] == pytest.approx(1.1, rel=1e-4)


def test_a_companion_cooler_than_the_grid_is_redder_than_its_edge() -> None:
    rows, resolution = np.array([0]), np.array([1800.0])
    cool, edge = (composite([(rows, star(t, 4.3))], 1, resolution)[1][0] for t in (6000, 8000))
    assert cool[-1] / cool[0] > 1.5 * edge[-1] / edge[0]


def test_interstellar_lines_grow_with_dust_and_keep_their_widths() -> None:
    still, sharp = np.zeros(2), np.full(2, 1800.0)
    clear, dusty = transmission(np.array([0.0, 0.1]), still, sharp)
    assert (clear == 1).all()
    total = equivalent_widths(np.array([0.1]))[0].sum()
    assert np.trapezoid(1 - dusty, WAVELENGTH) == pytest.approx(total, rel=0.07)


def test_sodium_saturates_as_poznanski_et_al_2012() -> None:
    """EW(D2) 0.42 Angstrom at E(B-V) 0.1 and 0.88 at 1: their log E(B-V) = 2.16 EW - 1.91."""
    widths = equivalent_widths(np.array([0.0, 0.1, 1.0]))[:, len(DIB)]
    np.testing.assert_allclose(widths, [0, 0.4213, 0.8843], atol=1e-4)


def test_gas_moves_with_the_local_standard_of_rest() -> None:
    """Toward the solar apex (l 56, b 23; RA 270, Dec +30) gas approaches at the Sun's 18 km/s."""
    rv = gas_velocity(np.full(4000, 270.0), np.full(4000, 30.0), np.random.default_rng(1))
    assert rv.mean() == pytest.approx(-18.0, abs=1.0)
    lines = [
        transmission(np.array([0.5]), np.array([v]), np.array([1800.0]))[0] for v in (0.0, 100.0)
    ]
    near = (WAVELENGTH > 5880) & (WAVELENGTH < 5910)
    centres = [np.average(WAVELENGTH[near], weights=1 - line[near]) for line in lines]
    assert centres[1] - centres[0] == pytest.approx(5894 * 100 / LIGHT_SPEED, rel=0.05)


def test_resolution_changes_along_the_spectrum_as_measured_and_light_is_kept() -> None:
    """Widths (FWHM) of 2.6 Angstrom at 4,500, 3.9 at 8,000:
    those of the sky lines of real files.
    """
    resolution, factor = np.full(1, _RESOLUTION.max()), np.ones(1)
    for centre, fwhm in ((4500.0, 2.58), (6300.0, 3.60), (8000.0, 3.97)):
        sigma = centre / resolution[0] / 2.3548
        line = np.exp(-0.5 * ((WAVELENGTH - centre) / sigma) ** 2)[None].astype(np.float32)
        out = blurred(line, factor)[0]
        assert out.sum() == pytest.approx(line.sum(), rel=1e-4)
        second = np.average((WAVELENGTH - centre) ** 2, weights=out)
        assert 2.3548 * np.sqrt(second) == pytest.approx(fwhm, rel=0.02)


def test_fibres_differ_in_resolution_about_1800() -> None:
    resolution, factor = draw_resolution(500, np.random.default_rng(1))
    assert np.std(np.log(factor)) == pytest.approx(0.08, abs=0.015)
    np.testing.assert_allclose(resolution * factor, resolution[0] * factor[0])
    assert 1600 < np.median(_RESOLUTION) < 2000


def test_the_curve_covers_the_whole_spectrum() -> None:
    assert np.isfinite(f99(WAVELENGTH)).all()
