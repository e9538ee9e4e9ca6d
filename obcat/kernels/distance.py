"""Distance: its probability density from magnitude and parallax, and what is published of it."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["EDGE_MASS", "Terms", "distance", "grid", "pdf_summary", "support", "take", "terms_of"]

DEPTH = 32.0  # the support ends where f is this far below its maximum: 8 sigma
ZOOM_POINTS, ZOOMS = 33, 4
LN_PER_MAG = 0.2 * np.log(10)

Floats = NDArray[np.float64]


class Terms(NamedTuple):
    """Both terms of f for a block of stars, each (n, 1), with inverse widths:
    0 for a term that is missing.
    """

    centre: Floats
    per_width: Floats
    parallax: Floats
    per_error: Floats

    def f(self, x: Floats, u: Floats) -> Floats:
        value, other = x - self.centre, u - self.parallax
        value *= self.per_width
        other *= self.per_error
        value *= value
        other *= other
        value += other
        value *= -0.5
        return value

    def slope(self, x: Floats, u: Floats) -> Floats:
        value, other = self.centre - x, u - self.parallax
        value *= self.per_width**2
        other *= u
        other *= self.per_error**2
        value += other
        return value

    def curvature(self, u: Floats) -> Floats:
        return (self.parallax - 2 * u) * u * self.per_error**2 - self.per_width**2


def terms_of(
    mk: Floats,
    mk_err: Floats,
    ks: Floats,
    ks_err: Floats,
    a_ks: Floats,
    a_ks_err: Floats,
    parallax: Floats,
    parallax_error: Floats,
) -> tuple[Terms, NDArray[np.bool_]]:
    """The terms (n,) of magnitudes (mag) and parallaxes (mas), and which stars have at least one;
    NaN is missing.
    """
    centre = LN_PER_MAG * (ks - a_ks - mk - 10)
    width = LN_PER_MAG * np.sqrt(mk_err**2 + ks_err**2 + a_ks_err**2)
    spectrum = np.isfinite(centre) & np.isfinite(width) & (width > 0)
    astrometry = np.isfinite(parallax) & np.isfinite(parallax_error) & (parallax_error > 0)
    terms = Terms(
        np.where(spectrum, centre, 0.0),
        np.divide(1, width, out=np.zeros_like(width), where=spectrum),
        np.where(astrometry, parallax, 0.0),
        np.divide(1, parallax_error, out=np.zeros_like(width), where=astrometry),
    )
    return terms, spectrum | astrometry


def support(terms: Terms, end: float) -> tuple[Floats, Floats]:
    """Where f > max f - DEPTH, and at most a grid step more at either side."""
    low, high = _hull(terms, end)
    rows = np.arange(len(low))
    for _ in range(ZOOMS):
        low[rows], high[rows], filled = _zoom(
            Terms(*(t[rows] for t in terms)), low[rows], high[rows]
        )
        rows = rows[filled < 0.5]
    return low, high


def _zoom(terms: Terms, low: Floats, high: Floats) -> tuple[Floats, Floats, Floats]:
    """The support seen on a coarse grid, and the fraction of the grid that it fills."""
    x = grid(low, high, ZOOM_POINTS)
    f = terms.f(x, np.exp(-x))
    inside = f > f.max(axis=1, keepdims=True) - DEPTH
    first, last = inside.argmax(axis=1), ZOOM_POINTS - 1 - inside[:, ::-1].argmax(axis=1)
    start, stop = np.maximum(first - 1, 0)[:, None], np.minimum(last + 1, ZOOM_POINTS - 1)[:, None]
    return take(x, start), take(x, stop), (last - first) / ZOOM_POINTS


def _hull(terms: Terms, end: float) -> tuple[Floats, Floats]:
    """An interval that holds the support:
    neither term alone may be lower than f - DEPTH at the best known point.
    """
    nearest = np.exp(-end)
    candidates = (
        -np.log(np.maximum(terms.parallax, nearest)),
        np.minimum(terms.centre, end),
        np.full_like(terms.centre, end),
    )
    reach = np.sqrt(2 * (DEPTH - np.max([terms.f(x, np.exp(-x)) for x in candidates], axis=0)))
    width, error = reach / terms.per_width, reach / terms.per_error
    low = np.maximum(terms.centre - width, -np.log(terms.parallax + error))
    high = np.minimum(terms.centre + width, -np.log(np.maximum(terms.parallax - error, nearest)))
    high = np.minimum(high, end)
    return np.minimum(low, high), high


def grid(low: Floats, high: Floats, n: int) -> Floats:
    """(n_star, n) evenly spaced."""
    return low + (high - low) * np.linspace(0, 1, n)


def take(values: Floats, index: NDArray[np.intp]) -> Floats:
    return np.take_along_axis(values, index, axis=1)


EDGE_MASS = 1e-3  # the accuracy promised for the percentiles
POINTS = 97
NEWTON_STEPS = 8
BLOCK = 1024  # rows; a block of work arrays fits the cache

MIDDLE = POINTS // 2
SIMPSON_POWERS = (
    np.where(np.arange(POINTS) % 2, 4.0, 2.0)
    * (np.arange(POINTS) - MIDDLE) ** np.arange(3)[:, None]
)
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
    distance_edge_nsigma: float = 1.0,
) -> tuple[Floats, Floats, Floats, Floats, Floats, NDArray[np.int16]]:
    """The distance that p(d) measures, where it measures one: 0 < d <= distance_max, flat prior.

    It measures none where its mode lies outside its own 16th to 84th percentile, or where
    distance_max is less than ``distance_edge_nsigma`` standard errors less likely than the mode:
    another limit would give another distance. All is then NaN but ``edge``, and but the 16th
    percentile as a lower limit where the PDF supports that: it has a spectroscopic term, hence an
    end of its own however far the limit, and dis_low itself is a standard error less likely than
    the mode. The parallax alone supports none: its PDF never ends.

    Any NaN among the first six is a star without the spectroscopic term (the caller says so for
    binaries); a NaN among the last two, one without the parallax; without both there is no PDF, and
    no edge.

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
    edge : (n,) int16, 1 where p(d) d at distance_max is above EDGE_MASS of the integral: the limit
        shapes the answer
    """
    columns = (
        np.asarray(x, float)
        for x in (mk, mk_err, ks, ks_err, a_ks, a_ks_err, parallax, parallax_error)
    )
    terms, known = terms_of(*columns)
    dis, low, high, logdis, logdis_err, edge, nsigma_end, nsigma_low = pdf_summary(
        terms, known, distance_max
    )
    measured = (low <= dis) & (dis <= high) & (nsigma_end >= distance_edge_nsigma)
    limit = (terms.per_width > 0) & (nsigma_low >= 1)
    dis, high, logdis, logdis_err = (
        np.where(measured, x, np.nan) for x in (dis, high, logdis, logdis_err)
    )
    return (
        dis,
        np.where(measured | limit, low, np.nan),
        high,
        logdis,
        logdis_err,
        edge.astype(np.int16),
    )


def pdf_summary(terms: Terms, known: NDArray[np.bool_], distance_max: float) -> Floats:
    """(8, n) numbers of p(d) from terms (n,), whether or not they measure a distance; NaN if not
    ``known``.

    Mode, 16th and 84th percentile (kpc), mean and standard deviation of log10(d / kpc), edge as in
    `distance`, and by how many standard errors distance_max (kpc), and the 16th percentile, are
    less likely than the mode.
    """
    result = np.full((8, len(known)), np.nan)
    result[5] = 0
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for block in _blocks(np.flatnonzero(known)):
            result[:, block] = _summary(
                Terms(*(t[block, None] for t in terms)), np.log(distance_max)
            )
    result[:3] = np.minimum(
        result[:3], distance_max
    )  # exp(log(distance_max)) may be a last bit above it
    return result


def _blocks(rows: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    return (rows[i : i + BLOCK] for i in range(0, len(rows), BLOCK))


def _summary(terms: Terms, end: float) -> Floats:
    """(8, n) the results for a block of stars that have at least one term;
    end = ln of the largest distance.
    """
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
    at_end = np.full_like(mode, end)
    last = np.exp(terms.f(at_end, np.exp(-end)) - peak + end - mode)
    edge = last > EDGE_MASS * cumulative[:, -1:]
    nsigma = (_nsigma(terms, mode, at) for at in (at_end, low))
    results = (
        np.exp(mode),
        np.exp(low),
        np.exp(high),
        mean / np.log(10),
        sd / np.log(10),
        edge,
        *nsigma,
    )
    return np.concatenate(results, axis=1).T


def _nsigma(terms: Terms, mode: Floats, at: Floats) -> Floats:
    """How many standard errors of one parameter ``at`` is less likely than the mode."""
    drop = terms.f(mode, np.exp(-mode)) - terms.f(at, np.exp(-at))
    return np.sqrt(2 * np.maximum(drop, 0))


def _mode(terms: Terms, x: Floats, top: NDArray[np.intp]) -> Floats:
    """Root of f' next to the highest grid point by Newton's method,
    by bisection where that leaves the bracket.
    """
    mode = take(x, top)
    below, above = take(x, np.maximum(top - 1, 0)), take(x, np.minimum(top + 1, x.shape[1] - 1))
    slack = 1e-6 * (
        above - below
    )  # rounding of f' must not throw a converged root out of its bracket
    for _ in range(NEWTON_STEPS):
        u = np.exp(-mode)
        slope = terms.slope(mode, u)
        below, above = np.where(slope > 0, mode, below), np.where(slope > 0, above, mode)
        newton = mode - slope / terms.curvature(u)
        inside = (newton >= below - slack) & (newton <= above + slack)
        mode = np.where(inside, newton, (below + above) / 2)
    return mode


def _cumulative(x: Floats, density: Floats, gradient: Floats) -> Floats:
    """Integral from the first grid point to each,
    by the trapezoid rule with end corrections (fourth order).
    """
    step = x[:, 1:2] - x[:, :1]
    integral = np.cumsum(density, axis=1)
    integral -= 0.5 * density
    integral += step / 12 * (gradient[:, :1] - gradient)
    integral -= 0.5 * density[:, :1]
    integral *= step
    return integral


def _percentile(q: float, x: Floats, density: Floats, cumulative: Floats) -> Floats:
    """x where the cumulative integral is a fraction q of its end:
    Newton on the cubic through its grid cell.
    """
    target = q * cumulative[:, -1:]
    cell = (cumulative[:, 1:-1] <= target).sum(axis=1)[:, None]
    start, stop = take(x, cell), take(x, cell + 1)
    a, b = (stop - start) * take(density, cell), (stop - start) * take(density, cell + 1)
    mass, rest = (
        take(cumulative, cell + 1) - take(cumulative, cell),
        target - take(cumulative, cell),
    )
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
