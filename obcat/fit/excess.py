"""Excess at H alpha of ordinary stars, and the threshold that follows from it.

Forbidden lines of nebulae before stars: found star by star, and taken out of what is learnt.

No star of the sample makes them, yet those that lie in nebulae are the hot and young ones, and a
basis that sees the two together draws a nebula into the spectrum of every star that looks the part.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import ndtri

from obcat.fit import Reader, batches
from obcat.kernels.emission import core_excess, expected_excess, quadratic, significant
from obcat.kernels.grid import EMISSION_LINES, N_PIXEL, WAVELENGTH, around
from obcat.kernels.pca import coefficients, reconstruct, standardised
from obcat.statistics import MAD_TO_SIGMA

__all__ = [
    "Found",
    "calibrate",
    "forbidden_excess",
    "found_emission",
    "found_nebular",
    "measured",
    "ordinary",
    "scored",
    "standardised_by",
    "straightened",
]

CORE = 4.5  # Angstrom: half the width of an unresolved line, 2.9 sigma of the instrument
SIDES = 9.0  # Angstrom: as far as the sides go on either hand
BESIDE_HALPHA = "[N II] 6548"  # on its steep flank: no line to be found by


def forbidden_excess(norm: np.ndarray, norm_ivar: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean flux over the core of each forbidden line less that of its sides, and its error, (n,
    lines); NaN where a pixel of them is masked.

    norm, norm_ivar : (n, 3909) normalised flux at rest and its inverse variance
    """
    found = [
        _excess(norm, norm_ivar, core, left | right)
        for name, core, left, right in _windows()
        if name != BESIDE_HALPHA
    ]
    excess, error = zip(*found, strict=True)
    return np.stack(excess, axis=1), np.stack(error, axis=1)


