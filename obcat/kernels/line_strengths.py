"""Emission beyond what the clean windows predict, in 23 lines: sums over their cores, equivalent
widths, significances.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from obcat.kernels.emission import quadratic
from obcat.kernels.grid import LIGHT_SPEED, LOG_STEP, WAVELENGTH, around
from obcat.kernels.pca import product, reconstruct

__all__ = [
    "CORES",
    "LINES",
    "UNKNOWN",
    "Core",
    "line_strengths",
    "line_sums",
    "peak_separation",
    "score_terms",
]

STEP = WAVELENGTH * LOG_STEP * np.log(10)  # (3909,) Angstrom
ENOUGH = 0.6  # share of a core that must be good
UNKNOWN = 1e30  # Angstrom, noise of a core that is masked
LEADING, LIMIT = 8, 6.0  # scores that what ordinary stars show is a quadratic in; limit of all
SIDES = (4.5, 9.0)  # Angstrom off a forbidden line, whose mean level is taken off
BESIDE = (25.0, 55.0)  # Angstrom off a line, where its continuum is looked for
PERCENTILE = 75.0  # of the reconstruction there


class Core(NamedTuple):
    """Where a line is summed: vacuum wavelength (NIST) and half width, Angstrom; whether its level
    is that of both sides; whether its continuum lies above the pseudo-continuum, which other lines
    lower.
    """

    name: str
    centre: float
    halfwidth: float
    narrow: bool = False
    lowered: bool = False


LINES = (
    Core("H alpha", 6564.6, 12),
    Core("H beta", 4862.7, 8, lowered=True),
    Core("H gamma", 4341.7, 8, lowered=True),
    Core("H delta", 4102.9, 8, lowered=True),
    Core("Pa 11", 8865.3, 9, lowered=True),
    Core("Pa 12", 8752.9, 9, lowered=True),
    Core("Pa 14", 8600.8, 9, lowered=True),
    Core("He I 6678", 6680.0, 6),
    Core("He I 7065", 7067.2, 6),
    Core("Fe II 5018", 5019.8, 6),
    Core("Fe II 5169", 5170.5, 6),
    Core("Fe II 5317", 5318.1, 6),
    Core("O I 7774", 7776.3, 8),
    Core("O I 8446", 8448.7, 7),
    Core("Ca II 8498", 8500.4, 7, lowered=True),
    Core("Ca II 8542", 8544.4, 7, lowered=True),
    Core("Ca II 8662", 8664.5, 7, lowered=True),
    Core("[N II] 6548", 6549.9, 3.5, narrow=True),
    Core("[N II] 6583", 6585.3, 3.5, narrow=True),
    Core("[S II] 6716", 6718.3, 3.5, narrow=True),
    Core("[S II] 6731", 6732.7, 3.5, narrow=True),
    Core("[O III] 4959", 4960.3, 3.5, narrow=True),
    Core("[O III] 5007", 5008.2, 3.5, narrow=True),
)
# H alpha besides: the core that detects, and those that tell its shape
CORES = (
    *LINES,
    Core("detection", 6564.6, 6),
    Core("inner", 6564.6, 3.5),
    Core("wide", 6564.6, 20),
)


class _Weights(NamedTuple):
    """pixels (q,) that any core needs; sums (cores, q) Angstrom, what a core adds up; needed
    (cores, q) where it must be good.
    """

    pixels: np.ndarray
    sums: np.ndarray
    needed: np.ndarray


@cache
def _weights() -> _Weights:
    cores = np.stack([around(c.centre, c.halfwidth) for c in CORES])
    sums = cores * STEP
    for core, row in zip(CORES, sums, strict=True):
        if core.narrow:
            sides = around(core.centre, SIDES[1]) & ~around(core.centre, SIDES[0])
            row[sides] = -row.sum() / np.count_nonzero(sides)
    pixels = np.flatnonzero(np.any(sums != 0, axis=0))
    return _Weights(pixels, sums[:, pixels], cores[:, pixels])


def line_sums(
    norm: np.ndarray, norm_ivar: np.ndarray, score_clean: np.ndarray, **model: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Flux less reconstruction summed over CORES, over the continuum of the line; and its noise.

    Parameters
    ----------
    norm, norm_ivar : (n, 3909) normalised rest-frame flux and its inverse variance, 0 where masked
    score_clean : (n, k) coefficients of the clean windows
    model : ``pca``, of which it needs mean, scale, clean_basis, full_from_clean

    Returns
    -------
    line_sum, line_noise : (n, cores) Angstrom, positive for emission; a sum over a core of which a
        part is masked is raised by it; where more than 0.4 is, the sum is 0, the noise UNKNOWN
    """
    w, mean = _weights(), model["mean"]
    if mean.size == 0:
        return np.zeros((len(norm), len(CORES))), np.full((len(norm), len(CORES)), UNKNOWN)
    known = np.isfinite(mean[w.pixels])
    flux, ivar = norm[:, w.pixels].astype(np.float64), norm_ivar[:, w.pixels].astype(np.float64)
    good = (ivar > 0) & known
    scale, full_from_clean = model["scale"], model["full_from_clean"]
    level = reconstruct(score_clean, mean=mean, scale=scale, full_from_clean=full_from_clean)
    residual = np.where(good, flux - level[:, w.pixels], 0)
    variance = np.divide(1, ivar, out=np.zeros(ivar.shape), where=good)
    share = product(good.astype(np.float64), (w.needed / w.needed.sum(axis=1)[:, None]).T.copy())
    total = product(residual, np.ascontiguousarray(w.sums.T))
    noise = product(variance, np.ascontiguousarray(w.sums.T**2))
    carried = _carried(norm_ivar, scale, model["clean_basis"], full_from_clean)
    continuum = _continuum(level, np.isfinite(mean))
    with np.errstate(divide="ignore", invalid="ignore"):
        raised = 1 / (share * continuum)
        value, error = total * raised, np.sqrt(noise * raised**2 + carried / continuum**2)
    known = (share > ENOUGH) & np.isfinite(value) & np.isfinite(error)
    return np.where(known, value, 0), np.where(known, error, UNKNOWN)


