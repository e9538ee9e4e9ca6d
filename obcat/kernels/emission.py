"""Emission: the excess at H alpha, its error, the flags that follow from it."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from obcat.kernels.grid import LOG_STEP, WAVELENGTH, around
from obcat.kernels.pca import product, reconstruct

__all__ = ["Excess", "core_excess", "emission", "expected_excess", "quadratic", "significant"]

# a pixel so far off, squared and in its variance, whose neighbours have no more than this share of
# it, is hot: an unresolved line has half of its peak's square there, at R = 1800
HOT_CHI2, HOT_SHARE = 50.0, 0.1
NITROGEN = (6549.86, 6585.27)  # Angstrom, vacuum; nebular lines beside H alpha
ENOUGH = 0.5  # share of the pixels of a window that must be good for a mean over it


class Excess(NamedTuple):
    """Residuals of n spectra, each (n,) float64, NaN where unknown.

    excess, excess_err: mean over the core and its standard error, in units of the continuum;
    beside: mean over the surroundings without the core; chi2_red, chi2_clean: reduced chi-square
    around H alpha and over the clean windows; chi2_beside: that of the surroundings without the
    core and [N II]; precision_red, precision_clean: mean inverse variance, which times the square
    of a
    relative misfit is what it adds to chi-square.
    """

    excess: np.ndarray
    excess_err: np.ndarray
    beside: np.ndarray
    chi2_red: np.ndarray
    chi2_clean: np.ndarray
    chi2_beside: np.ndarray
    precision_red: np.ndarray
    precision_clean: np.ndarray


def core_excess(
    norm: np.ndarray,
    norm_ivar: np.ndarray,
    score_clean: np.ndarray,
    model: Mapping[str, np.ndarray],
    core: np.ndarray,
    near: np.ndarray,
) -> Excess:
    """Mean residual over the core of H alpha and reduced chi-squares.

    Parameters
    ----------
    norm, norm_ivar, score_clean, model : as in `emission`
    core, near : (3909,) pixels of the core and of its surroundings
    """
    mean, scale = model["mean"], model["scale"]
    clean_basis, full_from_clean = model["clean_basis"], model["full_from_clean"]
    if mean.size == 0:
        return Excess(*(np.full(len(norm), np.nan) for _ in Excess._fields))
    clean = np.any(clean_basis != 0, axis=0)
    good = (norm_ivar > 0) & np.isfinite(mean)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        level = reconstruct(score_clean, mean=mean, scale=scale, full_from_clean=full_from_clean)
        residual = np.where(good, norm - level, 0)
        variance = np.where(good, 1 / norm_ivar, 0)
        precision = np.where(good, 1 / (variance + model["residual_sd"].astype(np.float32) ** 2), 0)
        good &= ~_hot(residual**2 * precision)
        residual, variance, precision = (
            np.where(good, values, 0) for values in (residual, variance, precision)
        )
        chi2 = residual**2 * precision
        noise = _masked_mean(variance, good, core) / np.maximum(
            np.count_nonzero(good[:, core], axis=1), 1
        )
        carried = _reconstruction_variance(variance, core, scale, clean_basis, full_from_clean)
    return Excess(
        _masked_mean(residual, good, core),
        np.sqrt(noise + carried),
        _masked_mean(residual, good, near & ~core),
        _masked_mean(chi2, good, near),
        _masked_mean(chi2, good, clean),
        _masked_mean(chi2, good, near & ~core & ~_nitrogen()),
        _masked_mean(precision, good, near),
        _masked_mean(precision, good, clean),
    )


def _nitrogen() -> np.ndarray:
    return np.any([around(line, 4.0) for line in NITROGEN], axis=0)


def _hot(chi2: np.ndarray) -> np.ndarray:
    """(n, p) pixels that stand alone: nothing that passed the spectrograph is one pixel wide."""
    with np.errstate(invalid="ignore"):
        beside = np.zeros_like(chi2)
        beside[:, 1:] = chi2[:, :-1]
        beside[:, :-1] = np.maximum(beside[:, :-1], chi2[:, 1:])
        return (chi2 > HOT_CHI2) & (beside < HOT_SHARE * chi2)


def _masked_mean(values: np.ndarray, good: np.ndarray, window: np.ndarray) -> np.ndarray:
    """(n,) mean over the good pixels of a window, ``values`` being 0 elsewhere; NaN where too few
    are good.

    The rows are laid out one by one before they are summed: otherwise numpy's order of summation is
    that of the batch.
    """
    count = np.count_nonzero(good[:, window], axis=1)
    total = np.sum(np.ascontiguousarray(values[:, window], np.float64), axis=1)
    enough = count > ENOUGH * np.count_nonzero(window)
    return np.where(enough, total / np.maximum(count, 1), np.nan)


def _reconstruction_variance(
    variance: np.ndarray,
    core: np.ndarray,
    scale: np.ndarray,
    clean_basis: np.ndarray,
    full_from_clean: np.ndarray,
) -> np.ndarray:
    """(n,) variance of the reconstructed mean over the core, carried from the clean pixels it is
    predicted from.

    The prediction is linear in the clean pixels: d(mean)/d(norm_j) = sum_k basis_kj / scale_j *
    mean_core(scale * E_k).
    """
    weight = np.mean(full_from_clean[:, core] * scale[core], axis=1)
    gradient = np.divide(weight @ clean_basis, scale, out=np.zeros(scale.shape), where=scale > 0)
    twice = np.repeat(gradient[:, None] ** 2, 2, axis=1).astype(np.float32)
    return product(variance.astype(np.float32), twice)[:, 0].astype(np.float64)


def expected_excess(
    score_clean: np.ndarray,
    *,
    score_clean_scale: np.ndarray,
    excess_curve: np.ndarray,
    excess_limits: np.ndarray,
) -> np.ndarray:
    """(n,) excess of ordinary stars with these coefficients: the reconstruction is linear, H alpha
    is not quite.

    Parameters
    ----------
    score_clean : (n, k)
    score_clean_scale : (k,)
    excess_curve : coefficients of `quadratic` in the m leading whitened scores
    excess_limits : (2, m) least and greatest whitened scores of the training stars; beyond them the
        curve is held
    """
    leading = excess_limits.shape[1]
    if leading == 0:
        return np.zeros(len(score_clean))
    white = np.divide(score_clean[:, :leading], score_clean_scale[:leading], dtype=np.float64)
    return np.sum(quadratic(np.clip(white, *excess_limits)) * excess_curve, axis=1)


def quadratic(x: np.ndarray) -> np.ndarray:
    """(n, m) -> (n, 1 + m + m (m + 1) / 2): one, the columns, and their products."""
    m = x.shape[1]
    products = [x[:, i] * x[:, j] for i in range(m) for j in range(i, m)]
    return np.column_stack([np.ones(len(x)), x, *products])


# share of an excess that is missing beside the core when a line has moved out of the core
CANCELLED = 0.5
# chi-square beside the core over that of the whole, above which a residual does not peak at the
# line: emission has less than 0.1, an absorption line out of its place 0.4 to 1.6
ASIDE = 0.3


def emission(
    norm: np.ndarray,
    norm_ivar: np.ndarray,
    score_clean: np.ndarray,
    *,
    score_clean_scale: np.ndarray,
    excess_curve: np.ndarray,
    excess_limits: np.ndarray,
    excess_calibration: np.ndarray,
    halpha: float,
    halpha_halfwidth: float,
    halpha_chi2_halfwidth: float,
    erroneous_chi2: float,
    model_error: float,
    **model: np.ndarray,
) -> tuple[np.ndarray, ...]:
    """Excess at H alpha, its significance, and the two flags that follow.

    Parameters
    ----------
    norm, norm_ivar : (n, 3909) normalised rest-frame flux and its inverse variance, 0 where masked
    score_clean : (n, k) coefficients of the clean windows
    score_clean_scale ... excess_calibration, model : what `obcat.fit.pca` makes, among it mean,
        scale, clean_basis, full_from_clean, residual_sd
    halpha, halpha_halfwidth, halpha_chi2_halfwidth : centre, half widths of the core and of the
        surroundings, Angstrom
    erroneous_chi2 : reduced chi-square beyond which a spectrum is called erroneous
    model_error : share of the flux by which models and good spectra may differ beyond the noise: it
        raises the limit of chi-square where S/N is high

    Returns
    -------
    excess, excess_err : (n,) mean residual over the core, less that of ordinary stars with the same
        coefficients, and its standard error from noise, in units of the continuum
    ew_excess : (n,) Angstrom, positive for emission
    significance : (n,) excess over its error, scatter of ordinary stars included
    chi2_red, chi2_clean : (n,) reduced chi-square of the residuals around H alpha and over the
        clean windows, the scatter of ordinary stars counted as error
    em_flag : (n,) 1 emission, 0 none, NaN unknown
    erroneous : (n,) 1 residuals large in the clean windows, or about the line but no excess, 0 not,
        NaN unknown
    """
    core, near = (around(halpha, h) for h in (halpha_halfwidth, halpha_chi2_halfwidth))
    found = core_excess(norm, norm_ivar, score_clean, model, core, near)
    excess = found.excess - expected_excess(
        score_clean,
        score_clean_scale=score_clean_scale,
        excess_curve=excess_curve,
        excess_limits=excess_limits,
    )
    significance, threshold = significant(excess, found.excess_err, excess_calibration)
    inner, outer = _angstrom(core), _angstrom(near)
    limits = (
        erroneous_chi2 + model_error**2 * found.precision_red,
        erroneous_chi2 + model_error**2 * found.precision_clean,
    )
    called = _flags(significance > threshold, excess, found, (inner, outer - inner), limits)
    em_flag, erroneous = (np.where(np.isfinite(significance), flag, np.nan) for flag in called)
    chi2 = found.chi2_red, found.chi2_clean
    return excess, found.excess_err, inner * excess, significance, *chi2, em_flag, erroneous


def _angstrom(window: np.ndarray) -> float:
    """Width of the pixels of a window."""
    return float(np.sum(WAVELENGTH[window]) * LOG_STEP * np.log(10))


def _flags(
    above: np.ndarray,
    excess: np.ndarray,
    found: Excess,
    widths: tuple[float, float],
    limits: tuple[np.ndarray, np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """em_flag and erroneous, (n,) bool.

    A line that a wrong wavelength scale has moved out of the core leaves there what is missing
    beside it: residuals that are large and cancel, or do not peak at the line, are no emission.
    Emission explains residuals at the line, never those beside it or in clean windows.
    """
    large = found.chi2_red > limits[0]
    cancelled = found.beside * widths[1] < -CANCELLED * excess * widths[0]
    aside = found.chi2_beside > np.maximum(limits[0], ASIDE * found.chi2_red)
    moved = large & (cancelled | aside)
    em_flag = above & ~moved
    return em_flag, (~em_flag & large) | (found.chi2_clean > limits[1])


def significant(
    excess: np.ndarray, excess_err: np.ndarray, calibration: np.ndarray
) -> tuple[np.ndarray, float]:
    """(excess - centre) / sqrt((error_scale * err)^2 + systematic^2), and the threshold it has to
    pass.

    ``calibration`` holds centre, error_scale, systematic, threshold; without any of them nothing is
    known.
    """
    if calibration.size == 0:
        return np.full(len(excess), np.nan), np.nan
    centre, error_scale, systematic, threshold = calibration
    with np.errstate(invalid="ignore", divide="ignore"):
        significance = (excess - centre) / np.hypot(error_scale * excess_err, systematic)
    return np.where(np.isfinite(significance), significance, np.nan), float(threshold)
