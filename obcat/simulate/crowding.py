"""Crowding: how many sources stand near a star in Gaia, and pairs that Gaia half resolves.

Densities of the sky are rounded from memory, not checked. Stated errors of stars with a companion
within 4 arcsec are too small by up to 80 %, of elevated RUWE by up to 4 times (El-Badry, Rix &
Heintz 2021; El-Badry 2025: abstracts).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat.simulate.binaries import semi_axis
from obcat.simulate.galaxy import galactic_many
from obcat.simulate.isochrones import COLUMNS, FIRST_BAND
from obcat.simulate.stars import Stars

__all__ = [
    "NEAR",
    "Pairs",
    "crowding",
    "density",
    "disturbance",
    "draw_fainter",
    "expected",
    "near_companions",
    "resolved",
]

Array = NDArray[np.float64]
# sources a square degree with G < 21: in the plane of the anticentre, more towards the centre, and
# at the poles; deg of latitude
PLANE, INNER, POLE, LATITUDE = 5e4, 1.5e5, 4e3, 9.0
SQUARE_DEGREE = 3600.0**2  # square arcsec
COUNTS, FAINT = 0.25, 21.0  # dex of sources per mag; G of the densities
NEAR = 5.0  # arcsec: as far as neighbours are looked for
BRIGHTER, FAINTER = 0.0, 7.0  # mag: neighbours of these differences
G = COLUMNS.index("g_gaia")
BLENDED, RESOLVED = 0.1, 0.7  # arcsec: one image below, two sources above (Arenou et al. 2018)
CONTRAST = 3.0, 3.5  # mag at RESOLVED, per arcsec more: of a neighbour that is still a source
# mas, rms of one observation for a light ratio of 1; ln: RUWE of 2 to 20, not checked
NOISE, NOISE_SIGMA = 3.0, 0.7


class Pairs(NamedTuple):
    """Of each star's nearer companion: distance (arcsec; 0 for none), how much fainter in G (mag;
    infinite for none).
    """

    apart: Array
    fainter: Array


def density(ra: Array, dec: Array) -> Array:
    """Sources a square arcsec with G < 21 at these places (deg)."""
    glon, glat = galactic_many(ra, dec)
    plane = PLANE + INNER * np.cos(np.radians(glon) / 2) ** 4
    return (plane * np.exp(-np.abs(glat) / LATITUDE) + POLE) / SQUARE_DEGREE


def crowding(ra: Array, dec: Array) -> Array:
    """0 to 1: the density over that of the plane towards the centre."""
    return density(ra, dec) * SQUARE_DEGREE / (PLANE + INNER + POLE)


def expected(g: Array, dense: Array) -> Array:
    """Neighbours within NEAR up to FAINTER mag fainter than G, for densities with G < 21."""
    limit = np.minimum(g + FAINTER, FAINT)
    return dense * np.pi * NEAR**2 * 10 ** (COUNTS * (limit - FAINT))


def draw_fainter(u: Array) -> Array:
    """Magnitude differences of neighbours at the quantile u, by the counts."""
    bright, faint = 10 ** (COUNTS * BRIGHTER), 10 ** (COUNTS * FAINTER)
    return np.log10(bright + u * (faint - bright)) / COUNTS


def resolved(apart: Array, fainter: Array) -> NDArray[np.bool_]:
    """Whether a neighbour (arcsec, mag) is a source of its own."""
    return (apart > RESOLVED) & (fainter < CONTRAST[0] + CONTRAST[1] * (apart - RESOLVED))


def near_companions(stars: Stars) -> Pairs:
    """The semi-major axis stands for the distance on the sky."""
    second = stars.binaries.second
    total = stars.primary[:, COLUMNS.index("initial_mass")] * (1 + second.mass_ratio)
    axis = semi_axis(total, second.orbit.log_period) / (1000 * stars.distance)
    light = second.light[:, G - FIRST_BAND] / 10 ** (-0.4 * stars.primary[:, G])
    with np.errstate(divide="ignore"):
        return Pairs(np.nan_to_num(axis), -2.5 * np.log10(light))


def disturbance(pair: Pairs, rng: np.random.Generator) -> Array:
    """rms (mas) that a companion between one image and two sources adds to an observation."""
    scatter = np.exp(NOISE_SIGMA * rng.standard_normal(len(pair.apart)))
    half = (pair.apart > BLENDED) & ~resolved(pair.apart, pair.fainter)
    near = half & (pair.apart < 2 * RESOLVED)
    return NOISE * scatter * near * 10 ** (-0.4 * pair.fainter)
