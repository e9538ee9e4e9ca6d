"""Flux and inverse variance of one spectrum: masked, counted, put on the common grid."""

import numpy as np

from obcat.ingest.cards import Value
from obcat.ingest.layouts import Arrays
from obcat.kernels.grid import N_PIXEL, WAVELENGTH

__all__ = ["masked", "placed", "snr_g"]

G_BAND = slice(*np.searchsorted(WAVELENGTH, (4000.0, 5500.0)))
HIGH_IVAR = 100  # times the median, the limit n_high_ivar is defined by


def masked(arrays: Arrays) -> tuple[np.ndarray, np.ndarray, dict[str, Value]]:
    """(n,) float32 flux and ivar, ivar 0 where METHOD section 1 masks, and the counts of raw.headers.

    A pixel is masked if flux == 0, ivar <= 0, ormask != 0, or flux or ivar is not finite (flux is 0 there).
    """
    with np.errstate(over="ignore", invalid="ignore"):
        flux, ivar = arrays.flux.astype(np.float32), arrays.ivar.astype(np.float32)
        finite = np.isfinite(flux)
        wrong = ~finite | ~np.isfinite(ivar) | (ivar < 0)
        good = ~wrong & (flux != 0) & (ivar > 0) & (arrays.ormask == 0)
        zero_flux = (flux == 0) & (ivar > 0)
    if not finite.all():
        flux = np.where(finite, flux, np.float32(0))
    values = ivar[good]
    counts: dict[str, Value] = {
        "n_masked": good.size - values.size,
        "n_zero_flux": int(np.count_nonzero(zero_flux)),
        "n_not_finite": int(np.count_nonzero(wrong)),
        "n_high_ivar": int(np.count_nonzero(values > HIGH_IVAR * median(values))) if values.size else 0,
    }
    return flux, np.where(good, ivar, np.float32(0)), counts


def placed(values: np.ndarray, first: int) -> np.ndarray:
    """(n,) values put on the grid from pixel ``first``, 0 elsewhere; what lies outside the grid is left out."""
    start, end = max(first, 0), min(first + values.size, N_PIXEL)
    row = np.zeros(N_PIXEL, np.float32)
    row[start:end] = values[start - first : end - first]
    return row


def snr_g(flux: np.ndarray, ivar: np.ndarray) -> float | None:
    """Median of flux times the root of ivar over the good pixels from 4000 to 5500 Angstrom; None without any."""
    flux, ivar = flux[G_BAND].astype(float), ivar[G_BAND].astype(float)
    good = ivar > 0
    return median(flux[good] * np.sqrt(ivar[good])) if good.any() else None


def median(values: np.ndarray) -> float:
    """The median of finite values, as numpy.median but faster for a single row."""
    half = values.size // 2
    if values.size % 2:
        return float(np.partition(values, half)[half])
    low, high = np.partition(values, (half - 1, half))[half - 1 : half + 1]
    return (float(low) + float(high)) / 2
