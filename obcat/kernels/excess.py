"""Residuals of spectra against their reconstruction from the clean windows (METHOD section 2, step 3)."""

from typing import NamedTuple

import numpy as np

from obcat.kernels.pca import reconstruct
from obcat.kernels.product import product
from obcat.kernels.windows import around

__all__ = ["Excess", "core_excess", "expected_excess", "quadratic"]

ENOUGH = 0.5  # share of the pixels of a window that must be good for a mean over it


class Excess(NamedTuple):
    """Residuals of n spectra, each (n,) float64, NaN where unknown.

    excess, excess_err: mean over the core and its standard error, in units of the continuum; beside: mean over the
    surroundings without the core; chi2_red, chi2_clean: reduced chi-square around H alpha and over the clean windows.
    """

    excess: np.ndarray
    excess_err: np.ndarray
    beside: np.ndarray
    chi2_red: np.ndarray
    chi2_clean: np.ndarray


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
    """Mean residual over the core of H alpha and reduced chi-squares; parameters as in `obcat.kernels.emission`."""
    if mean.size == 0:
        return Excess(*(np.full(len(norm), np.nan) for _ in Excess._fields))
    core, near = around(halpha, halpha_halfwidth), around(halpha, halpha_chi2_halfwidth)
    clean = np.any(clean_basis != 0, axis=0)
    good = (norm_ivar > 0) & np.isfinite(mean)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        level = reconstruct(score_clean, mean=mean, scale=scale, full_from_clean=full_from_clean)
        residual = np.where(good, norm - level, 0)
        variance = np.where(good, 1 / norm_ivar, 0)
        chi2 = np.where(good, residual**2 / (variance + residual_sd.astype(np.float32) ** 2), 0)
        noise = masked_mean(variance, good, core) / np.maximum(
            np.count_nonzero(good[:, core], axis=1), 1
        )
        carried = reconstruction_variance(variance, core, scale, clean_basis, full_from_clean)
    return Excess(
        masked_mean(residual, good, core),
        np.sqrt(noise + carried),
        masked_mean(residual, good, near & ~core),
        masked_mean(chi2, good, near),
        masked_mean(chi2, good, clean),
    )


def masked_mean(values: np.ndarray, good: np.ndarray, window: np.ndarray) -> np.ndarray:
    """(n,) mean over the good pixels of a window, ``values`` being 0 elsewhere; NaN where too few are good.

    The rows are laid out one by one before they are summed: otherwise numpy's order of summation is that of the batch.
    """
    count = np.count_nonzero(good[:, window], axis=1)
    total = np.sum(np.ascontiguousarray(values[:, window], np.float64), axis=1)
    enough = count > ENOUGH * np.count_nonzero(window)
    return np.where(enough, total / np.maximum(count, 1), np.nan)


def reconstruction_variance(
    variance: np.ndarray,
    core: np.ndarray,
    scale: np.ndarray,
    clean_basis: np.ndarray,
    full_from_clean: np.ndarray,
) -> np.ndarray:
    """(n,) variance of the reconstructed mean over the core, carried from the clean pixels it is predicted from.

    The prediction is linear in the clean pixels: d(mean)/d(norm_j) = sum_k basis_kj / scale_j * mean_core(scale * E_k).
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
    """(n,) excess of ordinary stars with these coefficients: the reconstruction is linear, H alpha is not quite.

    Parameters
    ----------
    score_clean : (n, k)
    score_clean_scale : (k,)
    excess_curve : coefficients of `quadratic` in the m leading whitened scores
    excess_limits : (2, m) least and greatest whitened scores of the training stars; beyond them the curve is held
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
