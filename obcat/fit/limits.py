"""Limits of the domain: how far from the training stars and how ill-fitted ordinary stars are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from obcat.arrow import float_array, list_array
from obcat.fit.result import Fit
from obcat.kernels.domain import distance_to

__all__ = ["domain", "limit_curve"]

KNOTS = 8  # at most; the median changes little from one to the next
PER_KNOT = 100  # stars, for a median good to a tenth of the scatter
MOST_POINTS = 5_000  # training stars kept; more would not bring the tenth neighbour nearer

Arrays = dict[str, np.ndarray]


def domain(read: Callable[[], pa.RecordBatchReader], parameters: Any) -> Fit:
    """Training stars in the leading scores, and limits of distance and misfit against S/N.

    Parameters
    ----------
    read : rows, one an ordinary star, ordered by star_id: star_id, score_clean FLOAT[k], snr_g,
        clean_chi2, is_train BOOLEAN (the star trains the networks)
    parameters : network_min_stars (with fewer training or ordinary stars there is no limit),
        domain_components, domain_far_fraction, domain_misfit_fraction, domain_misfit_factor (what
        the limit of misfit is multiplied by)

    Returns
    -------
    arrays points, centre, scale, far_snr, far_limit, misfit_snr, misfit_limit: see
    ``kernels.domain``; of length zero where there are too few stars
    """
    table = read().read_all()
    score, snr_g = list_array(table["score_clean"]), float_array(table["snr_g"])
    is_train = table["is_train"].to_numpy().astype(bool)
    arrays = _points(score[is_train], parameters)
    distance = distance_to(score, **arrays)
    for name, value in (("far", distance), ("misfit", float_array(table["clean_chi2"]))):
        fraction = getattr(parameters, f"domain_{name}_fraction")
        knots = limit_curve(value, snr_g, fraction, parameters.network_min_stars)
        arrays[f"{name}_snr"], arrays[f"{name}_limit"] = knots
    arrays["misfit_limit"] *= parameters.domain_misfit_factor
    return Fit(arrays)


def _points(score: np.ndarray, parameters: Any) -> Arrays:
    """Whitened leading scores of the training stars, each `every`-th where they are many."""
    leading = score[:, : parameters.domain_components].astype(float)
    if len(leading) < parameters.network_min_stars:
        leading = leading[:0]
    every = -(-len(leading) // MOST_POINTS) or 1
    centre = leading.mean(axis=0) if len(leading) else np.zeros(0)
    scale = np.maximum(leading.std(axis=0), np.finfo(float).tiny) if len(leading) else np.zeros(0)
    points = (leading[::every] - centre) / scale if len(leading) else np.zeros((0, 0))
    return {"points": points, "centre": centre, "scale": scale}


def limit_curve(
    value: np.ndarray, snr_g: np.ndarray, fraction: float, fewest: int
) -> tuple[np.ndarray, np.ndarray]:
    """S/N of knots and the limit there, below which ``fraction`` of the stars lie.

    The median of each quantile of S/N times one quantile of value over median, in which all stars
    count: the tail of one bin alone is a few stars.

    Parameters
    ----------
    value, snr_g : (n,) > 0; NaN is left out
    fewest : with fewer stars both arrays are of length zero
    """
    known = np.isfinite(value) & (snr_g > 0)
    value, snr_g = value[known], snr_g[known]
    if len(value) < fewest:
        return np.zeros(0), np.zeros(0)
    order = np.argsort(snr_g, kind="stable")
    bins = np.array_split(order, min(KNOTS, max(len(order) // PER_KNOT, 1)))
    knots = np.array([np.median(snr_g[rows]) for rows in bins])
    middle = np.array([np.median(value[rows]) for rows in bins])
    ratio = value / np.interp(np.log(snr_g), np.log(knots), middle)
    return knots, middle * np.quantile(ratio, fraction)
