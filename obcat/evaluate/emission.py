"""em_flag and the bit of erroneous spectra against the truth, one row per visit;
what any threshold would find (ROC).
"""

import numpy as np
from numpy.typing import NDArray

from obcat import statistics as st
from obcat.evaluate import GOOD_SNR, SNR_EDGES, STRONG_EMISSION, bins, emission_classes
from obcat.evaluate.truth import Compared, is_ob_star, missing_note
from obcat.section import Section, decimals, percent
from obcat.statistics import Rows

__all__ = [
    "area",
    "by_class",
    "emission_by_snr",
    "emission_by_width",
    "erroneous",
    "headline",
    "sweep",
    "threshold_at",
]

EW_EDGES = (0.5, 1, 2, 5, 10, np.inf)
FLAGS = ("erroneous", "em_flag")
KINDS = {"wavelength": "wavelengths wrong", "arms": "arms do not meet", "sky": "wrong sky"}
ROC_EW_EDGES = (-np.inf, 0, 0.5, 1, 2, 5, np.inf)  # below 0: shells absorb more than is emitted
ALARMS = (0.001, 0.01, 0.05)
THRESHOLDS = (0, 1, 2, 3, 4, 5, 7, 10, 20, 50)

Floats = NDArray[np.float64]


def headline(data: Compared) -> tuple[float, float]:
    """Recall for emission above 2 Angstrom and false alarms, at S/N >= 30, spectra not spoiled."""
    good = _sound(data) & (data["snr_g"] >= GOOD_SNR)
    strong = good & (data["true_ew"] > STRONG_EMISSION)
    flag, true = data["em_flag"], data["has_emission"]
    return st.recall(flag[strong], true[strong]), st.false_alarms(flag[good], true[good])


def _sound(data: Compared) -> Rows:
    return data["is_erroneous"] == 0


EMISSION_BY_SNR_NOTE = """\
Visits whose spectra are not spoiled. Recall: flagged of those with emission (unknown counts as missed);
false alarms: flagged of those without, em_flag known. Aims at S/N >= 30: recall 95 % above 2 A, alarms 1 %."""


def emission_by_snr(data: Compared) -> Section:
    note = EMISSION_BY_SNR_NOTE
    columns = (
        "n emission",
        "recall",
        "n above 2 A",
        "recall",
        "n without",
        "em_flag unknown",
        "false alarms",
    )
    groups = [("S/N from 30", data["snr_g"] >= GOOD_SNR), *bins("S/N", data["snr_g"], SNR_EDGES)]
    rows = [_snr_row(label, data, _sound(data) & rows) for label, rows in groups]
    return Section("emission: em_flag by S/N", note, columns, rows)


def _snr_row(label: str, data: Compared, rows: Rows) -> tuple[str, ...]:
    flag, true = data["em_flag"], data["has_emission"]
    some, none = rows & (true == 1), rows & (true == 0)
    strong = some & (data["true_ew"] > STRONG_EMISSION)
    return (
        label,
        str(some.sum()),
        percent(st.recall(flag[some], true[some])),
        str(strong.sum()),
        percent(st.recall(flag[strong], true[strong])),
        str(none.sum()),
        str(np.isnan(flag[none]).sum()),
        percent(st.false_alarms(flag[none], true[none])),
    )


EMISSION_BY_WIDTH_NOTE = (
    "Recall at S/N >= 30 by true equivalent width of the emission at H alpha, and by its source."
)


def emission_by_width(data: Compared) -> Section:
    note = EMISSION_BY_WIDTH_NOTE
    good = _sound(data) & (data["snr_g"] >= GOOD_SNR) & (data["has_emission"] == 1)
    kinds = (("disc", data["is_nebular"] == 0), ("nebular", data["is_nebular"] == 1))
    columns = [f"{what} {kind}" for kind, _ in kinds for what in ("n", "recall")]
    groups = [("all", data["true_ew"] > 0), *bins("EW / A", data["true_ew"], EW_EDGES)]
    rows = [
        (label, *(cell for _, kind in kinds for cell in _recall_cells(data, good & rows & kind)))
        for label, rows in groups
    ]
    return Section("emission: em_flag by equivalent width", note, columns, rows)


def _recall_cells(data: Compared, rows: Rows) -> tuple[str, str]:
    return str(rows.sum()), percent(st.recall(data["em_flag"][rows], data["has_emission"][rows]))


ERRONEOUS_NOTE = (
    "All visits: share with erroneous = 1 and share with em_flag = 1; unknown counts as not "
    "flagged."
)


