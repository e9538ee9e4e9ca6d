"""Lines: vacuum wavelengths of what discs, nebulae and winds emit, and lines stamped on the LAMOST grid."""

import numpy as np
from numpy.typing import NDArray

from obcat.kernels.grid import LIGHT_SPEED, LOG_START, LOG_STEP, N_PIXEL, WAVELENGTH

__all__ = ["FREQUENCY", "PIXEL", "at_lines", "balmer", "paschen", "pixel_of", "stamped", "vacuum"]

Array = NDArray[np.float64]
Floats = NDArray[np.floating]
Complex = NDArray[np.complexfloating]
Single = NDArray[np.float32]
RYDBERG_H = 109_677.5834  # 1/cm
STEP = LOG_STEP * np.log(10)  # ln wavelength
PIXEL = STEP * LIGHT_SPEED  # km/s
WINDOW = 64  # pixels a line may fill: 2,200 km/s to each side
FREQUENCY = 2 * np.pi * np.arange(WINDOW // 2 + 1) / WINDOW  # radian a pixel
FWHM = np.sqrt(8 * np.log(2))


def vacuum(air: float) -> float:
    """Vacuum wavelength (Angstrom) of one in air; the inverse of Ciddor (1996) as VALD gives it."""
    s = (1e4 / air) ** 2
    index = (
        1
        + 8.336624212083e-5
        + 0.02408926869968 / (130.1065924522 - s)
        + 1.599740894897e-4 / (38.92568793293 - s)
    )
    return air * index


def balmer(n: int) -> float:
    """Vacuum wavelength of the transition n to 2 of hydrogen, without fine structure."""
    return 1e8 / (RYDBERG_H * (1 / 4 - 1 / n**2))


def paschen(n: int) -> float:
    return 1e8 / (RYDBERG_H * (1 / 9 - 1 / n**2))


def pixel_of(wavelength: Array) -> NDArray[np.int64]:
    """The nearest pixel of the grid."""
    return np.clip(np.rint((np.log10(wavelength) - LOG_START) / LOG_STEP), 0, N_PIXEL - 1).astype(
        np.int64
    )


def at_lines(values: Floats, wavelength: Array) -> Array:
    """(n, lines) of what is given on the grid (n, 3909), or is the same all along it (n,)."""
    if values.ndim == 1:
        return np.repeat(values[:, None], len(wavelength), axis=1).astype(float)
    return values[:, pixel_of(wavelength)].astype(float)


def stamped(wavelength: Array, transform: Complex, rv: Array, resolution: Array) -> Single:
    """(n, 3909) per Angstrom: lines of which `transform` (n, lines, frequencies) is flux times Fourier transform in
    velocity, moved by rv (n,), blurred by resolution (n, lines) and by the pixel; each keeps its integral.
    """
    first = np.floor((np.log10(wavelength) - LOG_START) / LOG_STEP).astype(np.int64) - WINDOW // 2
    rest = (np.log10(wavelength) - LOG_START) / LOG_STEP - first
    place = rest + np.log1p(rv / LIGHT_SPEED)[:, None] / STEP
    sigma = 1 / (resolution * FWHM * STEP)
    blur = np.exp(-0.5 * (_SINGLE * sigma[..., None].astype(np.float32)) ** 2) * _PIXEL_BLUR
    window = np.fft.irfft(transform.astype(np.complex64) * _moved(place) * blur, n=WINDOW, axis=2)
    out = np.zeros((len(rv), N_PIXEL + 2 * WINDOW), dtype=np.float32)
    for k, start in enumerate((first + WINDOW).tolist()):
        out[:, start : start + WINDOW] += window[:, k]
    return out[:, WINDOW:-WINDOW] / _PIXEL_WIDTH


def _moved(place: Array) -> Complex:
    """exp(-i frequency place), by repeated multiplication."""
    once = np.exp(-1j * FREQUENCY[1] * place).astype(np.complex64)
    turns = np.repeat(once[..., None], len(FREQUENCY), axis=-1)
    turns[..., 0] = 1
    return np.cumprod(turns, axis=-1)


_SINGLE = FREQUENCY.astype(np.float32)
_PIXEL_BLUR = np.sinc(FREQUENCY / (2 * np.pi)).astype(np.float32)
_PIXEL_WIDTH = (STEP * WAVELENGTH).astype(np.float32)
