"""Distances and their intervals against the truth, and the ranks of true values in them."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from obcat import statistics as st
from obcat.evaluate.paper import BRIGHT_COMPANION, bins, distance_error, paper_text
from obcat.evaluate.truth import Compared
from obcat.kernels.distance import Floats, Terms, grid, support, terms_of
from obcat.section import Section, percent
from obcat.statistics import Rows

__all__ = ["claimed_error", "distances", "interval_coverage", "rank", "ranks", "true_ranks"]

INPUTS = ("mk", "mk_err", "ks", "ks_err", "a_ks", "a_ks_err", "parallax", "parallax_error")
POINTS = 193  # odd; a step of a twelfth of sigma, as the support is 16 of them wide
BLOCK = 1024  # rows
SIMPSON = np.array([1.0, *([4.0, 2.0] * (POINTS // 2 - 1)), 4.0, 1.0]) / 3


def true_ranks(data: Compared) -> Floats:
    """P(d < true distance) (n,) under the catalog's p(d),
    computed anew from the columns the build used.
    """
    limits = data["distance_max"]
    return ranks(data, data["true_distance"], float(limits[0])) if len(limits) else limits


def ranks(catalog: dict[str, np.ndarray], at: Floats, distance_max: float) -> Floats:
    """P(d < at) (n,) of the catalog's own p(d), NaN where it has no distance.

    ``catalog`` has columns (n,) by name: those of the distance (mag, mas; the zero point taken off
    the parallax), ``binary_flag`` (1: M_spec is left out, paper section 7) and ``dis``. ``at`` and
    ``distance_max`` are in kpc.
    """
    used = {name: catalog[name] for name in INPUTS}
    used["mk"] = np.where(catalog["binary_flag"] == 1, np.nan, used["mk"])
    found = rank(**used, at=at, distance_max=distance_max)
    return np.where(np.isfinite(catalog["dis"]), found, np.nan)


def rank(*, at: ArrayLike, distance_max: float, **quantities: ArrayLike) -> Floats:
    """P(d < at) (n,) for the p(d) that ``kernels.distance.distance`` summarises; NaN where there is
    none.

    ``quantities`` are those it takes (n,), mk to parallax_error; ``at`` (n,) is in kpc. It is 0.16
    at ``dis_low``, 0.84 at ``dis_high``. If every p(d) is right, the ranks of the true distances
    are uniform, and a part q of them lies within the central interval of content q.
    """
    columns = [np.asarray(quantities[name], float) for name in INPUTS]
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
    """(n,) integral of exp(f + x) from ``low`` to ``high``, both (n, 1), over exp(peak),
    by Simpson's rule.
    """
    x = grid(low, high, POINTS)
    density = np.exp(terms.f(x, np.exp(-x)) - peak + x)
    return density @ SIMPSON * ((high - low)[:, 0] / (POINTS - 1))


EDGES = (0, 1, 2, 4, 8, 13, 17, np.inf)


def distances(data: Compared) -> Section:
    note = (
        "Best visits. Claimed: median of (dis_high - dis_low) / 2 / dis; actual: median of |dis "
        "/ true - 1|, which is\n"
        "0.674 of the claimed one where errors are normal; bias: median of dis / true - 1; "
        "covered: true distance\n"
        "between dis_low and dis_high (68.3 % expected). Paper: claimed "
        f"{paper_text('dis_error')}, "
        f"about {paper_text('dis_error_15')} at 15 kpc."
    )
    columns = ("n", "claimed", "actual", "bias", "covered")
    best = data["uniqflag"] == 1
    return Section(
        "distance", note, columns, [_row(label, data, best & rows) for label, rows in _groups(data)]
    )


def _groups(data: Compared) -> list[tuple[str, Rows]]:
    binary, emission, known = (
        data[name] == 1 for name in ("is_binary", "has_emission", "is_train")
    )
    parallax = np.isfinite(data["parallax"])
    return [
        ("all", np.ones(len(parallax), bool)),
        ("single, no emission", ~binary & ~emission),
        ("single, emission", ~binary & emission),
        ("binary, no emission", binary & ~emission),
        ("binary, emission", binary & emission),
        ("binary with mass ratio above 0.7", binary & (data["mass_ratio"] > BRIGHT_COMPANION)),
        ("binary_flag 0", data["binary_flag"] == 0),
        ("binary_flag 1 (parallax alone)", data["binary_flag"] == 1),
        ("binary_flag unknown", np.isnan(data["binary_flag"])),
        ("no parallax", ~parallax),
        ("parallax not positive", data["parallax"] <= 0),
        ("PDF cut by the largest distance", data["distance_edge"] > 0),
        ("trained the networks", known),
        *bins("true kpc", data["true_distance"], EDGES),
        *(
            (f"{label}, single", rows & ~binary)
            for label, rows in bins("true kpc", data["true_distance"], EDGES)
        ),
        *((f"dis: {label}", rows) for label, rows in bins("kpc", data["dis"], EDGES)),
    ]


def claimed_error(data: Compared) -> NDArray[np.float64]:
    """Half the interval from the 16th to the 84th percentile over the distance, (n,)."""
    return (data["dis_high"] - data["dis_low"]) / 2 / data["dis"]


def interval_coverage(data: Compared, rows: Rows) -> float:
    return st.coverage(*(data[name][rows] for name in ("true_distance", "dis_low", "dis_high")))


def _row(label: str, data: Compared, rows: Rows) -> tuple[str, ...]:
    off = distance_error(data)[rows]
    values = (
        st.median(claimed_error(data)[rows]),
        st.median(np.abs(off)),
        st.bias(off),
        interval_coverage(data, rows),
    )
    return (label, str(np.isfinite(off).sum()), *map(percent, values))
