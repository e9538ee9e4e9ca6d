"""Spectra on other wavelengths than ours, brought to the common grid: flux and variance kept."""

from typing import NamedTuple

import numpy as np

from obcat.kernels.grid import (
    LOG_START,
    LOG_STEP,
    N_PIXEL,
    PHASE_TOLERANCE,
    WIDEST_STEP,
    placed,
    usable,
)

__all__ = ["Shares", "combined", "first_on_grid", "gridded", "resampled", "shares", "vacuum"]

EDGES = 10 ** (LOG_START + LOG_STEP * (np.arange(N_PIXEL + 1) - 0.5))
WIDTHS = np.diff(EDGES)
WHOLE = 1 - 1e-6  # of a pixel of ours must be covered by good ones


class Shares(NamedTuple):
    """Of what a pixel of ours is made: ``first`` (3909,) of theirs, and ``weight`` (3909, k), the
    share of its width that each of k from there on covers.
    """

    first: np.ndarray
    weight: np.ndarray


def vacuum(wavelength: np.ndarray) -> np.ndarray:
    """Wavelengths in air as in vacuum, Angstrom: the inverse of Ciddor (1996) by N. Piskunov, as
    VALD uses it; good to 1e-6 Angstrom from 3,000 to 10,000.
    """
    s2 = (1e4 / wavelength) ** 2
    index = 1 + 8.336624212083e-5 + 0.02408926869968 / (130.1065924522 - s2)
    return wavelength * (index + 1.599740894897e-4 / (38.92568793293 - s2))


def first_on_grid(wavelength: np.ndarray) -> int | None:
    """Our pixel of the first of theirs, (p,) Angstrom in vacuum, where all stand on our grid; else
    None.
    """
    pixel = (np.log10(wavelength) - LOG_START) / LOG_STEP
    whole = np.round(pixel).astype(int)
    near = np.abs(pixel - whole).max() <= PHASE_TOLERANCE and (np.diff(whole) == 1).all()
    return int(whole[0]) if near else None


def gridded(
    wavelength: np.ndarray, flux: np.ndarray, ivar: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """One spectrum, (p,) each, on the common grid: (3909,) float32 flux and ivar, 0 where masked;
    by offset where it stands on the grid, else by `resampled`.

    wavelength : Angstrom, vacuum, ascending; flux a density in wavelength
    """
    good = usable(flux, ivar)
    first = first_on_grid(wavelength)
    if first is None:
        return resampled(shares(wavelength), flux, ivar)
    return placed(np.where(good, flux, 0), first), placed(np.where(good, ivar, 0), first)


def shares(wavelength: np.ndarray) -> Shares:
    """How pixels with these centres, (p,) ascending, cover ours; one after a gap ends half a usual
    step before its centre, so that no gap is bridged.
    """
    step = np.diff(wavelength)
    usual = np.minimum(np.r_[step[:1], step], np.r_[step, step[-1:]])
    low = wavelength - np.minimum(np.r_[step[:1], step], WIDEST_STEP / 2 * usual) / 2
    high = wavelength + np.minimum(np.r_[step, step[-1:]], WIDEST_STEP / 2 * usual) / 2
    first = np.searchsorted(high, EDGES[:-1], side="right")
    most = int(np.max(np.searchsorted(low, EDGES[1:]) - first, initial=1))
    at = np.minimum(first[:, None] + np.arange(most), len(wavelength) - 1)
    inside = first[:, None] + np.arange(most) < len(wavelength)
    overlap = np.minimum(high[at], EDGES[1:, None]) - np.maximum(low[at], EDGES[:-1, None])
    return Shares(first, np.where(inside, np.maximum(overlap, 0), 0) / WIDTHS[:, None])


def resampled(made_of: Shares, flux: np.ndarray, ivar: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(3909,) float32 flux and ivar: mean density over each of our pixels, with the variance of
    that mean; that neighbours share a pixel of theirs, and so their noise, is not told.

    A pixel of ours is masked (0) unless good ones cover the whole of it.
    """
    good = usable(flux, ivar)
    variance = np.divide(1.0, ivar, out=np.zeros(len(ivar)), where=good)
    first, weight = made_of
    at = np.minimum(first[:, None] + np.arange(weight.shape[1]), len(flux) - 1)
    known = (np.where(good[at], weight, 0).sum(axis=1) >= WHOLE) & (good[at] | (weight == 0)).all(1)
    value = (weight * np.where(good, flux, 0)[at]).sum(axis=1)
    spread = (weight**2 * variance[at]).sum(axis=1)
    inverse = np.divide(1.0, spread, out=np.zeros(N_PIXEL), where=known & (spread > 0))
    return np.where(known, value, 0).astype(np.float32), inverse.astype(np.float32)


def combined(
    arms: list[tuple[np.ndarray, np.ndarray]],
) -> tuple[np.ndarray, np.ndarray]:
    """Arms on the common grid as one spectrum: the mean by inverse variance where they overlap."""
    flux, ivar = (np.stack([arm[i] for arm in arms]).astype(np.float64) for i in (0, 1))
    total = ivar.sum(axis=0)
    mean = np.divide((flux * ivar).sum(axis=0), total, out=np.zeros(N_PIXEL), where=total > 0)
    return mean.astype(np.float32), total.astype(np.float32)