def erroneous(data: Compared) -> Section:
    """Spoiled spectra found, by what was done to them; sound spectra called erroneous."""
    note = ERRONEOUS_NOTE
    emission, high = data["has_emission"] == 1, data["snr_g"] >= GOOD_SNR
    kinds = sorted({*KINDS, *data["erroneous_kind"].tolist()} - {""})
    groups = [
        *((f"spoiled: {KINDS.get(kind, kind)}, {label}", (data["erroneous_kind"] == kind) & rows)
          for kind in kinds for label, rows in (("S/N from 30", high), ("S/N below 30", ~high))),
        ("sound, no emission", _sound(data) & ~emission),
        ("sound, emission", _sound(data) & emission),
    ]  # fmt: skip
    rows = [
        (label, str(rows.sum()), *(_flagged_share(data[name][rows]) for name in FLAGS))
        for label, rows in groups
    ]
    return Section("erroneous spectra", note, ("n", *FLAGS), rows)


def _flagged_share(flag: NDArray[np.float64]) -> str:
    """Unknown counts as not flagged."""
    return percent(st.fraction((flag == 1).astype(float)))


def _score(data: Compared) -> Floats:
    """Excess over its error (n,); a spectrum without one counts as below any threshold."""
    return np.nan_to_num(data["halpha_significance"], nan=-np.inf)


def _sides(data: Compared) -> tuple[Rows, Rows]:
    """Visits with and without emission, spectra not spoiled; the latter of O and B stars only."""
    sound = _sound(data)
    return sound & (data["has_emission"] == 1), sound & (data["has_emission"] == 0) & is_ob_star(
        data
    )


def by_class(data: Compared) -> Section:
    """Area under the curve and recall at given rates of false alarms, by S/N,
    equivalent width and kind.
    """
    note = (
        "Every threshold on the excess at H alpha over its error; one row per visit, spoiled "
        "spectra left out. Area: "
        "chance that a star with emission stands above one without (1 is perfect, 0.5 a guess); "
        "recall where so "
        "many of the stars without emission of that S/N are flagged; last columns: em_flag as "
        "built. EW and "
        "kinds: S/N >= 30."
    ) + missing_note(data, "kind")
    some, none = _sides(data)
    good = data["snr_g"] >= GOOD_SNR
    groups = [
        ("all", some, none),
        *(
            (label, some & rows, none & rows)
            for label, rows in bins("S/N", data["snr_g"], SNR_EDGES)
        ),
        *(
            (label, some & rows & good, none & good)
            for label, rows in bins("EW / A", data["true_ew"], ROC_EW_EDGES)
        ),
        *((name, some & rows & good, none & good) for name, rows in emission_classes(data)[1:]),
    ]
    columns = (
        "n emission",
        "n without",
        "area",
        *(f"at {percent(a)}" for a in ALARMS),
        "em_flag recall",
        "alarms",
    )
    return Section(
        "emission ROC", note, columns, [_class_row(label, data, *rows) for label, *rows in groups]
    )


def _class_row(label: str, data: Compared, some: Rows, none: Rows) -> tuple[str, ...]:
    found, alarms, flag = _score(data)[some], _score(data)[none], data["em_flag"] == 1
    recalls = (_share(found > threshold_at(alarms, rate)) for rate in ALARMS)
    return (
        label,
        str(some.sum()),
        str(none.sum()),
        decimals(area(found, alarms), 4),
        *map(percent, recalls),
        percent(_share(flag[some])),
        percent(_share(flag[none]), 2),
    )


def area(found: Floats, alarms: Floats) -> float:
    """P(a score (n,) is above one of ``alarms`` (m,)), ties count half;
    NaN where either is empty.
    """
    if not len(found) or not len(alarms):
        return np.nan
    ordered = np.sort(alarms)
    below, up_to = (np.searchsorted(ordered, found, side) for side in ("left", "right"))
    return float(np.mean(below + up_to)) / 2 / len(alarms)


def threshold_at(alarms: Floats, rate: float) -> float:
    """The lowest score that no more than that part of ``alarms`` (m,) exceeds; NaN for none."""
    ordered = np.sort(alarms)[::-1]
    return float(ordered[int(rate * len(ordered))]) if len(ordered) else np.nan


SWEEP_NOTE = (
    "Visits with S/N >= 30, spectra not spoiled: flagged if the excess over its error is "
    "above the threshold. Purity: truly with emission of those flagged."
)


def sweep(data: Compared) -> Section:
    note = SWEEP_NOTE
    some, none = (rows & (data["snr_g"] >= GOOD_SNR) for rows in _sides(data))
    columns = ("recall", "recall above 2 A", "false alarms", "purity")
    rows = [_sweep_row(threshold, data, some, none) for threshold in THRESHOLDS]
    return Section("emission: threshold sweep", note, columns, rows)


def _sweep_row(threshold: float, data: Compared, some: Rows, none: Rows) -> tuple[str, ...]:
    above = _score(data) > threshold
    strong = some & (data["true_ew"] > STRONG_EMISSION)
    flagged = above & (some | none)
    values = _share(above[some]), _share(above[strong]), _share(above[none]), _share(some[flagged])
    return (f"above {threshold:g}", *(percent(value, 2) for value in values))


def _share(part: Rows) -> float:
    return st.fraction(part.astype(float))
