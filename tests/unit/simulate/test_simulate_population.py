"""The simulated population: born by Kroupa's law, with a gradient of metallicity, on arms,
as the survey selects.
"""

import numpy as np
import pytest

from obcat.kernels.space_density import ARMS, arm_radius
from obcat.simulate import galaxy
from obcat.simulate.chunks import visible_feh
from obcat.simulate.dust import BANDS
from obcat.simulate.galaxy import CONTRAST, overdensity
from obcat.simulate.ingredients import Recipe, taken
from obcat.simulate.isochrones import at_phase, lattice
from obcat.simulate.light import weights
from obcat.simulate.sky import Sky, critical_velocity, draw_sky, synchronous
from obcat.simulate.stars import (
    FEH_GRADIENT,
    FEH_SIGMA,
    FEH_SUN,
    LOGG,
    TEFF,
    G,
    Stars,
    draw_cells,
    draw_stars,
    living,
    magnitudes,
)
from obcat.simulate.truth import _stars

N = 3000


@pytest.fixture(scope="module")
def stars() -> Stars:
    return draw_stars(N, Recipe(5), 0)


@pytest.fixture(scope="module")
def sky() -> Sky:
    return draw_sky(1200, Recipe(8), 1)


def test_masses_before_selection_follow_kroupa() -> None:
    """The youngest stars have lost none:
    the slope of the numbers between 4.5 and 25 solar masses.
    """
    number = living().copy()
    number[:, lattice().log_age[:-1] > 6.55] = 0
    mass = at_phase(*draw_cells(80_000, number.ravel(), np.random.default_rng(2)))[:, 0]
    count, edge = np.histogram(np.log(mass), np.log(np.geomspace(4.5, 25, 13)))
    slope = np.polyfit((edge[1:] + edge[:-1]) / 2, np.log(count), 1)[0]
    assert slope - 1 == pytest.approx(-2.3, abs=0.08)  # numbers per ln mass


def test_star_formation_is_constant() -> None:
    """Stars of 2.2 to 2.3 solar masses live longer than 400 million years:
    as many in each stretch before.
    """
    number, corner = living().copy(), lattice().values[:-1, :-1, :-1, 0]
    number[(corner < 2.0) | (corner > 2.5)] = 0
    feh, log_age, phase = draw_cells(60_000, number.ravel(), np.random.default_rng(3))
    mass = at_phase(feh, log_age, phase)[:, 0]
    age = 10 ** log_age[(mass > 2.2) & (mass < 2.3)]
    count, _ = np.histogram(age, np.array([1.0, 2.0, 3.0, 4.0]) * 1e8)
    np.testing.assert_allclose(count / count.mean(), 1, atol=4 / np.sqrt(count.mean()))


def test_metallicity_falls_outwards(stars: Stars) -> None:
    x, y, _ = galaxy.cartesian(stars.glon, stars.glat, stars.distance)
    r = np.hypot(x, y)
    inside = (r > 7.5) & (r < 12)  # where the grid of isochrones cuts nothing off
    slope, zero = np.polyfit(r[inside] - galaxy.SUN_R, stars.feh[inside], 1)
    assert slope == pytest.approx(-0.06, abs=0.008)
    assert zero == pytest.approx(FEH_SUN, abs=0.02)
    assert (stars.feh[inside] - FEH_GRADIENT * (r[inside] - galaxy.SUN_R)).std() == pytest.approx(
        FEH_SIGMA, abs=0.01
    )
    flat = draw_stars(600, Recipe(5, frozenset({"feh_gradient"})), 0)
    assert flat.feh.mean() == pytest.approx(FEH_SUN, abs=0.02)


