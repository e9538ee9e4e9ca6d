"""em_flag and the bit of erroneous spectra against the truth, one row per visit;
what any threshold would find (ROC); what best mode says of emission, faults and velocities.
"""

import numpy as np
from numpy.typing import NDArray

from obcat import statistics as st
from obcat.evaluate import (
    B_STARS,
    GOOD_SNR,
    SNR_EDGES,
    STRONG_EMISSION,
    bins,
    emission_classes,
)
from obcat.evaluate.truth import Compared, is_ob_star, missing_note
from obcat.section import Section, decimals, percent
from obcat.statistics import Rows

__all__ = [
    "area",
    "best_emission",
    "best_faults",
    "best_velocities",
    "by_class",
    "emission_by_snr",
    "emission_by_width",
    "erroneous",
    "headline",
    "kinds_of_emission",
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


def kinds_of_emission(data: Compared) -> Section:
    """What best mode says of stars whose emission is truly of a kind; flags of both modes."""
    note = "Best visits of O and B stars; rows are what is true, columns what best mode says."
    best = (data["uniqflag"] == 1) & is_ob_star(data)
    rows = [_kind_row(label, data, best & rows) for label, rows in emission_classes(data)]
    columns = ("n", "paper: em_flag", "best: em_flag", *SAID)
    return Section("both modes: kinds of emission", note, columns, rows)


SAID = ("disc", "nebular", "wind", "B[e]")


def _kind_row(label: str, data: Compared, rows: Rows) -> tuple[str, ...]:
    n = rows.sum()
    flags = [
        np.mean(data[name][rows] == 1) if n else np.nan for name in ("em_flag", "best_em_flag")
    ]
    said = [(data["emission_kind"][rows] == kind).mean() if n else np.nan for kind in SAID]
    return (label, str(n), *map(percent, [*flags, *said]))


BEST_SNR_EDGES = (20, 30, 60, 100, np.inf)
WEAK_EW = (1.0, 2.0)  # Angstrom


def best_emission(data: Compared) -> Section:
    """em_flag and kinds of best mode by S/N."""
    note = (
        "Visits of O and B stars whose spectra are not spoiled. Recall: flagged of those with so "
        "much emission at H alpha; false alarms:\nflagged of those without; kind: right of those "
        "with emission that are flagged. Aims: above 90 % at S/N 60 to 100, 0.5 %, 95 %."
    )
    columns = (
        "n 1 to 2 A",
        "recall",
        "n from 2 A",
        "recall",
        "n without",
        "false alarms",
        "n",
        "kind",
    )
    groups = [*bins("S/N", data["snr_g"], BEST_SNR_EDGES), ("S/N from 50", data["snr_g"] > 50)]
    rows = [_best_row(label, data, rows) for label, rows in groups]
    return Section("best mode: emission by S/N", note, columns, rows)


def _best_row(label: str, data: Compared, rows: Rows) -> tuple[str, ...]:
    sound = rows & _sound(data) & is_ob_star(data)
    some, none = sound & (data["has_emission"] == 1), sound & (data["has_emission"] == 0)
    flag, width = data["best_em_flag"] == 1, data["true_ew"]
    weak, strong = some & (width >= WEAK_EW[0]) & (width < WEAK_EW[1]), some & (width >= WEAK_EW[1])
    right = np.zeros(len(flag), bool)
    for kind, truly in zip(("disc", "wind", "nebular"), emission_classes(data)[1:], strict=True):
        right |= truly[1] & (data["emission_kind"] == kind)
    shares = [(part, flag) for part in (weak, strong)] + [(none, flag), (some & flag, right)]
    cells = [(str(part.sum()), percent(_share(found[part]), 2)) for part, found in shares]
    return (label, *(cell for pair in cells for cell in pair))


def best_faults(data: Compared) -> Section:
    """Faults that best mode names, and stars of other kinds that it warns of."""
    note = (
        "Faults: all visits; other kinds of stars: best visits, sound spectra. Aims: above 95 % of "
        "what is spoiled at 0.3 % of what is\nnot; above 90 % of other stars out of domain at 2 % "
        "of O and B stars, from 9,700 K."
    )
    spoiled = data["erroneous_kind"]
    cool = np.where(data["true_teff"] < B_STARS, "drawn with them, cooler", "O and B stars")
    kinds = np.where(is_ob_star(data), cool, data["kind"])
    groups = [(f"spoiled: {kind}", spoiled == kind) for kind in sorted({*spoiled.tolist()} - {""})]
    sound = data["is_erroneous"] == 0
    best = sound & (data["uniqflag"] == 1)
    groups += [("sound", sound), ("sound, S/N from 30", sound & (data["snr_g"] >= GOOD_SNR))]
    groups += [(kind, best & (kinds == kind)) for kind in sorted({*kinds.tolist()})]
    groups += [("all but stars drawn as O and B", best & ~is_ob_star(data))]
    rows = [(label, str(part.sum()), *_warned(data, part)) for label, part in groups if part.any()]
    return Section("best mode: faults and other stars", note, ("n", "fault", "out_of_domain"), rows)


def _warned(data: Compared, rows: Rows) -> tuple[str, str]:
    found = (data["fault"] != "")[rows], (data["best_out_of_domain"] == 1)[rows]
    return percent(found[0].mean(), 2), percent(found[1].mean(), 2)


def best_velocities(data: Compared) -> Section:
    """Differences between visits to one star over their errors."""
    note = (
        "Each visit and the one before it in S/N, both without a fault, O and B stars: differences "
        "of rv, km/s, and over their errors.\nSingle stars are quiet: a scatter of 1 where the "
        "errors hold."
    )
    columns = ("n", "error", "robust scatter", "pull, robust scatter", "pull, std within 5")
    star = (
        is_ob_star(data)
        & (data["fault"] == "")
        & np.isfinite(data["best_rv"] + data["best_rv_err"])
    )
    order = np.lexsort((data["uniqflag"], data["star_id"]))
    order = order[star[order]]
    a, b = order[:-1], order[1:]
    pair = data["star_id"][a] == data["star_id"][b]
    a, b = a[pair], b[pair]
    off = data["best_rv"][b] - data["best_rv"][a]
    error = np.hypot(data["best_rv_err"][a], data["best_rv_err"][b])
    binary, worse = data["is_binary"][a] == 1, np.minimum(data["snr_g"][a], data["snr_g"][b])
    groups = [("binary", binary), ("single", ~binary)]
    groups += [
        (f"single, {label}", ~binary & rows) for label, rows in bins("S/N", worse, VELOCITY_SNR)
    ]
    rows = [_velocity_row(label, off[rows], error[rows]) for label, rows in groups]
    return Section("best mode: velocities", note, columns, rows)


VELOCITY_SNR = (-np.inf, 20, 30, 50, np.inf)


def _velocity_row(label: str, off: Floats, error: Floats) -> tuple[str, ...]:
    pull = off / error
    spread = st.median(error), st.robust_scatter(off)
    inside = st.robust_scatter(pull), st.standard_deviation(pull[np.abs(pull) < 5])
    return (
        label,
        str(len(off)),
        *(decimals(x, 1) for x in spread),
        *(decimals(x, 2) for x in inside),
    )
