"""Bias and scatter of M_spec, E(B-V) and distance against the truth, each by S/N, M, E(B-V), emission, distance."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from obcat.report import statistics as st
from obcat.report.distances import claimed_error
from obcat.report.section import Section, bins, number, percent
from obcat.report.truth import Compared, absent, ordinary

__all__ = ["distance_error", "emission_classes", "groups", "magnitude", "reddening", "relative_distance"]

SNR_EDGES = (10, 20, 30, 50, 100, np.inf)
MK_EDGES = (-np.inf, -3, -2, -1, 0, 1, np.inf)
EBV_EDGES = (-np.inf, 0.2, 0.5, 1, 1.5, np.inf)
KPC_EDGES = (0, 1, 2, 4, 8, np.inf)
COLUMNS = ("n single", "bias", "scatter", "claimed", "n all", "bias", "scatter", "claimed")
WHO = "Best visits of O and B stars; scatter is 1.4826 MAD, claimed the median error of the catalog."

Floats = NDArray[np.float64]
Rows = NDArray[np.bool_]
Show = Callable[[float], str]


def groups(data: Compared) -> list[tuple[str, Rows]]:
    """Rows of every bin of the five variables, and all; M, E(B-V) and distance are the true ones."""
    return [
        ("all", np.ones(len(data["mk"]), bool)),
        *bins("S/N", data["snr_g"], SNR_EDGES),
        *bins("M_true", data["true_mk"], MK_EDGES),
        *bins("E(B-V)", data["true_ebv"], EBV_EDGES),
        *emission_classes(data),
        *bins("kpc", data["true_distance"], KPC_EDGES),
    ]


def emission_classes(data: Compared) -> list[tuple[str, Rows]]:
    """None, discs of Be stars, winds of supergiants, nebulae: what emits most."""
    some, nebular, wind = (data[name] == 1 for name in ("has_emission", "is_nebular", "is_wind"))
    return [
        ("emission: none", ~some),
        ("emission: Be", some & ~nebular & ~wind),
        ("emission: wind", some & ~nebular & wind),
        ("emission: nebular", some & nebular),
    ]


def magnitude(data: Compared) -> Section:
    """M_spec: of single stars, and of all against the light of the whole system, which is what the distance needs."""
    note = (f"M_spec - M_true, mag, of stars that did not train. {WHO} "
            "All: with binaries, against M of the system: what a distance needs. Emission is a class of its own."
            + absent(data, "kind"))  # fmt: skip
    return section("M_spec by five variables", note, data, data["mk"] - data["true_mk_system"], data["mk_err"],
                   data["is_train"] != 1, number)  # fmt: skip


def reddening(data: Compared) -> Section:
    note = f"E(B-V) - true, mag. {WHO}" + absent(data, "kind")
    every = np.ones(len(data["ebv"]), bool)
    return section(
        "E(B-V) by five variables", note, data, data["ebv"] - data["true_ebv"], data["ebv_err"], every, number
    )


def relative_distance(data: Compared) -> Section:
    note = f"dis / true - 1. {WHO}" + absent(data, "kind")
    every = np.ones(len(data["dis"]), bool)
    return section("distance by five variables", note, data, distance_error(data), claimed_error(data), every, percent)


def distance_error(data: Compared) -> Floats:
    """dis / true - 1, (n,)."""
    return data["dis"] / data["true_distance"] - 1


def section(title: str, note: str, data: Compared, off: Floats, error: Floats, judged: Rows, shown: Show) -> Section:
    best = judged & (data["uniqflag"] == 1) & ordinary(data)
    single = best & (data["is_binary"] == 0)
    rows = [(label, *cells(off, error, single & rows, shown), *cells(off, error, best & rows, shown))
            for label, rows in groups(data)]  # fmt: skip
    return Section(title, note, COLUMNS, rows)


def cells(off: Floats, error: Floats, rows: Rows, shown: Show) -> tuple[str, ...]:
    rows = rows & np.isfinite(off)
    values = st.bias(off[rows]), st.robust_scatter(off[rows]), st.median(error[rows])
    return (str(rows.sum()), *map(shown, values))
