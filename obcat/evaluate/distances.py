"""Distances against the truth: errors claimed and present, bias, coverage of the interval from the 16th to the 84th percentile."""

import numpy as np
from numpy.typing import NDArray

from obcat import statistics as st
from obcat.evaluate.paper import paper_text
from obcat.evaluate.samples import BRIGHT_COMPANION, bins, distance_error
from obcat.evaluate.truth import Compared
from obcat.section import Section, percent

__all__ = ["claimed_error", "distances", "interval_coverage"]

EDGES = (0, 1, 2, 4, 8, 13, 17, np.inf)

Rows = NDArray[np.bool_]


def distances(data: Compared) -> Section:
    note = (
        "Best visits. Claimed: median of (dis_high - dis_low) / 2 / dis; actual: median of |dis / true - 1|, which is\n"
        "0.674 of the claimed one where errors are normal; bias: median of dis / true - 1; covered: true distance\n"
        f"between dis_low and dis_high (68.3 % expected). Paper: claimed {paper_text('dis_error')}, "
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
