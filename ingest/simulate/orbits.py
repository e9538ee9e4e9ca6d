"""Orbits: Kepler's equation, velocities, sizes, and the motion of the light's centre."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Orbit", "amplitude", "kepler", "photocentre", "semi_axis", "velocity"]

Array = NDArray[np.float64]
SEMI_AMPLITUDE = 212.9  # km/s for one solar mass, one day, a circular orbit seen from the side
EPOCH, YEAR = 57_000.0, 365.25  # MJD of the phases; d
NEWTON = 12  # steps; the equation is solved to rounding for eccentricities below 0.999


class Orbit(NamedTuple):
    """(n,), NaN where there is none: log10 period (d), eccentricity, argument of periastron (rad) of the primary,
    mean anomaly at the epoch (turns), and semi-amplitude of the primary (km/s)."""

    log_period: Array
    eccentricity: Array
    periastron: Array
    phase: Array
    semi_amplitude: Array


def kepler(mean: Array, eccentricity: Array) -> Array:
    """Eccentric anomaly (rad), E - e sin E = M, of a mean anomaly from 0 to 2 pi: Newton's method, Danby's start."""
    anomaly = mean + 0.85 * eccentricity * np.sign(np.sin(mean))
    for _ in range(NEWTON):
        slope = 1 - eccentricity * np.cos(anomaly)
        anomaly = anomaly - (anomaly - eccentricity * np.sin(anomaly) - mean) / slope
    return anomaly


def velocity(orbit: Orbit, time: NDArray[np.floating]) -> Array:
    """Radial velocity of the primary about the centre of mass (km/s) at MJD time; 0 where there is no orbit."""
    e = orbit.eccentricity
    mean = 2 * np.pi * ((orbit.phase + (time - EPOCH) / 10**orbit.log_period) % 1)
    half = kepler(mean, e) / 2
    true = 2 * np.arctan2(np.sqrt(1 + e) * np.sin(half), np.sqrt(1 - e) * np.cos(half))
    return np.nan_to_num(orbit.semi_amplitude * (np.cos(true + orbit.periastron) + e * np.cos(orbit.periastron)))


def amplitude(mass: Array, ratio: Array, log_period: Array, eccentricity: Array, cos_i: Array) -> Array:
    """Semi-amplitude of a star of this mass (Sun = 1) beside one of ratio times that mass (km/s)."""
    size = SEMI_AMPLITUDE * ratio * mass ** (1 / 3) / ((1 + ratio) ** (2 / 3) * 10 ** (log_period / 3))
    return size * np.sqrt((1 - cos_i**2) / (1 - eccentricity**2))


def semi_axis(total_mass: Array, log_period: Array) -> Array:
    """Semi-major axis of the relative orbit (AU), Kepler's third law in solar masses and years."""
    return np.cbrt(total_mass * (10**log_period / YEAR) ** 2)


def photocentre(ratio: Array, light_ratio: Array) -> Array:
    """Semi-axis of the orbit of the light's centre over that of the relative orbit: |q/(1+q) - l/(1+l)|."""
    return np.abs(ratio / (1 + ratio) - light_ratio / (1 + light_ratio))
