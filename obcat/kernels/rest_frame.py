"""Spectra moved to the rest frame of their star (METHOD section 1)."""

import numpy as np

from obcat.kernels.continuum import normalise
from obcat.kernels.grid import LOG_STEP, N_PIXEL
from obcat.kernels.product import ROWS
from obcat.kernels.windows import full_pixels

__all__ = ["rest_frame", "rest_frame_normalised"]


def rest_frame(flux: np.ndarray, ivar: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shift spectra to wavelength / (1 + z) on the same grid by linear interpolation.

    On the logarithmic grid the shift is log10(1 + z) / 1e-4 pixels, the same for every pixel. A pixel is masked
    when a pixel it is made of is masked or lies outside the grid; with z unknown or z <= -1 all pixels are.

    Parameters
    ----------
    flux, ivar : (n, 3909) float32, inverse variance 0 where masked
    z : (n,) redshift, dimensionless

    Returns
    -------
    flux, ivar : (n, 3909) float32; flux 0 and ivar 0 where masked, the variance being that of the weighted sum
    """
    shift, known = pixel_shift(np.asarray(z, np.float64))
    out_flux, out_ivar = np.zeros_like(flux, np.float32), np.zeros_like(ivar, np.float32)
    whole = np.floor(shift).astype(int)
    for step in np.unique(whole[known]):
        rows = np.flatnonzero(known & (whole == step))
        for part in np.array_split(rows, -(-len(rows) // ROWS)):
            out_flux[part], out_ivar[part] = shifted(
                flux[part], ivar[part], int(step), shift[part] - step
            )
    return out_flux, out_ivar


def pixel_shift(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shift in pixels and whether it is known and leaves anything on the grid: (n,), (n,)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        shift = np.log10(1 + z) / LOG_STEP
        known = np.abs(shift) < N_PIXEL - 1
    return np.where(known, shift, 0.0), known


def shifted(
    flux: np.ndarray, ivar: np.ndarray, step: int, part: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Output pixel i = (1 - part) * pixel[i + step] + part * pixel[i + step + 1], for (n, 3909) rows and (n,) parts."""
    upper = part.astype(np.float32)[:, None]
    lower = np.float32(1) - upper
    (flux0, ivar0), (flux1, ivar1) = ((moved(flux, k), moved(ivar, k)) for k in (step, step + 1))
    good = (ivar0 > 0) & ((ivar1 > 0) | (upper == 0))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        variance = lower**2 / ivar0 + np.where(upper > 0, upper**2 / ivar1, 0)
        good &= np.isfinite(variance)
        return np.where(good, lower * flux0 + upper * flux1, 0), np.where(good, 1 / variance, 0)


def moved(rows: np.ndarray, step: int) -> np.ndarray:
    """(n, 3909) with pixel i taken from pixel i + step, 0 from outside the grid."""
    out = np.zeros_like(rows)
    first, last = max(0, -step), min(N_PIXEL, N_PIXEL - step)
    out[:, first:last] = rows[:, first + step : last + step]
    return out


def rest_frame_normalised(
    flux: np.ndarray,
    ivar: np.ndarray,
    z: np.ndarray,
    *,
    continuum_sigma: float,
    pca_min_wavelength: float,
    pca_max_wavelength: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rest-frame spectra over their pseudo-continuum, and the share of the pixels used that is masked.

    Parameters
    ----------
    flux, ivar : (n, 3909) float32, observed
    z : (n,) redshift
    continuum_sigma : Angstrom, see `normalise`
    pca_min_wavelength, pca_max_wavelength : Angstrom, the range used (six bands apart)

    Returns
    -------
    norm, norm_ivar : (n, 3909) float32; 0, 0 where masked
    fraction_masked : (n,) 0...1
    """
    norm, norm_ivar = normalise(*rest_frame(flux, ivar, z), continuum_sigma=continuum_sigma)
    used = full_pixels(pca_min_wavelength, pca_max_wavelength)
    return norm, norm_ivar, np.mean(norm_ivar[:, used] <= 0, axis=1)
