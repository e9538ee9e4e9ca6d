"""Pseudo-continuum normalisation (METHOD section 1; Ho et al. 2017, ApJ 836, 5, section 2.2)."""

from functools import cache

import numpy as np

from obcat.kernels.grid import N_PIXEL, WAVELENGTH
from obcat.kernels.product import ROWS, product
from obcat.kernels.windows import EMISSION_LINES, around

__all__ = ["normalise", "pseudo_continuum"]

BLOCK = 128  # output pixels a product: the band of the smoothing matrix is cut into so many columns
REACH = 4  # the Gaussian is cut at so many sigma
BRIGHTEST = 40  # the weights of so many pixels are cut to the next one's: one absurd ivar must not rule its neighbours


def normalise(
    flux: np.ndarray, ivar: np.ndarray, *, continuum_sigma: float
) -> tuple[np.ndarray, np.ndarray]:
    """Divide spectra by their pseudo-continuum.

    Parameters
    ----------
    flux, ivar : (n, 3909) float32 in the rest frame, inverse variance 0 where masked
    continuum_sigma : width of the Gaussian, Angstrom

    Returns
    -------
    norm, norm_ivar : (n, 3909) float32; both 0 where masked or where the pseudo-continuum is unknown or not positive
    """
    norm, norm_ivar = np.empty(flux.shape, np.float32), np.empty(ivar.shape, np.float32)
    for start in range(0, len(flux), ROWS):
        rows = slice(start, start + ROWS)
        norm[rows], norm_ivar[rows] = normalise_rows(flux[rows], ivar[rows], continuum_sigma)
    return norm, norm_ivar


def normalise_rows(
    flux: np.ndarray, ivar: np.ndarray, sigma: float
) -> tuple[np.ndarray, np.ndarray]:
    zero = np.float32(0)
    with np.errstate(all="ignore"):
        good = (ivar > 0) & np.isfinite(ivar) & np.isfinite(flux)
        flux, ivar = np.where(good, flux, zero), np.where(good, ivar, zero)
        level = pseudo_continuum(flux, ivar, continuum_sigma=sigma)
        norm, norm_ivar = flux / level, ivar * level**2
        good &= (level > 0) & np.isfinite(norm) & np.isfinite(norm_ivar)
    return np.where(good, norm, zero), np.where(good, norm_ivar, zero)


def pseudo_continuum(flux: np.ndarray, ivar: np.ndarray, *, continuum_sigma: float) -> np.ndarray:
    """Inverse-variance weighted Gaussian mean of the flux, the core of H alpha left out: sum(w K f) / sum(w K).

    H alpha is left out because its emission would lift the level under the clean pixels beside it.

    Parameters
    ----------
    flux, ivar : (n, 3909) float32, finite, inverse variance 0 where masked
    continuum_sigma : Angstrom

    Returns
    -------
    (n, 3909) float32; NaN where no weight is near
    """
    weight = relative_weight(ivar)
    weighted = flux * weight
    level = np.empty_like(weighted)
    for inputs, outputs, kernel in smoothing_blocks(continuum_sigma):
        level[:, outputs] = product(weighted[:, inputs], kernel) / product(
            weight[:, inputs], kernel
        )
    return level


def relative_weight(ivar: np.ndarray) -> np.ndarray:
    """Inverse variance over that of the fortieth brightest pixel, at most 1, and 0 in H alpha."""
    top = np.partition(ivar, N_PIXEL - BRIGHTEST, axis=1)[:, N_PIXEL - BRIGHTEST, None]
    weight = np.minimum(np.where(top > 0, ivar / top, 0), 1).astype(np.float32)
    weight[:, around(*EMISSION_LINES[0][1:])] = 0
    return weight


@cache
def smoothing_blocks(sigma: float) -> tuple[tuple[slice, slice, np.ndarray], ...]:
    """The band matrix exp(-((wave_j - wave_i) / sigma)^2 / 2) by blocks of columns: input and output pixels, block."""
    blocks = []
    for start in range(0, N_PIXEL, BLOCK):
        outputs = slice(start, min(start + BLOCK, N_PIXEL))
        wave = WAVELENGTH[outputs]
        inputs = slice(
            *np.searchsorted(WAVELENGTH, (wave[0] - REACH * sigma, wave[-1] + REACH * sigma))
        )
        distance = (WAVELENGTH[inputs, None] - wave) / sigma
        kernel = np.where(np.abs(distance) <= REACH, np.exp(-0.5 * distance**2), 0)
        blocks.append((inputs, outputs, kernel.astype(np.float32)))
    return tuple(blocks)
