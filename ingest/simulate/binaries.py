"""Binaries: unresolved companions of the same age and metallicity, and circular orbits."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat.ingest.simulate.dust import BANDS
from obcat.ingest.simulate.isochrones import COLUMNS, at_mass

__all__ = ["Binaries", "draw_binaries"]

Array = NDArray[np.float64]
FRACTION, TWINS = 0.5, 0.05  # of all stars; of the binaries, with mass ratio above 0.95
Q_MIN = 0.1
PERIOD_RANGE = (0.3, 6.0)  # log10 days, uniform
SEMI_AMPLITUDE = 212.9  # km/s for one solar mass, one day
FIRST_BAND = COLUMNS.index(BANDS[0])
BLOCK = 2000


class Binaries(NamedTuple):
    """is_binary, mass_ratio (NaN for single), companion (n, isochrone columns; NaN if dark), its light (n, bands)
    in units of 10^(-0.4 M), log10 period (d), and semi-amplitude of the primary's velocity (km/s)."""

    is_binary: NDArray[np.bool_]
    mass_ratio: Array
    companion: Array
    light: Array
    log_period: Array
    semi_amplitude: Array


def draw_binaries(primary: Array, feh: Array, log_age: Array, rng: np.random.Generator) -> Binaries:
    """Mass ratios flat from 0.1 to 1 with an excess of twins (Moe & Di Stefano 2017), periods log-uniform."""
    n = len(primary)
    u = rng.random((5, n))
    is_binary = u[0] < FRACTION
    q = np.where(u[1] < TWINS, 0.95 + 0.05 * u[2], Q_MIN + (1 - Q_MIN) * u[2])
    q = np.where(is_binary, q, np.nan)
    companion = companions(primary[:, 0] * q, feh, log_age)
    light = np.nan_to_num(10 ** (-0.4 * companion[:, FIRST_BAND:]))
    log_period = np.where(is_binary, PERIOD_RANGE[0] + u[3] * (PERIOD_RANGE[1] - PERIOD_RANGE[0]), np.nan)
    return Binaries(is_binary, q, companion, light, log_period, amplitude(primary[:, 1], q, log_period, u[4]))


def companions(mass: Array, feh: Array, log_age: Array) -> Array:
    """(n, isochrone columns); NaN for a single star and for a companion not yet on the main sequence."""
    out = np.full((len(mass), len(COLUMNS)), np.nan)
    wanted = np.flatnonzero(np.isfinite(mass))
    for start in range(0, len(wanted), BLOCK):
        rows = wanted[start : start + BLOCK]
        out[rows] = at_mass(feh[rows], log_age[rows], mass[rows])
    return out


def amplitude(mass: Array, q: Array, log_period: Array, u: Array) -> Array:
    """K of the primary for a circular orbit, orientations uniform over the sphere (u = cos i)."""
    size = SEMI_AMPLITUDE * q * mass ** (1 / 3) / ((1 + q) ** (2 / 3) * 10 ** (log_period / 3))
    return np.nan_to_num(size * np.sqrt(1 - u**2))
