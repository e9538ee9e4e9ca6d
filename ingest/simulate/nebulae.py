"""Nebulae: H II emission near known regions, as much of it as the sky subtraction left or took too much of."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat.ingest.simulate.recipe import Recipe

__all__ = ["REGIONS", "Nebula", "draw_nebulae", "inside"]

Array = NDArray[np.float64]
REGIONS = (  # l, b, radius (deg) of large H II regions in the field: Sharpless (1959)
    (41.5, 2.4, 0.5), (55.1, 2.4, 0.4), (60.9, -0.1, 0.4), (74.8, 0.6, 0.8), (78.0, 1.8, 2.0),
    (80.0, -1.0, 1.2), (84.8, -0.6, 1.6), (93.0, 2.8, 0.6), (99.3, 3.7, 1.4), (102.8, -0.7, 0.6),
    (107.0, -0.9, 0.4), (110.2, 2.6, 0.5), (111.5, 0.8, 0.4), (118.4, 4.7, 1.5), (123.2, -6.3, 0.4),
    (132.2, -0.7, 0.7), (134.8, 0.9, 1.2), (137.4, 1.1, 1.2), (148.0, 0.0, 0.9), (150.6, -0.9, 0.4),
    (151.6, -0.2, 0.4), (155.4, 2.6, 0.4), (160.1, -12.3, 1.5), (168.7, 1.0, 0.4), (169.2, -1.0, 0.6),
    (172.1, -2.2, 1.0), (173.4, -1.7, 0.7), (173.6, 2.8, 0.6), (182.3, 0.2, 0.3), (188.9, 0.8, 0.5),
    (190.1, 0.5, 0.5), (192.6, -0.1, 0.4), (195.1, -12.0, 3.2), (201.6, 0.5, 0.4), (202.9, 2.2, 1.2),
    (206.3, -2.1, 0.9), (206.5, -16.4, 0.7), (209.0, -19.4, 1.0), (211.9, -1.3, 0.7), (224.5, -2.4, 1.2),
)  # fmt: skip
CHANCE, ELSEWHERE = 0.6, 0.003  # of a residue in the middle of a region, and in the diffuse gas between them
EW_AT_13, EW_SIGMA, EW_RANGE = 2.0, 0.9, (0.2, 40.0)  # Angstrom of H alpha at G of 13; ln
FAINTER = 0.25  # dex of EW per mag: brighter gas is dropped from the sky more carefully
OVER, OVER_MAX = 0.25, 2.5  # of the residues were subtracted too much; Angstrom
MOTION = 8.0  # km/s between gas and star
RATIOS = {  # F/F(H alpha) or, [O III], [O II] and He I, F/F(H beta): median, ln scatter
    "nitrogen": (0.33, 0.25), "sulphur": (0.22, 0.35), "oxygen_3": (0.30, 0.90), "oxygen_2": (1.6, 0.35),
    "helium": (0.09, 0.30),
}  # fmt: skip
DENSITY = (1.15, 1.43)  # [S II] 6716/6731, at the limit of low density
REDDENING = (0.7, 1.2)  # E(B-V) of the gas over that of the star


class Nebula(NamedTuple):
    """One row a star: H alpha left over (Angstrom, negative: subtracted too much), velocity against the star (km/s),
    ratios of line fluxes, and E(B-V) of the gas less that of the star (mag).
    """

    ew: Array
    motion: Array
    nitrogen: Array
    sulphur: Array
    oxygen_3: Array
    oxygen_2: Array
    helium: Array
    density: Array
    reddening: Array


def inside(glon: Array, glat: Array) -> Array:
    """Chance of nebular light at these places (deg): Gaussian within each region."""
    chance = np.full(len(glon), ELSEWHERE)
    for lon, lat, radius in REGIONS:
        along = ((glon - lon + 180) % 360 - 180) * np.cos(np.radians(lat))
        chance = np.maximum(chance, CHANCE * np.exp(-(along**2 + (glat - lat) ** 2) / (2 * radius**2)))
    return chance


def draw_nebulae(glon: Array, glat: Array, g: Array, ebv: Array, recipe: Recipe, chunk: int) -> Nebula:
    """`ew` is 0 where there is none; faint stars have more gas over their continuum."""
    n, rng = len(g), recipe.rng("nebulae", chunk)
    has = (rng.random(n) < inside(glon, glat)) & recipe.has("nebulae")
    ew = np.clip(EW_AT_13 * 10 ** (FAINTER * (g - 13)) * np.exp(EW_SIGMA * rng.standard_normal(n)), *EW_RANGE)
    ew = np.where(rng.random(n) < OVER, -np.minimum(ew, OVER_MAX), ew) * has
    ratios = {name: median * np.exp(sigma * rng.standard_normal(n)) for name, (median, sigma) in RATIOS.items()}
    motion, density = MOTION * rng.standard_normal(n), rng.uniform(*DENSITY, size=n)
    return Nebula(
        ew=ew, motion=motion, density=density, reddening=(rng.uniform(*REDDENING, size=n) - 1) * ebv, **ratios
    )
