"""Binaries: unresolved companions on Kepler's orbits.

Periods, mass ratios, eccentricities: Moe & Di Stefano 2017, sections 9.1-9.4.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat.simulate.dust import BANDS
from obcat.simulate.ingredients import Recipe, replaced
from obcat.simulate.isochrones import COLUMNS, FIRST_BAND, at_mass
from obcat.statistics import Array

__all__ = [
    "LOG_PERIODS", "Q_RANGE", "Binaries", "Companion", "Orbit", "amplitude",
    "companion_frequency", "companions", "draw_binaries", "eccentricities", "inner_periods",
    "kepler", "mass_ratios", "outer_periods", "photocentre", "semi_axis", "single", "slopes",
    "twin_fraction", "velocity",
]  # fmt: skip

SEMI_AMPLITUDE = 212.9  # km/s for one solar mass, one day, a circular orbit seen from the side
EPOCH, YEAR = 57_000.0, 365.25  # MJD of the phases; d
NEWTON = 12  # steps; the equation is solved to rounding for eccentricities below 0.999


class Orbit(NamedTuple):
    """(n,), NaN where there is none: log10 period (d), eccentricity, argument of periastron (rad)
    of the primary,
    mean anomaly at the epoch (turns), and semi-amplitude of the primary (km/s)."""

    log_period: Array
    eccentricity: Array
    periastron: Array
    phase: Array
    semi_amplitude: Array


def kepler(mean: Array, eccentricity: Array) -> Array:
    """Eccentric anomaly (rad), E - e sin E = M, of a mean anomaly from 0 to 2 pi:
    Newton's method, Danby's start."""
    anomaly = mean + 0.85 * eccentricity * np.sign(np.sin(mean))
    for _ in range(NEWTON):
        slope = 1 - eccentricity * np.cos(anomaly)
        anomaly = anomaly - (anomaly - eccentricity * np.sin(anomaly) - mean) / slope
    return anomaly


def velocity(orbit: Orbit, time: NDArray[np.floating]) -> Array:
    """Radial velocity of the primary about the centre of mass (km/s) at MJD time;
    0 where there is no orbit."""
    e = orbit.eccentricity
    mean = 2 * np.pi * ((orbit.phase + (time - EPOCH) / 10**orbit.log_period) % 1)
    half = kepler(mean, e) / 2
    true = 2 * np.arctan2(np.sqrt(1 + e) * np.sin(half), np.sqrt(1 - e) * np.cos(half))
    return np.nan_to_num(
        orbit.semi_amplitude * (np.cos(true + orbit.periastron) + e * np.cos(orbit.periastron))
    )


def amplitude(
    mass: Array, ratio: Array, log_period: Array, eccentricity: Array, cos_i: Array
) -> Array:
    """Semi-amplitude of a star of this mass (Sun = 1) beside one of ratio times that mass
    (km/s)."""
    size = (
        SEMI_AMPLITUDE * ratio * mass ** (1 / 3) / ((1 + ratio) ** (2 / 3) * 10 ** (log_period / 3))
    )
    return size * np.sqrt((1 - cos_i**2) / (1 - eccentricity**2))


def semi_axis(total_mass: Array, log_period: Array) -> Array:
    """Semi-major axis of the relative orbit (AU), Kepler's third law in solar masses and years."""
    return np.cbrt(total_mass * (10**log_period / YEAR) ** 2)


def photocentre(ratio: Array, light_ratio: Array) -> Array:
    """Semi-axis of the orbit of the light's centre over that of the relative orbit:
    |q/(1+q) - l/(1+l)|."""
    return np.abs(ratio / (1 + ratio) - light_ratio / (1 + light_ratio))


