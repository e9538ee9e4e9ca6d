"""What a reader of spectra needs to draw them: wavelengths, windows, and what the eigenspectra make of a spectrum."""

import numpy as np

from obcat.kernels.grid import WAVELENGTH
from obcat.kernels.pca import reconstruct
from obcat.kernels.windows import clean_pixels, full_pixels

__all__ = ["WAVELENGTH", "reconstruction", "windows"]


def windows(low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Pixels of the clean windows and of the full range between two wavelengths in Angstrom: (3909,) bool each."""
    return clean_pixels(low, high), full_pixels(low, high)


def reconstruction(score_clean: np.ndarray, pca: dict[str, np.ndarray]) -> np.ndarray:
    """Normalised spectra without emission from coefficients (n, k) -> (n, 3909); NaN in pixels not used."""
    return reconstruct(score_clean, mean=pca["mean"], scale=pca["scale"], full_from_clean=pca["full_from_clean"])
