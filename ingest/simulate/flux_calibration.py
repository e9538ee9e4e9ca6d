"""Flux calibration: smooth errors of the spectral response, and the step where the two arms are joined."""

import numpy as np
from numpy.typing import NDArray

from obcat.kernels.grid import WAVELENGTH

__all__ = ["SIZES", "STEP", "calibration"]

Float32 = NDArray[np.float32]
JOIN, JOIN_WIDTH = 5860.0, 12.0  # Angstrom
# Principal components of ln ratios between 81 pairs of visits of 63 stars (DR8, DR10), unit rms over 4,000 to 8,900
# Angstrom: a tilt; a bend; a difference of the arms. They hold 0.89 of the variance.
AT = (
    3700, 3750, 3800, 3900, 4000, 4200, 4400, 4700, 5000, 5300, 5600, 5750, 5850, 5950, 6100, 6400, 6800, 7200, 7600,
    8000, 8400, 8800, 9000, 9100,
)  # fmt: skip
COMPONENTS = (
    (-3.31, -3.20, -3.00, -2.65, -2.38, -1.98, -1.59, -1.16, -0.80, -0.47, -0.20, -0.09, -0.03, 0.02, 0.10, 0.28,
     0.46, 0.61, 0.76, 0.91, 1.07, 1.17, 0.97, 0.85),
    (9.27, 6.91, 4.86, 2.70, 1.84, 1.06, 0.47, 0.00, -0.30, -0.60, -0.81, -0.99, -1.37, -1.19, -0.91, -0.68, -0.16,
     0.62, 1.12, 1.40, 1.76, 2.07, 2.73, 3.08),
    (-6.97, -4.53, -2.66, -1.43, -0.73, -0.06, 0.35, 0.82, 1.25, 1.86, 2.01, 1.44, 0.95, -0.03, -0.66, -0.72, -0.56,
     0.00, 0.32, 0.83, 1.15, 1.34, 0.79, 0.84),
)  # fmt: skip
SIZES = (0.068, 0.017, 0.012)  # scale of each in one visit, that of a pair over the root of 2
FREEDOM, FARTHEST = 3, 6.0  # the tilt has a Student's tail (pairs: median 0.07, 95 per cent 0.36); limit of any draw
STEP = 0.025  # scale; ratios of continua on both sides of the join: 0.02 in DR7 and DR8, 0.03 in DR5, 0.08 in DR10


def calibration(n: int, rng: np.random.Generator) -> Float32:
    """(n, 3909) factors on the flux."""
    amount = np.stack([rng.standard_t(FREEDOM, n), rng.standard_normal(n), rng.standard_normal(n)], axis=1)
    amount = np.clip(amount, -FARTHEST, FARTHEST) * SIZES
    step = STEP * rng.standard_t(FREEDOM, (n, 1)).clip(-FARTHEST, FARTHEST)
    return np.exp(amount.astype(np.float32) @ _SHAPES + step.astype(np.float32) * _RED)


def _shapes() -> Float32:
    """The tables, smoothed over the distance of their points."""
    reach = 60
    kernel = np.hanning(2 * reach + 1) / reach
    rows = [np.pad(np.interp(WAVELENGTH, AT, row), reach, mode="edge") for row in COMPONENTS]
    return np.stack([np.convolve(row, kernel, mode="valid") for row in rows]).astype(np.float32)


_SHAPES = _shapes()
_RED = (1 / (1 + np.exp((JOIN - WAVELENGTH) / JOIN_WIDTH))).astype(np.float32)
