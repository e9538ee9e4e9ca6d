"""em_flag and the bit of erroneous spectra against the truth, a row a visit."""

import numpy as np
from numpy.typing import NDArray

from obcat.report import statistics as st
from obcat.report.section import Section, bins, percent
from obcat.report.truth import Compared

__all__ = ["emission_by_snr", "emission_by_width", "erroneous", "headline"]

STRONG = 2.0  # Angstrom of emission at H alpha
GOOD_SNR = 30
SNR_EDGES = (10, 20, 30, 50, 100, np.inf)
EW_EDGES = (0.5, 1, 2, 5, 10, np.inf)
FLAGS = ("erroneous", "em_flag")
KINDS = {"wavelength": "wavelengths wrong", "arms": "arms do not meet", "sky": "wrong sky"}

Rows = NDArray[np.bool_]


def headline(data: Compared) -> tuple[float, float]:
    """Recall for emission above 2 Angstrom and false alarms, at S/N >= 30, spectra not spoiled."""
    good = sound(data) & (data["snr_g"] >= GOOD_SNR)
    strong = good & (data["true_ew"] > STRONG)
    flag, true = data["em_flag"], data["has_emission"]
    return st.recall(flag[strong], true[strong]), st.false_alarms(flag[good], true[good])


def sound(data: Compared) -> Rows:
    return data["is_erroneous"] == 0


def emission_by_snr(data: Compared) -> Section:
    note = (
        "Visits whose spectra are not spoiled. Recall: flagged of those with emission (unknown counts as missed);\n"
        "false alarms: flagged of those without, em_flag known. Aims at S/N >= 30: recall 95 % above 2 A, alarms 1 %."
    )
    columns = ("n emission", "recall", "n above 2 A", "recall", "n without", "em_flag unknown", "false alarms")
    groups = [("S/N from 30", data["snr_g"] >= GOOD_SNR), *bins("S/N", data["snr_g"], SNR_EDGES)]
    rows = [snr_row(label, data, sound(data) & rows) for label, rows in groups]
    return Section("emission: em_flag by S/N", note, columns, rows)


def snr_row(label: str, data: Compared, rows: Rows) -> tuple[str, ...]:
    flag, true = data["em_flag"], data["has_emission"]
    some, none, strong = rows & (true == 1), rows & (true == 0), rows & (true == 1) & (data["true_ew"] > STRONG)
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


def emission_by_width(data: Compared) -> Section:
    note = "Recall at S/N >= 30 by true equivalent width of the emission at H alpha, and by its source."
    good = sound(data) & (data["snr_g"] >= GOOD_SNR) & (data["has_emission"] == 1)
    kinds = (("disc", data["is_nebular"] == 0), ("nebular", data["is_nebular"] == 1))
    columns = [f"{what} {kind}" for kind, _ in kinds for what in ("n", "recall")]
    groups = [("all", data["true_ew"] > 0), *bins("EW / A", data["true_ew"], EW_EDGES)]
    rows = [
        (label, *(cell for _, kind in kinds for cell in recall_cells(data, good & rows & kind)))
        for label, rows in groups
    ]
    return Section("emission: em_flag by equivalent width", note, columns, rows)


def recall_cells(data: Compared, rows: Rows) -> tuple[str, str]:
    return str(rows.sum()), percent(st.recall(data["em_flag"][rows], data["has_emission"][rows]))


def erroneous(data: Compared) -> Section:
    """Spoiled spectra found, by what was done to them; sound spectra called erroneous."""
    note = "All visits: share with erroneous = 1 and share with em_flag = 1; unknown counts as not flagged."
    emission, high = data["has_emission"] == 1, data["snr_g"] >= GOOD_SNR
    kinds = sorted({*KINDS, *data["erroneous_kind"].tolist()} - {""})
    groups = [
        *((f"spoiled: {KINDS.get(kind, kind)}, {label}", (data["erroneous_kind"] == kind) & rows)
          for kind in kinds for label, rows in (("S/N from 30", high), ("S/N below 30", ~high))),
        ("sound, no emission", sound(data) & ~emission),
        ("sound, emission", sound(data) & emission),
    ]  # fmt: skip
    rows = [(label, str(rows.sum()), *(flagged(data[name][rows]) for name in FLAGS)) for label, rows in groups]
    return Section("erroneous spectra", note, ("n", *FLAGS), rows)


def flagged(flag: NDArray[np.float64]) -> str:
    """Unknown counts as not flagged."""
    return percent(st.fraction((flag == 1).astype(float)))
