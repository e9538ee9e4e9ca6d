"""Galaxy: a disc with arms seen from the Sun through clumpy dust, a footprint, and motions.

Arms: logarithmic spirals on the disc of young stars (Reid et al. 2019, table 2).
"""

from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from obcat.kernels.space_density import arm_share
from obcat.simulate.dust import DUST_HEIGHT, DUST_LENGTH, LOCAL_EBV, SUN_R, SUN_Z, disc_ebv
from obcat.simulate.ingredients import Recipe, taken
from obcat.statistics import Array, Float32

__all__ = [
    "A_G",
    "CONTRAST",
    "M_G",
    "Cells",
    "DustMap",
    "cartesian",
    "cells",
    "density",
    "dust_map",
    "effective_volume",
    "envelope",
    "equatorial",
    "footprint",
    "galactic",
    "galactic_many",
    "medium",
    "overdensity",
    "place",
    "reddening",
    "selection",
    "velocities",
]

TO_GALACTIC = np.array(  # Hipparcos catalogue, vol. 1, eq. 1.5.11, transposed
    [
        [-0.0548755604, -0.8734370902, -0.4838350155],
        [0.4941094279, -0.4448296300, 0.7469822445],
        [-0.8676661490, -0.1980763734, 0.4559837762],
    ]
)
DISC_LENGTH, DISC_HEIGHT, FLARE = (
    2.6,
    0.10,
    9.8,
)  # kpc, young stars; flare of the gas (Kalberla & Kerp 2009)
DEC_LIMITS = (-10.0, 60.0)
ANTICENTRE, ELSEWHERE = (
    (140.0, 240.0),
    0.25,
)  # the survey's main field in Galactic longitude; weight outside it
SELECTION = (
    (7.9, 0.0),
    (8.5, 0.5),
    (9.5, 1.0),
    (13.5, 1.0),
    (16.0, 0.45),
    (17.0, 0.15),
    (17.5, 0.0),
)  # of targets by G
A_G = 2.9  # A(G)/E(B-V), for the selection
SLACK = 1.0  # mag by which a star may be brighter or fainter than drawn: a companion, a cloud
M_G = np.arange(-10.0, 5.0, 0.25)
CIRCULAR, DISPERSION = 229.0, (12.0, 9.0, 7.0)  # km/s
SUN_VELOCITY = (11.1, 241.2, 7.25)  # km/s: Schoenrich et al. 2010 on top of the circular velocity
KM_S_PER_KPC_MAS = 4.740470463  # km/s for 1 mas/yr at 1 kpc


class Cells(NamedTuple):
    """Edges of (l, b, d) in deg and kpc, stars (arbitrary unit) and E(B-V) in each cell,
    flattened.
    """

    lower: Array
    width: Array
    stars: Array
    ebv: Array


@cache
def cells(*, arms: bool, dust: bool) -> Cells:
    """The cells of the footprint; E(B-V) is that of the smooth disc of dust."""
    edges_l = np.arange(0.0, 361.0, 3.0)
    edges_b = np.concatenate([-np.geomspace(30, 1, 14), [0.0], np.geomspace(1, 30, 14)])
    edges_d = np.geomspace(0.1, 14.0, 61)
    lower = np.stack(
        np.meshgrid(edges_l[:-1], edges_b[:-1], edges_d[:-1], indexing="ij"), -1
    ).reshape(-1, 3)
    upper = np.stack(np.meshgrid(edges_l[1:], edges_b[1:], edges_d[1:], indexing="ij"), -1).reshape(
        -1, 3
    )
    seen = footprint(*((lower + upper) / 2).T[:2])
    lower, upper, seen = lower[seen > 0], upper[seen > 0], seen[seen > 0]
    place = cartesian(*((lower + upper) / 2).T)
    solid = np.diff(np.sin(np.radians([lower[:, 1], upper[:, 1]])), axis=0)[0] * np.radians(
        upper[:, 0] - lower[:, 0]
    )
    volume = solid * (upper[:, 2] ** 3 - lower[:, 2] ** 3) / 3
    ebv = disc_ebv(*place) if dust else np.zeros(len(lower))
    return Cells(lower, upper - lower, density(*place, arms=arms) * volume * seen, ebv)


