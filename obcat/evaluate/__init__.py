"""The catalog of a simulated survey beside its truth, and beside the paper's numbers: these, and
the samples, bins and cuts that they are of.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import duckdb
import numpy as np
from numpy.typing import NDArray

from obcat import reading
from obcat.evaluate.truth import Compared, is_ob_star
from obcat.section import decimals, percent
from obcat.statistics import Rows

__all__ = [
    "BRIGHT_COMPANION",
    "B_STARS",
    "EBV_EDGES",
    "GOOD_PARALLAX",
    "GOOD_SNR",
    "KPC_EDGES",
    "MK_EDGES",
    "PAPER_MIN_SNR",
    "SNR_EDGES",
    "STARS",
    "STATED",
    "STRONG_EMISSION",
    "Number",
    "bins",
    "distance_error",
    "emission_classes",
    "from_catalog",
    "good_singles",
    "paper_text",
    "parallax_snr",
    "plain_singles",
    "share_of_stars",
]

Floats = NDArray[np.float64]


SNR_EDGES = (10, 20, 30, 50, 100, np.inf)
MK_EDGES = (-np.inf, -6, -4, -3, -2, -1, 0, 1, np.inf)
EBV_EDGES = (-np.inf, 0.2, 0.5, 1, 1.5, np.inf)
KPC_EDGES = (0, 1, 2, 4, 8, np.inf)
PAPER_MIN_SNR = 50  # of spectra whose M_spec is compared with M_geo
GOOD_SNR = 30  # from which emission should be found
STRONG_EMISSION = 2.0  # Angstrom of emission at H alpha
GOOD_PARALLAX = 10  # parallax over its error
B_STARS = 9700.0  # K of the truth: O and B stars from here on
BRIGHT_COMPANION = 0.7  # mass ratio above which the companion shines


def bins(name: str, values: Floats, edges: Sequence[float]) -> Iterator[tuple[str, Rows]]:
    """Label and rows of each bin low <= value < high; an infinite edge leaves the bin open."""
    for low, high in pairwise(edges):
        label = f"{low:g} to {high:g}"
        if np.isinf(high):
            label = f"from {low:g}"
        elif np.isinf(low):
            label = f"below {high:g}"
        yield f"{name} {label}", (values >= low) & (values < high)


def plain_singles(data: Compared) -> Rows:
    """Best visits of O and B stars that truly are single and without emission, (n,)."""
    return (
        (data["uniqflag"] == 1)
        & is_ob_star(data)
        & (data["is_binary"] == 0)
        & (data["has_emission"] == 0)
    )


def good_singles(data: Compared) -> Rows:
    """Of these, spectra with S/N > 50, (n,)."""
    return plain_singles(data) & (data["snr_g"] > PAPER_MIN_SNR)


def emission_classes(data: Compared) -> list[tuple[str, Rows]]:
    """None, discs of Be stars, winds of supergiants, nebulae: what emits most."""
    some, nebular, wind = (data[name] == 1 for name in ("has_emission", "is_nebular", "is_wind"))
    return [
        ("emission: none", ~some),
        ("emission: Be", some & ~nebular & ~wind),
        ("emission: wind", some & ~nebular & wind),
        ("emission: nebular", some & nebular),
    ]


def distance_error(data: Compared) -> Floats:
    """dis / true - 1, (n,)."""
    return data["dis"] / data["true_distance"] - 1


def parallax_snr(data: Compared) -> Floats:
    """Parallax, its zero point taken off, over its error, (n,)."""
    return data["parallax"] / data["parallax_error"]


STARS = 16_002  # of the paper, its Table 1

Found = dict[str, float]


class Number(NamedTuple):
    """A number of the paper. ``tolerance`` is ours (assumed): of a count, of its fraction of all
    stars.

    ``name`` is its column in sql/evaluate/paper.sql; ``kind`` is stars (a count), mag, or part (a
    fraction).
    """

    name: str
    what: str
    value: float
    kind: str
    tolerance: float
    place: str


STATED = {
    n.name: n
    for n in (
        Number("emission", "stars with emission", 2074, "stars", 0.02, "section 3"),
        Number("binary", "binary stars", 1597, "stars", 0.02, "section 6"),
        Number("single", "stars not found to be binary", 13_257, "stars", 0.03, "section 6"),
        Number("unknown", "stars that cannot be classified", 1148, "stars", 0.02, "section 6"),
        Number("training", "training stars of the network without emission", 6861, "stars", 0.05,
        "section 5"), Number("training_emission", "training stars of the network with emission",
        7161, "stars", 0.05, "section 5"), Number(
            "scatter",
            "scatter of M_spec − M_geo, test stars without emission, S/N > 50 (mag)",
            0.25, "mag", 0.03, "section 5, Fig. 5",
        ),
        Number("sigma_int", "σ_int of the noise model, em_flag 0 (mag)", 0.25, "mag", 0.03,
        "section 5, Fig. 8"), Number("sigma_100", "σ_100 of the noise model, em_flag 0 (mag)", 0.10,
        "mag", 0.02, "section 5, Fig. 8"), Number("dis_error", "median relative distance error",
        0.08, "part", 0.02, "section 7, Fig. 11"), Number("dis_error_15",
        "the same from 13 to 17 kpc, binary_flag 0", 0.14, "part", 0.03, "section 7, Fig. 11"),
    )
}  # fmt: skip


def paper_text(name: str) -> str:
    """The paper's number as text: 0.25, or 8 %."""
    n = STATED[name]
    if n.kind == "part":
        return percent(n.value, 0)
    return decimals(n.value, 2) if n.kind == "mag" else f"{n.value:,}"


def share_of_stars(name: str) -> float:
    """A count of the paper over all its stars."""
    return STATED[name].value / STARS


def from_catalog(con: duckdb.DuckDBPyConnection) -> Found:
    """The same numbers of a catalog, and how many ``stars`` it has; NaN where it has none."""
    return {name: float(column[0]) if len(column) else np.nan
            for name, column in reading.answer_arrays(con, "evaluate/paper").items()}  # fmt: skip
