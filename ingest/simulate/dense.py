"""Dense: spectra of stars of higher gravity than the grid of spectra has: subdwarfs and white dwarfs.

Approximations, to look like such stars at low resolution and not to be analysed: a subdwarf is the densest spectrum of
its temperature with its lines widened by pressure and little helium; a white dwarf is hydrogen lines on a black body.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from obcat.ingest.simulate.templates import FIRST_PIXEL, N_FINE
from obcat.kernels.grid import LIGHT_SPEED, LOG_START, WAVELENGTH

__all__ = ["DENSEST", "FINE", "black_body", "dense_continuum", "dense_lines", "hydrogen"]

Array = NDArray[np.float64]
Float32 = NDArray[np.float32]
DENSEST, DEGENERATE = 5.0, 6.5  # log g: of the grid's densest spectra; beyond, a star is a white dwarf
STEP = 5e-5 * np.log(10)  # ln wavelength of one fine sample
FINE = 10 ** (LOG_START + 5e-5 * (np.arange(N_FINE) - FIRST_PIXEL))
HC_K = 1.438777e8  # Angstrom K
PRESSURE, STRONGER = 250.0, 0.3  # per dex of gravity: km/s of Lorentzian half width, dex of line strength; chosen
HELIUM = (3889.7, 4027.3, 4145.0, 4389.2, 4472.7, 4714.5, 4923.3, 5017.1, 5877.2, 6680.0, 7067.2)  # He I, vacuum
HELIUM_LEFT, HELIUM_WIDTH, HELIUM_RICH = 0.3, 600.0, 38_000.0  # of a subdwarf's lines; km/s; hotter ones keep all (K)
BALMER = (  # vacuum Angstrom, central optical depth and half width (Angstrom) at 13,000 K, log g 8; chosen to look DA
    (6564.6, 0.65, 20.0), (4862.7, 0.85, 22.0), (4341.7, 0.80, 22.0), (4102.9, 0.65, 20.0),
    (3971.2, 0.40, 16.0), (3890.2, 0.18, 12.0), (3836.5, 0.05, 10.0),
)  # fmt: skip
WING = 2.5  # exponent of linear Stark wings
STRONGEST, FADE_HOT, FADE_COOL = 13_000.0, -0.9, 2.0  # K; powers of temperature to either side
WIDER = 0.2  # dex of width per dex of gravity


def dense_lines(lines: Float32, log_teff: Array, logg: Array) -> Float32:
    """Normalised fine spectra (n, N_FINE) of the densest templates, changed where the star is denser still."""
    out = lines.copy()
    sub, white = np.flatnonzero((logg > DENSEST) & (logg <= DEGENERATE)), np.flatnonzero(logg > DEGENERATE)
    if len(sub):
        beyond = logg[sub] - DENSEST
        poor = _without_helium(lines[sub], log_teff[sub])
        stronger = poor**10 ** (STRONGER * beyond[:, None])
        out[sub] = _widened(stronger, beyond)
    if len(white):
        out[white] = hydrogen(log_teff[white], logg[white])
    return out


def _without_helium(lines: Float32, log_teff: Array) -> Float32:
    near = np.max([np.exp(-0.5 * (np.log(FINE / c) * LIGHT_SPEED / HELIUM_WIDTH) ** 2) for c in HELIUM], axis=0)
    poor = (log_teff < np.log10(HELIUM_RICH))[:, None]
    return np.exp(np.log(lines) * (1 - (1 - HELIUM_LEFT) * near * poor)).astype(np.float32)


def _widened(lines: NDArray[np.floating], beyond: Array) -> Float32:
    """Convolution with a Lorentzian as wide as the gravity is beyond the grid; the ends are mirrored."""
    n, half_width = lines.shape[1], PRESSURE * beyond
    depth = fft.rfft(np.concatenate([1 - lines, 1 - lines[:, ::-1]], axis=1), axis=1)
    turns = 2 * np.pi * np.arange(n + 1) / (2 * n)
    out = 1 - fft.irfft(depth * np.exp(-half_width[:, None] / LIGHT_SPEED / STEP * turns), axis=1)[:, :n]
    return out.astype(np.float32)


def hydrogen(log_teff: Array, logg: Array) -> Float32:
    """Balmer lines of DA white dwarfs (n, N_FINE)."""
    ratio = 10**log_teff / STRONGEST
    strength = ratio ** np.where(ratio > 1, FADE_HOT, FADE_COOL)
    wider = 10 ** (WIDER * (logg - 8))
    depth = np.zeros((len(log_teff), N_FINE))
    for centre, tau, width in BALMER:
        away = np.abs(FINE - centre) / (width * wider[:, None])
        depth += tau * strength[:, None] / (1 + away**WING)
    return np.exp(-depth).astype(np.float32)


def dense_continuum(ln_continuum: Float32, log_teff: Array, logg: Array) -> Float32:
    """ln of the continua (n, 3909), that of white dwarfs replaced by a black body's."""
    white = np.flatnonzero(logg > DEGENERATE)
    out = ln_continuum.copy()
    out[white] = black_body(log_teff[white])
    return out


def black_body(log_teff: Array) -> Float32:
    """ln of Planck's function per wavelength (n, 3909), in any unit."""
    return (-5 * np.log(WAVELENGTH) - np.log(np.expm1(HC_K / WAVELENGTH / 10 ** log_teff[:, None]))).astype(np.float32)