def _carried(
    norm_ivar: np.ndarray, scale: np.ndarray, clean_basis: np.ndarray, full_from_clean: np.ndarray
) -> np.ndarray:
    """(n, cores) variance of the reconstructed sums, carried from the clean pixels."""
    w = _weights()
    moved = (full_from_clean[:, w.pixels] * scale[w.pixels]) @ w.sums.T
    gradient = np.divide(
        moved.T @ clean_basis, scale, out=np.zeros((len(CORES), len(scale))), where=scale > 0
    )
    variance = np.divide(
        1, norm_ivar, out=np.zeros(norm_ivar.shape, np.float32), where=norm_ivar > 0
    )
    return product(variance, np.ascontiguousarray((gradient**2).T.astype(np.float32))).astype(
        np.float64
    )


def _continuum(level: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(n, cores) level of the continuum beside a line, in units of the pseudo-continuum; NaN where
    no pixel beside it is known.
    """
    out = np.ones((len(level), len(CORES)))
    for i, core in enumerate(CORES):
        if core.lowered:
            beside = around(core.centre, BESIDE[1]) & ~around(core.centre, BESIDE[0]) & known
            rows = np.ascontiguousarray(level[:, beside], np.float64)
            out[:, i] = np.percentile(rows, PERCENTILE, axis=1) if beside.any() else np.nan
    return np.maximum(out, 0.2)


def score_terms(score_clean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """(n, k) coefficients of the clean windows -> (n, terms): one, the coefficients over their
    scatter, and the products of the leading ones. Noise of the later coefficients moves the
    reconstruction; given a slope of their own, they take it off again.
    """
    white = np.divide(
        score_clean, scale, out=np.zeros(score_clean.shape, np.float64), where=scale > 0
    )
    white = np.clip(np.nan_to_num(white), -LIMIT, LIMIT)
    return np.column_stack([quadratic(white[:, :LEADING]), white[:, LEADING:]])


def line_strengths(
    line_sum: np.ndarray,
    line_noise: np.ndarray,
    score_clean: np.ndarray,
    *,
    line_score_scale: np.ndarray,
    line_curve: np.ndarray,
    line_calibration: np.ndarray,
    line_doubt: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Equivalent widths beyond what ordinary stars with such coefficients show.

    Parameters
    ----------
    line_sum, line_noise : (n, cores) Angstrom, what `line_sums` gives
    score_clean : (n, k)
    line_score_scale, line_curve, line_calibration : (k,), (cores, terms), (cores, 3): the model
        ``lines``: scatter of coefficients, what ordinary stars show, and its centre, scale of the
        noise and scatter, NaN for a line that too few stars show; the last two are empty without a
        model
    line_doubt : factor of that scatter in a significance

    Returns
    -------
    line_ew, line_ew_err : (n, cores) Angstrom, positive for emission; 0 and UNKNOWN where masked
    line_z : (n, cores) line_ew over its error with the scatter doubted; 0 where masked
    """
    known = line_noise < UNKNOWN / 2
    if not line_curve.size:
        known = np.zeros(line_sum.shape, bool)
        line_curve, line_calibration = np.zeros((len(CORES), 1)), np.ones((len(CORES), 3))
        terms = np.zeros((len(line_sum), 1))
    else:
        terms = score_terms(score_clean, line_score_scale)
    known &= np.isfinite(line_calibration).all(axis=1)
    centre, scale, scatter = np.nan_to_num(line_calibration, nan=1.0).T
    value = line_sum - product(terms, np.ascontiguousarray(line_curve.T)) - centre
    noise = scale * line_noise.astype(np.float64)
    error, doubted = np.hypot(noise, scatter), np.hypot(noise, line_doubt * scatter)
    return (
        np.where(known, value, 0),
        np.where(known, error, UNKNOWN),
        np.where(known, value / doubted, 0),
    )


PEAK_WIDTH = 110.0  # km/s, sigma of each peak: the resolution and the turbulence of a disc
SEPARATIONS = np.arange(0.0, 701.0, 20.0)  # km/s
SURELY, WIDEST = 100.0, 660.0  # km/s: below, peaks are one; above, they are something else
PEAK_GAIN = 9.0  # of chi square over that of one peak
PEAK_ERROR = 20.0  # km/s, what profiles of other shapes change
PEAK_SCATTER = 0.006  # of the continuum, beside the noise
REACH = 900.0  # km/s on either side that is fitted


def peak_separation(
    norm: np.ndarray,
    norm_ivar: np.ndarray,
    score_clean: np.ndarray,
    *,
    mean: np.ndarray,
    scale: np.ndarray,
    full_from_clean: np.ndarray,
    halpha: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Distance of the two peaks of H alpha in emission and its error, km/s; NaN where one does.

    Two Gaussians of `PEAK_WIDTH` with free heights at every one of `SEPARATIONS`; parameters as in
    `line_sums`; halpha : Angstrom, vacuum
    """
    velocity = (WAVELENGTH / halpha - 1) * LIGHT_SPEED
    near = np.abs(velocity) < REACH
    if mean.size == 0:
        return np.full(len(norm), np.nan), np.full(len(norm), np.nan)
    level = reconstruct(score_clean, mean=mean, scale=scale, full_from_clean=full_from_clean)
    ivar = np.ascontiguousarray(norm_ivar[:, near], np.float64)
    residual = np.where(ivar > 0, norm[:, near] - level[:, near].astype(np.float64), 0)
    weight = ivar / (1 + ivar * PEAK_SCATTER**2)
    chi2 = np.stack([_two_peaks(residual, weight, velocity[near], d) for d in SEPARATIONS], axis=1)
    rows, best = np.arange(len(chi2)), np.clip(chi2.argmin(axis=1), 1, len(SEPARATIONS) - 2)
    low, middle, high = (chi2[rows, best + k] for k in (-1, 0, 1))
    step, bend = SEPARATIONS[1] - SEPARATIONS[0], np.maximum(low - 2 * middle + high, 1e-9)
    distance = SEPARATIONS[best] + 0.5 * (low - high) / bend * step
    error = np.hypot(step * np.sqrt(2 / bend), PEAK_ERROR)
    found = (chi2[:, 0] - middle > PEAK_GAIN) & (distance > SURELY) & (distance < WIDEST)
    return np.where(found, distance, np.nan), np.where(found, error, np.nan)


def _two_peaks(
    residual: np.ndarray, weight: np.ndarray, velocity: np.ndarray, distance: float
) -> np.ndarray:
    """(n,) chi square of two Gaussians at +- half the distance, heights free and not negative in
    sum; of one Gaussian where the distance is 0.
    """
    left, right = (
        np.exp(-0.5 * ((velocity + s * distance / 2) / PEAK_WIDTH) ** 2) for s in (1, -1)
    )
    total = np.sum(weight * residual**2, axis=1)
    ll, rr, lr = (np.sum(weight * x, axis=1) for x in (left**2, right**2, left * right))
    bl, br = (np.sum(weight * residual * x, axis=1) for x in (left, right))
    if distance == 0:
        return total - bl**2 / np.maximum(ll, 1e-6)
    determinant = np.maximum(ll * rr - lr**2, 1e-6)
    return total - (rr * bl**2 - 2 * lr * bl * br + ll * br**2) / determinant
