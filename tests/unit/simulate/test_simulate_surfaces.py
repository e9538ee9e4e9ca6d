"""What stars of one Teff, log g and [Fe/H] differ in: light by aspect, lines by abundance, cores."""

import numpy as np
import pytest

from obcat.kernels.grid import WAVELENGTH
from obcat.simulate.be_discs import H_ALPHA
from obcat.simulate.emission import RATIOS, REGIONS, draw_ratios, region_at
from obcat.simulate.ingredients import Recipe
from obcat.simulate.isochrones import COLUMNS
from obcat.simulate.sky import Sky, critical_velocity, draw_sky
from obcat.simulate.surfaces import (
    Surface,
    altered,
    aspect_light,
    core_strength,
    groups,
    hidden_cosines,
    shape,
    texture,
)

NONE = np.zeros(1)


def surface(**columns: float) -> Surface:
    """One star without anything but these columns."""
    kind, pattern = np.array([""]), np.zeros((1, len(texture())))
    plain = dict.fromkeys(Surface._fields, NONE)
    plain |= {"kind": kind, "texture": pattern, "core_width": np.full(1, 95.0)}
    return Surface(**(plain | {name: np.full(1, value) for name, value in columns.items()}))


def spectrum() -> tuple[np.ndarray, np.ndarray]:
    """A continuum of 2 with a depth of 0.1 everywhere."""
    level = np.full((1, len(WAVELENGTH)), 2, dtype=np.float32)
    return 0.9 * level, level


def test_a_star_at_break_up_is_half_as_wide_again_at_its_equator() -> None:
    """Roche: 3/2 at the critical velocity; 1 + v^2/(3 v_crit^2) where it turns slowly."""
    assert shape(0.95, np.array([0.0, 1.0]))[0] == pytest.approx([1, 1.43], abs=0.005)
    slow = shape(0.1, np.array([1.0]))[0][0]
    assert slow - 1 == pytest.approx(0.01 / 3, rel=0.03)


def test_a_fast_rotator_is_brighter_from_its_pole_and_a_still_one_from_nowhere() -> None:
    directions = np.linspace(0, 1, 11)
    fast, still = (aspect_light(np.full(11, v), directions) for v in (0.8, 0.0))
    assert (np.diff(fast) < 0).all()
    assert fast[-1] - fast[0] == pytest.approx(-0.56, abs=0.03)
    assert fast.mean() == pytest.approx(0, abs=0.01)
    np.testing.assert_allclose(still, 0, atol=0.002)
    slow = aspect_light(np.full(2, 0.4), np.array([0.0, 1.0]))
    assert np.ptp(slow) == pytest.approx(0.113, abs=0.01)  # as the square of the velocity, nearly


def test_no_star_is_seen_from_where_it_would_break_up() -> None:
    cosine = hidden_cosines(np.array([0.0, 300.0, 380.0]), np.full(3, 400.0), np.ones(3))
    assert cosine == pytest.approx([1, np.sqrt(1 - (300 / 380) ** 2), 0], abs=1e-9)


def test_depths_of_lines_go_with_abundance_in_their_windows_only() -> None:
    flux, level = spectrum()
    seen = altered(flux, level, surface(helium=np.log(2)), NONE)[0] / 2
    at = np.argmin(np.abs(WAVELENGTH[:, None] - [4472.7, 5877.2, 4341.7, 5500.0]), axis=0)
    assert seen[at] == pytest.approx([0.8, 0.8, 0.9, 0.9], abs=1e-5)
    np.testing.assert_allclose(altered(flux, level, surface(), NONE), flux, rtol=1e-6)
    hydrogen = np.abs(WAVELENGTH[:, None] - [H_ALPHA, 4862.7, 4341.7, 4102.9]).min(axis=1) < 8
    assert not any(window[hydrogen].any() for window in groups().values())


def test_the_core_of_h_alpha_has_its_equivalent_width_and_moves_with_the_star() -> None:
    flux, level = spectrum()
    still, moved = (
        altered(flux, level, surface(core=0.3), np.full(1, rv))[0] for rv in (0.0, 200.0)
    )
    depth = (flux[0] - still) / level[0]
    assert np.trapezoid(depth, WAVELENGTH) == pytest.approx(0.3, rel=0.01)
    centre = [WAVELENGTH[np.argmin(f)] for f in (still, moved)]
    assert centre == pytest.approx([H_ALPHA, H_ALPHA * (1 + 200 / 299792.458)], abs=0.8)
    assert core_strength(np.array([2e4]))[0] == 0.35


def test_unknown_lines_are_weak_and_the_same_in_every_survey() -> None:
    assert texture().min() >= 0
    blue = (WAVELENGTH > 4000) & (WAVELENGTH < 5000)
    assert 0.0005 < texture()[:, blue].mean() < 0.004
    assert texture()[:, blue].max() < 0.08


@pytest.fixture(scope="module")
def sky() -> Sky:
    return draw_sky(3000, Recipe(12), 1)


def test_light_scatters_by_less_than_a_quarter_of_a_magnitude(sky: Sky) -> None:
    usual = sky.stars.kind == "star"
    light = sky.surface.light[usual]
    assert 0.06 < light.std() < 0.20
    assert abs(light.mean()) < 0.05
    speed = (sky.vsini / critical_velocity(sky.stars.primary))[usual]
    dwarf = (sky.stars.primary[:, COLUMNS.index("log_g")] > 3.7)[usual]
    turns = [light[rows & dwarf].std() for rows in (speed > 0.6, speed < 0.2)]
    assert np.sqrt(turns[0] ** 2 - turns[1] ** 2) > 0.07  # what fast rotation adds by its aspect
    assert not sky.surface.light[sky.stars.kind == "white_dwarf"].any()


def test_truth_holds_the_light_that_is_hidden(sky: Sky) -> None:
    plain = draw_sky(3000, Recipe(12, frozenset({"hidden_light"})), 1)
    moved = sky.stars.primary[:, -1] - plain.stars.primary[:, -1]
    np.testing.assert_allclose(moved, sky.surface.light, atol=1e-12)


def test_peculiar_stars_are_slow_and_of_their_temperature(sky: Sky) -> None:
    kind, teff = sky.surface.kind, 10 ** sky.stars.primary[:, 2]
    assert 0.01 < (kind != "").mean() < 0.15
    assert (teff[kind == "he_weak"] < 18_000).all()
    assert (sky.surface.helium[kind == "he_weak"] < 0).all()
    assert (sky.surface.nitrogen[kind == "nitrogen"] > 0.5).all()


def test_each_region_of_gas_has_its_own_ratios() -> None:
    """Orion's place belongs to one region, two degrees away from any there is the gas between."""
    orion = region_at(np.full(2000, 209.0), np.full(2000, -19.4))
    assert REGIONS[orion[0]][:2] == (209.0, -19.4)
    between = region_at(np.full(2000, 120.0), np.full(2000, 15.0))
    assert (between == len(REGIONS)).all()
    one, again, gas = (
        draw_ratios(r, np.random.default_rng(k), np.random.default_rng(7))
        for k, r in ((1, orion), (2, orion), (3, between))
    )
    for name, (*_, within) in RATIOS.items():
        assert np.median(one[name]) == pytest.approx(np.median(again[name]), rel=0.03)
        assert np.log(one[name]).std() == pytest.approx(within, rel=0.1)
    assert np.median(gas["sulphur"]) == pytest.approx(0.45, rel=0.03)
    assert gas["sulphur"].max() <= 0.8
