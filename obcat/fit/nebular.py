"""Forbidden lines of nebulae before stars: found star by star, and taken out of what is learnt.

No star of the sample makes them, yet those that lie in nebulae are the hot and young ones, and a
basis that sees the two together draws a nebula into the spectrum of every star that looks the part.
"""

from functools import cache

import numpy as np

from obcat.kernels.grid import EMISSION_LINES, WAVELENGTH, around

__all__ = ["forbidden_excess", "straightened"]

CORE = 4.5  # Angstrom: half the width of an unresolved line, 2.9 sigma of the instrument
SIDES = 9.0  # Angstrom: as far as the sides go on either hand
BESIDE_HALPHA = "[N II] 6548"  # on its steep flank: no line to be found by


def forbidden_excess(norm: np.ndarray, norm_ivar: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean flux over the core of each forbidden line less that of its sides, and its error, (n,
    lines); NaN where a pixel of them is masked.

    norm, norm_ivar : (n, 3909) normalised flux at rest and its inverse variance
    """
    found = [
        _excess(norm, norm_ivar, core, left | right)
        for name, core, left, right in _windows()
        if name != BESIDE_HALPHA
    ]
    excess, error = zip(*found, strict=True)
    return np.stack(excess, axis=1), np.stack(error, axis=1)


def _excess(
    norm: np.ndarray, ivar: np.ndarray, core: np.ndarray, sides: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    weight = core / core.sum() - sides / sides.sum()
    used = core | sides
    flux, inverse = (np.ascontiguousarray(a[:, used], np.float64) for a in (norm, ivar))
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(np.sum(weight[used] ** 2 / inverse, axis=1))
    known = np.all(inverse > 0, axis=1)
    excess = np.sum(flux * weight[used], axis=1)
    return np.where(known, excess, np.nan), np.where(known, error, np.nan)


def straightened(
    norm: np.ndarray, norm_ivar: np.ndarray, nebular: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Spectra with the forbidden lines of the rows ``nebular`` (n,) replaced by a straight line
    between their sides, masked where a side is masked.
    """
    rows = np.flatnonzero(nebular)
    flux, ivar = norm.copy(), norm_ivar.copy()
    for _, core, left, right in _windows():
        ends = [_mean(norm[rows], norm_ivar[rows], side) for side in (left, right)]
        at = [WAVELENGTH[side].mean() for side in (left, right)]
        part = (WAVELENGTH[core] - at[0]) / (at[1] - at[0])
        line = ends[0][:, None] * (1 - part) + ends[1][:, None] * part
        known = np.isfinite(line)
        flux[np.ix_(rows, core)] = np.where(known, line, 0)
        ivar[np.ix_(rows, core)] = np.where(known, norm_ivar[np.ix_(rows, core)], 0)
    return flux, ivar


def _mean(norm: np.ndarray, ivar: np.ndarray, window: np.ndarray) -> np.ndarray:
    """(n,) mean over the good pixels of a window, NaN where none is."""
    good = ivar[:, window] > 0
    total = np.sum(np.where(good, norm[:, window], 0), axis=1, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        return total / good.sum(axis=1)


@cache
def _windows() -> tuple[tuple[str, np.ndarray, np.ndarray, np.ndarray], ...]:
    """Name, core, left and right side of each forbidden line, (3909,) bool."""
    return tuple(
        (name, around(centre, CORE), _side(centre, -1), _side(centre, 1))
        for name, centre, _ in EMISSION_LINES
        if name.startswith("[")
    )


def _side(centre: float, hand: int) -> np.ndarray:
    beyond = around(centre, SIDES) & ~around(centre, CORE)
    return beyond & (hand * (WAVELENGTH - centre) > 0)
