"""What no query can tell: E(B-V) colour by colour, as METHOD section 3 takes their mean, and what set em_flag."""

from itertools import pairwise
from typing import Any

import duckdb
import numpy as np

from obcat import models
from obcat.kernels.extinction import BANDS, SOLAR, bolometric_corrections, neighbour_colours

__all__ = ["colours", "em_reason"]

NAMES = ["colour", "observed", "intrinsic", "ebv", "ebv_err", "weight"]
PHOTOMETRY = "FROM extinction.photometry WHERE star_id = $star_id"
LABELS = "SELECT teff, logg, feh FROM extinction.labels WHERE star_id = $star_id"
FLOOR = "SELECT colour_error_floor FROM meta.parameters"
LINE = "SELECT halpha_significance, em_flag, erroneous FROM emission.lines WHERE specid = $specid"


def colours(con: duckdb.DuckDBPyConnection, star_id: str) -> tuple[list[str], list[list[Any]]]:
    """A row for each colour of neighbouring bands: observed, intrinsic (mag), E(B-V), error, share of the mean."""
    photometry = con.sql(PHOTOMETRY, params={"star_id": star_id}).to_arrow_table().to_pylist()
    labels = con.execute(LABELS, {"star_id": star_id}).fetchall()
    model, coefficients = (
        models.arrays(con, "colours"),
        models.arrays(con, "coefficients").get("coefficients"),
    )
    if not photometry or not labels or None in labels[0][:2] or not model or coefficients is None:
        return NAMES, []
    teff, logg, feh = labels[0]
    metallicity = SOLAR if feh is None else feh
    correction = bolometric_corrections(
        *(np.array([v]) for v in (teff, logg, metallicity)), **model
    )[0]
    magnitude, error = (_bands(photometry[0], ending) for ending in ("", "_err"))
    (floor,) = con.execute(FLOOR).fetchall()[0]
    return NAMES, _rows(magnitude, error, correction, coefficients, floor)


def _bands(star: dict[str, Any], ending: str) -> np.ndarray:
    """(1, bands), NaN for NULL."""
    return np.array(
        [[np.nan if star[b + ending] is None else star[b + ending] for b in BANDS]], float
    )


def _rows(
    magnitude: np.ndarray,
    error: np.ndarray,
    correction: np.ndarray,
    coefficients: np.ndarray,
    floor: float,
) -> list[list[Any]]:
    present = np.isfinite(magnitude) & np.isfinite(error) & np.isfinite(correction)
    found = neighbour_colours(magnitude + correction, error, coefficients[:-1], present, floor)
    excess, slope, sigma = (a[0, : max(present.sum() - 1, 0)] for a in found[:3])
    bands = np.flatnonzero(present[0])
    observed = -np.diff(magnitude[0, bands])
    weight = (slope / sigma) ** 2
    names = [f"{BANDS[a]} - {BANDS[b]}" for a, b in pairwise(bands)]
    numbers = (
        observed,
        observed - excess,
        excess / slope,
        sigma / np.abs(slope),
        weight / weight.sum(),
    )
    return [[name, *row] for name, row in zip(names, np.array(numbers).T.tolist(), strict=True)]


def em_reason(con: duckdb.DuckDBPyConnection, specid: str) -> str:
    """One line: why em_flag and erroneous are what they are."""
    rows = con.execute(LINE, {"specid": specid}).fetchall()
    calibration = models.arrays(con, "pca", "excess_calibration").get("excess_calibration")
    if not rows or rows[0][0] is None or calibration is None or not calibration.size:
        return (
            "em_flag is unknown: no estimate from the spectrum, or too few stars to set a threshold"
        )
    significance, em_flag, erroneous = rows[0]
    sign = ">" if significance > calibration[3] else "<="
    flags = f"em_flag = {em_flag}: halpha_significance {significance:.2f} {sign} threshold {calibration[3]:.2f}"
    moved = (
        " but the residuals beside the line cancel it (a moved line)"
        if sign == ">" and not em_flag
        else ""
    )
    large = "; erroneous: a chi square above the one allowed, without emission" if erroneous else ""
    return f"{flags}{moved}{large}"