Q_RANGE, Q_BREAK, Q_TWIN = (0.1, 1.0), 0.3, 0.95
MASSES = np.geomspace(
    0.8, 40.0, 118
)  # solar masses, the range of their fits; heavier stars are as the heaviest
LOG_PERIODS = np.linspace(0.2, 8.0, 157)  # log10 days
ANCHORS = np.log10([1.2, 3.5, 6.0])  # masses of the following curves of slope against log10 period
LARGE_Q = (
    ((5.0, -0.5), (8.0, -1.4)),
    ((1.0, -0.5), (4.5, -1.2), (6.5, -2.0)),
    ((1.0, -0.5), (2.0, -1.4), (4.0, -2.0)),
)
SMALL_Q = (
    ((1.0, 0.3), (8.0, 0.3)),
    ((2.5, 0.2), (5.5, -0.7), (8.0, -1.2)),
    ((1.0, 0.1), (3.0, -0.2), (5.6, -1.5)),
)
MIDDLE_SLOPE, MIDDLE_WIDTH = 0.018, 0.7  # of their eq. 23
ETA_MASSES, FLATTEST = np.log10([3.0, 7.0]), -0.9  # eq. 17 and 18; the law must have an integral
CIRCULAR = 2.0  # d: shorter orbits are circular (eq. 3)
STABLE = np.log10(4.7)  # least ratio of outer to inner period (Tokovinin 2014)
MULTIPLE = (
    (1.0, 0.25),
    (3.5, 0.37),
    (7.0, 0.53),
    (12.0, 0.62),
    (28.0, 0.78),
)  # mass; triples of multiples, table 13


class _Periods(NamedTuple):
    """By mass: cumulative number of inner companions against period;
    cumulative share of the outer ones."""

    inner: Array
    outer: Array


def slopes(mass: Array, log_period: Array) -> tuple[Array, Array]:
    """Exponents of the mass-ratio law below and above 0.3 (eq.
    9-15), linear in log mass between the anchors."""
    return _between_anchors(SMALL_Q, mass, log_period), _between_anchors(LARGE_Q, mass, log_period)


def _between_anchors(
    curves: tuple[tuple[tuple[float, float], ...], ...], mass: Array, log_period: Array
) -> Array:
    low, middle, high = (np.interp(log_period, *np.array(c).T) for c in curves)
    x = np.clip(np.log10(mass), ANCHORS[0], ANCHORS[2])
    first = low + (middle - low) * (x - ANCHORS[0]) / (ANCHORS[1] - ANCHORS[0])
    second = middle + (high - middle) * (x - ANCHORS[1]) / (ANCHORS[2] - ANCHORS[1])
    return np.where(x < ANCHORS[1], first, second)


def twin_fraction(mass: Array, log_period: Array) -> Array:
    """Excess of mass ratios above 0.95, as a share of those above 0.3 (eq. 5-7)."""
    short = 0.30 - 0.15 * np.log10(mass)
    last = np.where(mass < 6.5, 8.0 - mass, 1.5)
    return short * np.clip(1 - (log_period - 1) / (last - 1), 0, 1)


def _parts(mass: Array, log_period: Array) -> tuple[Array, Array, Array, Array, Array]:
    """Integrals of the law below 0.3, above, and of the twins; exponents plus one (never 0)."""
    a, b = (s + 1 + 1e-9 for s in slopes(mass, log_period))
    small = Q_BREAK**b * (1 - (Q_RANGE[0] / Q_BREAK) ** a) / a
    large = (1 - Q_BREAK**b) / b
    twins = twin_fraction(mass, log_period)
    return small, large, large * twins / (1 - twins), a, b


def mass_ratios(mass: Array, log_period: Array, u: Array) -> Array:
    """Between 0.1 and 1: the broken power law with its twins, at the quantile u."""
    small, large, twins, a, b = _parts(mass, log_period)
    v = u * (small + large + twins)
    edge = (Q_RANGE[0] / Q_BREAK) ** a
    low = Q_BREAK * (edge + np.clip(v / small, 0, 1) * (1 - edge)) ** (1 / a)
    high = (Q_BREAK**b + np.clip((v - small) / large, 0, 1) * (1 - Q_BREAK**b)) ** (1 / b)
    twin = Q_TWIN + (1 - Q_TWIN) * (v - small - large) / np.maximum(twins, 1e-12)
    return np.select([v < small, v < small + large], [low, high], np.minimum(twin, 1))


def companion_frequency(mass: Array, log_period: Array) -> Array:
    """Companions with mass ratio above 0.1 per decade of period (eq.
    20-23, brought from 0.3 to 0.1 by the law)."""
    x = np.log10(mass)
    short, middle, long = (c0 + c1 * x + c2 * x**2 for c0, c1, c2 in _FREQUENCY)
    rise = MIDDLE_SLOPE * MIDDLE_WIDTH
    first = short + (log_period - 1) / (1.7 - MIDDLE_WIDTH) * (middle - rise - short)
    third = (
        middle
        + rise
        + (log_period - 2.7 - MIDDLE_WIDTH) / (2.8 - MIDDLE_WIDTH) * (long - middle - rise)
    )
    large = np.select(
        [
            log_period < 1,
            log_period < 2.7 - MIDDLE_WIDTH,
            log_period < 2.7 + MIDDLE_WIDTH,
            log_period < 5.5,
        ],
        [short, first, middle + MIDDLE_SLOPE * (log_period - 2.7), third],
        long * np.exp(-0.3 * (log_period - 5.5)),
    )
    part = _parts(mass, log_period)
    return large * (1 + part[0] / (part[1] + part[2]))


