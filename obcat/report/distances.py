"""Distances against the truth: errors claimed and present, bias, coverage of the interval from 16 to 84 per cent."""

import numpy as np
from numpy.typing import NDArray

from obcat.report import statistics as st
from obcat.report.section import Section, bins, percent
from obcat.report.truth import Compared

__all__ = ["EXPECTED_COVERAGE", "claimed_error", "covered", "distances", "near_15_kpc"]

EDGES = (0, 1, 2, 4, 8, 13, 17, np.inf)
NEAR_15 = (13, 17)
EXPECTED_COVERAGE = 0.683

Rows = NDArray[np.bool_]


def distances(data: Compared) -> Section:
    note = (
        "Best visits. Claimed: median of (dis_high - dis_low) / 2 / dis; actual: median of |dis / true - 1|, which is\n"
        "0.674 of the claimed one where errors are normal; bias: median of dis / true - 1; covered: true distance\n"
        "between dis_low and dis_high (68.3 % expected). Paper: claimed 8 %, about 14 % at 15 kpc."
    )
    columns = ("n", "claimed", "actual", "bias", "covered")
    best = data["uniqflag"] == 1
    return Section("distance", note, columns, [row(label, data, best & rows) for label, rows in groups(data)])


def groups(data: Compared) -> list[tuple[str, Rows]]:
    binary, emission, known = (data[name] == 1 for name in ("is_binary", "has_emission", "is_train"))
    parallax = np.isfinite(data["parallax"])
    return [
        ("all", np.ones(len(parallax), bool)),
        ("single, no emission", ~binary & ~emission),
        ("single, emission", ~binary & emission),
        ("binary, no emission", binary & ~emission),
        ("binary, emission", binary & emission),
        ("binary with mass ratio above 0.7", binary & (data["mass_ratio"] > 0.7)),
        ("binary_flag 0", data["binary_flag"] == 0),
        ("binary_flag 1 (parallax alone)", data["binary_flag"] == 1),
        ("binary_flag unknown", np.isnan(data["binary_flag"])),
        ("no parallax", ~parallax),
        ("parallax not positive", data["parallax"] <= 0),
        ("PDF cut by the largest distance", data["distance_edge"] > 0),
        ("trained the networks", known),
        *bins("true kpc", data["true_distance"], EDGES),
        *((f"{label}, single", rows & ~binary) for label, rows in bins("true kpc", data["true_distance"], EDGES)),
        *((f"dis: {label}", rows) for label, rows in bins("kpc", data["dis"], EDGES)),
    ]


def claimed_error(data: Compared) -> NDArray[np.float64]:
    """Half the interval from 16 to 84 per cent over the distance, (n,)."""
    return (data["dis_high"] - data["dis_low"]) / 2 / data["dis"]


def covered(data: Compared, rows: Rows) -> float:
    return st.coverage(*(data[name][rows] for name in ("true_distance", "dis_low", "dis_high")))


def near_15_kpc(data: Compared) -> Rows:
    return (data["uniqflag"] == 1) & (data["dis"] >= NEAR_15[0]) & (data["dis"] < NEAR_15[1])


def row(label: str, data: Compared, rows: Rows) -> tuple[str, ...]:
    off = (data["dis"] / data["true_distance"] - 1)[rows]
    values = (st.median(claimed_error(data)[rows]), st.median(np.abs(off)), st.bias(off), covered(data, rows))
    return (label, str(np.isfinite(off).sum()), *map(percent, values))
