"""Products whose rows do not depend on their neighbours; coefficients on the eigenspectra."""

import numpy as np

from obcat.kernels.grid import N_PIXEL, nebular_pixels

__all__ = [
    "ROWS",
    "coefficients",
    "error_factor",
    "nebula_free_score",
    "pca_scores",
    "product",
    "reconstruct",
    "standardised",
]

ROWS = 192
"""BLAS takes other code paths for other shapes; with this many rows in every call, a multiple of
all groups in which its kernels take them, a row always takes the same one."""
COLUMNS, EDGE = 224, 16
"""Kernels for Haswell and Zen sum the outermost columns in an order that depends on the place of
the row. So no column is outermost: each call has so many, between others that are left out."""


FEW = 0.05  # share of masked pixels up to which nothing is asked
LEADING = 20  # coefficients that must be known: those that carry the star
LONGER = 4  # times as many sweeps for spectra with more: a gap of half a component closes slowly


def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """``a @ b``, bit for bit the same for a row of ``a`` whatever rows stand beside it.

    Parameters
    ----------
    a, b : (n, p), (p, k)

    Returns
    -------
    (n, k)
    """
    out = np.empty((len(a), b.shape[1]), np.result_type(a, b))
    pieces = [_widened(b[:, at : at + COLUMNS]) for at in range(0, b.shape[1], COLUMNS)]
    for start in range(0, len(a), ROWS):
        rows = a[start : start + ROWS]
        whole = rows if len(rows) == ROWS else _padded(rows)
        for i, piece in enumerate(pieces):
            here = out[start : start + ROWS, i * COLUMNS : (i + 1) * COLUMNS]
            here[:] = (whole @ piece)[: len(rows), EDGE : EDGE + here.shape[1]]
    return out


def _widened(columns: np.ndarray) -> np.ndarray:
    wide = np.zeros((len(columns), columns.shape[1] + 2 * EDGE), columns.dtype)
    wide[:, EDGE : EDGE + columns.shape[1]] = columns
    return wide


def _padded(rows: np.ndarray) -> np.ndarray:
    whole = np.zeros((ROWS, rows.shape[1]), rows.dtype)
    whole[: len(rows)] = rows
    return whole


