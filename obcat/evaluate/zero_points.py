"""What the choice of the parallax zero point does to absolute magnitudes and distances."""

import duckdb
import numpy as np
from numpy.typing import NDArray

from obcat import statistics as st
from obcat.evaluate.truth import Compared
from obcat.reading import answer_arrays
from obcat.section import Section, decimals, percent

__all__ = ["against_true_parallaxes", "zero_points"]

Floats = NDArray[np.float64]
Stars = dict[str, Floats]

NAMES = ("constant", "leung_bovy_2019", "zinn_2019", "lindegren_2021", "table")
TITLE = "zero point of the parallax, by name"
NOTE = (
    "Medians of best visits with a parallax; changes against the offset that was used. Offset in "
    "mas, M in mag. The network learns M_geo of the training stars, so that M_spec moves with it, "
    "and a distance by M with M_spec; a distance by the parallax alone is that of binary_flag 1."
)
COLUMNS = ("n", "offset", "M_geo", "M_geo, training", "d by M", "d by parallax")
TRUE = ("offset - true", "M_geo - M_true, training")
PER_MAG = 0.2 * np.log(10)  # change of ln d a magnitude


def zero_points(
    con: duckdb.DuckDBPyConnection, ours: Stars | None = None, theirs: Stars | None = None
) -> Section:
    """One row a zero point that the stars can have, after the one that was used.

    ``ours``, ``theirs``: columns of this and of another catalog, (n,) of the same spectra; if they
    have parallax and parallax_offset there is a row for that of the other one.
    """
    stars = answer_arrays(con, "evaluate/zero_points")
    rows = [(name, *_changes(stars, offset)) for name, offset in _offered(stars)]
    if ours and theirs and {"parallax", "parallax_offset"} <= ours.keys():
        unknown = np.full(len(ours["parallax"]), np.nan)
        shared = {"parallax": ours["parallax"], "used": ours["parallax_offset"]}
        shared |= {"is_train": unknown, "binary_flag": ours.get("binary_flag", unknown)}
        rows.append(("theirs, rows in both", *_changes(shared, theirs["parallax_offset"])))
    return Section(TITLE, NOTE, COLUMNS, rows)


def against_true_parallaxes(con: duckdb.DuckDBPyConnection, data: Compared) -> Section:
    """The same with what is left: the offset less the true one, and M_geo of training stars less M
    of their systems."""
    stars = answer_arrays(con, "evaluate/zero_points")
    at = {specid: row for row, specid in enumerate(data["specid"].tolist())}
    rows = np.array([at[specid] for specid in stars["specid"].tolist()], int)
    true = {name: data[name][rows] for name in ("parallax_offset_true", "mk_geo", "true_mk_system")}
    lines = [
        (name, *_changes(stars, offset), *_left(stars, offset, true))
        for name, offset in _offered(stars)
    ]
    return Section(TITLE, NOTE, (*COLUMNS, *TRUE), lines)


def _offered(stars: Stars) -> list[tuple[str, Floats]]:
    every = [("used", stars["used"]), *((name, stars[name]) for name in NAMES)]
    return [(name, offset) for name, offset in every if np.isfinite(offset).any()]


def _changes(stars: Stars, offset: Floats) -> tuple[str, ...]:
    moved, trained = _moved(stars, offset), stars["is_train"] == 1
    learnt = st.median(moved[trained])
    alone = moved[stars["binary_flag"] == 1]
    return (
        str(int(np.isfinite(offset).sum())),
        decimals(st.median(offset), 4),
        decimals(st.median(moved), 3),
        decimals(learnt, 3),
        percent(np.expm1(-PER_MAG * learnt) + 0.0),
        percent(st.median(np.expm1(-PER_MAG * alone))),
    )


def _left(stars: Stars, offset: Floats, true: Stars) -> tuple[str, str]:
    trained = stars["is_train"] == 1
    geometric = true["mk_geo"] + _moved(stars, offset) - true["true_mk_system"]
    return (
        decimals(st.median(offset - true["parallax_offset_true"]), 4),
        decimals(st.median(geometric[trained]), 3),
    )


def _moved(stars: Stars, offset: Floats) -> Floats:
    """Change of M_geo, 5 log10 of the ratio of the parallaxes, mag (n,); NaN where either is not
    positive."""
    parallax, used = stars["parallax"] - offset, stars["parallax"] - stars["used"]
    both = (parallax > 0) & (used > 0)
    ratio = np.divide(parallax, used, out=np.full(len(used), np.nan), where=both)
    return 5 * np.log10(ratio)