def test_every_star_was_interpolated_and_is_seen(stars: Stars) -> None:
    _, weight = weights(stars.primary[:, TEFF], stars.primary[:, LOGG], stars.spectrum_feh)
    np.testing.assert_allclose(weight.sum(axis=1), 1)
    grid = lattice()
    assert ((stars.feh >= grid.feh[0]) & (stars.feh <= grid.feh[-1])).all()
    assert ((stars.log_age >= grid.log_age[0]) & (stars.log_age <= grid.log_age[-1])).all()
    g = (
        magnitudes(stars.primary, stars.binaries)[:, 0]
        + 5 * np.log10(stars.distance)
        + 10
        + galaxy.A_G * stars.ebv
    )
    assert ((g > 7.9) & (g < 17.5)).all()
    _, dec = galaxy.equatorial(stars.glon, stars.glat)
    assert ((dec > -10) & (dec < 60)).all()
    assert set(stars.kind) == {"star"}
    field = (stars.glon > 140) & (stars.glon < 240)
    assert field.mean() > 0.5


@pytest.mark.parametrize("name", ARMS)
def test_an_arm_is_as_wide_as_measured(name: str) -> None:
    arm = ARMS[name]
    azimuth = np.array([arm.azimuth - 0.001])
    ridge = arm_radius(arm, azimuth)
    assert ridge[0] == pytest.approx(arm.radius, rel=1e-3)
    across = np.array([0.0, arm.width]) / np.cos(np.radians(arm.before))
    a, r = np.radians(azimuth), ridge + across
    over = overdensity(-r * np.cos(a), r * np.sin(a))
    assert over[0] == pytest.approx(CONTRAST, rel=1e-6)
    assert over[1] >= 1 + (CONTRAST - 1) * np.exp(-0.5) - 1e-6


def test_arms_near_the_sun_are_where_maps_have_them() -> None:
    """Towards the anticentre: Local half a kpc outside the Sun, Perseus at two,
    nothing between (Reid et al. 2019).
    """
    assert arm_radius(ARMS["Local"], np.zeros(1))[0] == pytest.approx(8.5, abs=0.1)
    assert arm_radius(ARMS["Perseus"], np.zeros(1))[0] == pytest.approx(10.1, abs=0.1)
    assert arm_radius(ARMS["Sagittarius-Carina"], np.zeros(1))[0] == pytest.approx(6.9, abs=0.1)
    assert overdensity(np.array([-9.3]), np.zeros(1))[0] < 1.4
    assert (
        arm_radius(ARMS["Perseus"], np.array([30.0]))[0]
        < arm_radius(ARMS["Perseus"], np.zeros(1))[0]
    )


def test_stars_crowd_on_the_arms(stars: Stars) -> None:
    def share(s: Stars) -> float:
        x, y, _ = galaxy.cartesian(s.glon, s.glat, s.distance)
        return float((overdensity(x, y) > 1 + (CONTRAST - 1) / 2).mean())

    assert share(stars) > 1.3 * share(draw_stars(N, Recipe(5, frozenset({"spiral_arms"})), 0))


def test_the_envelope_is_never_below_the_selection_nearby() -> None:
    g = np.linspace(7, 18.4, 500)
    for off in (-1.0, -0.5, 0.0, 0.5, 1.0):
        assert (galaxy.envelope(g) >= galaxy.selection(g + off) - 0.01).all()


def test_leaving_out_an_ingredient_changes_no_draw_of_another() -> None:
    """Rotation does not move the stars, and dims them by their aspect only;
    without wobble, velocities or orbits everything else is the same.
    """
    usual = frozenset({"hidden_light"})
    whole = draw_sky(120, Recipe(8, usual), 1)
    for name, changed in (("rotation", "vsini"), ("wobble", "wobble"), ("velocities", "rv")):
        other = draw_sky(120, Recipe(8, usual | {name}), 1)
        np.testing.assert_array_equal(other.stars.primary, whole.stars.primary)
        np.testing.assert_array_equal(
            other.stars.binaries.log_period, whole.stars.binaries.log_period
        )
        np.testing.assert_array_equal(other.ebv, whole.ebv)
        np.testing.assert_array_equal(other.mag["ks"], whole.mag["ks"])
        normal = getattr(other, changed)[~(whole.emission.disc.ew > 0)]
        assert (normal == 0).all()
        assert getattr(whole, changed).any()


