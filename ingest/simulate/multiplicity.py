"""Multiplicity: companions, their periods, mass ratios and eccentricities (Moe & Di Stefano 2017, sections 9.1-9.4)."""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "LOG_PERIODS",
    "Q_RANGE",
    "companion_frequency",
    "eccentricities",
    "inner_periods",
    "mass_ratios",
    "outer_periods",
    "slopes",
    "twin_fraction",
]

Array = NDArray[np.float64]
Q_RANGE, Q_BREAK, Q_TWIN = (0.1, 1.0), 0.3, 0.95
MASSES = np.geomspace(0.8, 40.0, 118)  # solar masses, the range of their fits; heavier stars are as the heaviest
LOG_PERIODS = np.linspace(0.2, 8.0, 157)  # log10 days
ANCHORS = np.log10([1.2, 3.5, 6.0])  # masses of the following curves of slope against log10 period
LARGE_Q = (((5.0, -0.5), (8.0, -1.4)), ((1.0, -0.5), (4.5, -1.2), (6.5, -2.0)), ((1.0, -0.5), (2.0, -1.4), (4.0, -2.0)))
SMALL_Q = (((1.0, 0.3), (8.0, 0.3)), ((2.5, 0.2), (5.5, -0.7), (8.0, -1.2)), ((1.0, 0.1), (3.0, -0.2), (5.6, -1.5)))
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
    """By mass: cumulative number of inner companions against period; cumulative share of the outer ones."""

    inner: Array
    outer: Array


def slopes(mass: Array, log_period: Array) -> tuple[Array, Array]:
    """Exponents of the mass-ratio law below and above 0.3 (eq. 9-15), linear in log mass between the anchors."""
    return _between_anchors(SMALL_Q, mass, log_period), _between_anchors(LARGE_Q, mass, log_period)


def _between_anchors(curves: tuple[tuple[tuple[float, float], ...], ...], mass: Array, log_period: Array) -> Array:
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
    """Companions with mass ratio above 0.1 per decade of period (eq. 20-23, brought from 0.3 to 0.1 by the law)."""
    x = np.log10(mass)
    short, middle, long = (c0 + c1 * x + c2 * x**2 for c0, c1, c2 in _FREQUENCY)
    rise = MIDDLE_SLOPE * MIDDLE_WIDTH
    first = short + (log_period - 1) / (1.7 - MIDDLE_WIDTH) * (middle - rise - short)
    third = middle + rise + (log_period - 2.7 - MIDDLE_WIDTH) / (2.8 - MIDDLE_WIDTH) * (long - middle - rise)
    large = np.select(
        [log_period < 1, log_period < 2.7 - MIDDLE_WIDTH, log_period < 2.7 + MIDDLE_WIDTH, log_period < 5.5],
        [short, first, middle + MIDDLE_SLOPE * (log_period - 2.7), third],
        long * np.exp(-0.3 * (log_period - 5.5)),
    )
    part = _parts(mass, log_period)
    return large * (1 + part[0] / (part[1] + part[2]))


_FREQUENCY = ((0.020, 0.04, 0.07), (0.039, 0.07, 0.01), (0.078, -0.05, 0.04))  # eq. 20-22, in log10 mass


@cache
def _periods() -> _Periods:
    """The share of companions that are the inner one is the fit published with the paper's own sampler (Moe's code)."""
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
    """Period at which the row of the node reaches the value; rows are laid one after the other to need one search."""
    row = 2.0 * np.arange(len(cumulative))[:, None]
    return np.interp(value + 2.0 * node, (cumulative + row).ravel(), np.tile(LOG_PERIODS, len(cumulative)))


def inner_periods(mass: Array, u: Array) -> Array:
    """log10 period (d) of the inner companion; NaN for the single stars."""
    node = _node(mass)
    period = _inverse(_periods().inner, node, u)
    return np.where(u < _periods().inner[node, -1], period, np.nan)


def outer_periods(mass: Array, inner: Array, u: Array, v: Array) -> Array:
    """log10 period (d) of a third star at the quantile v; NaN where u says none, or no stable orbit is left."""
    node, cumulative = _node(mass), _periods().outer
    first = np.nan_to_num(inner, nan=9.0) + STABLE
    grid = np.interp(first, LOG_PERIODS, np.arange(len(LOG_PERIODS)))
    k = np.minimum(grid.astype(np.int64), len(LOG_PERIODS) - 2)
    done = cumulative[node, k] + (grid - k) * (cumulative[node, k + 1] - cumulative[node, k])
    period = _inverse(cumulative, node, done + v * (1 - done))
    chosen = u < np.interp(np.log10(mass), *np.array([(np.log10(m), share) for m, share in MULTIPLE]).T)
    return np.where(chosen & (first < LOG_PERIODS[-1]), np.maximum(period, first), np.nan)


def eccentricities(mass: Array, log_period: Array, u: Array) -> Array:
    """Power law up to the largest eccentricity that keeps the stars apart (eq. 3, 17, 18), at the quantile u."""
    x = np.maximum(log_period, 0.7) - 0.5
    share = np.clip((np.log10(mass) - ETA_MASSES[0]) / (ETA_MASSES[1] - ETA_MASSES[0]), 0, 1)
    eta = np.maximum((1 - share) * (0.6 - 0.7 / x) + share * (0.9 - 0.2 / x), FLATTEST)
    largest = 1 - np.maximum(10**log_period / CIRCULAR, 1) ** (-2 / 3)
    return largest * u ** (1 / (eta + 1))
