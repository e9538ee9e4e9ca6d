"""Disc lines: their strengths, and their profiles as Fourier transforms of rings on Keplerian orbits."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import j0, j1

from obcat.ingest.simulate.be_discs import Disc
from obcat.ingest.simulate.lines import FREQUENCY, PIXEL, at_lines, balmer, paschen, vacuum

__all__ = ["H_ALPHA", "LINES", "disc_flux", "disc_transforms"]

Array = NDArray[np.float64]
Floats = NDArray[np.floating]
Complex = NDArray[np.complexfloating]
H_ALPHA = 6564.61
# air Angstrom: Nave & Johansson (2013); strength relative to 5169, after the gallery of Hanuschik (1987)
IRON = (
    (4178.86, 0.3), (4233.17, 0.7), (4351.77, 0.4), (4508.29, 0.3), (4515.34, 0.3), (4522.63, 0.4), (4549.47, 0.7),
    (4555.89, 0.3), (4583.84, 0.8), (4629.34, 0.4), (4923.93, 0.7), (5018.44, 0.9), (5169.03, 1.0), (5197.58, 0.6),
    (5234.62, 0.6), (5276.00, 0.7), (5316.62, 1.3), (5362.87, 0.4), (5534.85, 0.4), (6238.39, 0.3), (6247.56, 0.4),
    (6432.68, 0.3), (6456.38, 0.5), (6516.08, 0.4), (7462.41, 0.3), (7711.72, 0.7),
)  # fmt: skip
HELIUM = ((5875.62, 1.0), (6678.15, 0.7), (7065.19, 0.8))
CALCIUM = ((8498.02, 0.9), (8542.09, 1.0), (8662.14, 0.9))  # saturated: nearly equal
DESCENT = 0.55  # flux of H n+1 over that of H n beyond H beta, between thick and thin discs: Dachs et al. (1990)
PASCHEN_SLOPE = 1.2  # EW falls with n to this power
BALMER_LINES = [(H_ALPHA, 3), *((balmer(n), n) for n in range(4, 12))]
PASCHEN_LINES = [(paschen(n), n) for n in range(10, 21)]
NARROW, WIDE, WIDEST = 0, 1, 2  # classes of width
SCALES = (1.0, 1.8, 2.0)  # peak separation over that of H alpha: Hanuschik et al. (1988)
RINGS, OUTER_WEIGHT = 8, -1.0  # flux of a ring by its velocity: emissivity falls with radius to the power 1.5
TURBULENCE, SHELL_WIDTH, SCATTERED = 35.0, 45.0, 480.0  # km/s, sigma; electrons of 10,000 K scatter with 550 at most
SHELL_SHARES = {"balmer": 0.8, "paschen": 0.35, "iron": 0.2, "calcium": 0.35, "oxygen": 0.1, "oxygen_7774": 0.4,
                "helium": 0.0}  # fmt: skip

# vacuum wavelength, group, strength in its group, class of width
LINES: list[tuple[float, str, float, int]] = [
    *((w, "balmer", 0.0, NARROW if n == 3 else WIDE) for w, n in BALMER_LINES),
    *((w, "paschen", (14 / n) ** PASCHEN_SLOPE, WIDE) for w, n in PASCHEN_LINES),
    *((vacuum(w), "iron", s, WIDEST) for w, s in IRON),
    *((vacuum(w), "calcium", s, WIDE) for w, s in CALCIUM),
    (vacuum(8446.36), "oxygen", 1.0, WIDE),
    (vacuum(7774.17), "oxygen_7774", 1.0, WIDE),
    *((vacuum(w), "helium", s, WIDEST) for w, s in HELIUM),
]
WAVELENGTHS = np.array([w for w, *_ in LINES])
CLASS = np.array([c for *_, c in LINES])
SHELL = np.array([1.0, *(SHELL_SHARES[group] * (s or 1) for _, group, s, _ in LINES[1:])])


def disc_flux(disc: Disc, level: Floats, star: Floats) -> tuple[Array, Array, Array]:
    """Vacuum wavelengths (lines,), flux emitted (n, lines), and flux absorbed of the light of the star.

    H alpha has the equivalent width of the disc, the Balmer lines follow it in flux, other groups in equivalent width.
    `level` and `star` are (n, 3909): the continuum, and the flux without the disc.
    """
    continuum = at_lines(level, WAVELENGTHS)
    beta = (disc.ew * continuum[:, 0] / disc.decrement)[:, None]
    others = [getattr(disc, group) * strength * disc.ew for _, group, strength, _ in LINES[len(BALMER_LINES) :]]
    series = beta * DESCENT ** np.arange(len(BALMER_LINES) - 1)
    first = (disc.ew * continuum[:, 0])[:, None]
    flux = np.concatenate([first, series, np.stack(others, axis=1) * continuum[:, len(BALMER_LINES) :]], axis=1)
    return WAVELENGTHS, flux, disc.shell[:, None] * SHELL * (WAVELENGTHS / H_ALPHA) * at_lines(star, WAVELENGTHS)


def disc_transforms(disc: Disc, flux: Array, shell: Array) -> Complex:
    """(n, lines, frequencies): emission of rings, part of it scattered by electrons, less the core of a shell."""
    rings = np.stack([ring_transform(disc, scale) for scale in SCALES], axis=1)
    scattered = gauss(SCATTERED)
    rings[:, NARROW] *= 1 + disc.wing[:, None] * (scattered - 1)
    emitted = flux[..., None].astype(np.float32) * rings[:, CLASS]
    return emitted - (shell[..., None] * gauss(SHELL_WIDTH)).astype(np.float32)


def ring_transform(disc: Disc, scale: float) -> Complex:
    """(n, frequencies) of a flat Keplerian disc of unit flux, from the star's surface to where half the peak separation
    is the orbital velocity; one side brighter by the asymmetry (a ring's transform is J0 - i a J1).
    """
    outer = np.minimum(disc.separation * scale, 0.95 * disc.vsini)
    steps = (np.arange(RINGS) + 0.5) / RINGS
    velocity = outer[:, None] * np.exp(np.log(np.maximum(disc.vsini, 1) / np.maximum(outer, 0.95))[:, None] * steps)
    weight = np.maximum(velocity, 1) ** OUTER_WEIGHT
    weight /= weight.sum(axis=1, keepdims=True)
    x = (velocity[..., None] / PIXEL * FREQUENCY).astype(np.float32)
    even, odd = (np.einsum("nr,nrf->nf", weight, bessel(x)) for bessel in (j0, j1))
    return ((even - 1j * disc.asymmetry[:, None] * odd) * gauss(TURBULENCE)).astype(np.complex64)


def gauss(sigma: float) -> Array:
    """(frequencies,) of a Gaussian in velocity."""
    return np.exp(-0.5 * (sigma / PIXEL * FREQUENCY) ** 2)
