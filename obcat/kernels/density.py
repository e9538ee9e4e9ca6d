"""The density of x = ln(d / kpc) and where it is not negligible (METHOD section 7, paper Eq. 18-24).

With u = 1/d in mas, the log density in d is the sum of two terms,

    f(x) = -1/2 ((x - centre) / width)^2 - 1/2 ((parallax - u) / parallax_error)^2

where centre = 0.2 ln10 (Ks - A - M_spec - 10) and width = 0.2 ln10 sqrt(sum of the variances). The density in x is
exp(f(x) + x).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Terms", "grid", "support", "take", "terms_of"]

DEPTH = 32.0  # the support ends where f is this far below its maximum: 8 sigma
ZOOM_POINTS, ZOOMS = 33, 4
LN_PER_MAG = 0.2 * np.log(10)

Floats = NDArray[np.float64]


class Terms(NamedTuple):
    """Both terms of f for a block of stars, each (n, 1), with inverse widths: 0 for a term that is missing."""

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
    """The terms (n,) of magnitudes (mag) and parallaxes (mas), and which stars have at least one; NaN is missing."""
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
    """An interval that holds the support: neither term alone may be lower than f - DEPTH at the best known point."""
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
