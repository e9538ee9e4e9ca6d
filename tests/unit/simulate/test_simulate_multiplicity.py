"""Companions of the simulation against the tables of Moe & Di Stefano (2017),
and their orbits against Kepler.
"""

import numpy as np
import pytest
from scipy.optimize import minimize

from obcat.fit.parallax_globals import PRIORS
from obcat.kernels.posterior import DELTA, MIDDLE, PAIR_LIGHT, PAIR_ODDS
from obcat.kernels.space_density import REACH, USUAL_LOG_TEFF, USUAL_LOGG
from obcat.schema import read_parameters
from obcat.simulate import binaries as law
from obcat.simulate import recipe_of
from obcat.simulate.binaries import (
    EPOCH,
    Binaries,
    Orbit,
    amplitude,
    draw_binaries,
    kepler,
    photocentre,
    semi_axis,
    single,
    velocity,
)
from obcat.simulate.ingredients import Recipe
from obcat.simulate.isochrones import COLUMNS, at_phase
from obcat.simulate.sky import velocities
from obcat.simulate.stars import draw_stars
from obcat.simulate.truth import KS

N = 40_000
# their table 13: primaries with a companion of q > 0.1, companions a primary; errors are 0.05 to
# 0.1 and 0.1 to 0.3
FRACTIONS = {
    1.0: (0.40, 0.50),
    3.5: (0.59, 0.84),
    7.0: (0.76, 1.30),
    12.0: (0.84, 1.60),
    28.0: (0.94, 2.10),
}
TRIPLES = {1.0: 0.10, 3.5: 0.22, 7.0: 0.40, 12.0: 0.52, 28.0: 0.73}
FREQUENCY = {  # their table 13: companions of q > 0.1 per decade at log P = 1, 3, 5, 7
    1.0: (0.027, 0.057, 0.095, 0.075),
    3.5: (0.07, 0.12, 0.13, 0.09),
    7.0: (0.14, 0.22, 0.20, 0.11),
    12.0: (0.19, 0.26, 0.23, 0.13),
    28.0: (0.29, 0.32, 0.30, 0.18),
}
SLOPES = {  # their table 13: below and above q of 0.3, at the same periods
    1.0: ((0.3, 0.3, 0.3, 0.3), (-0.5, -0.5, -0.5, -1.1)),
    3.5: ((0.2, 0.1, -0.5, -1.0), (-0.5, -0.9, -1.4, -2.0)),
    12.0: ((0.1, -0.2, -1.2, -1.5), (-0.5, -1.7, -2.0, -2.0)),
}
TWINS = {1.0: (0.30, 0.20, 0.10, 0.0), 3.5: (0.22, 0.10, 0.0, 0.0), 12.0: (0.14, 0.0, 0.0, 0.0)}
PERIODS = np.array([1.0, 3.0, 5.0, 7.0])


