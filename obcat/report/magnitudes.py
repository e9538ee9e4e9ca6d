"""M_spec against the truth and, as in the paper, against M_geo."""

import numpy as np
from numpy.typing import NDArray

from obcat.report import statistics as st
from obcat.report.section import Section, bins, number
from obcat.report.truth import Compared, ordinary

__all__ = ["PAPER_MIN_SNR", "against_geometry", "against_truth", "good_singles", "held_out_residuals"]

PAPER_MIN_SNR = 50
SNR_EDGES = (10, 20, 30, 50, 100, 200, np.inf)
MK_EDGES = (-np.inf, -3, -2, -1, 0, 1, np.inf)
COLUMNS = ("n", "bias mag", "robust scatter mag", "std mag", "claimed error mag")

Rows = NDArray[np.bool_]


def against_truth(data: Compared) -> Section:
    """M_spec - M of single stars without emission, by training and test stars, S/N and M."""
    note = (
        "M_spec - M_true of stars that truly are single and without emission, best visit, S/N > 50 unless said;\n"
        "bias is the median, robust scatter 1.4826 MAD. Rows by S/N or M hold the stars that did not train."
    )
    singles, good = plain_singles(data), good_singles(data)
    unseen = data["is_train"] != 1
    groups = [
        ("training stars", good & (data["is_train"] == 1)),
        ("test stars (good parallax, held out)", good & (data["is_train"] == 0)),
        ("test stars in the networks' domain", good & (data["is_train"] == 0) & (data["out_of_domain"] == 0)),
        ("stars without a good parallax", good & np.isnan(data["is_train"])),
        *((label, singles & unseen & rows) for label, rows in bins("S/N", data["snr_g"], SNR_EDGES)),
        *((label, good & unseen & rows) for label, rows in bins("M_true", data["true_mk"], MK_EDGES)),
    ]
    systems = (data["uniqflag"] == 1) & (data["snr_g"] > PAPER_MIN_SNR) & (data["is_train"] != 1)
    binary, emission = data["is_binary"] == 1, data["has_emission"] == 1
    return Section("absolute magnitude: M_spec - M_true", note, COLUMNS, [
        *(row(label, data, rows, data["true_mk"]) for label, rows in groups),
        row("binaries, against the primary", data, systems & binary & ~emission, data["true_mk"]),
        row("binaries, against the system", data, systems & binary & ~emission, data["true_mk_system"]),
        row("single stars with emission", data, systems & ~binary & emission, data["true_mk"]),
    ])  # fmt: skip


def against_geometry(data: Compared) -> Section:
    """M_spec - M_geo of test stars: what can be had without a truth, and what the paper shows."""
    note = "M_spec - M_geo of test stars with good parallaxes, S/N > 50, by the catalog's own flags (paper Fig. 5)."
    test = (data["uniqflag"] == 1) & (data["is_train"] == 0) & (data["snr_g"] > PAPER_MIN_SNR)
    groups = [
        ("em_flag 0 (paper 0.25)", test & (data["em_flag"] == 0)),
        ("em_flag 0, binary_flag 0", test & (data["em_flag"] == 0) & (data["binary_flag"] == 0)),
        ("em_flag 1", test & (data["em_flag"] == 1)),
    ]
    rows = [row(label, data, rows, data["mk_geo"]) for label, rows in groups]
    return Section("absolute magnitude: M_spec - M_geo", note, COLUMNS, rows)


def plain_singles(data: Compared) -> Rows:
    return (data["uniqflag"] == 1) & ordinary(data) & (data["is_binary"] == 0) & (data["has_emission"] == 0)


def good_singles(data: Compared) -> Rows:
    """Stars the paper's number is about: single, without emission, best visit, S/N > 50."""
    return plain_singles(data) & (data["snr_g"] > PAPER_MIN_SNR)


def held_out_residuals(data: Compared, true: str) -> NDArray[np.float64]:
    """M_spec minus a column of magnitudes for good single test stars."""
    rows = good_singles(data) & (data["is_train"] == 0)
    return data["mk"][rows] - data[true][rows]


def row(label: str, data: Compared, rows: Rows, reference: NDArray[np.float64]) -> tuple[str, ...]:
    off = (data["mk"] - reference)[rows]
    spread = (st.bias(off), st.robust_scatter(off), st.standard_deviation(off), st.median(data["mk_err"][rows]))
    return (label, str(np.isfinite(off).sum()), *map(number, spread))
