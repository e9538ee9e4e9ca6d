"""Clouds: a turbulent, log-normal medium on the smooth disc of dust, and the reddening of every line of sight."""

from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from obcat.ingest.simulate.dust import DUST_HEIGHT, DUST_LENGTH, LOCAL_EBV, SUN_R, disc_ebv
from obcat.ingest.simulate.galaxy import cartesian
from obcat.ingest.simulate.recipe import Recipe

__all__ = ["DustMap", "dust_map", "medium", "reddening"]

Array = NDArray[np.float64]
Float32 = NDArray[np.float32]
BOX, VOXEL = (256, 256, 32), 0.025  # voxels; kpc: the medium repeats after 6.4 kpc along the disc and 0.8 across it
SIGMA = 1.2  # ln rms of density: sqrt(ln(1 + b^2 M^2)), b = 0.4, Mach number 4.5 (Federrath et al. 2010)
OUTER_SCALE, SPECTRUM = 0.2, 11 / 3  # kpc: size of superbubbles, which drive the clouds; Kolmogorov's slope
LONGITUDES = np.arange(0.0, 361.0, 1.0)
LATITUDES = 30 * np.sinh(np.linspace(-3.5, 3.5, 49)) / np.sinh(3.5)  # closer to each other in the plane
DISTANCES = np.concatenate(  # kpc
    [np.arange(0, 1, 0.025), np.arange(1, 3, 0.05), np.arange(3, 7, 0.1), np.arange(7, 14.01, 0.2)]
)
STEP = 0.05  # kpc, the longest step along a line of sight


class DustMap(NamedTuple):
    """E(B-V) from the Sun to each node (longitude, latitude, distance)."""

    ebv: Float32


def reddening(glon: Array, glat: Array, distance: Array, recipe: Recipe) -> Array:
    """E(B-V) of stars at l, b (deg; beyond 30 deg of latitude that at 30) and distance (kpc)."""
    if not recipe.has("dust"):
        return np.zeros(len(glon))
    if not recipe.has("clouds"):
        return disc_ebv(*cartesian(glon, glat, distance))
    return _interpolated(dust_map(recipe.seeds.get("clouds", recipe.seed)), glon, glat, distance)


@cache
def medium(seed: int) -> Float32:
    """Density over that of the smooth disc in a periodic box: log-normal, of mean 1, the same for one seed."""
    white = Recipe(seed).rng("clouds").standard_normal(BOX, dtype=np.float32)
    k = np.meshgrid(*(np.fft.fftfreq(n) for n in BOX[:2]), np.fft.rfftfreq(BOX[2]), indexing="ij", sparse=True)
    power = (sum(f**2 for f in k) + (VOXEL / OUTER_SCALE) ** 2) ** (-SPECTRUM / 2)
    field = fft.irfftn(fft.rfftn(white) * np.sqrt(power).astype(np.float32), BOX)
    density = np.exp(SIGMA * (field - field.mean()) / field.std())
    return (density / density.mean(dtype=np.float64)).astype(np.float32)


@cache
def dust_map(seed: int) -> DustMap:
    """Sums of small steps, so that E(B-V) never falls with distance."""
    glon, glat = (a.ravel() for a in np.meshgrid(LONGITUDES[:-1], LATITUDES, indexing="ij"))
    total = np.zeros(len(glon))
    out = np.zeros((len(glon), len(DISTANCES)), dtype=np.float32)
    for k, (near, far) in enumerate(pairwise(DISTANCES.tolist()), start=1):
        n = int(np.ceil((far - near) / STEP - 1e-9))
        for j in range(n):
            total += _density(glon, glat, near + (j + 0.5) / n * (far - near), medium(seed)) * (far - near) / n
        out[:, k] = total
    shaped = out.reshape(len(LONGITUDES) - 1, len(LATITUDES), len(DISTANCES))
    return DustMap(np.concatenate([shaped, shaped[:1]]))


def _density(glon: Array, glat: Array, distance: float, box: Float32) -> Array:
    """E(B-V) per kpc."""
    x, y, z = cartesian(glon, glat, np.full(len(glon), distance))
    i, j, k = (np.floor(c / VOXEL).astype(np.int64) % n for c, n in zip((x, y, z), BOX, strict=True))
    smooth = np.exp(-(np.hypot(x, y) - SUN_R) / DUST_LENGTH - np.abs(z) / DUST_HEIGHT)
    return LOCAL_EBV * smooth * box[i, j, k]


def _interpolated(dust: DustMap, glon: Array, glat: Array, distance: Array) -> Array:
    """Linear in each coordinate."""
    places = zip((LONGITUDES, LATITUDES, DISTANCES), (glon % 360, glat, distance), strict=True)
    (i, u), (j, v), (k, w) = (_bracket(nodes, x) for nodes, x in places)
    out = np.zeros(len(glon))
    for a, b, c in np.ndindex(2, 2, 2):
        share = (u if a else 1 - u) * (v if b else 1 - v) * (w if c else 1 - w)
        out += share * dust.ebv[i + a, j + b, k + c]
    return out


def _bracket(nodes: Array, x: Array) -> tuple[NDArray[np.int64], Array]:
    place = np.interp(x, nodes, np.arange(len(nodes)))
    i = np.minimum(place.astype(np.int64), len(nodes) - 2)
    return i, place - i
