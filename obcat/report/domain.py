"""Stars the method is not made for: how many of each kind carry a warning, against ordinary stars."""

import numpy as np
from numpy.typing import NDArray

from obcat.report import statistics as st
from obcat.report.section import Section, bins, number, percent
from obcat.report.truth import Compared, absent, ordinary

__all__ = ["warned", "warnings"]

MK_EDGES = (-np.inf, -4, -3, -2, 2, np.inf)
PLURAL = {"star": "O and B stars", "interloper": "interlopers (late B, A)", "subdwarf": "subdwarfs",
          "white_dwarf": "white dwarfs"}  # fmt: skip

Rows = NDArray[np.bool_]


def warnings(data: Compared) -> Section:
    note = (
        "Best visits. Warned: quality has the bit out_of_domain, erroneous or no_mk, that is, M_spec is missing "
        "or not to be trusted; interlopers are near the stars that train, and brighter than M = 2, so few of them "
        "can be told."
    ) + absent(data, "kind")
    best = data["uniqflag"] == 1
    kinds = [(PLURAL.get(kind, kind), best & (data["kind"] == kind)) for kind in sorted(set(data["kind"])) if kind]
    plain = best & ordinary(data)
    groups = [
        *kinds,
        *((f"O and B, {label}", plain & rows) for label, rows in bins("M_true", data["true_mk"], MK_EDGES)),
        ("O and B, single, no emission", plain & (data["is_binary"] == 0) & (data["has_emission"] == 0)),
        ("O and B, emission", plain & (data["has_emission"] == 1)),
        ("spectrum spoiled", best & (data["is_erroneous"] == 1)),
    ]
    columns = ("n", "warned", "out_of_domain", "erroneous", "no M_spec", "M_spec - M_true mag", "scatter mag")
    return Section("warnings: stars outside the method's domain", note, columns,
                   [row(label, data, rows) for label, rows in groups])  # fmt: skip


def warned(data: Compared) -> Rows:
    return (data["out_of_domain"] > 0) | (data["erroneous"] == 1) | np.isnan(data["mk"])


def row(label: str, data: Compared, rows: Rows) -> tuple[str, ...]:
    flags = warned(data), data["out_of_domain"] > 0, data["erroneous"] == 1, np.isnan(data["mk"])
    off = (data["mk"] - data["true_mk"])[rows]
    shares = (percent(st.fraction(flag[rows].astype(float))) for flag in flags)
    return (label, str(rows.sum()), *shares, number(st.bias(off)), number(st.robust_scatter(off)))
