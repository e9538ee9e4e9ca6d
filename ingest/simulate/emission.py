"""Emission: discs of Be stars and nebular lines, as flux over continuum on the LAMOST grid, and infrared excess."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat.ingest.simulate.dust import BANDS
from obcat.kernels.grid import LIGHT_SPEED, WAVELENGTH

__all__ = ["Emission", "disc_excess", "draw_emission", "emission_profile", "taken"]

Array = NDArray[np.float64]
FRACTION, NEBULAR = 0.10, 0.15  # of stars; of those, with nebular instead of disc lines
EW_MEDIAN, EW_SIGMA, EW_RANGE = 5.0, 1.1, (0.5, 40.0)  # Angstrom of emission at H alpha; ln-normal
DISC_LINES = (  # vacuum Angstrom, equivalent width relative to H alpha
    (6564.61, 1.0), (4862.68, 0.12), (4341.68, 0.04), (4102.89, 0.015),
    (8600.75, 0.05), (8667.40, 0.055), (8752.87, 0.06), (8865.22, 0.07), (9017.38, 0.08),
    (8448.6, 0.12), (7775.4, 0.03), (5170.47, 0.015), (5318.09, 0.015), (5019.84, 0.012),
)  # fmt: skip
NEBULAR_LINES = (
    (6564.61, 1.0), (4862.68, 0.25), (4341.68, 0.08), (6549.86, 0.12), (6585.27, 0.36),
    (6718.29, 0.12), (6732.67, 0.10), (5008.24, 0.15), (4960.30, 0.05),
)  # fmt: skip
EXCESS = {"r": 0.04, "i": 0.08, "rp": 0.06, "g_gaia": 0.03, "j": 0.35, "h": 0.6, "ks": 1.0}  # share of the Ks excess
EXCESS_PER_EW, EXCESS_MAX, EXCESS_SCATTER = 0.015, 0.6, 0.4  # mag per Angstrom, mag, ln


class Emission(NamedTuple):
    """(n,): H alpha emission (Angstrom, 0 = none), nebular or not, half peak separation and width (km/s), Ks excess."""

    ew: Array
    nebular: NDArray[np.bool_]
    separation: Array
    width: Array
    excess_ks: Array


def draw_emission(vsini: Array, rng: np.random.Generator) -> Emission:
    n = len(vsini)
    u = rng.random((2, n))
    ew = np.clip(EW_MEDIAN * np.exp(EW_SIGMA * rng.standard_normal(n)), *EW_RANGE) * (u[0] < FRACTION)
    nebular = (ew > 0) & (u[1] < NEBULAR)
    separation = np.where(nebular, 0.0, 0.4 * vsini)
    width = np.where(nebular, 12.0, 60 + 0.25 * vsini)
    strength = np.exp(EXCESS_SCATTER * rng.standard_normal(n))
    excess = np.where(nebular, 0.0, np.minimum(EXCESS_PER_EW * ew * strength, EXCESS_MAX))
    return Emission(ew, nebular, separation, width, excess)


def disc_excess(emission: Emission) -> Array:
    """Brightening of each band (n, bands) by the disc, mag; it grows with wavelength."""
    return emission.excess_ks[:, None] * np.array([EXCESS.get(band, 0.0) for band in BANDS])


def taken(emission: Emission, rows: NDArray[np.int64]) -> Emission:
    """The emission of those rows."""
    e = emission
    return Emission(e.ew[rows], e.nebular[rows], e.separation[rows], e.width[rows], e.excess_ks[rows])


def emission_profile(emission: Emission, row: int, rv: float, resolution: float) -> Array:
    """Emitted flux over continuum (3909) of one row: double-peaked lines of a disc, or single narrow nebular ones."""
    out = np.zeros(len(WAVELENGTH))
    instrument = LIGHT_SPEED / resolution / 2.3548
    sigma = np.hypot(emission.width[row], instrument)
    separation = emission.separation[row]
    for centre, share in NEBULAR_LINES if emission.nebular[row] else DISC_LINES:
        for side in (-1, 1):
            out += emission.ew[row] * share / 2 * gaussian(centre * (1 + (rv + side * separation) / LIGHT_SPEED), sigma)
    return out


def gaussian(centre: float, sigma: float) -> Array:
    """Unit-area profile (per Angstrom) on the grid, sigma in km/s."""
    s = centre * sigma / LIGHT_SPEED
    return np.exp(-0.5 * ((WAVELENGTH - centre) / s) ** 2) / (s * np.sqrt(2 * np.pi))
