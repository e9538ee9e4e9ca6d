"""Residuals: what is left of spectra when continuum and stellar lines are taken off, in stated errors."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from obcat.kernels.grid import LOG_STEP, N_PIXEL
from obcat.realism.sample import Sample

__all__ = ["continuum", "residuals", "smooth"]

Array = NDArray[np.float64]
WIDTH = 22  # pixels, sigma of the continuum: 1,500 km/s
BRIGHT = 60.0  # S/N from which spectra serve to find eigenspectra
EIGENSPECTRA, PER_SPECTRUM = 30, 4  # at most, and one in so many of the spectra they come from
HEAVIEST = 5.0  # weight over the median of a spectrum
BEST_ERROR = 0.003  # of the normalised flux: no pixel weighs more
RIDGE = 1e-3
FEWEST = 2000  # good pixels
PIXEL = np.arange(N_PIXEL)


def smooth(values: NDArray[np.floating], weight: NDArray[np.floating], width: float) -> Array:
    """(n, 3909) weighted Gaussian mean."""
    total = gaussian_filter1d(weight.astype(float), width, axis=-1, truncate=3)
    return gaussian_filter1d(values * weight.astype(float), width, axis=-1, truncate=3) / np.maximum(total, 1e-6)


def continuum(sample: Sample) -> Array:
    """(n, 3909) flux smoothed with the inverse variance as weight."""
    ivar = np.where(sample.good, sample.ivar, 0).astype(float)
    middle = np.array([np.median(row[row > 0]) if (row > 0).any() else 1.0 for row in ivar])
    return smooth(sample.flux, np.minimum(ivar / middle[:, None], HEAVIEST), WIDTH)


def residuals(sample: Sample, level: Array) -> Array:
    """(n, 3909) in stated errors, NaN where masked; lines are a fit of eigenspectra of the sample's bright stars."""
    good = sample.good & (level > 0)
    safe = np.where(good, level, 1)
    lines = np.where(good, sample.flux / safe - 1, 0)
    error = np.where(good, 1 / np.sqrt(np.where(good, sample.ivar, 1)) / safe, np.inf)
    shift = np.log10(1 + np.where(np.abs(sample.z) < 0.01, sample.z, 0)) / LOG_STEP
    basis = _basis(lines, shift, sample.snr > BRIGHT)
    out = np.full(lines.shape, np.nan)
    for k in np.flatnonzero(good.sum(axis=1) > FEWEST):
        moved = np.array([np.interp(PIXEL - shift[k], PIXEL, row) for row in basis])
        weighted = moved / np.maximum(error[k], BEST_ERROR) ** 2
        fit = np.linalg.solve(weighted @ moved.T + RIDGE * np.eye(len(basis)), weighted @ lines[k])
        out[k, good[k]] = ((lines[k] - fit @ moved) / error[k])[good[k]]
    return out


def _basis(lines: Array, shift: Array, bright: NDArray[np.bool_]) -> Array:
    """Mean and eigenspectra at rest."""
    rows = np.flatnonzero(bright)
    if len(rows) < 2 * PER_SPECTRUM:
        return np.zeros((1, N_PIXEL))
    rest = np.array([np.interp(PIXEL + shift[k], PIXEL, lines[k]) for k in rows]).clip(-0.9, 0.5)
    mean = rest.mean(axis=0)
    _, _, vectors = np.linalg.svd(rest - mean, full_matrices=False)
    return np.vstack([mean, vectors[: min(EIGENSPECTRA, len(rows) // PER_SPECTRUM)]])
