"""Erroneous: spectra that went wrong as a whole, in one of three ways."""

import numpy as np
from numpy.typing import NDArray

from obcat.ingest.simulate.sky_lines import wrong_sky
from obcat.kernels.grid import WAVELENGTH

__all__ = ["JOIN_PIXEL", "SPOILED", "SPOIL_ARM", "add_sky", "spoil"]

Float32 = NDArray[np.float32]
SPOILED = ("", "wavelength", "arms", "sky")  # what is wrong with a spectrum, by mode
WAVELENGTH_SCALE, ARMS, SKY = 1, 2, 3
SHIFT, SPOIL_ARM = (8, 40), (0.35, 1.1)  # pixels; |ln| of the step between the arms: assumed, no such file is known
JOIN_PIXEL = int(np.searchsorted(WAVELENGTH, 5800.0))
G = slice(*np.searchsorted(WAVELENGTH, (4000.0, 5500.0)))


def spoil(flux: Float32, mode: NDArray[np.int64], rng: np.random.Generator) -> Float32:
    """Flux (n, 3909) with the fault of each mode: one arm shifted in wavelength, or arms that do not meet."""
    out = flux.copy()
    for row in np.flatnonzero((mode == WAVELENGTH_SCALE) | (mode == ARMS)):
        arm = slice(JOIN_PIXEL, None) if rng.random() < 0.5 else slice(0, JOIN_PIXEL)
        sign = 1 if rng.random() < 0.5 else -1
        if mode[row] == WAVELENGTH_SCALE:
            out[row, arm] = np.roll(flux[row], sign * rng.integers(*SHIFT))[arm]
        else:
            out[row, arm] *= np.exp(sign * rng.uniform(*SPOIL_ARM))
    return out


def add_sky(out: Float32, flux: Float32, mode: NDArray[np.int64], rng: np.random.Generator) -> Float32:
    """Observed flux (n, 3909) with the sky not taken off, or taken off twice, where mode says so; flux has no noise."""
    rows = np.flatnonzero(mode == SKY)
    out = out.copy()
    for row in rows:
        out[row] += wrong_sky(float(np.median(flux[row, G])), rng).astype(np.float32)
    return out
