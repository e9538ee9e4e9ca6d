"""Where in the posterior p(d) of a catalog a given distance lies (METHOD section 7): its rank, or PIT."""

import numpy as np
from numpy.typing import ArrayLike

from obcat.evaluate.truth import Compared
from obcat.kernels.density import Floats, Terms, grid, support, terms_of

__all__ = ["rank", "ranks", "true_ranks"]

INPUTS = ("mk", "mk_err", "ks", "ks_err", "a_ks", "a_ks_err", "parallax", "parallax_error")
POINTS = 193  # odd; a step of a twelfth of sigma, as the support is 16 of them wide
BLOCK = 1024  # rows
SIMPSON = np.array([1.0, *([4.0, 2.0] * (POINTS // 2 - 1)), 4.0, 1.0]) / 3


def true_ranks(data: Compared) -> Floats:
    """P(d < true distance) (n,) under the catalog's p(d), computed anew from the columns the build used."""
    limits = data["distance_max"]
    return ranks(data, data["true_distance"], float(limits[0])) if len(limits) else limits


def ranks(catalog: dict[str, np.ndarray], at: Floats, distance_max: float) -> Floats:
    """P(d < at) (n,) of the catalog's own p(d), NaN where it has no distance.

    ``catalog`` has columns (n,) by name: those of the distance (mag, mas; the zero point taken off the parallax),
    ``binary_flag`` (1: M_spec is left out, paper section 7) and ``dis``. ``at`` and ``distance_max`` are in kpc.
    """
    used = {name: catalog[name] for name in INPUTS}
    used["mk"] = np.where(catalog["binary_flag"] == 1, np.nan, used["mk"])
    found = rank(**used, at=at, distance_max=distance_max)
    return np.where(np.isfinite(catalog["dis"]), found, np.nan)


def rank(
    mk: ArrayLike,
    mk_err: ArrayLike,
    ks: ArrayLike,
    ks_err: ArrayLike,
    a_ks: ArrayLike,
    a_ks_err: ArrayLike,
    parallax: ArrayLike,
    parallax_error: ArrayLike,
    at: ArrayLike,
    *,
    distance_max: float,
) -> Floats:
    """P(d < at) (n,) for the p(d) that ``kernels.distance.distance`` summarises; NaN where there is none.

    ``at`` (n,) is in kpc, the rest as there: 0.16 at ``dis_low``, 0.84 at ``dis_high``. If every p(d) is right, the
    ranks of the true distances are uniform, and a part q of them lies within the central interval of content q.
    """
    columns = [
        np.asarray(x, float)
        for x in (mk, mk_err, ks, ks_err, a_ks, a_ks_err, parallax, parallax_error)
    ]
    at = np.asarray(at, float)
    result = np.full(len(at), np.nan)
    terms, known = terms_of(*columns)
    rows = np.flatnonzero(known & (at > 0))
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for block in (rows[i : i + BLOCK] for i in range(0, len(rows), BLOCK)):
            part = Terms(*(t[block, None] for t in terms))
            result[block] = _share(part, np.log(at[block, None]), np.log(distance_max))
    return result


def _share(terms: Terms, x: Floats, end: float) -> Floats:
    low, high = support(terms, end)
    middle = np.clip(x, low, high)
    peak = terms.f(grid(low, high, POINTS), np.exp(-grid(low, high, POINTS))).max(
        axis=1, keepdims=True
    )
    below, above = _integral(terms, low, middle, peak), _integral(terms, middle, high, peak)
    return below / (below + above)


def _integral(terms: Terms, low: Floats, high: Floats, peak: Floats) -> Floats:
    """(n,) integral of exp(f + x) from ``low`` to ``high``, both (n, 1), over exp(peak), by Simpson's rule."""
    x = grid(low, high, POINTS)
    density = np.exp(terms.f(x, np.exp(-x)) - peak + x)
    return density @ SIMPSON * ((high - low)[:, 0] / (POINTS - 1))
