"""The main numbers of an evaluation as a short table in Markdown, to be quoted."""

from collections.abc import Sequence

import numpy as np

from obcat.report import emission
from obcat.report import statistics as st
from obcat.report.coverage import central, true_ranks
from obcat.report.distances import claimed_error, near_15_kpc
from obcat.report.domain import warned
from obcat.report.failures import groups
from obcat.report.magnitudes import PAPER_MIN_SNR, held_out_residuals
from obcat.report.noise import Claimed
from obcat.report.section import number, percent
from obcat.report.truth import Compared, ordinary

__all__ = ["BEGIN", "END", "HEAD", "markdown"]

BEGIN, END = "<!-- evaluate -->", "<!-- /evaluate -->"
HEAD = ("SIMULATED survey", "paper", "here")
BRIGHT_COMPANION, GOOD_PARALLAX = 0.7, 10


def markdown(data: Compared, posterior: Claimed) -> str:
    """A table of at most 14 rows between the marks that a README keeps for it."""
    rows = [*magnitude_rows(data, posterior), *distance_rows(data), *flag_rows(data), *failure_rows(data)]
    lines = [line(HEAD), line(("---",) * len(HEAD)), *map(line, rows)]
    return "\n".join([BEGIN, *lines, END]) + "\n"


def line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def magnitude_rows(data: Compared, posterior: Claimed) -> list[tuple[str, ...]]:
    test = (data["uniqflag"] == 1) & (data["is_train"] == 0) & (data["snr_g"] > PAPER_MIN_SNR) & (data["em_flag"] == 0)
    geometric, true = st.robust_scatter((data["mk"] - data["mk_geo"])[test]), held_out_residuals(data, "true_mk")
    sigma = [posterior.get((0, name), (np.nan, np.nan))[0] for name in ("sigma_int", "sigma_100")]
    return [
        ("scatter of M_spec − M_geo, test stars without emission, S/N > 50", "0.25 mag", mag(geometric)),
        ("scatter of M_spec − true M, the same that are single", "", mag(st.robust_scatter(true))),
        ("σ_int and σ_100 of the noise model", "0.25, 0.10 mag", f"{number(sigma[0])}, {number(sigma[1])} mag"),
    ]


def distance_rows(data: Compared) -> list[tuple[str, ...]]:
    best = (data["uniqflag"] == 1) & ordinary(data)
    error, actual = claimed_error(data), np.abs(data["dis"] / data["true_distance"] - 1)
    far = near_15_kpc(data) & (data["binary_flag"] == 0)
    rank = true_ranks(data)
    return [
        ("median distance error claimed", "8 %", percent(st.median(error[best]))),
        ("the same from 13 to 17 kpc, binary_flag 0", "14 %", percent(st.median(error[far]))),
        ("median of abs(distance / true − 1)", "", percent(st.median(actual[best]))),
        *((f"true distances inside their {percent(level, 0)} interval: all; single stars", "",
           f"{percent(st.fraction(central(rank, level)[best]))}; "
           f"{percent(st.fraction(central(rank, level)[best & (data['is_binary'] == 0)]))}") for level in (0.68, 0.95)),
    ]  # fmt: skip


def flag_rows(data: Compared) -> list[tuple[str, ...]]:
    found, alarms = emission.headline(data)
    best = data["uniqflag"] == 1
    near = best & (data["parallax"] / data["parallax_error"] > GOOD_PARALLAX)
    bright, flag, true = near & (data["mass_ratio"] > BRIGHT_COMPANION), data["binary_flag"], data["is_binary"]
    return [
        ("emission above 2 Å found; false alarms (S/N ≥ 30)", "", f"{percent(found)}; {percent(alarms, 2)}"),
        ("binaries found: all; q > 0.7 with parallax S/N > 10", "",
         f"{percent(st.recall(flag[best], true[best]))}; {percent(st.recall(flag[bright], true[bright]))}"),
        ("binary_flag 1 that are binaries: all; parallax S/N > 10", "",
         f"{percent(st.purity(flag[best], true[best]))}; {percent(st.purity(flag[near], true[near]))}"),
    ]  # fmt: skip


def failure_rows(data: Compared) -> list[tuple[str, ...]]:
    rows = dict(groups(data))
    off = data["mk"] - data["true_mk"]
    late = rows["late-B primary, q 0.5 to 0.7"]
    bright = rows["single, M_true below -4"] | rows["single, M_true -4 to -3"]
    odd, normal = ((data["uniqflag"] == 1) & kind for kind in (~ordinary(data), ordinary(data)))
    shares = (percent(st.fraction(warned(data)[rows].astype(float))) for rows in (odd, normal))
    return [
        ("M_spec − true M of single stars brighter than M = −3", "", mag(st.bias(off[bright]))),
        ("M_spec − M of late-B primaries with companions of q 0.5 to 0.7", "", mag(st.bias(off[late]))),
        ("stars that are not O or B with a warning; O and B stars with one", "", "; ".join(shares)),
    ]


def mag(value: float) -> str:
    return f"{number(value)} mag".replace("-", "−") if np.isfinite(value) else number(value)
