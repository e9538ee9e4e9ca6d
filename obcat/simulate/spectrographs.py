"""Spectrographs: what the calibration of each of the sixteen does wrong in every exposure alike."""

import numpy as np
from numpy.typing import NDArray

from obcat.kernels.grid import WAVELENGTH

__all__ = ["AMOUNTS", "SHARED", "response"]

Float32 = NDArray[np.float32]
# ln of the response beside that of all spectrographs, three shapes: the arms do not meet, and the
# red one begins with waves. From 250 A stars of DR10 (nights of 2021 and 2022), one half of the
# handed files, medians by spectrograph; the shapes hold 0.98 of their variance between 5,500 and
# 8,500 Angstrom. Nights before 2018 have little of it.
AT = (
    5600, 5750, 5820, 5860, 5880, 5900, 5920, 5940, 5960, 5980, 6000, 6020, 6050, 6080, 6110, 6150,
    6200, 6250, 6300, 6350, 6400, 6450, 6500, 6650, 6800, 7300, 7440, 7560, 7760, 7840, 7920, 8060,
    8300, 8500,
)  # fmt: skip
SHAPES = (
    (0.00, -0.02, -0.10, -0.01, 0.22, 0.62, 0.85, 0.80, 0.50, 0.00, -0.44, -0.75, -1.00, -0.99,
    -0.90, -0.90, -0.74, -0.62, -0.56, -0.66, -0.84, -0.87, -0.80, -0.74, -0.80, -0.78, -0.76,
    -0.78, -0.80, -0.65, -0.84, -0.77, -0.80, -0.78),
    (0.00, -0.06, 0.10, 0.04, -0.02, -0.10, -0.21, -0.67, -0.99, -1.00, -0.82, -0.53, -0.02, 0.31,
    0.37, 0.21, -0.02, -0.23, -0.21, -0.08, 0.02, 0.11, 0.06, -0.05, 0.00, -0.05, 0.02, -0.06,
    -0.01, -0.04, -0.05, 0.00, -0.03, 0.01),
    (0.00, 0.08, 0.02, 0.26, 0.55, 0.73, 1.00, 0.82, 0.22, -0.27, -0.61, -0.78, -0.57, -0.23, 0.02,
    0.14, 0.10, 0.17, 0.13, -0.13, -0.04, 0.01, 0.07, -0.02, 0.05, 0.07, 0.11, 0.06, 0.07, 0.21,
    -0.01, 0.11, 0.01, -0.04),
)  # fmt: skip
AMOUNTS = (  # of each shape, by spectrograph
    (-0.100, -0.081, -0.021), (-0.125, -0.044, -0.024), (0.034, 0.072, -0.028),
    (0.015, 0.040, -0.009), (0.012, -0.054, -0.019), (0.134, -0.094, -0.047),
    (0.012, 0.015, 0.003), (0.005, 0.018, 0.010), (0.031, -0.049, -0.015), (0.010, 0.005, 0.006),
    (0.022, 0.045, -0.024), (0.010, 0.028, -0.030), (0.079, -0.021, 0.038),
    (0.025, -0.088, 0.033), (0.008, 0.009, 0.021), (-0.006, -0.041, 0.033),
)  # fmt: skip
# those amounts in a survey few of whose nights are so late; their rms between visits, same stars
SIZE, VISIT = 0.85, 0.15
# rms of ripples of a visit, ln, and the pixels they change over: depths at 6,700 Angstrom, where no
# band is, of A stars of S/N above 150: 0.0034, half the range of two in three
RIPPLE, RIPPLE_PIXELS = 0.0025, 40
# ln, all spectrographs and releases alike: a wave, and an edge in the water band. Median of 224 A
# stars of S/N above 40 of the same half, less what the hot stars' own spectra have there
SHARED = (
    (6070, 0.0), (6095, 0.003), (6140, -0.005), (6167, -0.009), (6190, 0.003), (6217, 0.009),
    (6240, 0.002), (6270, 0.0), (8180, 0.0), (8200, 0.004), (8240, 0.0), (8268, 0.0),
    (8276, -0.015), (8310, -0.011), (8341, -0.011), (8351, 0.006), (8420, 0.004), (8450, 0.0),
)  # fmt: skip


def response(spectrograph: NDArray[np.int64], rng: np.random.Generator) -> Float32:
    """(n, 3909) factors on the flux, from numbers of spectrographs (n,), 1 to 16."""
    drawn = rng.standard_normal((len(spectrograph), 1 + len(_RIPPLES)), dtype=np.float32)
    size = SIZE + VISIT * drawn[:, :1]
    amount = np.array(AMOUNTS, dtype=np.float32)[spectrograph - 1] * size
    return np.exp(amount @ _SHAPES + drawn[:, 1:] @ _RIPPLES + _SHARED)


def _ripples() -> Float32:
    """A triangle about each point of equal distance: straight lines between them."""
    at = np.arange(0, len(WAVELENGTH) + RIPPLE_PIXELS, RIPPLE_PIXELS)
    pixel = np.arange(len(WAVELENGTH))
    unit = np.eye(len(at))
    return np.stack([RIPPLE * np.interp(pixel, at, row) for row in unit]).astype(np.float32)


_SHAPES = np.stack([np.interp(WAVELENGTH, AT, shape) for shape in SHAPES]).astype(np.float32)
_RIPPLES = _ripples()
_SHARED = np.interp(WAVELENGTH, *np.array(SHARED).T).astype(np.float32)