def _excess(
    norm: np.ndarray, ivar: np.ndarray, core: np.ndarray, sides: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    weight = core / core.sum() - sides / sides.sum()
    used = core | sides
    flux, inverse = (np.ascontiguousarray(a[:, used], np.float64) for a in (norm, ivar))
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(np.sum(weight[used] ** 2 / inverse, axis=1))
    known = np.all(inverse > 0, axis=1)
    excess = np.sum(flux * weight[used], axis=1)
    return np.where(known, excess, np.nan), np.where(known, error, np.nan)


def straightened(
    norm: np.ndarray, norm_ivar: np.ndarray, nebular: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Spectra with the forbidden lines of the rows ``nebular`` (n,) replaced by a straight line
    between their sides, masked where a side is masked.
    """
    rows = np.flatnonzero(nebular)
    flux, ivar = norm.copy(), norm_ivar.copy()
    for _, core, left, right in _windows():
        ends = [_mean(norm[rows], norm_ivar[rows], side) for side in (left, right)]
        at = [WAVELENGTH[side].mean() for side in (left, right)]
        part = (WAVELENGTH[core] - at[0]) / (at[1] - at[0])
        line = ends[0][:, None] * (1 - part) + ends[1][:, None] * part
        known = np.isfinite(line)
        flux[np.ix_(rows, core)] = np.where(known, line, 0)
        ivar[np.ix_(rows, core)] = np.where(known, norm_ivar[np.ix_(rows, core)], 0)
    return flux, ivar


def _mean(norm: np.ndarray, ivar: np.ndarray, window: np.ndarray) -> np.ndarray:
    """(n,) mean over the good pixels of a window, NaN where none is."""
    good = ivar[:, window] > 0
    total = np.sum(np.where(good, norm[:, window], 0), axis=1, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        return total / good.sum(axis=1)


@cache
def _windows() -> tuple[tuple[str, np.ndarray, np.ndarray, np.ndarray], ...]:
    """Name, core, left and right side of each forbidden line, (3909,) bool."""
    return tuple(
        (name, around(centre, CORE), _side(centre, -1), _side(centre, 1))
        for name, centre, _ in EMISSION_LINES
        if name.startswith("[")
    )


def _side(centre: float, hand: int) -> np.ndarray:
    beyond = around(centre, SIDES) & ~around(centre, CORE)
    return beyond & (hand * (WAVELENGTH - centre) > 0)


ROUNDS = 5  # of centre, scatter and clipping; the clipping has settled after three
FREEDOM = 4.0  # degrees of freedom of Student's t: a likelihood that outliers do not rule
FEWEST = 20  # stars on the negative side below which no scatter is claimed


def calibrate(excess: np.ndarray, error: np.ndarray, *, false_alarm: float) -> np.ndarray:
    """Scatter of ordinary stars from those below the centre, where no emission is, and the
    threshold it gives.

    The scatter is sqrt((error_scale * error)^2 + systematic^2): the first term is noise and rules
    at low S/N, the second is what the clean windows do not predict and rules at high S/N.

    Parameters
    ----------
    excess, error : (n,) mean residual over the core of H alpha and its standard error; NaN where
        unknown
    false_alarm : share of ordinary stars that may pass the threshold

    Returns
    -------
    (4,) centre, error_scale, systematic (in units of excess), threshold (in units of the scatter);
    empty if there are too few stars
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
        scale, systematic = _scatter_by_snr(centre - excess[below], error[below])
        z = (excess - centre) / np.hypot(scale * error, systematic)
        threshold = -ndtri(false_alarm) * MAD_TO_SIGMA * np.median(-z[below])
        keep = z < threshold
        result = np.array([centre, scale, systematic, threshold])
    return result


def _scatter_by_snr(distance: np.ndarray, error: np.ndarray) -> tuple[float, float]:
    """error_scale and systematic of the half-distribution with the greatest likelihood."""
    unit = max(MAD_TO_SIGMA * float(np.median(distance)), np.finfo(float).tiny)

    def cost(logs: np.ndarray) -> float:
        width = np.hypot(np.exp(logs[0]) * error, unit * np.exp(logs[1]))
        tail = 0.5 * (FREEDOM + 1) * np.log1p((distance / width) ** 2 / FREEDOM)
        return float(np.mean(np.log(width) + tail) + logs[0] ** 2 / len(distance))

    best = minimize(cost, [0.0, -0.5], method="L-BFGS-B", bounds=[(-2, 2), (-5, 3)])
    return float(np.exp(best.x[0])), float(unit * np.exp(best.x[1]))


Model = dict[str, np.ndarray]

# scores the curve of H alpha is a function of: with 4 a third of A stars are false alarms, with 6
# one in fifty, 8 to 12 agree; the fewer where stars are few
LEADING = (6, 4)
PER_TERM = 20  # stars a term of the curve needs; with fewer there is no curve
MOST = 0.95  # a star cannot take more of the model than this upon itself


class Found(NamedTuple):
    """Excess and its error (n,), those of the forbidden lines (n, lines), scores (n, k) of all
    training stars; scatter of the stars kept, (3909,).
    """

    excess: np.ndarray
    error: np.ndarray
    forbidden: np.ndarray
    forbidden_error: np.ndarray
    score: np.ndarray
    residual_sd: np.ndarray


def measured(read: Reader, parameters: Any, model: Model, kept: np.ndarray) -> Found:
    """The excess of every training star, and the scatter of the stars kept about their
    reconstruction, noise taken out.

    The scatter of a pixel is the weighted mean of residual^2 - 1 / ivar, weights being the inverse
    variances. The excess of a star that the model was fitted to is that of a model fitted without
    it (`left_out`).
    """
    parts, sums = [], np.zeros((3, N_PIXEL))
    for batch in batches(read):
        _, good, score = scored(batch.norm, batch.ivar, parameters, model)
        halpha = _excess_of(batch.norm, batch.ivar, score, parameters, model)
        parts.append((*halpha, *forbidden_excess(batch.norm, batch.ivar), score))
        level = reconstruct(
            score,
            mean=model["mean"],
            scale=model["scale"],
            full_from_clean=model["full_from_clean"],
        )
        counted = good & np.isfinite(level) & kept[batch.rows, None]
        weight = np.where(counted, batch.ivar, 0)
        residual = np.where(counted, batch.norm - level, 0)
        sums += (
            counted.sum(axis=0),
            (weight * residual**2).sum(axis=0),
            weight.sum(axis=0, dtype=np.float64),
        )
    excess, error, line, line_error, score = map(np.concatenate, zip(*parts, strict=True))
    inside = _left_out(score, model, kept)
    return Found(excess / inside, error, line, line_error, score, _scatter(*sums))


def _scatter(count: np.ndarray, square: np.ndarray, weight: np.ndarray) -> np.ndarray:
    surplus = np.divide(square - count, weight, out=np.zeros(N_PIXEL), where=weight > 0)
    return np.sqrt(np.maximum(surplus, 0))


def _left_out(score: np.ndarray, model: Model, kept: np.ndarray) -> np.ndarray:
    """(n,) 1 - leverage: residual / (1 - leverage) is the residual of the regression F = P E
    without that star.

    A noisy star with a component of its own has leverage near 1: the model would reproduce its
    emission.
    """
    scale = model["score_clean_scale"]
    white = np.divide(score, scale, out=np.zeros(score.shape), where=scale > 0)
    leverage = np.sum(white**2 * model["halpha_share"], axis=1) / np.count_nonzero(kept)
    return 1 - np.where(kept, np.minimum(leverage, MOST), 0)


def scored(
    norm: np.ndarray, ivar: np.ndarray, parameters: Any, model: Model
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Standardised flux, good pixels, and coefficients of the clean windows."""
    x, good = standardised_by(norm, ivar, parameters, model)
    score = coefficients(
        x,
        good,
        basis=model["clean_basis"],
        max_error=parameters.pca_max_error,
        sweeps=parameters.pca_sweeps,
    )
    return x, good, score


def standardised_by(
    norm: np.ndarray, ivar: np.ndarray, parameters: Any, model: Model
) -> tuple[np.ndarray, np.ndarray]:
    """Standardised flux and good pixels."""
    mean, scale = model["mean"], model["scale"]
    return standardised(norm, ivar, mean=mean, scale=scale, outlier=parameters.pca_outlier)


def _excess_of(
    norm: np.ndarray, ivar: np.ndarray, score: np.ndarray, parameters: Any, model: Model
) -> tuple[np.ndarray, np.ndarray]:
    core = around(parameters.halpha, parameters.halpha_halfwidth)
    near = around(parameters.halpha, parameters.halpha_chi2_halfwidth)
    exact = {**model, "residual_sd": np.zeros(N_PIXEL)}
    found = core_excess(norm, ivar, score, exact, core, near)
    return found.excess, found.excess_err


def ordinary(found: Found, score_scale: np.ndarray, *, false_alarm: float) -> Model:
    """What ordinary stars have at H alpha:
    the curve of the excess with the leading scores, and the scatter.
    """
    straight = {
        "excess_curve": np.zeros(0),
        "excess_limits": np.zeros((2, 0)),
        "excess_calibration": calibrate(found.excess, found.error, false_alarm=false_alarm),
    }
    known = np.count_nonzero(np.isfinite(found.excess))
    leading = next((m for m in LEADING if known >= PER_TERM * _terms(m)), 0)
    model = straight
    for _ in range(ROUNDS if 0 < leading <= len(score_scale) else 0):
        model = _curved(found, score_scale[:leading], model, false_alarm)
    return model if model["excess_calibration"].size else straight


def _terms(leading: int) -> int:
    return quadratic(np.zeros((1, leading))).shape[1]


def _curved(found: Found, score_scale: np.ndarray, before: Model, false_alarm: float) -> Model:
    """A weighted least-squares curve through the stars within the threshold on either side of the
    one before.
    """
    if not before["excess_calibration"].size or not np.all(score_scale > 0):
        return before
    significance, threshold = _significances(found, score_scale, before)
    near = np.abs(significance) < threshold
    white = found.score[:, : len(score_scale)].astype(np.float64)[near] / score_scale
    _, error_scale, systematic, _ = before["excess_calibration"]
    weight = 1 / np.hypot(error_scale * found.error[near], systematic)
    curve = np.linalg.lstsq(quadratic(white) * weight[:, None], found.excess[near] * weight)[0]
    shape = {
        "excess_curve": curve,
        "excess_limits": np.stack([white.min(axis=0), white.max(axis=0)]),
    }
    rest = found.excess - expected_excess(found.score, score_clean_scale=score_scale, **shape)
    return shape | {"excess_calibration": calibrate(rest, found.error, false_alarm=false_alarm)}


def _significances(found: Found, score_scale: np.ndarray, model: Model) -> tuple[np.ndarray, float]:
    expected = expected_excess(
        found.score,
        score_clean_scale=score_scale,
        excess_curve=model["excess_curve"],
        excess_limits=model["excess_limits"],
    )
    return significant(found.excess - expected, found.error, model["excess_calibration"])


def found_emission(found: Found, score_scale: np.ndarray, *, false_alarm: float) -> np.ndarray:
    """(n,) True for the training stars whose excess is above the threshold that these stars
    give.
    """
    model = ordinary(found, score_scale, false_alarm=false_alarm)
    significance, threshold = _significances(found, score_scale, model)
    return significance > threshold


def found_nebular(found: Found, *, false_alarm: float) -> np.ndarray:
    """(n,) True for the training stars in whose spectrum a forbidden line is above the threshold
    that the stars without it give.
    """
    above = np.zeros(len(found.excess), bool)
    for excess, error in zip(found.forbidden.T, found.forbidden_error.T, strict=True):
        calibration = calibrate(excess, error, false_alarm=false_alarm)
        significance, threshold = significant(excess, error, calibration)
        above |= significance > threshold
    return above
