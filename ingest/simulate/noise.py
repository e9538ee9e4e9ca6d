"""Noise: what telescope, sky, calibration and pipeline do to a spectrum, and the inverse variance they state."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat.kernels.grid import WAVELENGTH

__all__ = ["SPOILED", "Observed", "band_snr", "calibration", "observe", "spoil"]

Array = NDArray[np.float64]
Float32 = NDArray[np.float32]
N = len(WAVELENGTH)
JOIN = 5800.0  # Angstrom, where the arms meet
THROUGHPUT = (  # (S/N)^2 / flux relative to 4,400 Angstrom: median of 20 A stars of DR5 and DR8
    (3700, 0.03), (3750, 0.06), (3800, 0.10), (3850, 0.16), (3900, 0.21), (4000, 0.37), (4150, 0.58), (4400, 1.0),
    (4650, 1.50), (4900, 1.81), (5200, 2.11), (5500, 2.08), (5700, 1.81), (5800, 1.58), (5850, 1.55), (5900, 1.34),
    (5950, 2.44), (6000, 3.14), (6100, 3.89), (6200, 4.55), (6400, 5.86), (6700, 7.97), (7000, 9.18), (7250, 6.65),
    (7500, 10.2), (7800, 7.73), (8100, 7.78), (8400, 6.51), (8700, 6.03), (8900, 2.61), (9100, 1.7),
)  # fmt: skip
SKY_LINES = ((5578.9, 3.0, 4.0), (6302.0, 1.5, 3.0))  # Angstrom, extra noise, half width in Angstrom
NEIGHBOUR = 0.23  # rebinning: second differences of real DR5 files scatter 0.7 of what their ivar says
CALIBRATION, CALIBRATION_ARM = 0.10, 0.03  # rms of smooth flux error; extra rms between arms
MISCALIBRATION = 0.07  # ln rms of the stated noise, one value an arm
WATER = ((6870, 6945, 0.15), (7170, 7320, 0.10), (7595, 7700, 0.35), (8130, 8350, 0.10))  # bands, depth left over
BANDS = {"u": (3700, 3900), "g": (3900, 5350), "r": (5600, 6900), "i": (6900, 8200), "z": (8200, 9000)}
RED_END = 9000.0
SPOIL_SHIFT, SPOIL_ARM = (8, 40), (0.35, 1.1)  # pixels; |ln| of the step between the arms
SPOILED = ("", "wavelength", "arms")  # what is wrong with a spectrum, by mode
RED = np.searchsorted(WAVELENGTH, JOIN)


class Observed(NamedTuple):
    flux: Float32
    ivar: Float32


def calibration(n: int, rng: np.random.Generator) -> Float32:
    """(n, 3909) smooth multiplicative errors: four cosines of falling size, and a step between the arms."""
    phase = np.linspace(0, np.pi, N)
    size = np.array([1.0, 1.0, 0.6, 0.4])
    shape = np.stack([np.cos((k + 1) * phase) for k in range(len(size))])
    amount = rng.standard_normal((n, len(size))) * size * CALIBRATION * np.sqrt(2 / (size**2).sum())
    arm = CALIBRATION_ARM * rng.standard_normal((n, 1)) / (1 + np.exp((JOIN - WAVELENGTH) / 20))
    return np.exp(np.einsum("nk,kp->np", amount, shape) + arm).astype(np.float32)


def spoil(flux: Float32, mode: NDArray[np.int64], rng: np.random.Generator) -> Float32:
    """Erroneous spectra: mode 1 shifts one arm in wavelength, mode 2 breaks the flux between the arms, 0 leaves it."""
    out = flux.copy()
    for row in np.flatnonzero(mode):
        arm = slice(RED, None) if rng.random() < 0.5 else slice(0, RED)
        sign = 1 if rng.random() < 0.5 else -1
        if mode[row] == 1:
            out[row, arm] = np.roll(flux[row], sign * rng.integers(*SPOIL_SHIFT))[arm]
        else:
            out[row, arm] *= np.exp(sign * rng.uniform(*SPOIL_ARM))
    return out


def observe(flux: Float32, snr_g: Array, rng: np.random.Generator) -> Observed:
    """Noisy flux and its stated inverse variance; zero flux with ivar above zero in the last pixels, as in DR5."""
    n = len(flux)
    sigma = _sigma(flux, snr_g)
    stated = sigma * np.exp(MISCALIBRATION * rng.standard_normal((n, 2)))[:, (np.arange(N) >= RED).astype(int)]
    noisy = flux * _sky_residue(n, rng) + sigma * _correlated(n, rng)
    dead = N - rng.integers(12, 32, size=n)[:, None] <= np.arange(N)
    return Observed(np.where(dead, np.float32(0), noisy).astype(np.float32), (1 / stated**2).astype(np.float32))


def _sigma(flux: Float32, snr_g: Array) -> Float32:
    """Photon noise through the throughput, scaled so that the median S/N over the g band is snr_g."""
    snr = np.sqrt(np.maximum(flux, 1e-6 * flux.max(axis=1, keepdims=True)) * _THROUGHPUT)
    first, last = np.searchsorted(WAVELENGTH, BANDS["g"])
    snr *= (snr_g / np.median(snr[:, first:last:8], axis=1))[:, None].astype(np.float32)
    return flux / snr * _SKY


def _correlated(n: int, rng: np.random.Generator) -> Float32:
    """Unit variance in each pixel, correlated with the neighbours."""
    white = rng.standard_normal((n, N + 2), dtype=np.float32)
    scale = 1 / np.sqrt(1 + 2 * NEIGHBOUR**2)
    middle, sides = np.float32(scale), np.float32(scale * NEIGHBOUR)
    return middle * white[:, 1:-1] + sides * (white[:, 2:] + white[:, :-2])


def _sky_residue(n: int, rng: np.random.Generator) -> Float32:
    out = np.ones((n, N), dtype=np.float32)
    for low, high, depth in WATER:
        first, last = np.searchsorted(WAVELENGTH, (low, high))
        shape = np.sin(np.linspace(0, np.pi, last - first)) ** 2
        out[:, first:last] -= rng.normal(0.5 * depth, 0.3 * depth, size=(n, 1)) * shape
    return out


def band_snr(observed: Observed) -> dict[str, Array]:
    """Median S/N per pixel in each band, by the stated noise."""
    snr = observed.flux * np.sqrt(observed.ivar)
    edges = {band: np.searchsorted(WAVELENGTH, limits) for band, limits in BANDS.items()}
    return {band: np.median(snr[:, a:b], axis=1).astype(float) for band, (a, b) in edges.items()}


_THROUGHPUT = np.interp(WAVELENGTH, *np.array(THROUGHPUT).T).astype(np.float32)
_SKY = 1 + sum((extra * (np.abs(WAVELENGTH - centre) < half) for centre, extra, half in SKY_LINES), np.zeros(N))
_SKY = _SKY.astype(np.float32)