_FREQUENCY = (
    (0.020, 0.04, 0.07),
    (0.039, 0.07, 0.01),
    (0.078, -0.05, 0.04),
)  # eq. 20-22, in log10 mass


@cache
def _periods() -> _Periods:
    """The share of companions that are the inner one is the fit published with the paper's own
    sampler (Moe's code)."""
    mass, log_period = np.meshgrid(MASSES, LOG_PERIODS, indexing="ij")
    frequency = companion_frequency(mass, log_period)
    inner = np.clip(1 - 0.11 * np.maximum(log_period - 1.5, 0) ** 1.43 * (mass / 10) ** 0.56, 0, 1)
    outer = _cumulative(frequency * (1 - inner))
    return _Periods(_cumulative(frequency * inner), outer / outer[:, -1:])


def _cumulative(density: Array) -> Array:
    steps = (density[:, 1:] + density[:, :-1]) / 2 * np.diff(LOG_PERIODS)
    return np.concatenate([np.zeros((len(density), 1)), np.cumsum(steps, axis=1)], axis=1)


def _node(mass: Array) -> NDArray[np.int64]:
    step = np.log(MASSES[1] / MASSES[0])
    return np.clip(np.rint(np.log(mass / MASSES[0]) / step), 0, len(MASSES) - 1).astype(np.int64)


def _inverse(cumulative: Array, node: NDArray[np.int64], value: Array) -> Array:
    """Period at which the row of the node reaches the value;
    rows are laid one after the other to need one search."""
    row = 2.0 * np.arange(len(cumulative))[:, None]
    return np.interp(
        value + 2.0 * node, (cumulative + row).ravel(), np.tile(LOG_PERIODS, len(cumulative))
    )


def inner_periods(mass: Array, u: Array) -> Array:
    """log10 period (d) of the inner companion; NaN for the single stars."""
    node = _node(mass)
    period = _inverse(_periods().inner, node, u)
    return np.where(u < _periods().inner[node, -1], period, np.nan)


def outer_periods(mass: Array, inner: Array, u: Array, v: Array) -> Array:
    """log10 period (d) of a third star at the quantile v;
    NaN where u says none, or no stable orbit is left."""
    node, cumulative = _node(mass), _periods().outer
    first = np.nan_to_num(inner, nan=9.0) + STABLE
    grid = np.interp(first, LOG_PERIODS, np.arange(len(LOG_PERIODS)))
    k = np.minimum(grid.astype(np.int64), len(LOG_PERIODS) - 2)
    done = cumulative[node, k] + (grid - k) * (cumulative[node, k + 1] - cumulative[node, k])
    period = _inverse(cumulative, node, done + v * (1 - done))
    chosen = u < np.interp(
        np.log10(mass), *np.array([(np.log10(m), share) for m, share in MULTIPLE]).T
    )
    return np.where(chosen & (first < LOG_PERIODS[-1]), np.maximum(period, first), np.nan)


def eccentricities(mass: Array, log_period: Array, u: Array) -> Array:
    """Power law up to the largest eccentricity that keeps the stars apart (eq.
    3, 17, 18), at the quantile u."""
    x = np.maximum(log_period, 0.7) - 0.5
    share = np.clip((np.log10(mass) - ETA_MASSES[0]) / (ETA_MASSES[1] - ETA_MASSES[0]), 0, 1)
    eta = np.maximum((1 - share) * (0.6 - 0.7 / x) + share * (0.9 - 0.2 / x), FLATTEST)
    largest = 1 - np.maximum(10**log_period / CIRCULAR, 1) ** (-2 / 3)
    return largest * u ** (1 / (eta + 1))


RESOLVED = (
    1.5  # arcsec: wider companions are outside the fibre of 3.3 arcsec, and sources of their own
)
INITIAL, MASS = COLUMNS.index("initial_mass"), COLUMNS.index("mass")
BLOCK = 2000


