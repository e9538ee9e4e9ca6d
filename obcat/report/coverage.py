"""How often the truth lies in the intervals of 68 and 95 per cent, and the ranks of the true distances (PIT)."""

import numpy as np
from numpy.typing import NDArray

from obcat.posterior import ranks
from obcat.report import statistics as st
from obcat.report.accuracy import KPC_EDGES, SNR_EDGES
from obcat.report.section import Section, bins, number, percent
from obcat.report.truth import Compared, absent, ordinary

__all__ = ["central", "coverage", "rank_histogram", "true_ranks"]

LEVELS = (0.68, 0.95)  # of the intervals; from 16 to 84 and from 2.5 to 97.5 per cent
SIGMAS = (0.9945, 1.96)  # their half width for a normal distribution
DECILES = np.linspace(0, 1, 11)

Floats = NDArray[np.float64]
Rows = NDArray[np.bool_]


def true_ranks(data: Compared) -> Floats:
    """P(d < true distance) (n,) under the catalog's p(d), computed anew from the columns the build used."""
    limits = data["distance_max"]
    return ranks(data, data["true_distance"], float(limits[0])) if len(limits) else limits


def central(rank: Floats, level: float) -> Floats:
    """1 where the rank (n,) lies within the central interval of that content, 0 where not, NaN where unknown."""
    return np.where(np.isfinite(rank), np.abs(rank - 0.5) <= level / 2, np.nan)


def coverage(data: Compared) -> Section:
    note = (
        "Best visits. Distance: true distance between the 16th and 84th, the 2.5th and 97.5th percentile of p(d), "
        "which is computed anew from the catalog; M_spec (against the light of the system, stars that did not "
        "train) and E(B-V): true value within 0.99 and 1.96 claimed errors. If all errors were right: 68 % and 95 "
        "%."
    ) + absent(data, "kind")  # fmt: skip
    rank = true_ranks(data)
    flags = [*(central(rank, level) for level in LEVELS), *pulls(data)]
    columns = ("n", "distance 68 %", "95 %", "M_spec 68 %", "95 %", "E(B-V) 68 %", "95 %")
    rows = [(label, str(np.isfinite(rank[rows]).sum()), *(percent(st.fraction(flag[rows])) for flag in flags))
            for label, rows in groups(data)]  # fmt: skip
    return Section("coverage of the intervals", note, columns, rows)


def pulls(data: Compared) -> list[Floats]:
    """Whether M_spec and E(B-V) are within both numbers of errors, (n,) each."""
    magnitude = np.where(data["is_train"] == 1, np.nan, data["mk"] - data["true_mk_system"]) / data["mk_err"]
    reddening = (data["ebv"] - data["true_ebv"]) / data["ebv_err"]
    return [np.where(np.isfinite(pull), np.abs(pull) <= sigma, np.nan)
            for pull in (magnitude, reddening) for sigma in SIGMAS]  # fmt: skip


def groups(data: Compared) -> list[tuple[str, Rows]]:
    """All, the classes, then single stars without emission, for which the method is made, by S/N and distance."""
    best = (data["uniqflag"] == 1) & ordinary(data)
    binary, emission = data["is_binary"] == 1, data["has_emission"] == 1
    plain = best & ~binary & ~emission
    by_distance = [*bins("kpc", data["true_distance"], KPC_EDGES)]
    return [
        ("all", best),
        ("single, no emission", plain),
        ("single, emission", best & ~binary & emission),
        ("binary", best & binary),
        ("binary_flag 0", best & (data["binary_flag"] == 0)),
        ("binary_flag 1 (parallax alone)", best & (data["binary_flag"] == 1)),
        ("not O or B", (data["uniqflag"] == 1) & ~ordinary(data)),
        *((f"{label}, all", best & rows) for label, rows in by_distance),
        *((f"{label}, single, no emission", plain & rows) for label, rows in by_distance),
        *((f"{label}, single, no emission", plain & rows) for label, rows in bins("S/N", data["snr_g"], SNR_EDGES)),
    ]


def rank_histogram(data: Compared) -> Section:
    """Per cent of the ranks in each tenth: 10 everywhere if p(d) is right, more at both ends if it is too narrow."""
    note = (
        "Rank of the true distance in p(d) (PIT), best visits: per cent in each tenth, 10 expected everywhere. "
        "Both ends full: errors too small; the last tenths full: distances too small."
    )
    rank = true_ranks(data)
    columns = ("n", *(f"{low:.1f}" for low in DECILES[:-1]), "mean")
    return Section(
        "ranks of the distances", note, columns, [histogram(label, rank[rows]) for label, rows in groups(data)]
    )


def histogram(label: str, rank: Floats) -> tuple[str, ...]:
    rank = rank[np.isfinite(rank)]
    counts = np.histogram(rank, DECILES)[0]
    parts = 100 * counts / len(rank) if len(rank) else np.full(len(counts), np.nan)
    mean = float(rank.mean()) if len(rank) else np.nan
    return (label, str(len(rank)), *(number(part, 1) for part in parts), number(mean, 2))
