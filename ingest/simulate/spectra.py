"""Spectra: rest-frame light of both stars, rotated, shifted, blurred and binned by one pass through Fourier space."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.special import j1

from obcat.ingest.simulate.dense import DENSEST, dense_continuum, dense_lines
from obcat.ingest.simulate.templates import COOLEST, FIRST_PIXEL, N_FINE, N_PIXEL, templates, weights
from obcat.kernels.grid import LIGHT_SPEED, WAVELENGTH

__all__ = ["Component", "composite", "normalised", "rotation"]

Array = NDArray[np.float64]
Float32 = NDArray[np.float32]
N_FFT = 8192
FINE_STEP = 5e-5 * np.log(10)  # ln wavelength of one fine sample
FREQUENCY = np.arange(N_FFT // 2 + 1) / N_FFT  # cycles a fine sample
LIMB_DARKENING = 0.4
HC_K = 1.438777e8  # Angstrom K
REFERENCE_WAVELENGTH = 5500.0


class Component(NamedTuple):
    """One star of each system (n,): atmosphere, projected rotation and velocity (km/s), and absolute V magnitude."""

    log_teff: Array
    logg: Array
    feh: Array
    vsini: Array
    rv: Array
    m_v: Array


def composite(parts: list[tuple[NDArray[np.int64], Component]], n: int, resolution: Array) -> tuple[Float32, Float32]:
    """Flux (n, 3909) of systems and its continuum, unreddened, in units of 10^(-0.4 M_V) at 5,500 Angstrom.

    Each part names the systems its stars belong to.
    """
    flux, level = np.zeros((n, N_PIXEL), dtype=np.float32), np.zeros((n, N_PIXEL), dtype=np.float32)
    for rows, star in parts:
        lines, continuum = normalised(star, resolution[rows])
        level[rows] += continuum
        flux[rows] += continuum * lines
    return flux, level


def normalised(star: Component, resolution: Array) -> tuple[Float32, Float32]:
    """Flux over continuum on the LAMOST grid, and the continuum, for stars at or beyond the cool edge of the grid too.

    A star cooler than the edge has the lines of the edge and its continuum times a ratio of Planck functions; stars
    denser than the grid are changed as `dense` says.
    """
    index, weight = weights(np.maximum(star.log_teff, np.log10(COOLEST)), np.minimum(star.logg, DENSEST), star.feh)
    t = templates()
    lines = dense_lines(np.exp(_mix(t.ln_normalised, index, weight)), star.log_teff, star.logg)
    ln_continuum = _mix(t.ln_continuum, index, weight) + _planck_ratio(star.log_teff)
    ln_continuum = dense_continuum(ln_continuum, star.log_teff, star.logg)
    middle = np.searchsorted(WAVELENGTH, REFERENCE_WAVELENGTH)
    scale = -0.4 * np.log(10) * star.m_v[:, None] - ln_continuum[:, [middle]]
    return _observe(lines, star, resolution), np.exp(ln_continuum + scale.astype(np.float32))


def _mix(table: Float32, index: NDArray[np.int64], weight: Array) -> Float32:
    out = table[index[:, 0]] * weight[:, [0]].astype(np.float32)
    for k in range(1, index.shape[1]):
        out += table[index[:, k]] * weight[:, [k]].astype(np.float32)
    return out


def _planck_ratio(log_teff: Array) -> Float32:
    """ln of B(Teff) / B(8,000 K); 0 for stars inside the grid."""
    cool = np.flatnonzero(log_teff < np.log10(COOLEST))
    out = np.zeros((len(log_teff), N_PIXEL), dtype=np.float32)
    x = HC_K / WAVELENGTH
    out[cool] = np.log(np.expm1(x / COOLEST)) - np.log(np.expm1(x / 10 ** log_teff[cool, None]))
    return out


def _observe(lines: Float32, star: Component, resolution: Array) -> Float32:
    """Rotation, velocity, line-spread function and pixel as one product of transforms, sampled every other point."""
    padded = np.empty((len(lines), N_FFT), dtype=np.float32)
    padded[:, :N_FINE] = lines
    padded[:, N_FINE:] = np.linspace(lines[:, -1], lines[:, 0], N_FFT - N_FINE, axis=1)
    spectrum = fft.rfft(padded, axis=1, overwrite_x=True) * _transfer(star, resolution)
    half = N_FFT // 4
    folded = (spectrum[:, : half + 1] + np.conj(spectrum[:, N_FFT // 2 : half - 1 : -1])) / 2
    return fft.irfft(folded, axis=1)[:, FIRST_PIXEL // 2 : FIRST_PIXEL // 2 + N_PIXEL]


def _transfer(star: Component, resolution: Array) -> NDArray[np.complex64]:
    width = star.vsini / LIGHT_SPEED / FINE_STEP
    sigma = 1 / (resolution * 2.3548 * FINE_STEP)
    shift = np.log1p(star.rv / LIGHT_SPEED) / FINE_STEP
    width, sigma, shift = (v[:, None].astype(np.float32) * _TURNS for v in (width, sigma, shift))
    real = rotation(width).astype(np.float32) * np.exp(np.float32(-0.5) * sigma**2) * _PIXEL
    out = np.empty(real.shape, dtype=np.complex64)
    out.real, out.imag = real * np.cos(shift), -real * np.sin(shift)
    return out


def rotation(x: NDArray[np.floating]) -> Array:
    """Transform of the rotational profile, linear limb darkening (Gray 2005, eq. 18.14), from a table."""
    return np.interp(x, *_ROTATION)


def _rotation_table() -> tuple[Array, Array]:
    x = np.arange(1, 12_000) * 0.005
    disc = 2 * j1(x) / x
    dark = 3 * (np.sin(x) / x - np.cos(x)) / x**2
    weight = (1 - LIMB_DARKENING) / (1 - LIMB_DARKENING / 3)
    return np.concatenate([[0.0], x]), np.concatenate([[1.0], weight * disc + (1 - weight) * dark])


_ROTATION = _rotation_table()
_TURNS = (2 * np.pi * FREQUENCY).astype(np.float32)
_PIXEL = np.sinc(2 * FREQUENCY).astype(np.float32)
