"""Bias and scatter of M_spec, E(B-V) and distance against the truth, by five variables; how often
the truth lies in the intervals of 68 and 95 per cent, and the ranks of the true distances
(PIT).
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from obcat import statistics as st
from obcat.evaluate import (
    BRIGHT_COMPANION,
    EBV_EDGES,
    KPC_EDGES,
    MK_EDGES,
    SNR_EDGES,
    bins,
    distance_error,
    emission_classes,
    paper_text,
)
from obcat.evaluate.truth import Compared, is_ob_star, missing_note
from obcat.kernels.distance import Terms, grid, support, terms_of
from obcat.section import Section, decimals, percent
from obcat.statistics import Rows

__all__ = [
    "central",
    "claimed_error",
    "coverage",
    "distance_accuracy",
    "distances",
    "groups",
    "interval_coverage",
    "magnitude_accuracy",
    "rank",
    "rank_histogram",
    "ranks",
    "reddening_accuracy",
    "true_ranks",
]

Floats = NDArray[np.float64]


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


COLUMNS = ("n single", "bias", "scatter", "claimed", "n all", "bias", "scatter", "claimed")
WHO = (
    "Best visits of O and B stars; scatter is 1.4826 MAD, claimed the median error of the catalog."
)
LEVELS = (0.68, 0.95)  # of the intervals; from 16 to 84 and from 2.5 to 97.5 per cent
SIGMAS = (0.9945, 1.96)  # their half width for a normal distribution
DECILES = np.linspace(0, 1, 11)


Show = Callable[[float], str]


def groups(data: Compared) -> list[tuple[str, Rows]]:
    """Rows of every bin of the five variables, and all;
    M, E(B-V) and distance are the true ones.
    """
    return [
        ("all", np.ones(len(data["mk"]), bool)),
        *bins("S/N", data["snr_g"], SNR_EDGES),
        *bins("M_true", data["true_mk"], MK_EDGES),
        *bins("E(B-V)", data["true_ebv"], EBV_EDGES),
        *emission_classes(data),
        *bins("kpc", data["true_distance"], KPC_EDGES),
    ]


def magnitude_accuracy(data: Compared) -> Section:
    """M_spec: of single stars, and of all against the light of the whole system,
    which is what the distance needs.
    """
    note = (
        f"M_spec - M_true, mag, of stars that did not train. {WHO} "
        "All: with binaries, against M of the system: what a distance needs. Emission is a "
        "class of its own." + missing_note(data, "kind")
    )
    return _section("M_spec by five variables", note, data, data["mk"] - data["true_mk_system"],
        data["mk_err"], data["is_train"] != 1, decimals)  # fmt: skip


def reddening_accuracy(data: Compared) -> Section:
    note = f"E(B-V) - true, mag. {WHO}" + missing_note(data, "kind")
    off, every = data["ebv"] - data["true_ebv"], np.ones(len(data["ebv"]), bool)
    title = "E(B-V) by five variables"
    return _section(title, note, data, off, data["ebv_err"], every, decimals)


def distance_accuracy(data: Compared) -> Section:
    note = f"dis / true - 1. {WHO}" + missing_note(data, "kind")
    off, every = distance_error(data), np.ones(len(data["dis"]), bool)
    title = "distance by five variables"
    return _section(title, note, data, off, claimed_error(data), every, percent)


def _section(
    title: str, note: str, data: Compared, off: Floats, error: Floats, judged: Rows, shown: Show
) -> Section:
    best = judged & (data["uniqflag"] == 1) & is_ob_star(data)
    single = best & (data["is_binary"] == 0)
    rows = [(label, *_cells(off, error, single & rows, shown),
        *_cells(off, error, best & rows, shown))
            for label, rows in groups(data)]  # fmt: skip
    return Section(title, note, COLUMNS, rows)


def _cells(off: Floats, error: Floats, rows: Rows, shown: Show) -> tuple[str, ...]:
    rows = rows & np.isfinite(off)
    values = st.bias(off[rows]), st.robust_scatter(off[rows]), st.median(error[rows])
    return (str(rows.sum()), *map(shown, values))


def central(rank: Floats, level: float) -> Floats:
    """1 where the rank (n,) lies within the central interval of that content, 0 where not,
    NaN where unknown.
    """
    return np.where(np.isfinite(rank), np.abs(rank - 0.5) <= level / 2, np.nan)


def coverage(data: Compared) -> Section:
    note = (
        "Best visits. Distance: true distance between the 16th and 84th, the 2.5th and 97.5th "
        "percentile of p(d), "
        "which is computed anew from the catalog; M_spec (against the light of the system, "
        "stars that did not "
        "train) and E(B-V): true value within 0.99 and 1.96 claimed errors. If all errors were "
        "right: 68 % and 95 "
        "%."
    ) + missing_note(data, "kind")
    rank = true_ranks(data)
    flags = [*(central(rank, level) for level in LEVELS), *_pulls(data)]
    columns = ("n", "distance 68 %", "95 %", "M_spec 68 %", "95 %", "E(B-V) 68 %", "95 %")
    rows = [(label, str(np.isfinite(rank[rows]).sum()),
        *(percent(st.fraction(flag[rows])) for flag in flags))
            for label, rows in _interval_groups(data)]  # fmt: skip
    return Section("coverage of the intervals", note, columns, rows)


def _pulls(data: Compared) -> list[Floats]:
    """Whether M_spec and E(B-V) are within both numbers of errors, (n,) each."""
    magnitude = (
        np.where(data["is_train"] == 1, np.nan, data["mk"] - data["true_mk_system"])
        / data["mk_err"]
    )
    reddening = (data["ebv"] - data["true_ebv"]) / data["ebv_err"]
    return [np.where(np.isfinite(pull), np.abs(pull) <= sigma, np.nan)
            for pull in (magnitude, reddening) for sigma in SIGMAS]  # fmt: skip


def _interval_groups(data: Compared) -> list[tuple[str, Rows]]:
    """All, the classes, then single stars without emission, for which the method is made,
    by S/N and distance.
    """
    best = (data["uniqflag"] == 1) & is_ob_star(data)
    binary, emission = data["is_binary"] == 1, data["has_emission"] == 1
    plain = best & ~binary & ~emission
    by_distance = [*bins("kpc", data["true_distance"], KPC_EDGES)]
    return [
        ("all", best),
        ("single, no emission", plain),
        ("single, emission", best & ~binary & emission),
        ("binary", best & binary),
        ("binary_flag 0", best & (data["binary_flag"] == 0)),
        ("binary_flag 1 (parallax alone)", best & (data["binary_flag"] == 1)),
        ("not O or B", (data["uniqflag"] == 1) & ~is_ob_star(data)),
        *((f"{label}, all", best & rows) for label, rows in by_distance),
        *((f"{label}, single, no emission", plain & rows) for label, rows in by_distance),
        *(
            (f"{label}, single, no emission", plain & rows)
            for label, rows in bins("S/N", data["snr_g"], SNR_EDGES)
        ),
    ]


RANK_HISTOGRAM_NOTE = (
    "Rank of the true distance in p(d) (PIT), best visits: per cent in each tenth, 10 "
    "expected everywhere. Both ends full: errors too small; the last tenths full: distances "
    "too small."
)


def rank_histogram(data: Compared) -> Section:
    """Per cent of the ranks in each tenth:
    10 everywhere if p(d) is right, more at both ends if it is too narrow.
    """
    note = RANK_HISTOGRAM_NOTE
    rank = true_ranks(data)
    columns = ("n", *(f"{low:.1f}" for low in DECILES[:-1]), "mean")
    return Section(
        "ranks of the distances",
        note,
        columns,
        [_histogram(label, rank[rows]) for label, rows in _interval_groups(data)],
    )


def _histogram(label: str, rank: Floats) -> tuple[str, ...]:
    rank = rank[np.isfinite(rank)]
    counts = np.histogram(rank, DECILES)[0]
    parts = 100 * counts / len(rank) if len(rank) else np.full(len(counts), np.nan)
    mean = float(rank.mean()) if len(rank) else np.nan
    return (label, str(len(rank)), *(decimals(part, 1) for part in parts), decimals(mean, 2))
