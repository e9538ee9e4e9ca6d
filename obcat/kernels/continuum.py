"""Rest frame and pseudo-continuum: a spectrum as all later steps take it."""

from functools import cache

import numpy as np

from obcat.kernels.grid import LOG_STEP, N_PIXEL, WAVELENGTH, full_pixels, lifted_pixels
from obcat.kernels.pca import ROWS, product

__all__ = ["normalise", "pseudo_continuum", "rest_frame", "rest_frame_normalised"]


def rest_frame(flux: np.ndarray, ivar: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shift spectra to wavelength / (1 + z) on the same grid by linear interpolation.

    On the logarithmic grid the shift is log10(1 + z) / 1e-4 pixels, the same for every pixel. A
    pixel is masked when a pixel it is made of is masked or lies outside the grid; with z unknown or
    z <= -1 all pixels are.

    Parameters
    ----------
    flux, ivar : (n, 3909) float32, inverse variance 0 where masked
    z : (n,) redshift, dimensionless

    Returns
    -------
    flux, ivar : (n, 3909) float32; flux 0 and ivar 0 where masked, the variance being that of the
        weighted sum
    """
    shift, known = _pixel_shift(np.asarray(z, np.float64))
    out_flux, out_ivar = np.zeros_like(flux, np.float32), np.zeros_like(ivar, np.float32)
    whole = np.floor(shift).astype(int)
    for step in np.unique(whole[known]):
        rows = np.flatnonzero(known & (whole == step))
        for part in np.array_split(rows, -(-len(rows) // ROWS)):
            out_flux[part], out_ivar[part] = _shifted(
                flux[part], ivar[part], int(step), shift[part] - step
            )
    return out_flux, out_ivar


def _pixel_shift(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shift in pixels and whether it is known and leaves anything on the grid: (n,), (n,)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        shift = np.log10(1 + z) / LOG_STEP
        known = np.abs(shift) < N_PIXEL - 1
    return np.where(known, shift, 0.0), known


def _shifted(
    flux: np.ndarray, ivar: np.ndarray, step: int, part: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Output pixel i = (1 - part) * pixel[i + step] + part * pixel[i + step + 1], for (n,
    3909) rows and (n,) parts.
    """
    upper = part.astype(np.float32)[:, None]
    lower = np.float32(1) - upper
    (flux0, ivar0), (flux1, ivar1) = ((_moved(flux, k), _moved(ivar, k)) for k in (step, step + 1))
    good = (ivar0 > 0) & ((ivar1 > 0) | (upper == 0))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        variance = lower**2 / ivar0 + np.where(upper > 0, upper**2 / ivar1, 0)
        good &= np.isfinite(variance)
        return np.where(good, lower * flux0 + upper * flux1, 0), np.where(good, 1 / variance, 0)


def _moved(rows: np.ndarray, step: int) -> np.ndarray:
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
    """Rest-frame spectra over their pseudo-continuum, and the share of the pixels used that is
    masked.

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


BLOCK = 128  # output pixels a product: the band of the smoothing matrix is cut into so many columns
REACH = 4  # the Gaussian is cut at so many sigma
# the weights of so many pixels are cut to the next one's: one absurd ivar must not rule its
# neighbours
BRIGHTEST = 40


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
    norm, norm_ivar : (n, 3909) float32; both 0 where masked or where the pseudo-continuum is
        unknown or not positive
    """
    norm, norm_ivar = np.empty(flux.shape, np.float32), np.empty(ivar.shape, np.float32)
    for start in range(0, len(flux), ROWS):
        rows = slice(start, start + ROWS)
        norm[rows], norm_ivar[rows] = _normalise_rows(flux[rows], ivar[rows], continuum_sigma)
    return norm, norm_ivar


def _normalise_rows(
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
    """Inverse-variance weighted Gaussian mean of the flux, lines seen in emission left out: sum(w K
    f) / sum(w K).

    They are left out (`grid.lifted_pixels`) because emission would lift the level under the clean
    pixels beside it, which H alpha is then expected from.

    Parameters
    ----------
    flux, ivar : (n, 3909) float32, finite, inverse variance 0 where masked
    continuum_sigma : Angstrom

    Returns
    -------
    (n, 3909) float32; NaN where no weight is near
    """
    weight = _relative_weight(ivar)
    weighted = flux * weight
    level = np.empty_like(weighted)
    for inputs, outputs, kernel in _smoothing_blocks(continuum_sigma):
        level[:, outputs] = product(weighted[:, inputs], kernel) / product(
            weight[:, inputs], kernel
        )
    return level


def _relative_weight(ivar: np.ndarray) -> np.ndarray:
    """Inverse variance over that of the fortieth brightest pixel, at most 1, and 0 in lines left
    out.
    """
    top = np.partition(ivar, N_PIXEL - BRIGHTEST, axis=1)[:, N_PIXEL - BRIGHTEST, None]
    weight = np.minimum(np.where(top > 0, ivar / top, 0), 1).astype(np.float32)
    weight[:, lifted_pixels()] = 0
    return weight


@cache
def _smoothing_blocks(sigma: float) -> tuple[tuple[slice, slice, np.ndarray], ...]:
    """The band matrix exp(-((wave_j - wave_i) / sigma)^2 / 2) by blocks of columns:
    input and output pixels, block.
    """
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
