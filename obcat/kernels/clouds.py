"""Clouds: what stars behind the same dust share, a Gaussian field over the sky."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["CLOUDS", "around", "lattice"]

CLOUDS = 6000  # places over the whole sky, 2.6 degrees apart
WIDTH = 1.8  # degrees: of each, 100 pc at 3 kpc
NEAR = 24  # places about a star that count: farther ones are below a thousandth
REGIONS, ABOUT = 400, 110  # of the sky, and places about each among which those of its stars are
ROWS = 2048

Floats = NDArray[np.floating]


def lattice(places: int) -> Floats:
    """(places, 3) unit vectors evenly over the sky, in the order of sin b: a Fibonacci lattice."""
    k = np.arange(places)
    z, turn = (2 * k + 1) / places - 1, k * np.pi * (3 - np.sqrt(5))
    flat = np.sqrt(1 - z**2)
    return np.stack([flat * np.cos(turn), flat * np.sin(turn), z], axis=1)


def around(longitude: Floats, sin_latitude: Floats) -> tuple[Floats, Floats]:
    """(n, 24) places about stars at longitude, radians, and the weight of each, Gaussian of its
    angle and of unit length: a field that is N(0, s^2) at places is so at stars. 0 where unknown.
    """
    known = np.isfinite(longitude + sin_latitude)
    turn, sin_b = np.where(known, longitude, 0.0), np.where(known, sin_latitude, 0.0)
    cos_b = np.sqrt(1 - sin_b**2)
    star = np.stack([cos_b * np.cos(turn), cos_b * np.sin(turn), sin_b], axis=1)
    parts = [_nearest(star[i : i + ROWS]) for i in range(0, max(len(star), 1), ROWS)]
    place, cosine = (np.concatenate(column) for column in zip(*parts, strict=True))
    near = np.exp((cosine - 1) / np.radians(WIDTH) ** 2) * known[:, None]
    return place.astype(float), near / np.sqrt(
        (near**2).sum(axis=1, keepdims=True) + ~known[:, None]
    )


def _nearest(star: Floats) -> tuple[NDArray[np.intp], Floats]:
    """(n, 24) the nearest places, in their order, and the cosine of the angle to each."""
    place = _about()[(star @ lattice(REGIONS).T).argmax(axis=1)]
    cosine = np.einsum("ijk,ik->ij", lattice(CLOUDS)[place], star)
    at = np.sort(np.argpartition(-cosine, NEAR, axis=1)[:, :NEAR], axis=1)
    return np.take_along_axis(place, at, 1), np.take_along_axis(cosine, at, 1)


@cache
def _about() -> NDArray[np.intp]:
    """(REGIONS, ABOUT) the nearest places to each, in their order."""
    cosine = lattice(REGIONS) @ lattice(CLOUDS).T
    return np.sort(np.argpartition(-cosine, ABOUT, axis=1)[:, :ABOUT], axis=1)