def pca_scores(
    norm: np.ndarray,
    norm_ivar: np.ndarray,
    *,
    mean: np.ndarray,
    scale: np.ndarray,
    clean_basis: np.ndarray,
    full_basis: np.ndarray,
    pca_outlier: float,
    pca_max_error: float,
    pca_sweeps: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients in the basis of the clean windows and in that of all pixels used.

    Parameters
    ----------
    norm, norm_ivar : (n, 3909) normalised rest-frame flux and its inverse variance, 0 where masked
    mean, scale : (3909,) of the training spectra; NaN and 0 in pixels not used
    clean_basis, full_basis : (k, 3909) eigenvectors of the standardised flux, 0 in pixels not used
    pca_outlier : a pixel so many standard deviations off the training mean counts as masked (cosmic
        rays)
    pca_max_error : factor by which masked pixels may raise the error of a leading coefficient;
        beyond, a spectrum has no coefficients
    pca_sweeps : times masked pixels are filled with the reconstruction, having first been filled
        with the mean

    Returns
    -------
    score_clean, score_full : (n, k) float32; NaN for a spectrum whose masked pixels leave too
        little, or without a model
    """
    x, good = standardised(norm, norm_ivar, mean=mean, scale=scale, outlier=pca_outlier)
    clean, full = (
        coefficients(x, good, basis=basis, max_error=pca_max_error, sweeps=pca_sweeps)
        for basis in (clean_basis, full_basis)
    )
    return clean, full


def nebula_free_score(
    norm: np.ndarray,
    norm_ivar: np.ndarray,
    *,
    mean: np.ndarray,
    scale: np.ndarray,
    full_basis: np.ndarray,
    pca_outlier: float,
    pca_max_error: float,
    pca_sweeps: int,
) -> tuple[np.ndarray]:
    """``score_full`` of `pca_scores` as it would be without the light of a nebula: the cores of its
    lines count as masked, and are filled from the reconstruction.

    Parameters
    ----------
    as `pca_scores`

    Returns
    -------
    score_full : (n, k) float32; NaN as there
    """
    x, good = standardised(norm, norm_ivar, mean=mean, scale=scale, outlier=pca_outlier)
    if x.shape[1]:
        good &= ~nebular_pixels()
    x = np.where(good, x, np.float32(0))
    found = coefficients(x, good, basis=full_basis, max_error=pca_max_error, sweeps=pca_sweeps)
    return (found,)


def standardised(
    norm: np.ndarray, norm_ivar: np.ndarray, *, mean: np.ndarray, scale: np.ndarray, outlier: float
) -> tuple[np.ndarray, np.ndarray]:
    """(norm - mean) / scale, 0 where masked or scale is 0, as float32; and the pixels that are
    good.

    A pixel further than ``outlier`` * sqrt(scale^2 + 1 / ivar) from the mean counts as masked.
    """
    if mean.size == 0:
        return np.zeros((len(norm), 0), np.float32), np.zeros((len(norm), 0), bool)
    inverse = np.divide(1, scale, out=np.zeros(scale.shape), where=scale > 0).astype(np.float32)
    level, limit = np.nan_to_num(mean).astype(np.float32), np.float32(outlier**2)
    x, good = np.empty(norm.shape, np.float32), np.empty(norm.shape, bool)
    for start in range(0, len(norm), ROWS):
        rows = slice(start, start + ROWS)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            value = (norm[rows] - level) * inverse
            good[rows] = (norm_ivar[rows] > 0) & (
                value**2 <= limit * (1 + inverse**2 / norm_ivar[rows])
            )
        x[rows] = np.where(good[rows], value, np.float32(0))
    return x, good


def coefficients(
    x: np.ndarray, good: np.ndarray, *, basis: np.ndarray, max_error: float, sweeps: int
) -> np.ndarray:
    """Projection of standardised spectra on a basis, masked pixels filled from the reconstruction
    ``sweeps`` times, or `LONGER` times as often where many are masked.

    A row without masked pixels is a plain product; filling changes only rows with masked pixels.
    NaN where masked pixels raise the error of one of the leading coefficients by more than the
    factor max_error.
    """
    if x.shape[1] == 0:
        return np.full((len(x), len(basis)), np.nan, np.float32)
    used = np.any(basis != 0, axis=0)
    score = product(x, np.ascontiguousarray(basis.T))
    masked = np.count_nonzero(~good & used, axis=1) / max(np.count_nonzero(used), 1)
    many = np.flatnonzero(masked > FEW)
    lost = np.zeros(len(x), bool)
    lost[many] = ~(error_factor(~good[many] & used, basis) <= max_error)
    for rows, times in ((masked <= FEW, sweeps), (masked > FEW, LONGER * sweeps)):
        gaps = np.flatnonzero((masked > 0) & rows & ~lost)
        for start in range(0, len(gaps), ROWS):
            part = gaps[start : start + ROWS]
            score[part] = _filled(x[part], good[part] | ~used, basis, times, score[part])
    score[lost] = np.nan
    return score


def error_factor(masked: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """(n,) largest factor by which masked pixels raise the error of the `LEADING` coefficients.

    With L = V V^T over the masked pixels (n, p) the coefficients that fit the others have the
    covariance (1 - L)^-1 of the residuals, which is 1 without masks.
    """
    leading = basis[:LEADING].astype(np.float32)
    upper = np.triu_indices(len(leading))
    pairs = np.ascontiguousarray((leading[upper[0]] * leading[upper[1]]).T)
    left = np.empty((len(masked), len(leading), len(leading)))
    left[:, upper[0], upper[1]] = product(masked.astype(np.float32), pairs)
    left[:, upper[1], upper[0]] = left[:, upper[0], upper[1]]
    value, vector = np.linalg.eigh(np.eye(len(leading)) - left)
    variance = np.sum(vector**2 / np.maximum(value, np.finfo(np.float32).eps)[:, None], axis=2)
    return np.sqrt(variance.max(axis=1, initial=0))


def _filled(
    x: np.ndarray, good: np.ndarray, basis: np.ndarray, sweeps: int, score: np.ndarray
) -> np.ndarray:
    """Coefficients of rows with gaps, ``score`` those without filling: gaps <- reconstruction,
    coefficients <- projection, a fixed number of times.
    """
    across, gaps, filled = np.ascontiguousarray(basis.T), np.flatnonzero(~good), x.copy()
    for _ in range(sweeps):
        filled.ravel()[gaps] = product(score, basis).ravel()[gaps]
        score = product(filled, across)
    return score


def reconstruct(
    score_clean: np.ndarray, *, mean: np.ndarray, scale: np.ndarray, full_from_clean: np.ndarray
) -> np.ndarray:
    """Normalised spectra without emission, from the coefficients of the clean windows (METHOD
    section 2, step 3).

    Parameters
    ----------
    score_clean : (n, k)
    mean, scale : (3909,)
    full_from_clean : (k, 3909) full-range pseudo-eigenvectors, standardised

    Returns
    -------
    (n, 3909) float32; NaN in pixels not used and for unknown coefficients
    """
    if mean.size == 0:
        return np.full((len(score_clean), N_PIXEL), np.nan, np.float32)
    return mean.astype(np.float32) + product(
        score_clean.astype(np.float32), full_from_clean * scale.astype(np.float32)
    )
