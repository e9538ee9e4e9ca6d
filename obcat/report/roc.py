"""Receiver operating characteristic of the emission statistic: what any threshold would find, and its false alarms."""

import numpy as np
from numpy.typing import NDArray

from obcat.report import statistics as st
from obcat.report.accuracy import emission_classes
from obcat.report.section import Section, bins, number, percent
from obcat.report.truth import Compared, absent, ordinary

__all__ = ["area", "by_class", "sweep", "threshold_at"]

SNR_EDGES = (10, 20, 30, 50, 100, np.inf)
EW_EDGES = (-np.inf, 0, 0.5, 1, 2, 5, np.inf)  # below 0: shells absorb more than is emitted
GOOD_SNR = 30
STRONG = 2.0  # Angstrom of emission at H alpha
ALARMS = (0.001, 0.01, 0.05)
THRESHOLDS = (0, 1, 2, 3, 4, 5, 7, 10, 20, 50)

Floats = NDArray[np.float64]
Rows = NDArray[np.bool_]


def score(data: Compared) -> Floats:
    """Excess over its error (n,); a spectrum without one counts as below any threshold."""
    return np.nan_to_num(data["halpha_significance"], nan=-np.inf)


def sides(data: Compared) -> tuple[Rows, Rows]:
    """Visits with and without emission, spectra not spoiled; the latter of O and B stars only."""
    sound = data["is_erroneous"] == 0
    return sound & (data["has_emission"] == 1), sound & (data["has_emission"] == 0) & ordinary(data)


def by_class(data: Compared) -> Section:
    """Area under the curve and recall at given rates of false alarms, by S/N, equivalent width and kind."""
    note = (
        "Every threshold on the excess at H alpha over its error; a row a visit, spoiled spectra left out. Area: "
        "chance that a star with emission stands above one without (1 is perfect, 0.5 a guess); recall where so "
        "many of the stars without emission of that S/N are flagged; last columns: em_flag as built. EW and "
        "kinds: S/N >= 30."
    ) + absent(data, "kind")
    some, none = sides(data)
    good = data["snr_g"] >= GOOD_SNR
    groups = [
        ("all", some, none),
        *((label, some & rows, none & rows) for label, rows in bins("S/N", data["snr_g"], SNR_EDGES)),
        *((label, some & rows & good, none & good) for label, rows in bins("EW / A", data["true_ew"], EW_EDGES)),
        *((name, some & rows & good, none & good) for name, rows in emission_classes(data)[1:]),
    ]
    columns = ("n emission", "n without", "area", *(f"at {percent(a)}" for a in ALARMS), "em_flag recall", "alarms")
    return Section("emission ROC", note, columns, [class_row(label, data, *rows) for label, *rows in groups])


def class_row(label: str, data: Compared, some: Rows, none: Rows) -> tuple[str, ...]:
    found, alarms, flag = score(data)[some], score(data)[none], data["em_flag"] == 1
    recalls = (share(found > threshold_at(alarms, rate)) for rate in ALARMS)
    return (
        label,
        str(some.sum()),
        str(none.sum()),
        number(area(found, alarms), 4),
        *map(percent, recalls),
        percent(share(flag[some])),
        percent(share(flag[none]), 2),
    )


def area(found: Floats, alarms: Floats) -> float:
    """P(a score (n,) is above one of ``alarms`` (m,)), ties count half; NaN where either is empty."""
    if not len(found) or not len(alarms):
        return np.nan
    ordered = np.sort(alarms)
    below, up_to = (np.searchsorted(ordered, found, side) for side in ("left", "right"))
    return float(np.mean(below + up_to)) / 2 / len(alarms)


def threshold_at(alarms: Floats, rate: float) -> float:
    """The lowest score that no more than that part of ``alarms`` (m,) exceeds; NaN for none."""
    ordered = np.sort(alarms)[::-1]
    return float(ordered[int(rate * len(ordered))]) if len(ordered) else np.nan


def sweep(data: Compared) -> Section:
    note = (
        "Visits with S/N >= 30, spectra not spoiled: flagged if the excess over its error is above the threshold. "
        "Purity: truly with emission of those flagged."
    )
    some, none = (rows & (data["snr_g"] >= GOOD_SNR) for rows in sides(data))
    columns = ("recall", "recall above 2 A", "false alarms", "purity")
    rows = [sweep_row(threshold, data, some, none) for threshold in THRESHOLDS]
    return Section("emission: threshold sweep", note, columns, rows)


def sweep_row(threshold: float, data: Compared, some: Rows, none: Rows) -> tuple[str, ...]:
    above = score(data) > threshold
    strong = some & (data["true_ew"] > STRONG)
    flagged = above & (some | none)
    values = share(above[some]), share(above[strong]), share(above[none]), share(some[flagged])
    return (f"above {threshold:g}", *(percent(value, 2) for value in values))


def share(part: Rows) -> float:
    return st.fraction(part.astype(float))
