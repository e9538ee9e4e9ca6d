"""E(B-V) colour by colour, as METHOD section 3 takes their mean."""

from itertools import pairwise
from typing import Any

import duckdb
import numpy as np

from obcat.explain.arrays import model_arrays
from obcat.kernels.extinction import BANDS, bolometric_corrections

__all__ = ["colours"]

NAMES = ["colour", "observed", "intrinsic", "ebv", "ebv_err", "weight"]
PHOTOMETRY = "FROM extinction.photometry WHERE star_id = $star_id"
LABELS = "SELECT teff, logg, coalesce(feh, 0) FROM extinction.labels WHERE star_id = $star_id"
FLOOR = "SELECT colour_error_floor FROM meta.parameters"


def colours(con: duckdb.DuckDBPyConnection, star_id: str) -> tuple[list[str], list[list[Any]]]:
    """A row for each colour of neighbouring bands: observed, intrinsic (mag), E(B-V), error, share of the mean."""
    cursor = con.execute(PHOTOMETRY, {"star_id": star_id})
    names = [d[0] for d in cursor.description or ()]
    rows = cursor.fetchall()
    labels = con.execute(LABELS, {"star_id": star_id}).fetchall()
    model, coefficients = model_arrays(con, "colours"), model_arrays(con, "coefficients")
    if not rows or not labels or None in labels[0] or not model or not coefficients:
        return NAMES, []
    star = dict(zip(names, rows[0], strict=True))
    floor = con.execute(FLOOR).fetchall()[0][0]
    bc = bolometric_corrections(*(np.array([v]) for v in labels[0]), **model)[0][0]
    slope = coefficients["coefficients"]
    present = [i for i, b in enumerate(BANDS) if None not in (star[b], star[f"{b}_err"]) and np.isfinite(bc[i])]
    found = [one_colour(star, a, b, bc, slope, floor) for a, b in pairwise(present)]
    total = sum(1 / row[4] ** 2 for row in found)
    return NAMES, [[*row, 1 / row[4] ** 2 / total] for row in found]


def one_colour(star: dict[str, Any], a: int, b: int, bc: np.ndarray, slope: np.ndarray, floor: float) -> list[Any]:
    blue, red = BANDS[a], BANDS[b]
    observed, intrinsic = star[blue] - star[red], float(bc[b] - bc[a])
    error = max(float(np.hypot(star[f"{blue}_err"], star[f"{red}_err"])), floor)
    per_ebv = float(slope[a] - slope[b])
    return [f"{blue} - {red}", observed, intrinsic, (observed - intrinsic) / per_ebv, error / abs(per_ebv)]
