"""The numbers that the paper states (Xiang et al. 2021, ApJS 253, 22), once, and the same numbers of a catalog.

Every place that puts a number beside the paper's (`obcat evaluate`, the README's table, `obcat report`, the figures)
takes both from here: the paper's from ``STATED``, ours from sql/evaluate/paper.sql, which needs no truth.
"""

from typing import NamedTuple

import duckdb
import numpy as np

from obcat import reading
from obcat.section import decimals, percent

__all__ = ["STARS", "STATED", "Number", "from_catalog", "paper_text", "share_of_stars"]

STARS = 16_002  # of the paper, its Table 1

Found = dict[str, float]


class Number(NamedTuple):
    """A number of the paper. ``tolerance`` is ours (assumed): of a count, of its fraction of all stars.

    ``name`` is its column in sql/evaluate/paper.sql; ``kind`` is stars (a count), mag, or part (a fraction).
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
        Number("training", "training stars of the network without emission", 6861, "stars", 0.05, "section 5"),
        Number("training_emission", "training stars of the network with emission", 7161, "stars", 0.05, "section 5"),
        Number(
            "scatter",
            "scatter of M_spec − M_geo, test stars without emission, S/N > 50 (mag)",
            0.25, "mag", 0.03, "section 5, Fig. 5",
        ),
        Number("sigma_int", "σ_int of the noise model, em_flag 0 (mag)", 0.25, "mag", 0.03, "section 5, Fig. 8"),
        Number("sigma_100", "σ_100 of the noise model, em_flag 0 (mag)", 0.10, "mag", 0.02, "section 5, Fig. 8"),
        Number("dis_error", "median relative distance error", 0.08, "part", 0.02, "section 7, Fig. 11"),
        Number("dis_error_15", "the same from 13 to 17 kpc, binary_flag 0", 0.14, "part", 0.03, "section 7, Fig. 11"),
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
