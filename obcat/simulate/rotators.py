"""Rotators: how bright a star that turns is from where it is seen, at given spectrum.

A Roche star whose flux follows its gravity (von Zeipel 1924), rigid, seen in the infrared, where
light goes with temperature. Its spectrum is that of the mean Teff and log g of the visible side.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RegularGridInterpolator

__all__ = ["FASTEST", "aspect_light", "hidden_cosines", "shape"]

Array = NDArray[np.float64]
FASTEST = 0.95  # of the critical velocity
SPEEDS, COSINES = np.linspace(0, FASTEST, 20), np.linspace(0, 1, 11)
LATITUDES, LONGITUDES = 60, 48
# mag for one dex of Teff and of log g, of main-sequence B stars: M goes as Teff^1.75 g^-0.27 along
# MIST's tracks, and light in Ks as M Teff / g
BY_TEFF, BY_LOGG = -2.5 * (1.75 + 1), 2.5 * (1 + 0.27)
VISUAL = 1.6  # power of temperature with which blue light goes


def hidden_cosines(vsini: Array, critical: Array, u: Array) -> Array:
    """Cosines of inclination at the quantile u that leave the star below break-up."""
    least = np.clip(vsini / (FASTEST * critical), 0, 1)
    return u * np.sqrt(1 - least**2)


def aspect_light(speed: Array, cosine: Array) -> Array:
    """mag by which a star of this equatorial over critical velocity, seen at this cosine of
    inclination, is fainter than stars of its spectrum.
    """
    at = np.stack([np.clip(speed, 0, FASTEST), np.clip(cosine, 0, 1)], axis=-1)
    return RegularGridInterpolator((SPEEDS, COSINES), _table())(at)


@cache
def _table() -> Array:
    """(speeds, cosines) mag, of mean 0 over all directions."""
    rows = []
    for speed in SPEEDS:
        seen = np.array([_seen(float(speed), float(c)) for c in COSINES])
        seen -= seen.mean(axis=0)
        rows.append(seen[:, 0] - BY_TEFF * seen[:, 1] - BY_LOGG * seen[:, 2])
    return np.stack(rows)


def shape(speed: float, sine: Array) -> tuple[Array, float]:
    """Radius over that of the pole at these sines of colatitude, and angular over critical velocity,
    of a star with this equatorial over critical velocity.
    """
    angular = np.linspace(0, 1, 400)
    equator = _radius(angular, 1.0)
    omega = float(np.interp(speed, angular * equator * 2 / 3, angular))
    return _radius(np.full_like(sine, omega), sine), omega


def _radius(omega: Array, sine: Array | float) -> Array:
    """The root of 1/x + 4/27 (omega sine)^2 x^2 = 1."""
    a = np.maximum(omega * sine, 1e-6)
    return 3 / a * np.cos((np.pi + np.arccos(np.minimum(a, 1))) / 3)


def _seen(speed: float, cosine: float) -> tuple[float, float, float]:
    """Infrared magnitude, log Teff and log g of the visible side."""
    mu = (np.arange(LATITUDES) + 0.5) / LATITUDES * 2 - 1
    phi = (np.arange(LONGITUDES) + 0.5) / LONGITUDES * np.pi
    sine = np.sqrt(1 - mu**2)
    radius, omega = shape(speed, sine)
    inward = -1 / radius**2 + 8 / 27 * omega**2 * radius * sine**2
    sideways = 8 / 27 * omega**2 * radius * sine * mu
    gravity = np.hypot(inward, sideways)
    area = radius**2 * gravity / -inward
    flux = gravity / (area * gravity).sum() * len(mu)
    outward, along = -inward / gravity, sideways / gravity
    normal = np.stack([outward * sine - along * mu, outward * mu + along * sine])
    towards = (
        np.outer(normal[0], np.cos(phi)) * np.sqrt(1 - cosine**2) + normal[1][:, None] * cosine
    )
    visible = np.maximum(towards, 0) * area[:, None]
    infrared, blue = (visible * flux[:, None] ** (p / 4) for p in (1.0, VISUAL))
    mean = [
        (blue * value[:, None]).sum() / blue.sum() for value in (np.log10(flux), np.log10(gravity))
    ]
    return -2.5 * float(np.log10(infrared.mean())), float(mean[0]) / 4, float(mean[1])