def test_the_centre_of_light_moves_as_the_masses_and_the_light_of_the_pair_ask() -> None:
    """LB-1: 8.5 solar masses and 78.9 d are 0.735 AU; the stripped star moves 7 / 8.5 of it."""
    sky = draw_sky(40, Recipe(8), 0)
    light = sky.stars.binaries.second.light[0, 0] / 10 ** (-0.4 * sky.stars.primary[0, G])
    expected = 0.735 / sky.stars.distance[0] * (7 / 8.5 - light / (1 + light))
    assert sky.wobble[0] == pytest.approx(expected, rel=0.01)
    assert (sky.wobble[~sky.stars.binaries.is_binary] == 0).all()
    assert (sky.wobble[sky.stars.binaries.is_binary] > 0).all()


def test_third_stars_reach_the_spectrum(sky: Sky) -> None:
    """The light of a triple is that of its three stars, each at its own velocity."""
    b = sky.stars.binaries
    seen = np.isfinite(visible_feh(sky, b.third))
    assert 10 < seen.sum() < b.is_triple.sum()
    assert b.is_triple[seen].all()
    k = np.flatnonzero(seen)[0]
    light = (
        10 ** (-0.4 * sky.stars.primary[k, -len(BANDS) :]) + b.second.light[k] + b.third.light[k]
    )
    np.testing.assert_allclose(sky.absolute[k], -2.5 * np.log10(light))


def test_close_pairs_turn_with_their_orbit(sky: Sky) -> None:
    """2 pi solar radii a day are 50.58 km/s; the orbit and the star are seen from the same side."""
    b = sky.stars.binaries
    close = np.flatnonzero(b.log_period < np.log10(2.4))
    row = taken(sky.stars, close[:1])
    radius = np.sqrt(row.primary[0, 1] * 10 ** (4.438 - row.primary[0, LOGG]))
    edge_on = (
        212.9
        * row.binaries.mass_ratio[0]
        * (row.primary[0, 0] / 10 ** row.binaries.log_period[0]) ** (1 / 3)
    )
    edge_on /= (1 + row.binaries.mass_ratio[0]) ** (2 / 3) * np.sqrt(
        1 - row.binaries.second.orbit.eccentricity[0] ** 2
    )
    speed = (
        50.58 * radius / 10 ** row.binaries.log_period[0] * row.binaries.semi_amplitude[0] / edge_on
    )
    assert synchronous(row.primary, row)[0] == pytest.approx(speed, rel=1e-6)
    without_disc = close[sky.emission.disc.ew[close] == 0]
    allowed = 0.9 * critical_velocity(sky.stars.primary[without_disc]) + 1e-9
    turning = np.minimum(
        synchronous(taken(sky.stars, without_disc).primary, taken(sky.stars, without_disc)), allowed
    )
    np.testing.assert_allclose(sky.vsini[without_disc], turning)


def test_old_stars_move_faster() -> None:
    place = np.full(4000, 180.0), np.zeros(4000), np.full(4000, 1.0)
    young, old = (
        galaxy.velocities(*place, np.random.default_rng(1), older=f)[0] for f in (1.0, 3.0)
    )
    assert old.std() == pytest.approx(3 * young.std(), rel=1e-6)


def test_the_truth_names_kinds_and_orbits(sky: Sky) -> None:
    truth = _stars(sky)
    np.testing.assert_array_equal(truth["kind"], sky.stars.kind)
    assert {"star", "interloper"} <= set(truth["kind"].tolist())
    np.testing.assert_array_equal(np.isfinite(truth["eccentricity"]), sky.stars.binaries.is_binary)
    np.testing.assert_array_equal(np.isfinite(truth["third_log_period"]), truth["is_triple"])
    np.testing.assert_array_equal(truth["wobble"], sky.wobble)


def test_rotation_stays_below_break_up(sky: Sky) -> None:
    assert (sky.vsini < 600).all()
    assert sky.vsini[sky.stars.kind == "star"].mean() > 80
    assert (sky.vsini[np.isin(sky.stars.kind, ["subdwarf", "white_dwarf"])] <= 10).all()
