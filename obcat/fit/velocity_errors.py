"""Errors of velocities, from pairs of visits to a star."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import minimize

from obcat.arrow import float_array
from obcat.fit.colours import Read
from obcat.fit.result import Fit

__all__ = ["velocity_errors"]

FEWEST = 50  # pairs
START = (0.2, 1.0, 1.0, 3.5)  # ln factor, ln floor (km/s), logit of the quiet, ln scale (km/s)


def velocity_errors(read: Read, parameters: Any) -> Fit:
    """Factor a and floor of sigma^2 = (a error)^2 + floor^2 that make pairs of visits most likely:
    differences of quiet pairs are normal, those of the others Laplace's.

    Parameters
    ----------
    read : rows, one a pair: star_id, difference (km/s), sum of the squares of both errors
    parameters : velocity_floor (km/s, the least floor)

    Returns
    -------
    array velocity_error (2,): factor and floor; 1 and ``velocity_floor`` with fewer than 50 pairs
    """
    table = read().read_all()
    difference, square = (float_array(table[x]) for x in ("difference", "square"))
    if len(difference) < FEWEST:
        return Fit({"velocity_error": np.array([1.0, parameters.velocity_floor])})

    def cost(t: np.ndarray) -> float:
        factor, floor, scale = np.exp(t[0]), np.exp(t[1]), np.exp(t[3])
        quiet = 1 / (1 + np.exp(-t[2]))
        variance = factor**2 * square + 2 * floor**2
        normal = np.exp(-0.5 * difference**2 / variance) / np.sqrt(2 * np.pi * variance)
        other = np.exp(-np.abs(difference) / scale) / (2 * scale)
        return float(-np.sum(np.log(quiet * normal + (1 - quiet) * other + 1e-12)))

    best = minimize(cost, START, method="Nelder-Mead", options={"maxiter": 2000}).x
    floor = max(float(np.exp(best[1])), parameters.velocity_floor)
    return Fit({"velocity_error": np.array([float(np.exp(best[0])), floor])})