def density(x: Array, y: Array, z: Array, *, arms: bool) -> Array:
    """Young stars per volume at Galactocentric points (kpc),
    1 at the Sun's radius in the plane between arms.
    """
    r = np.hypot(x, y)
    swell = np.exp((r - SUN_R) / FLARE)
    disc = np.exp(-(r - SUN_R) / DISC_LENGTH - np.abs(z) / (DISC_HEIGHT * swell)) / swell
    return disc * overdensity(x, y) if arms else disc


def footprint(glon: Array, glat: Array) -> Array:
    """Weight of the directions (deg): 0 outside the survey's declinations."""
    _, dec = equatorial(glon, glat)
    field = np.where((glon > ANTICENTRE[0]) & (glon < ANTICENTRE[1]), 1.0, ELSEWHERE)
    return field * ((dec > DEC_LIMITS[0]) & (dec < DEC_LIMITS[1]))


def selection(g: Array) -> Array:
    """Share of the stars of apparent magnitude G that the survey takes."""
    return np.interp(g, *np.array(SELECTION).T)


def envelope(g: Array) -> Array:
    """The largest `selection` within SLACK of G:
    for stars whose companions and clouds are not known yet.
    """
    return np.interp(g, *_envelope())


@cache
def _envelope() -> tuple[Array, Array]:
    g = np.arange(SELECTION[0][0] - 2, SELECTION[-1][0] + 2, 0.02)
    near = np.arange(-SLACK, SLACK + 0.01, 0.02)
    return g, selection(g[:, None] + near).max(axis=1)


def _observed(grid: Cells, m_g: float) -> Array:
    """Stars of one absolute G magnitude that the survey might take,
    per cell (A_G times E(B-V) dimmed).
    """
    distance = grid.lower[:, 2] + grid.width[:, 2] / 2
    return grid.stars * envelope(m_g + 5 * np.log10(distance) + 10 + A_G * grid.ebv)


@cache
def effective_volume(*, arms: bool, dust: bool) -> Array:
    """The sum of `observed` over all cells, at each of M_G."""
    return np.array([_observed(cells(arms=arms, dust=dust), m).sum() for m in M_G])


@cache
def _cumulated(bin_: int, *, arms: bool, dust: bool) -> Array:
    """The sum of `observed` over the cells up to each, at one of M_G."""
    return np.cumsum(_observed(cells(arms=arms, dust=dust), M_G[bin_]))


def place(
    m_g: Array, rng: np.random.Generator, *, arms: bool, dust: bool
) -> tuple[Array, Array, Array, Array]:
    """Longitude, latitude (deg), distance (kpc) of stars of these magnitudes, and the chance they
    were given.

    Uniform inside the cell drawn; the chance is the envelope at the cell's middle and the nearest
    of M_G.
    """
    grid, u = cells(arms=arms, dust=dust), rng.random((len(m_g), 4))
    cell = np.zeros(len(m_g), dtype=int)
    chance = np.zeros(len(m_g))
    bins = np.clip(np.rint((m_g - M_G[0]) / 0.25).astype(int), 0, len(M_G) - 1)
    for k in np.unique(bins).tolist():
        here = bins == k
        total = _cumulated(k, arms=arms, dust=dust)
        cell[here] = np.searchsorted(total, u[here, 3] * total[-1], side="right")
        chance[here] = _observed(taken(grid, cell[here]), M_G[k]) / grid.stars[cell[here]]
    glon, glat, d = (grid.lower[cell] + u[:, :3] * grid.width[cell]).T
    return glon, glat, d, chance


def cartesian(glon: Array, glat: Array, d: Array) -> tuple[Array, Array, Array]:
    """Galactocentric X, Y, Z (kpc), the Sun at (-8.122, 0, 0.0208)."""
    x, y, z = d * _unit(glon, glat)
    return x - SUN_R, y, z + SUN_Z


def equatorial(glon: Array, glat: Array) -> tuple[Array, Array]:
    """Right ascension and declination (deg, ICRS)."""
    x, y, z = TO_GALACTIC.T @ _unit(glon, glat)
    return np.degrees(np.arctan2(y, x)) % 360, np.degrees(np.arcsin(z))


