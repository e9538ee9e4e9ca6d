"""A user's spectra brought onto the grid of LAMOST: by offset where they are on it, else by linear interpolation."""

import numpy as np

from obcat.kernels.grid import LOG_START, LOG_STEP, N_PIXEL

__all__ = ["on_grid"]

PHASE_TOLERANCE = 0.1  # pixels, 7 km/s; as for files
WIDEST_STEP = 4.0  # times the median step: more is a gap, not to be bridged


def on_grid(wavelength: np.ndarray, flux: np.ndarray, ivar: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Spectra on the common grid; pixels that they do not reach, or in a gap of theirs, are masked.

    Parameters
    ----------
    wavelength : (p,) Angstrom, vacuum, heliocentric, ascending
    flux, ivar : (n, p), inverse variance; a pixel counts as masked where flux is 0 or not finite, or ivar is not > 0

    Returns
    -------
    flux, ivar : (n, 3909) float32; flux 0 and ivar 0 where masked. Interpolation carries the variance of the weighted
        sum; that neighbouring pixels are correlated by it is not told

    Raises
    ------
    ValueError where shapes do not agree or wavelengths do not ascend
    """
    if flux.shape != ivar.shape or flux.ndim != 2 or wavelength.shape != flux.shape[1:]:
        raise ValueError(
            f"wavelength {wavelength.shape}, flux {flux.shape}, ivar {ivar.shape}: need (p,), (n, p), (n, p)"
        )
    if len(wavelength) < 2 or not (wavelength[0] > 0 and (np.diff(wavelength) > 0).all()):
        raise ValueError("wavelengths must be positive and ascend, two at least")
    good = np.isfinite(flux) & (flux != 0) & np.isfinite(ivar) & (ivar > 0)
    flux, ivar = np.where(good, flux, 0), np.where(good, ivar, 0)
    pixel = (np.log10(wavelength) - LOG_START) / LOG_STEP
    whole = np.round(pixel).astype(int)
    if np.abs(pixel - whole).max() <= PHASE_TOLERANCE and (np.diff(whole) == 1).all():
        return placed(flux, int(whole[0])), placed(ivar, int(whole[0]))
    return interpolated(pixel, flux, ivar)


def placed(rows: np.ndarray, first: int) -> np.ndarray:
    """(n, 3909) float32 with the first column of rows at pixel ``first``; what is off the grid is left out."""
    out = np.zeros((len(rows), N_PIXEL), np.float32)
    low, high = max(first, 0), min(first + rows.shape[1], N_PIXEL)
    if low < high:
        out[:, low:high] = rows[:, low - first : high - first]
    return out


def interpolated(pixel: np.ndarray, flux: np.ndarray, ivar: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values at pixels 0 ... 3908 between samples at ``pixel`` (p,), linear in log wavelength."""
    target = np.arange(N_PIXEL)
    below = np.clip(np.searchsorted(pixel, target, side="right") - 1, 0, len(pixel) - 2)
    step = np.diff(pixel)
    upper = (target - pixel[below]) / step[below]
    reached = (upper >= 0) & (upper <= 1) & (step[below] <= WIDEST_STEP * max(np.median(step), 1.0))
    lower, upper = np.where(reached, 1 - upper, 0), np.where(reached, upper, 0)
    good = reached & ((ivar[:, below] > 0) | (lower == 0)) & ((ivar[:, below + 1] > 0) | (upper == 0))
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.where(lower > 0, lower**2 / ivar[:, below], 0) + np.where(
            upper > 0, upper**2 / ivar[:, below + 1], 0
        )
        value = lower * flux[:, below] + upper * flux[:, below + 1]
        return np.where(good, value, 0).astype(np.float32), np.where(good, 1 / variance, 0).astype(np.float32)