def drawn(mass: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(int(mass))
    inner = law.inner_periods(np.full(N, mass), rng.random(N))
    return inner, law.outer_periods(np.full(N, mass), inner, rng.random(N), rng.random(N))


@pytest.mark.parametrize(("mass", "published"), FREQUENCY.items())
def test_companions_per_decade_of_period(mass: float, published: tuple[float, ...]) -> None:
    np.testing.assert_allclose(
        law.companion_frequency(np.full(4, mass), PERIODS), published, rtol=0.2
    )


@pytest.mark.parametrize(("mass", "published"), FRACTIONS.items())
def test_companions_of_a_primary(mass: float, published: tuple[float, float]) -> None:
    frequency = law.companion_frequency(np.full(len(law.LOG_PERIODS), mass), law.LOG_PERIODS)
    assert np.trapezoid(frequency, law.LOG_PERIODS) == pytest.approx(published[1], rel=0.06)
    inner, outer = drawn(mass)
    assert np.isfinite(inner).mean() == pytest.approx(published[0], abs=0.06)
    assert np.isfinite(outer).mean() == pytest.approx(TRIPLES[mass], abs=0.04)


@pytest.mark.parametrize(("mass", "published"), SLOPES.items())
def test_slopes_and_twins_of_the_mass_ratios(
    mass: float, published: tuple[tuple[float, ...], ...]
) -> None:
    np.testing.assert_allclose(law.slopes(np.full(4, mass), PERIODS), published, atol=0.06)
    np.testing.assert_allclose(law.twin_fraction(np.full(4, mass), PERIODS), TWINS[mass], atol=0.01)


@pytest.mark.parametrize(("mass", "log_period"), [(3.5, 1.0), (3.5, 5.0), (12.0, 3.0)])
def test_mass_ratios_follow_their_law(mass: float, log_period: float) -> None:
    m, p = np.full(N, mass), np.full(N, log_period)
    q = law.mass_ratios(m, p, (np.arange(N) + 0.5) / N)
    assert (q.min() >= 0.1, q.max() <= 1) == (True, True)
    small, large = (float(s[0]) for s in law.slopes(m[:1], p[:1]))
    for low, high, slope in ((0.1, 0.3, small), (0.3, 0.94, large)):
        number, edge = np.histogram(q, np.linspace(low, high, 11))
        fitted = np.polyfit(np.log((edge[1:] + edge[:-1]) / 2), np.log(number), 1)[0]
        assert fitted == pytest.approx(slope, abs=0.03)
    above, twin = (q > 0.3).sum(), (q > 0.95).sum()
    tail = (1 - 0.95 ** (large + 1)) / (1 - 0.3 ** (large + 1))
    fraction = float(law.twin_fraction(m[:1], p[:1])[0])
    assert twin / above == pytest.approx(fraction + (1 - fraction) * tail, abs=0.003)


def test_third_stars_leave_the_pair_stable() -> None:
    inner, outer = drawn(12.0)
    both = np.isfinite(outer)
    assert (outer[both] - inner[both] >= np.log10(4.7) - 1e-9).all()
    assert np.isfinite(inner[both]).all()


def test_short_orbits_are_circular_and_no_orbit_lets_the_stars_touch() -> None:
    period = np.linspace(0.2, 6, N)
    e = law.eccentricities(np.full(N, 8.0), period, np.random.default_rng(1).random(N))
    assert (e[10**period < 2] == 0).all()
    assert (e <= np.maximum(1 - (10**period / 2) ** (-2 / 3), 0) + 1e-12).all()
    wide = e[(period > 3) & (period < 4)]
    assert wide.mean() == pytest.approx(
        (0.9 - 0.2 / 3 + 1) / (0.9 - 0.2 / 3 + 2), abs=0.02
    )  # of the law's own exponent


def test_kepler_equation() -> None:
    """E of 1 rad with e of 0.5 has M = 1 - 0.5 sin 1 = 0.57926;
    at e = 0.9 and E = 3, M = 2.87299.
    """
    mean, e = np.array([0.579264507596052, 2.872991992746120, 1.0]), np.array([0.5, 0.9, 0.0])
    np.testing.assert_allclose(kepler(mean, e), [1.0, 3.0, 1.0], atol=1e-12)
    m, e = np.meshgrid(np.linspace(0, 2 * np.pi, 400), np.linspace(0, 0.99, 60))
    anomaly = kepler(m, e)
    np.testing.assert_allclose(anomaly - e * np.sin(anomaly), m, atol=1e-10)


def orbit(log_period: float, e: float, periastron: float, phase: float, k: float) -> Orbit:
    return Orbit(*(np.array([v]) for v in (log_period, e, periastron, phase, k)))


def test_velocity_of_an_eccentric_orbit() -> None:
    """At periastron v = K (1 + e) cos w, at apastron K (e - 1) cos w; the mean over time is 0."""
    o = orbit(1.0, 0.4, 0.5, 0.0, 50.0)
    assert velocity(o, np.array([EPOCH]))[0] == pytest.approx(50 * 1.4 * np.cos(0.5))
    assert velocity(o, np.array([EPOCH + 5]))[0] == pytest.approx(-50 * 0.6 * np.cos(0.5))
    time = EPOCH + np.arange(1000) / 100
    many = Orbit(*(np.full(1000, v[0]) for v in o))
    assert velocity(many, time).mean() == pytest.approx(0, abs=1e-9)
    assert np.ptp(velocity(many, time)) == pytest.approx(100, rel=1e-4)


def test_amplitude_of_two_suns_and_of_random_orientations() -> None:
    """K = 212.9 km/s (m2 sin i) / ((m1 + m2)^(2/3) P^(1/3)) / sqrt(1 - e^2);
    the mean of sin i is pi/4.
    """
    one, zero = np.ones(1), np.zeros(1)
    assert amplitude(one, one, zero, zero, zero)[0] == pytest.approx(212.9 / 2 ** (2 / 3), rel=1e-4)
    assert amplitude(one, one, 3 * one, 0.6 * one, zero)[0] == pytest.approx(
        212.9 / 2 ** (2 / 3) / 10 / 0.8, rel=1e-4
    )
    k = amplitude(np.ones(N), np.ones(N), np.zeros(N), np.zeros(N), (np.arange(N) + 0.5) / N)
    assert k.mean() == pytest.approx(212.9 / 2 ** (2 / 3) * np.pi / 4, rel=1e-3)


def test_size_of_an_orbit_and_motion_of_its_light() -> None:
    """The Earth's orbit is 1 AU; eight solar masses in a year are 2 AU apart.
    Light moves as mass does not.
    """
    assert semi_axis(np.array([1.0, 8.0]), np.full(2, np.log10(365.25))) == pytest.approx([1, 2])
    q, light = np.array([1.0, 0.5, 0.5]), np.array([1.0, 0.0, 0.2])
    assert photocentre(q, light) == pytest.approx([0, 1 / 3, 1 / 3 - 1 / 6])


def pair(mass: float = 4.0, n: int = 3000) -> tuple[np.ndarray, Binaries]:
    row = at_phase(np.zeros(1), np.array([7.5]), np.array([120.0]))
    primary = np.repeat(row, n, axis=0)
    everyone = np.ones(n, dtype=bool)
    return primary, draw_binaries(
        primary, np.zeros(n), np.full(n, 7.5), np.ones(n), everyone, Recipe(4), (0, 0, 0)
    )


def test_companions_are_not_resolved_and_as_old() -> None:
    primary, b = pair()
    mass = primary[0, COLUMNS.index("initial_mass")]
    axis = semi_axis(np.full(len(primary), 2 * mass), b.log_period) / 1000
    assert np.nanmax(axis) < 1.65  # arcsec, the radius of a fibre
    seen = np.isfinite(b.companion[:, 0])
    np.testing.assert_allclose(b.companion[seen, 0], mass * b.mass_ratio[seen], rtol=1e-6)
    assert (b.light[~seen & ~b.is_triple] == 0).all()
    assert b.is_triple.any()
    assert (b.is_binary | ~b.is_triple).all()
    assert 0 < b.is_triple.mean() < b.is_binary.mean() < 0.8


def test_amplitudes_are_those_of_the_masses_inside_the_orbit() -> None:
    """Over that of an orbit seen from the side they are sin i, of mean pi/4;
    a third star moves the whole pair.
    """
    primary, b = pair()
    mass = primary[0, COLUMNS.index("initial_mass")]
    for companion, inside in ((b.second, mass), (b.third, mass * (1 + b.mass_ratio))):
        o, other = companion.orbit, mass * companion.mass_ratio
        whole = (
            212.9
            * other
            / ((inside + other) ** (2 / 3) * 10 ** (o.log_period / 3))
            / np.sqrt(1 - o.eccentricity**2)
        )
        sine = o.semi_amplitude / whole
        assert np.nanmax(sine) <= 1 + 1e-9
        assert np.nanmean(sine) == pytest.approx(np.pi / 4, abs=0.03)


def test_momentum_of_pairs_and_triples_is_kept() -> None:
    """Mass-weighted velocities of all stars are the systemic one at any time;
    without orbits all have that one.
    """
    _, b = pair()
    rows = np.flatnonzero(b.is_triple)
    q2, q3 = b.second.mass_ratio[rows], b.third.mass_ratio[rows]
    for time in (EPOCH, EPOCH + 100.3):
        v = [v[rows] for v in velocities(np.full(3000, 20.0), b, np.full(3000, time))]
        np.testing.assert_allclose((v[0] + q2 * v[1] + q3 * v[2]) / (1 + q2 + q3), 20.0, atol=1e-9)
    still = velocities(np.full(3000, 20.0), b, np.full(3000, EPOCH), moving=False)
    assert all((v[rows] == 20.0).all() for v in still)


def test_short_periods_split_and_change_between_visits() -> None:
    _, b = pair()
    short = np.flatnonzero(b.log_period < 1)
    first, second = (velocities(np.zeros(3000), b, np.full(3000, EPOCH + t)) for t in (0.0, 40.7))
    assert np.median(np.abs(first[0] - first[1])[short]) > 50
    assert np.median(np.abs(second[0] - first[0])[short]) > 20


def test_a_single_star_stays_at_its_systemic_velocity() -> None:
    primary, companion, third = velocities(np.full(2, 7.0), single(2), np.full(2, EPOCH))
    assert primary.tolist() == [7, 7]
    assert np.isnan([*companion, *third]).all()


def test_without_triples_the_pairs_are_the_same_and_without_binaries_there_are_none() -> None:
    row = np.repeat(at_phase(np.zeros(1), np.array([7.5]), np.array([120.0])), 500, axis=0)
    everyone = np.ones(500, dtype=bool)
    same, lonely, all_ = (
        draw_binaries(
            row,
            np.zeros(500),
            np.full(500, 7.5),
            np.ones(500),
            everyone,
            Recipe(4, frozenset(w)),
            (0, 0, 0),
        )
        for w in ({"triples"}, {"binaries"}, set())
    )
    np.testing.assert_array_equal(same.log_period, all_.log_period)
    np.testing.assert_array_equal(same.companion, all_.companion)
    assert not same.is_triple.any()
    assert not lonely.is_binary.any()


def test_best_mode_knows_beforehand_what_the_law_gives() -> None:
    """Light of companions against log g and Teff known to 0.1 dex and 4 %: to a quarter, for labels of
    spectra have errors of other kinds too."""
    stars = draw_stars(16_000, recipe_of(8, (), (), -3), 0)
    star = dict(zip(COLUMNS, stars.primary.T, strict=True))
    added = 2.5 * np.log10(1 + stars.binaries.light[:, KS] * 10 ** (0.4 * star["ks"]))
    rng = np.random.default_rng(1)
    logg, log_teff = (
        star[name] + error * rng.normal(size=len(added))
        for name, error in (("log_g", 0.1), ("log_teff", 0.017))
    )
    off = [
        np.clip(logg - USUAL_LOGG, *REACH[0]),
        np.clip(log_teff - USUAL_LOG_TEFF, *REACH[1]),
    ]
    seen = added > 0.05
    kind = np.abs(added[seen][:, None] - DELTA).argmin(axis=1)

    terms = np.stack([np.ones(len(added)), *off, off[1] ** 2, off[0] * off[1]])

    def odds(x: np.ndarray) -> float:
        ln = x @ terms
        return float((np.logaddexp(0, ln) - seen * ln).mean())

    def light(x: np.ndarray) -> float:
        slope = x[0] * off[0][seen] + x[1] * off[1][seen]
        ln = np.r_[0, x[2:]] + np.outer(slope, DELTA - MIDDLE)
        own = ln[np.arange(len(kind)), kind]
        return float((np.log(np.exp(ln).sum(axis=1)) - own).mean())

    (usual, *slopes), found = minimize(odds, np.zeros(5)).x, minimize(light, np.zeros(7)).x
    assert slopes == pytest.approx(PAIR_ODDS, rel=0.25)
    assert found[:2] == pytest.approx(PAIR_LIGHT, rel=0.25)
    kinds = np.array(PRIORS["companion"][0])
    assert found[2:] == pytest.approx(kinds[1:] - kinds[0], abs=0.3)
    logit = float(read_parameters()["posterior_companion_logit"].value)
    assert usual == pytest.approx(logit, abs=0.15)
