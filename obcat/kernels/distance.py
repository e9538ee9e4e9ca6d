"""Distance from the spectroscopic absolute magnitude and the parallax (METHOD section 7, paper Eq. 18-24)."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from obcat.kernels.density import Floats, Terms, grid, support, take, terms_of

__all__ = ["EDGE_MASS", "distance"]

EDGE_MASS = 1e-3  # the accuracy promised for the percentiles
POINTS = 97
NEWTON_STEPS = 8
BLOCK = 1024  # rows; a block of work arrays fits the cache

MIDDLE = POINTS // 2
SIMPSON_POWERS = np.where(np.arange(POINTS) % 2, 4.0, 2.0) * (np.arange(POINTS) - MIDDLE) ** np.arange(3)[:, None]
SIMPSON_POWERS[:, [0, -1]] /= 2


def distance(
    mk: ArrayLike,
    mk_err: ArrayLike,
    ks: ArrayLike,
    ks_err: ArrayLike,
    a_ks: ArrayLike,
    a_ks_err: ArrayLike,
    parallax: ArrayLike,
    parallax_error: ArrayLike,
    *,
    distance_max: float,
) -> tuple[Floats, Floats, Floats, Floats, Floats, NDArray[np.int16]]:
    """Summary of p(d) for 0 < d <= distance_max, flat prior.

    Any NaN among the first six is a star without the spectroscopic term (the caller says so for binaries); a NaN among
    the last two, one without the parallax; neither gives NaN.

    Parameters
    ----------
    mk, mk_err : (n,) mag, absolute magnitude from the spectrum
    ks, ks_err, a_ks, a_ks_err : (n,) mag, apparent magnitude and extinction
    parallax, parallax_error : (n,) mas, zero point corrected; any sign
    distance_max : kpc

    Returns
    -------
    dis, dis_low, dis_high : (n,) kpc, mode, 16th and 84th percentile
    logdis, logdis_err : (n,) mean and standard deviation of log10(d / kpc) over p(d) dd
    edge : (n,) int16, 1 where p(d) d at distance_max is above EDGE_MASS of the integral: the limit shapes the answer
    """
    columns = [np.asarray(x, float) for x in (mk, mk_err, ks, ks_err, a_ks, a_ks_err, parallax, parallax_error)]
    result = np.full((6, len(columns[0])), np.nan)
    result[5] = 0
    terms, known = terms_of(*columns)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for block in _blocks(np.flatnonzero(known)):
            result[:, block] = _summary(Terms(*(t[block, None] for t in terms)), np.log(distance_max))
    dis, low, high = np.minimum(result[:3], distance_max)  # exp(log(distance_max)) may be a last bit above it
    logdis, logdis_err, edge = result[3:]
    return dis, low, high, logdis, logdis_err, edge.astype(np.int16)


def _blocks(rows: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    return (rows[i : i + BLOCK] for i in range(0, len(rows), BLOCK))


def _summary(terms: Terms, end: float) -> Floats:
    """(6, n) the results for a block of stars that have at least one term; end = ln of the largest distance."""
    x = grid(*support(terms, end), POINTS)
    u = np.exp(-x)
    f = terms.f(x, u)
    mode = np.minimum(_mode(terms, x, f.argmax(axis=1)[:, None]), end)
    peak = f.max(axis=1, keepdims=True)
    density = np.exp(f + (x - (mode + peak)))
    gradient = terms.slope(x, u)
    gradient += 1
    gradient *= density
    cumulative = _cumulative(x, density, gradient)
    low, high = (_percentile(q, x, density, cumulative) for q in (0.16, 0.84))
    mean, sd = _moments(x, density)
    last = np.exp(terms.f(np.full_like(mode, end), np.exp(-end)) - peak + end - mode)
    edge = last > EDGE_MASS * cumulative[:, -1:]
    results = (np.exp(mode), np.exp(low), np.exp(high), mean / np.log(10), sd / np.log(10), edge)
    return np.concatenate(results, axis=1).T


def _mode(terms: Terms, x: Floats, top: NDArray[np.intp]) -> Floats:
    """Root of f' next to the highest grid point by Newton's method, by bisection where that leaves the bracket."""
    mode = take(x, top)
    below, above = take(x, np.maximum(top - 1, 0)), take(x, np.minimum(top + 1, x.shape[1] - 1))
    slack = 1e-6 * (above - below)  # rounding of f' must not throw a converged root out of its bracket
    for _ in range(NEWTON_STEPS):
        u = np.exp(-mode)
        slope = terms.slope(mode, u)
        below, above = np.where(slope > 0, mode, below), np.where(slope > 0, above, mode)
        newton = mode - slope / terms.curvature(u)
        inside = (newton >= below - slack) & (newton <= above + slack)
        mode = np.where(inside, newton, (below + above) / 2)
    return mode


def _cumulative(x: Floats, density: Floats, gradient: Floats) -> Floats:
    """Integral from the first grid point to each, by the trapezoid rule with end corrections (fourth order)."""
    step = x[:, 1:2] - x[:, :1]
    integral = np.cumsum(density, axis=1)
    integral -= 0.5 * density
    integral += step / 12 * (gradient[:, :1] - gradient)
    integral -= 0.5 * density[:, :1]
    integral *= step
    return integral


def _percentile(q: float, x: Floats, density: Floats, cumulative: Floats) -> Floats:
    """x where the cumulative integral is a fraction q of its end: Newton on the cubic through its grid cell."""
    target = q * cumulative[:, -1:]
    cell = (cumulative[:, 1:-1] <= target).sum(axis=1)[:, None]
    start, stop = take(x, cell), take(x, cell + 1)
    a, b = (stop - start) * take(density, cell), (stop - start) * take(density, cell + 1)
    mass, rest = take(cumulative, cell + 1) - take(cumulative, cell), target - take(cumulative, cell)
    t = rest / mass
    for _ in range(4):
        value = t * (a + t * (3 * mass - 2 * a - b + t * (a + b - 2 * mass)))
        gradient = a + t * (2 * (3 * mass - 2 * a - b) + 3 * t * (a + b - 2 * mass))
        t = np.clip(t - (value - rest) / gradient, 0, 1)
    return start + t * (stop - start)


def _moments(x: Floats, density: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation of x by Simpson's rule."""
    step = x[:, 1:2] - x[:, :1]
    total, first, second = np.einsum("ij,kj->ki", density, SIMPSON_POWERS)[:, :, None]
    mean = first / total
    return x[:, MIDDLE : MIDDLE + 1] + step * mean, step * np.sqrt(second / total - mean**2)
