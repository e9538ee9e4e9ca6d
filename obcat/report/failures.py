"""Where the method fails, and by how much: late-B primaries, Be stars, the cut on parallax, bright stars, binaries."""

import numpy as np
from numpy.typing import NDArray

from obcat.report import statistics as st
from obcat.report.accuracy import distance_error
from obcat.report.coverage import central, true_ranks
from obcat.report.magnitudes import PAPER_MIN_SNR
from obcat.report.section import Section, bins, number, percent
from obcat.report.truth import Compared, absent, ordinary

__all__ = ["failures", "groups"]

COLUMNS = ("n", "M_spec bias", "scatter", "M_geo bias", "dis bias", "scatter", "inside 68 %", "called binary")
TITLE = "where the method fails, and by how much"
LATE_B = (10_000, 14_000)  # K: B9 to B7 (Pecaut & Mamajek 2013)
RATIO_EDGES = (0.3, 0.5, 0.7, np.inf)
EXCESS_EDGES = (0, 0.02, 0.1, 0.2, np.inf)  # mag in Ks
CUT_EDGES = (-np.inf, -3, -2, -1, 0, 1, np.inf)
GOOD_PARALLAX = 10

Rows = NDArray[np.bool_]


def failures(data: Compared) -> Section:
    note = (
        "Best visits with S/N > 50 that did not train, unless a parallax is what is asked for. M_spec - M of the "
        "primary alone, mag; M_geo - M of the system, mag, both without the light of discs; dis / true - 1; part with "
        "binary_flag 1. A bias is a median, a scatter 1.4826 MAD; the first row is what the method does where nothing "
        "is wrong. Nothing here is corrected in the catalog."
    ) + absent(data, "kind")
    rank = central(true_ranks(data), 0.68)
    return Section(TITLE, note, COLUMNS, [row(label, data, rows, rank) for label, rows in groups(data)])


def groups(data: Compared) -> list[tuple[str, Rows]]:
    every = (data["uniqflag"] == 1) & ordinary(data)
    judged = every & (data["snr_g"] > PAPER_MIN_SNR) & (data["is_train"] != 1)
    plain = judged & (data["is_binary"] == 0) & (data["has_emission"] == 0)
    return [
        ("single, no emission", plain),
        *primaries(data, judged & (data["has_emission"] == 0)),
        *discs(data, judged & (data["is_binary"] == 0)),
        *cuts(data, every & (data["is_binary"] == 0) & (data["has_emission"] == 0)),
        *((f"single, {label}", plain & rows) for label, rows in bins("M_true", data["true_mk"], (-np.inf, -4, -3, -2))),
        ("binaries, no emission", judged & (data["is_binary"] == 1) & (data["has_emission"] == 0)),
    ]


def primaries(data: Compared, judged: Rows) -> list[tuple[str, Rows]]:
    """Late-B and hotter primaries: alone, then by mass ratio (paper section 6)."""
    late = (data["true_teff"] >= LATE_B[0]) & (data["true_teff"] < LATE_B[1])
    hotter = data["true_teff"] >= LATE_B[1]
    return [
        (f"{name} primary, {what}", judged & kind & rows)
        for name, kind in (("late-B", late), ("hotter", hotter))
        for what, rows in (("single", data["is_binary"] == 0), *bins("q", data["mass_ratio"], RATIO_EDGES))
    ]


def discs(data: Compared, single: Rows) -> list[tuple[str, Rows]]:
    """Single Be stars by the Ks excess of their disc, which makes them look near; nebular emission has none."""
    disc = single & (data["has_emission"] == 1) & (data["is_nebular"] == 0) & (data["is_wind"] != 1)
    nebular = single & (data["is_nebular"] == 1)
    by_excess = bins("Ks excess / mag", data["true_excess"], EXCESS_EDGES)
    return [("Be", disc), *((f"Be, {label}", disc & rows) for label, rows in by_excess), ("nebular emission", nebular)]


def cuts(data: Compared, plain: Rows) -> list[tuple[str, Rows]]:
    """Stars that pass the cut on measured parallax over error, by M: the luminous pass where it is too large."""
    good = plain & (data["parallax"] / data["parallax_error"] > GOOD_PARALLAX)
    return [(f"parallax S/N > 10, {label}", good & rows) for label, rows in bins("M_true", data["true_mk"], CUT_EDGES)]


def row(label: str, data: Compared, rows: Rows, within: NDArray[np.float64]) -> tuple[str, ...]:
    spectrum, geometry = (data["mk"] - data["true_mk"])[rows], (data["mk_geo"] - data["true_mk_system"])[rows]
    off, flag = distance_error(data)[rows], (data["binary_flag"] == 1).astype(float)[rows]
    return (
        label,
        str(rows.sum()),
        number(st.bias(spectrum)),
        number(st.robust_scatter(spectrum)),
        number(st.bias(geometry)),
        percent(st.bias(off)),
        percent(st.robust_scatter(off)),
        percent(st.fraction(within[rows])),
        percent(st.fraction(flag)),
    )
