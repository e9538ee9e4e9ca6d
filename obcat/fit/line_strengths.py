"""What ordinary stars show in the lines beyond the reconstruction, and the scatter about it."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import ndtri

from obcat.arrow import float_array, list_array
from obcat.fit import Fit
from obcat.fit.colours import Read
from obcat.fit.excess import calibrate
from obcat.kernels.line_strengths import UNKNOWN, score_terms
from obcat.statistics import median, robust_scatter

__all__ = ["lines"]

ROUNDS = 6
FIRST, LATER = 8.0, 4.0  # sigma within which a star is ordinary, before a curve and about it
RIDGE = 10.0  # stars, whose weight holds a coefficient at 0
PER_TERM = 6  # stars that a coefficient needs
FALSE_ALARM = 1e-3  # of the threshold, in which a standard error is told from a width


def lines(read: Read, parameters: Any) -> Fit:
    """A curve in the coefficients for each core, fitted to the stars above ``line_min_snr``; its
    calibration is that of the absorption side of all stars, where no emission is.

    Parameters
    ----------
    read : rows, one a star: star_id, snr_g, line_sum, line_noise FLOAT[cores], score_clean FLOAT[k]
    parameters : line_min_snr

    Returns
    -------
    arrays line_curve (cores, terms), line_calibration (cores, 3): centre, scale of the noise and
    scatter, Angstrom, (0, 0) where there are too few stars; line_score_scale (k,) of coefficients
    """
    table = read().read_all()
    sums, noise = (list_array(table[x]).astype(np.float64) for x in ("line_sum", "line_noise"))
    score = list_array(table["score_clean"])
    scale = np.array([robust_scatter(x) for x in score.T.astype(np.float64)])
    scale = np.nan_to_num(scale)
    terms = score_terms(score, scale)
    quiet = float_array(table["snr_g"]) >= parameters.line_min_snr
    found = [_line(terms, v, e, quiet) for v, e in zip(sums.T, noise.T, strict=True)]
    none = not any(np.isfinite(calibration).all() for _, calibration in found)
    curve, calibration = (
        (np.zeros((0, 0)), np.zeros((0, 0)))
        if none
        else (np.stack(x) for x in zip(*found, strict=True))
    )
    return Fit({"line_curve": curve, "line_calibration": calibration, "line_score_scale": scale})


def _line(
    terms: np.ndarray, value: np.ndarray, noise: np.ndarray, quiet: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(terms,) what ordinary stars show in a line, and (3,) its calibration; NaN where there are
    too few of them.
    """
    known = noise < UNKNOWN / 2
    calm = known & quiet
    if np.count_nonzero(calm) < PER_TERM * terms.shape[1]:
        return np.zeros(terms.shape[1]), np.full(3, np.nan)
    weight = 1 / (noise**2 + (0.5 * robust_scatter(value[calm])) ** 2)
    keep = calm & _near(value, calm, FIRST)
    for _ in range(ROUNDS):
        curve = _ridge(terms[keep], value[keep], weight[keep])
        keep = calm & _near((value - terms @ curve) * np.sqrt(weight), keep, LATER)
    rest = value - terms @ curve
    return curve, _calibrated(rest[known], noise[known])


def _calibrated(rest: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """(3,) centre, scale of the noise and scatter, so that they are standard errors; or NaN."""
    found = calibrate(rest, noise, false_alarm=FALSE_ALARM)
    if not found.size:
        return np.full(3, np.nan)
    return found[:3] * np.array([1, *[found[3] / -ndtri(FALSE_ALARM)] * 2])


def _near(value: np.ndarray, of: np.ndarray, nsigma: float) -> np.ndarray:
    """(n,) within so many robust standard deviations of the median of some."""
    return np.abs(value - median(value[of])) < nsigma * robust_scatter(value[of])


def _ridge(terms: np.ndarray, value: np.ndarray, weight: np.ndarray) -> np.ndarray:
    weighted = terms * weight[:, None]
    normal = weighted.T @ terms + RIDGE * np.median(weight) * np.eye(terms.shape[1])
    return np.linalg.solve(normal, weighted.T @ value)
