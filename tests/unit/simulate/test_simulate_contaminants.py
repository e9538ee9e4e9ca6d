"""Stars of other kinds in the simulated sample:
how many, how bright, and what their spectra look like.
"""

import numpy as np
import pytest

from obcat.kernels.grid import WAVELENGTH
from obcat.simulate.binaries import EPOCH
from obcat.simulate.contaminants import (
    PERIOD,
    SEMI_AMPLITUDE,
    SHARES,
    atmosphere,
    draw_systems,
    lb1,
    with_contaminants,
)
from obcat.simulate.dust import BANDS
from obcat.simulate.ingredients import Recipe, joined, replaced, taken
from obcat.simulate.isochrones import COLUMNS, at_phase
from obcat.simulate.light import FINE, Component, dense_lines, hydrogen, normalised, weights
from obcat.simulate.lines import GROUPS
from obcat.simulate.sky import velocities
from obcat.simulate.stars import Stars, draw_stars

TEFF, LOGG, V, G = (COLUMNS.index(name) for name in ("log_teff", "log_g", "v", "g_gaia"))


@pytest.fixture(scope="module")
def stars() -> Stars:
    return draw_stars(4000, Recipe(6), 1)


@pytest.fixture(scope="module")
def mixed(stars: Stars) -> Stars:
    return with_contaminants(stars, Recipe(6), 1)


def one(mass: float, teff: float, logg: float) -> np.ndarray:
    return atmosphere(*(np.array([v]) for v in (mass, np.log10(teff), logg)))[0]


def spectrum(teff: float, logg: float) -> tuple[np.ndarray, np.ndarray]:
    values = (np.array([v]) for v in (np.log10(teff), logg, 0.0, 0.0, 0.0, 10.0))
    star = Component(*values, np.ones((1, len(GROUPS))))
    lines, continuum = normalised(star, np.array([1800.0]))
    return lines[0], continuum[0]


def width(lines: np.ndarray, centre: float) -> float:
    """Full width at half depth (Angstrom) of the line, to the nearest pixels."""
    near = np.abs(WAVELENGTH - centre) < 100
    depth = 1 - lines[near]
    return float((depth > depth.max() / 2).sum() * np.diff(WAVELENGTH[near]).mean())


def test_of_the_sample_a_few_in_a_hundred_are_of_other_kinds(stars: Stars, mixed: Stars) -> None:
    for kind, share in SHARES.items():
        assert (mixed.kind == kind).sum() == pytest.approx(
            4000 * share, abs=4 * np.sqrt(4000 * share)
        )
    assert 0.02 < (mixed.kind != "star").mean() < 0.033
    same = mixed.kind == "star"
    np.testing.assert_array_equal(mixed.primary[same], stars.primary[same])
    assert with_contaminants(stars, Recipe(6, frozenset({"outsiders"})), 1) is stars


def test_kinds_stand_where_they_do_in_the_hertzsprung_russell_diagram(mixed: Stars) -> None:
    ks, teff = mixed.primary[:, COLUMNS.index("ks")], 10 ** mixed.primary[:, TEFF]
    white, sub, late = (mixed.kind == k for k in ("white_dwarf", "subdwarf", "interloper"))
    assert np.median(ks[white]) == pytest.approx(11, abs=0.7)
    assert (mixed.distance[white] < 0.4).all()
    hot = sub & (teff > 22_000)
    assert np.median(ks[hot]) == pytest.approx(4.8, abs=0.5)
    assert ((teff[late] > 8000) & (teff[late] < 9500)).all()
    assert not mixed.binaries.is_binary[white | sub].any()


def test_no_atmosphere_is_extrapolated(mixed: Stars) -> None:
    logg = np.minimum(mixed.primary[:, LOGG], 5.0)
    _, weight = weights(mixed.primary[:, TEFF], logg, mixed.spectrum_feh)
    np.testing.assert_allclose(weight.sum(axis=1), 1)