def galactic(ra: float, dec: float) -> tuple[float, float]:
    """Galactic longitude and latitude (deg) of one ICRS position."""
    glon, glat = galactic_many(np.array([ra]), np.array([dec]))
    return float(glon[0]), float(glat[0])


def galactic_many(ra: Array, dec: Array) -> tuple[Array, Array]:
    """Galactic longitude and latitude (deg) of ICRS positions."""
    x, y, z = TO_GALACTIC @ _unit(ra, dec)
    return np.degrees(np.arctan2(y, x)) % 360, np.degrees(np.arcsin(z))


def velocities(
    glon: Array, glat: Array, d: Array, rng: np.random.Generator, *, older: Array | float = 1.0
) -> tuple[Array, Array, Array]:
    """Heliocentric radial velocity (km/s) and proper motion (mas/yr; in right ascension times cos
    dec).

    The dispersion is that of young stars times `older`.
    """
    x, y, _ = cartesian(glon, glat, d)
    r = np.hypot(x, y)
    rotation = np.stack([CIRCULAR * y / r, -CIRCULAR * x / r, np.zeros_like(r)])
    peculiar = rng.standard_normal((3, len(r))) * np.array(DISPERSION)[:, None] * older
    v = TO_GALACTIC.T @ (rotation + peculiar - np.array(SUN_VELOCITY)[:, None])
    ra, dec = np.radians(equatorial(glon, glat))
    along = np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])
    east = np.stack([-np.sin(ra), np.cos(ra), np.zeros_like(ra)])
    north = np.stack([-np.sin(dec) * np.cos(ra), -np.sin(dec) * np.sin(ra), np.cos(dec)])
    scale = KM_S_PER_KPC_MAS * d
    return (v * along).sum(0), (v * east).sum(0) / scale, (v * north).sum(0) / scale


def _unit(glon: Array, glat: Array) -> Array:
    lon, lat = np.radians(glon), np.radians(glat)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])


CONTRAST = 4.0  # young stars on the ridge of an arm over those between arms; chosen


def overdensity(x: Array, y: Array) -> Array:
    """Density at Galactocentric x, y (kpc, the Sun at negative x) over that between arms: 1 to
    CONTRAST.
    """
    return 1 + (CONTRAST - 1) * arm_share(x, y)


BOX, VOXEL = (
    (256, 256, 32),
    0.025,
)  # voxels; kpc: the medium repeats after 6.4 kpc along the disc and 0.8 across it
# ln rms of density: sqrt(ln(1 + b^2 M^2)), b = 0.4, Mach number 4.5 (Federrath et al. 2010)
SIGMA = 1.2
OUTER_SCALE, SPECTRUM = (
    0.2,
    11 / 3,
)  # kpc: size of superbubbles, which drive the clouds; Kolmogorov's slope
LONGITUDES = np.arange(0.0, 361.0, 1.0)
LATITUDES = (
    30 * np.sinh(np.linspace(-3.5, 3.5, 49)) / np.sinh(3.5)
)  # closer to each other in the plane
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
    """Density over that of the smooth disc in a periodic box:
    log-normal, of mean 1, the same for one seed.
    """
    white = Recipe(seed).rng("clouds").standard_normal(BOX, dtype=np.float32)
    k = np.meshgrid(
        *(np.fft.fftfreq(n) for n in BOX[:2]), np.fft.rfftfreq(BOX[2]), indexing="ij", sparse=True
    )
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
            total += (
                _density(glon, glat, near + (j + 0.5) / n * (far - near), medium(seed))
                * (far - near)
                / n
            )
        out[:, k] = total
    shaped = out.reshape(len(LONGITUDES) - 1, len(LATITUDES), len(DISTANCES))
    return DustMap(np.concatenate([shaped, shaped[:1]]))


def _density(glon: Array, glat: Array, distance: float, box: Float32) -> Array:
    """E(B-V) per kpc."""
    x, y, z = cartesian(glon, glat, np.full(len(glon), distance))
    i, j, k = (
        np.floor(c / VOXEL).astype(np.int64) % n for c, n in zip((x, y, z), BOX, strict=True)
    )
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
