"""Noise: photons of star and sky, what extraction adds, and the inverse variance that the pipeline states."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat.ingest.simulate import sky_lines
from obcat.ingest.simulate.erroneous import JOIN_PIXEL
from obcat.ingest.simulate.recipe import Recipe
from obcat.kernels.grid import WAVELENGTH

__all__ = ["BANDS", "PILOT_END", "Observed", "band_snr", "observe", "stated_variance"]

Array = NDArray[np.float64]
Float32 = NDArray[np.float32]
Flags = NDArray[np.bool_]
N = len(WAVELENGTH)
BANDS = {"u": (3700, 3900), "g": (3900, 5350), "r": (5600, 6900), "i": (6900, 8200), "z": (8200, 9000)}
PILOT_END = 56_190  # LMJD; before the survey of autumn 2012 the red arms were noisier than stated
# Stated variance over flux, 4,000 to 5,500 Angstrom being 1, of bright stars: 530 A stars of DR10, see sky_lines.
PHOTONS = (
    (3700, 9.0), (3720, 8.2), (3750, 6.8), (3800, 5.2), (3850, 4.3), (3900, 3.7), (3950, 3.2), (4000, 2.73),
    (4100, 2.28), (4200, 1.87), (4300, 1.61), (4400, 1.39), (4500, 1.22), (4600, 1.08), (4700, 0.96), (4800, 0.84),
    (5000, 0.76), (5200, 0.755), (5400, 0.76), (5600, 0.82), (5700, 0.90), (5800, 0.96), (5850, 1.00), (5900, 0.93),
    (5950, 0.75), (6000, 0.64), (6100, 0.52), (6250, 0.43), (6400, 0.36), (6500, 0.33), (6700, 0.27), (7000, 0.229),
    (7300, 0.22), (7550, 0.21), (7590, 0.22), (7606, 1.26), (7618, 0.45), (7630, 0.57), (7650, 0.28), (7700, 0.22),
    (8100, 0.244), (8300, 0.27), (8600, 0.33), (8800, 0.35), (8950, 0.43), (9000, 0.47), (9100, 0.53),
)  # fmt: skip
# ln rms of that curve between spectra of S/N 80 to 150, all points together: the arms are exposed and weighted apart
RESPONSE = (
    (3700, -0.25), (3800, -0.22), (4000, -0.14), (4250, -0.10), (4750, 0.0), (5000, 0.07), (5500, 0.16), (5800, 0.28),
    (6000, 0.28), (6500, 0.24), (9100, 0.24),
)  # fmt: skip
SKY_SPREAD = 1.0  # ln rms of the sky's brightness beside the star's, same S/N: 8348 Angstrom, S/N 8 to 40
SKY_EQUAL = 45.0  # S/N in g at which the sky has half its share of the variance; same stars
# Scatter over stated error of A stars of S/N 8 to 40 about 30 eigenspectra, DR10; the same of all with S/N above 150
# gives the floor, in parts of the flux; lines of A stars that no eigenspectrum has are in it. In the red less 0.03
# for what sky lines leave, which comes on top; so is NEIGHBOUR less 0.01 to 0.05.
SCATTER = (
    (3700, 0.84), (4000, 0.83), (4400, 0.79), (4800, 0.78), (5200, 0.735), (5550, 0.705), (5850, 0.71), (6000, 0.83),
    (6300, 0.80), (6700, 0.81), (7000, 0.83), (7400, 0.81), (7800, 0.86), (8200, 0.78), (8600, 0.76), (8800, 0.85),
    (8950, 1.02), (9100, 1.1),
)  # fmt: skip
FLOOR = (
    (3700, 0.014), (4000, 0.011), (4400, 0.007), (4800, 0.0045), (5200, 0.0038), (5600, 0.0033), (5850, 0.005),
    (5950, 0.0054), (6300, 0.003), (6700, 0.0027), (7400, 0.0022), (7800, 0.0024), (8200, 0.0022), (8600, 0.0033),
    (8950, 0.0075), (9100, 0.012),
)  # fmt: skip
# Correlation of neighbours, same residuals; that of two pixels apart is its square over 1 + 2 NEIGHBOUR^2.
NEIGHBOUR = (
    (3700, 0.09), (4400, 0.07), (5200, 0.05), (5600, 0.06), (5900, 0.12), (6300, 0.05), (7400, 0.03), (8300, 0.03),
    (9100, 0.03),
)  # fmt: skip
PILOT_SCATTER = ((5700, 1.0), (6000, 1.2), (6300, 1.4), (7200, 1.5), (9100, 1.5))  # over SCATTER: 80 spectra of 2011
PILOT_NEIGHBOUR = 0.28  # in the red arm; same spectra
COMMON, ARM = 0.085, 0.075  # ln rms of scatter over stated error: of the spectrum, and of each arm; S/N 20 to 40


class Observed(NamedTuple):
    """(n, 3909): flux with noise, the inverse variance stated, and the true error of each pixel."""

    flux: Float32
    ivar: Float32
    sigma: Float32


def observe(flux: Float32, snr_g: Array, pilot: Flags, recipe: Recipe, key: tuple[int, int]) -> Observed:
    """Flux (n, 3909) as the telescope gives it, with stated median S/N per pixel snr_g (n,) in g."""
    photons, lines = stated_variance(flux, snr_g, recipe.rng("exposures", *key))
    stated = np.sqrt(photons + lines)
    out, sigma, rng = flux, stated, recipe.rng("noise", *key)
    if recipe.has("noise"):
        sigma = stated * _miscalibration(pilot, rng)
        out = out + sigma * _correlated(pilot, rng) + flux * _FLOOR * _waves(len(flux), rng)
    if recipe.has("sky_lines"):
        out = out + sky_lines.residue(np.sqrt(lines), recipe.rng("sky_lines", *key))
    return Observed(out, 1 / stated**2, sigma)


def stated_variance(flux: Float32, snr_g: Array, rng: np.random.Generator) -> tuple[Float32, Float32]:
    """Of the star and the sky's continuum, and of the sky's lines, scaled so that the median S/N over g is snr_g."""
    first, last = _G
    level = np.median(flux[:, first:last:8], axis=1)[:, None]
    response, bright = rng.standard_normal((2, len(flux), 1), dtype=np.float32)
    sky = (level * np.exp(SKY_SPREAD * bright) / (1 + (snr_g[:, None] / SKY_EQUAL) ** 2)).astype(np.float32)
    photons = np.maximum(flux, 1e-3 * level) * _PHOTONS * np.exp(response * _RESPONSE) + sky * _CONTINUUM
    lines = sky * _AIRGLOW
    snr = flux[:, first:last:8] / np.sqrt((photons + lines)[:, first:last:8])
    scale = ((np.median(snr, axis=1) / snr_g) ** 2)[:, None].astype(np.float32)
    return photons * scale, lines * scale


def _miscalibration(pilot: Flags, rng: np.random.Generator) -> Float32:
    """True over stated error: a curve, wrong by some per cent for each spectrum and arm."""
    n = len(pilot)
    arms = COMMON * rng.standard_normal((n, 1)) + ARM * rng.standard_normal((n, 2))
    each = np.exp(arms).astype(np.float32)[:, (np.arange(N) >= JOIN_PIXEL).astype(int)]
    return each * _SCATTER[pilot.astype(int)]


def _correlated(pilot: Flags, rng: np.random.Generator) -> Float32:
    """Unit variance in each pixel, correlated with its neighbours."""
    white = rng.standard_normal((len(pilot), N + 2), dtype=np.float32)
    side, middle = _SIDES[pilot.astype(int)], _MIDDLES[pilot.astype(int)]
    return middle * white[:, 1:-1] + side * (white[:, 2:] + white[:, :-2])


def _waves(n: int, rng: np.random.Generator) -> Float32:
    """Unit variance, correlated over some pixels: straight lines between normal deviates two pixels apart."""
    knots = rng.standard_normal((n, N // 2 + 2), dtype=np.float32)
    out = np.empty((n, 2 * (N // 2 + 1)), dtype=np.float32)
    out[:, ::2] = knots[:, :-1]
    out[:, 1::2] = (knots[:, 1:] + knots[:, :-1]) * np.float32(np.sqrt(0.5))
    return out[:, :N]


def band_snr(observed: Observed) -> dict[str, Array]:
    """Median S/N per pixel in each band, by the stated noise."""
    snr = observed.flux * np.sqrt(observed.ivar)
    edges = {band: np.searchsorted(WAVELENGTH, limits) for band, limits in BANDS.items()}
    return {band: np.median(snr[:, a:b], axis=1).astype(float) for band, (a, b) in edges.items()}


def _curve(points: tuple[tuple[float, float], ...]) -> Float32:
    return np.interp(WAVELENGTH, *np.array(points).T).astype(np.float32)


def _kernels() -> tuple[Float32, Float32]:
    """Weights of a pixel and of each neighbour that give the correlation wanted: (2, 3909), by pilot."""
    usual = _curve(NEIGHBOUR)
    pilot = np.where(np.arange(N) >= JOIN_PIXEL, np.float32(PILOT_NEIGHBOUR), usual)
    rho = np.stack([usual, pilot])
    side = (1 - np.sqrt(1 - 2 * rho**2)) / (2 * rho)
    middle = 1 / np.sqrt(1 + 2 * side**2)
    return middle.astype(np.float32), (side * middle).astype(np.float32)


_PHOTONS, _RESPONSE, _FLOOR = _curve(PHOTONS), _curve(RESPONSE), _curve(FLOOR)
_CONTINUUM, _AIRGLOW = sky_lines.CONTINUUM.astype(np.float32), sky_lines.AIRGLOW.astype(np.float32)
_SCATTER = np.stack([_curve(SCATTER), _curve(SCATTER) * _curve(PILOT_SCATTER)])
_MIDDLES, _SIDES = _kernels()
_G = tuple(np.searchsorted(WAVELENGTH, BANDS["g"]).tolist())