def test_brightness_of_a_white_dwarf_of_a_subdwarf_and_of_an_ordinary_star() -> None:
    """DA of 20,000 K: V of 10.7 (Bergeron's tables); subdwarf B stars: V of 4.2 (Heber 2016)."""
    assert one(0.6, 20_000, 8.0)[V] == pytest.approx(10.7, abs=0.2)
    assert one(0.47, 28_000, 5.5)[V] == pytest.approx(4.2, abs=0.4)
    row = at_phase(np.zeros(1), np.array([7.5]), np.array([120.0]))[0]
    again = atmosphere(row[None, 1], row[None, TEFF], row[None, LOGG])[0]
    np.testing.assert_allclose(again[-len(BANDS) :], row[-len(BANDS) :], atol=0.05)


def test_lines_of_white_dwarfs_are_broad_and_their_flux_positive() -> None:
    for teff in (10_000, 14_000, 20_000, 30_000):
        lines, continuum = spectrum(teff, 8.0)
        assert 30 < width(lines, 4862.7) < 70
        assert (lines > 0.2).all()
        assert (continuum > 0).all()
    assert width(spectrum(14_000, 4.0)[0], 4862.7) < 25
    heavier = width(spectrum(14_000, 8.4)[0], 4862.7)
    assert heavier > width(spectrum(14_000, 8.0)[0], 4862.7)


def test_lines_of_white_dwarfs_are_strongest_near_thirteen_thousand_kelvin() -> None:
    depth = 1 - hydrogen(np.log10([9000.0, 13_000, 30_000]), np.full(3, 8.0))
    area = depth.sum(axis=1)
    assert area[1] > area[0]
    assert area[1] > area[2]


def test_subdwarfs_have_wider_hydrogen_and_weaker_helium() -> None:
    dwarf, star = spectrum(28_000, 5.6)[0], spectrum(28_000, 5.0)[0]
    assert width(dwarf, 4862.7) > width(star, 4862.7) + 2
    helium = np.abs(WAVELENGTH - 4472.7) < 4
    assert (1 - dwarf[helium]).sum() < 0.7 * (1 - star[helium]).sum()
    assert (dwarf > 0).all()


def test_ordinary_lines_are_left_alone() -> None:
    lines = np.full((2, len(FINE)), 0.5, dtype=np.float32)
    np.testing.assert_array_equal(
        dense_lines(lines, np.array([4.0, 4.3]), np.array([4.0, 5.0])), lines
    )


def test_lb1_is_a_stripped_star_and_a_be_star_of_like_light() -> None:
    """Its 78.9 d and 52.8 km/s, the other star moving 11.2 km/s (Liu et al. 2019, Shenar et al.
    2020).
    """
    system = draw_systems(5, Recipe(2), 0)
    first = taken(system, slice(1))
    assert (
        0.5 < first.binaries.light[0, BANDS.index("v")] / 10 ** (-0.4 * first.primary[0, V]) < 1.5
    )
    time = EPOCH + np.linspace(0, PERIOD, 200)
    b = joined([lb1().binaries] * 200)
    primary, companion, third = velocities(np.zeros(200), b, time)
    assert np.ptp(primary) / 2 == pytest.approx(SEMI_AMPLITUDE, rel=1e-3)
    assert np.ptp(companion) / 2 == pytest.approx(11.3, abs=0.2)
    assert np.isnan(third).all()
    assert draw_systems(5, Recipe(2), 1).kind[0] == "star"


def test_rows_of_tables_in_tables() -> None:
    stars = draw_stars(4, Recipe(1), 0)
    back = replaced(stars, np.array([1, 3]), taken(stars, np.array([3, 1])))
    assert back.feh[[1, 3]].tolist() == stars.feh[[3, 1]].tolist()
    np.testing.assert_array_equal(
        back.binaries.second.orbit.phase[1], stars.binaries.second.orbit.phase[3]
    )
    assert len(joined([stars, back]).feh) == 8
