"""Where emission begins: the scatter of the excess on its absorption side (METHOD section 2, step 4)."""

import numpy as np
from scipy.optimize import minimize
from scipy.stats import norm

from obcat.statistics import MAD_TO_SIGMA

__all__ = ["calibrate"]

ROUNDS = 5  # of centre, scatter and clipping; the clipping has settled after three
FREEDOM = 4.0  # degrees of freedom of Student's t: a likelihood that outliers do not rule
FEWEST = 20  # stars on the negative side below which no scatter is claimed


def calibrate(excess: np.ndarray, error: np.ndarray, *, false_alarm: float) -> np.ndarray:
    """Scatter of ordinary stars from those below the centre, where no emission is, and the threshold it gives.

    The scatter is sqrt((error_scale * error)^2 + systematic^2): the first term is noise and rules at low S/N, the
    second is what the clean windows do not predict and rules at high S/N.

    Parameters
    ----------
    excess, error : (n,) mean residual over the core of H alpha and its standard error; NaN where unknown
    false_alarm : share of ordinary stars that may pass the threshold

    Returns
    -------
    (4,) centre, error_scale, systematic (in units of excess), threshold (in units of the scatter); empty if there
    are too few stars
    """
    known = np.isfinite(excess) & np.isfinite(error) & (error > 0)
    excess, error = excess[known], error[known]
    keep = np.ones(len(excess), bool)
    result = np.zeros(0)
    for _ in range(ROUNDS):
        centre = np.median(excess[keep]) if keep.any() else 0.0
        below = excess < centre
        if np.count_nonzero(below) < FEWEST:
            return np.zeros(0)
        scale, systematic = scatter(centre - excess[below], error[below])
        z = (excess - centre) / np.hypot(scale * error, systematic)
        threshold = norm.isf(false_alarm) * MAD_TO_SIGMA * np.median(-z[below])
        keep = z < threshold
        result = np.array([centre, scale, systematic, threshold])
    return result


def scatter(distance: np.ndarray, error: np.ndarray) -> tuple[float, float]:
    """error_scale and systematic of the half-distribution with the greatest likelihood."""
    unit = max(MAD_TO_SIGMA * float(np.median(distance)), np.finfo(float).tiny)

    def cost(logs: np.ndarray) -> float:
        width = np.hypot(np.exp(logs[0]) * error, unit * np.exp(logs[1]))
        tail = 0.5 * (FREEDOM + 1) * np.log1p((distance / width) ** 2 / FREEDOM)
        return float(np.mean(np.log(width) + tail) + logs[0] ** 2 / len(distance))

    best = minimize(cost, [0.0, -0.5], method="L-BFGS-B", bounds=[(-2, 2), (-5, 3)])
    return float(np.exp(best.x[0])), float(unit * np.exp(best.x[1]))
