"""Measured: one number a spectrum, or pair of visits, and how many of them are compared; helpers of all measures."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat.kernels.grid import WAVELENGTH
from obcat.realism.sample import Sample

__all__ = ["BRIGHT", "FAINT", "MIDDLE", "PILOT_END", "Measured", "chosen", "robust", "within"]

Array = NDArray[np.float64]
PILOT_END = 56_190  # LMJD: the survey proper began in autumn 2012
FAINT, MIDDLE, BRIGHT = (8.0, 40.0), (40.0, 80.0), (80.0, 150.0)  # S/N in g


class Measured(NamedTuple):
    """values: a number a spectrum, NaN where there is none; what is compared: their median, mean or spread."""

    name: str
    where: str
    at: float
    values: Array
    compared: str = "median"


def within(low: float, high: float) -> slice:
    """Pixels between two wavelengths in Angstrom."""
    return slice(*np.searchsorted(WAVELENGTH, (low, high)).tolist())


def chosen(sample: Sample, limits: tuple[float, float], among: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Spectra among those with an S/N between limits."""
    return among & (sample.snr >= limits[0]) & (sample.snr < limits[1])


def robust(x: Array) -> Array:
    """Scatter of each row about 0 from its median size."""
    return 1.4826 * np.nanmedian(np.abs(x), axis=1)
