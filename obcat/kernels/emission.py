"""Emission at H alpha: spectra against their reconstruction from clean windows (METHOD section 2; paper section 3)."""

from typing import NamedTuple

import numpy as np

from obcat.kernels.pca import reconstruct
from obcat.kernels.product import product
from obcat.kernels.windows import around

__all__ = ["Excess", "core_excess", "emission"]

ENOUGH = 0.5  # share of the pixels of a window that must be good for a mean over it


class Excess(NamedTuple):
    """Residuals of n spectra against their reconstructions, each (n,) float64, NaN where unknown."""

    excess: np.ndarray
    excess_err: np.ndarray
    chi2_red: np.ndarray
    chi2_clean: np.ndarray


def emission(
    norm: np.ndarray,
    norm_ivar: np.ndarray,
    score_clean: np.ndarray,
    *,
    mean: np.ndarray,
    scale: np.ndarray,
    clean_basis: np.ndarray,
    full_from_clean: np.ndarray,
    residual_sd: np.ndarray,
    excess_calibration: np.ndarray,
    halpha: float,
    halpha_halfwidth: float,
    halpha_chi2_halfwidth: float,
    erroneous_chi2: float,
) -> tuple[np.ndarray, ...]:
    """Excess at H alpha, its significance, and the two flags that follow.

    Parameters
    ----------
    norm, norm_ivar : (n, 3909) normalised rest-frame flux and its inverse variance, 0 where masked
    score_clean : (n, k) coefficients of the clean windows
    mean, scale, clean_basis, full_from_clean, residual_sd, excess_calibration : the model made by `obcat.fit.pca`
    halpha, halpha_halfwidth, halpha_chi2_halfwidth : centre, half widths of the core and of the surroundings, Angstrom
    erroneous_chi2 : reduced chi-square beyond which a spectrum without excess is called erroneous

    Returns
    -------
    excess, excess_err : (n,) mean residual over the core and its standard error from noise, in units of the continuum
    ew_excess : (n,) Angstrom, positive for emission
    significance : (n,) excess over its error, scatter of ordinary stars included
    chi2_red, chi2_clean : (n,) reduced chi-square of the residuals around H alpha and over the clean windows, the
        scatter of ordinary stars counted as error
    em_flag : (n,) 1 emission, 0 none, NaN unknown
    erroneous : (n,) 1 residuals large but no excess, 0 not, NaN unknown
    """
    found = core_excess(
        norm,
        norm_ivar,
        score_clean,
        mean=mean,
        scale=scale,
        clean_basis=clean_basis,
        full_from_clean=full_from_clean,
        residual_sd=residual_sd,
        halpha=halpha,
        halpha_halfwidth=halpha_halfwidth,
        halpha_chi2_halfwidth=halpha_chi2_halfwidth,
    )
    significance, threshold = significant(found.excess, found.excess_err, excess_calibration)
    em_flag = np.where(np.isfinite(significance), significance > threshold, np.nan)
    large = (found.chi2_red > erroneous_chi2) | (found.chi2_clean > erroneous_chi2)
    erroneous = np.where(np.isfinite(em_flag), large & (em_flag == 0), np.nan)
    ew_excess = 2 * halpha_halfwidth * found.excess
    return (
        found.excess,
        found.excess_err,
        ew_excess,
        significance,
        found.chi2_red,
        found.chi2_clean,
        em_flag,
        erroneous,
    )


def significant(excess: np.ndarray, excess_err: np.ndarray, calibration: np.ndarray) -> tuple[np.ndarray, float]:
    """(excess - centre) / sqrt((error_scale * err)^2 + systematic^2), and the threshold it has to pass.

    ``calibration`` holds centre, error_scale, systematic, threshold; without any of them nothing is known.
    """
    if calibration.size == 0:
        return np.full(len(excess), np.nan), np.nan
    centre, error_scale, systematic, threshold = calibration
    with np.errstate(invalid="ignore", divide="ignore"):
        significance = (excess - centre) / np.hypot(error_scale * excess_err, systematic)
    return np.where(np.isfinite(significance), significance, np.nan), float(threshold)


def core_excess(
    norm: np.ndarray,
    norm_ivar: np.ndarray,
    score_clean: np.ndarray,
    *,
    mean: np.ndarray,
    scale: np.ndarray,
    clean_basis: np.ndarray,
    full_from_clean: np.ndarray,
    residual_sd: np.ndarray,
    halpha: float,
    halpha_halfwidth: float,
    halpha_chi2_halfwidth: float,
) -> Excess:
    """Mean residual over the core of H alpha and reduced chi-squares; parameters as in `emission`."""
    if mean.size == 0:
        return Excess(*(np.full(len(norm), np.nan) for _ in range(4)))
    core, near = around(halpha, halpha_halfwidth), around(halpha, halpha_chi2_halfwidth)
    clean = np.any(clean_basis != 0, axis=0)
    good = (norm_ivar > 0) & np.isfinite(mean)
    model = reconstruct(score_clean, mean=mean, scale=scale, full_from_clean=full_from_clean)
    residual = np.where(good, norm - model, 0)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        variance = np.where(good, 1 / norm_ivar, 0)
        error = np.sqrt(
            masked_mean(variance, good, core) / np.maximum(good[:, core].sum(axis=1), 1)
            + reconstruction_variance(variance, core, scale, clean_basis, full_from_clean)
        )
        chi2 = np.where(good, residual**2 / (variance + residual_sd.astype(np.float32) ** 2), 0)
    return Excess(
        masked_mean(residual, good, core),
        error.astype(np.float64),
        masked_mean(chi2, good, near),
        masked_mean(chi2, good, clean),
    )


def masked_mean(values: np.ndarray, good: np.ndarray, window: np.ndarray) -> np.ndarray:
    """(n,) mean over the good pixels of a window, ``values`` being 0 elsewhere; NaN where too few are good."""
    count = np.count_nonzero(good[:, window], axis=1)
    total = np.sum(values[:, window], axis=1, dtype=np.float64)
    enough = count > ENOUGH * np.count_nonzero(window)
    return np.where(enough, total / np.maximum(count, 1), np.nan)


def reconstruction_variance(
    variance: np.ndarray, core: np.ndarray, scale: np.ndarray, clean_basis: np.ndarray, full_from_clean: np.ndarray
) -> np.ndarray:
    """(n,) variance of the reconstructed mean over the core, carried from the clean pixels it is predicted from.

    The prediction is linear in the clean pixels: d(mean)/d(norm_j) = sum_k basis_kj / scale_j * mean_core(scale * E_k).
    """
    weight = np.mean(full_from_clean[:, core] * scale[core], axis=1)
    gradient = np.divide(weight @ clean_basis, scale, out=np.zeros(scale.shape), where=scale > 0)
    twice = np.repeat(gradient[:, None] ** 2, 2, axis=1).astype(np.float32)
    return product(variance.astype(np.float32), twice)[:, 0].astype(np.float64)