class Companion(NamedTuple):
    """One more star in some systems: mass over the primary's (NaN: none), isochrone columns (n,
    columns; NaN if none
    or dark), light (n, bands) in units of 10^(-0.4 M), and orbit."""

    mass_ratio: Array
    star: Array
    light: Array
    orbit: Orbit


class Binaries(NamedTuple):
    """The nearer companion, and a third star about both."""

    second: Companion
    third: Companion

    @property
    def is_binary(self) -> NDArray[np.bool_]:
        return np.isfinite(self.second.mass_ratio)

    @property
    def is_triple(self) -> NDArray[np.bool_]:
        return np.isfinite(self.third.mass_ratio)

    @property
    def mass_ratio(self) -> Array:
        return self.second.mass_ratio

    @property
    def companion(self) -> Array:
        return self.second.star

    @property
    def light(self) -> Array:
        """Of all companions (n, bands)."""
        return self.second.light + self.third.light

    @property
    def log_period(self) -> Array:
        return self.second.orbit.log_period

    @property
    def semi_amplitude(self) -> Array:
        return np.nan_to_num(self.second.orbit.semi_amplitude)


def single(n: int) -> Binaries:
    """n stars without companions."""
    none = np.full(n, np.nan)
    nobody = Companion(
        none, np.full((n, len(COLUMNS)), np.nan), np.zeros((n, len(BANDS))), Orbit(*[none] * 5)
    )
    return Binaries(nobody, nobody)


def draw_binaries(
    primary: Array,
    feh: Array,
    log_age: Array,
    distance: Array,
    wanted: NDArray[np.bool_],
    recipe: Recipe,
    key: tuple[int, ...],
) -> Binaries:
    """Companions too near to be resolved, by the law of Moe & Di Stefano (2017) for the initial
    mass.

    Stars that are not wanted stay single, but take their draws.
    """
    n = len(primary)
    out = single(n)
    if not recipe.has("binaries"):
        return out
    mass = np.where(wanted, primary[:, INITIAL], 1.0)
    u, w = recipe.rng("binaries", *key).random((6, n)), recipe.rng("triples", *key).random((7, n))
    inner = np.where(wanted, inner_periods(mass, u[0]), np.nan)
    outer = outer_periods(mass, inner, w[0], w[1])
    inner = np.where(_separation(mass, inner, distance) < RESOLVED, inner, np.nan)
    outer = np.where(
        (_separation(mass, outer, distance) < RESOLVED) & np.isfinite(inner), outer, np.nan
    )
    second = _placed(out.second, inner, mass, (primary, feh, log_age), u[1:])
    if not recipe.has("triples"):
        return Binaries(second, out.third)
    pair = mass * (1 + np.nan_to_num(second.mass_ratio))
    return Binaries(second, _placed(out.third, outer, pair, (primary, feh, log_age), w[2:]))


def _separation(mass: Array, log_period: Array, distance: Array) -> Array:
    """Semi-major axis on the sky (arcsec) for two stars of this mass; NaN without a period."""
    return semi_axis(2 * mass, log_period) / (1000 * distance)


def _placed(
    nobody: Companion,
    log_period: Array,
    inside: Array,
    primaries: tuple[Array, Array, Array],
    u: Array,
) -> Companion:
    """Companions of the stars with a period; inside is the mass within the orbit."""
    rows = np.flatnonzero(np.isfinite(log_period))
    primary, feh, log_age = (p[rows] for p in primaries)
    mass, period, v = primary[:, INITIAL], log_period[rows], u[:, rows]
    q = mass_ratios(mass, period, v[0])
    star = companions(mass * q, feh, log_age)
    e = eccentricities(mass, period, v[1])
    k = amplitude(inside[rows], mass * q / inside[rows], period, e, v[4])
    orbit = Orbit(period, e, 2 * np.pi * v[2], v[3], k)
    light = np.nan_to_num(10 ** (-0.4 * star[:, FIRST_BAND:]))
    return replaced(nobody, rows, Companion(q, star, light, orbit))


def companions(mass: Array, feh: Array, log_age: Array) -> Array:
    """(n, isochrone columns) of stars of these initial masses;
    NaN for one not yet on the main sequence."""
    parts = [slice(k, k + BLOCK) for k in range(0, len(mass), BLOCK)]
    empty = np.empty((0, len(COLUMNS)))
    return np.concatenate([empty, *(at_mass(feh[p], log_age[p], mass[p]) for p in parts)])
