"""Line spread: resolution that changes along the spectrum and from fibre to fibre."""

import numpy as np
from numpy.typing import NDArray

from obcat.kernels.grid import LOG_STEP, WAVELENGTH

__all__ = ["RESOLUTION", "blurred", "draw_resolution"]

Array = NDArray[np.float64]
Float32 = NDArray[np.float32]
RESOLUTION = 1800.0  # without this ingredient; Luo et al. (2015)
FWHM_AT = (  # Angstrom: widths of sky lines in the stated noise of 530 files of DR7, DR8, DR10, single lines only
    (3700, 2.55), (4360, 2.58), (5460, 2.60), (5700, 2.85), (5800, 3.80), (6300, 3.60), (7320, 3.40), (7520, 3.55),
    (7980, 3.95), (8400, 4.35), (9100, 4.90),
)  # fmt: skip
FIBRE = 0.08  # ln rms of the width: medians of the 16 spectrographs at 5577 Angstrom scatter 0.11, errors included
SHARPEST, BROADEST = 0.88, 1.25  # limits of that factor
PASSES = 3  # of a kernel of three pixels


def draw_resolution(n: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Sharpest resolution of each spectrum (n,), and the factor of its widths (n,)."""
    factor = np.clip(np.exp(FIBRE * rng.standard_normal(n)), SHARPEST, BROADEST)
    return _RESOLUTION.max() / factor, factor


def blurred(flux: Float32, factor: Array) -> Float32:
    """Flux (n, 3909) of the sharpest resolution -> of its own at each wavelength, a Gaussian to the second moment."""
    share = (_MORE[None] * (factor[:, None] ** 2 / (2 * PASSES))).astype(np.float32)
    out = flux
    for _ in range(PASSES):
        out = out.copy() if out is flux else out
        step = np.diff(out, axis=1)
        flow = step * (share[:, 1:] + share[:, :-1]) / 2
        out[:, :-1] += flow
        out[:, 1:] -= flow
    return out


_RESOLUTION = WAVELENGTH / np.interp(WAVELENGTH, *np.array(FWHM_AT).T)
_SIGMA = 1 / (_RESOLUTION * np.sqrt(8 * np.log(2)) * LOG_STEP * np.log(10))  # pixels
_MORE = _SIGMA**2 - _SIGMA.min() ** 2
