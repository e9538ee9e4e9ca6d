"""Galaxy: an exponential disc seen from the Sun through its dust, a footprint, and the motions of young stars."""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat.ingest.simulate.dust import SUN_R, SUN_Z, disc_ebv

__all__ = [
    "Cells",
    "cartesian",
    "cells",
    "effective_volume",
    "equatorial",
    "galactic",
    "place",
    "velocities",
    "within_limits",
]

Array = NDArray[np.float64]
TO_GALACTIC = np.array(  # Hipparcos catalogue, vol. 1, eq. 1.5.11, transposed
    [
        [-0.0548755604, -0.8734370902, -0.4838350155],
        [0.4941094279, -0.4448296300, 0.7469822445],
        [-0.8676661490, -0.1980763734, 0.4559837762],
    ]
)
DISC_LENGTH, DISC_HEIGHT = 2.6, 0.10  # kpc, young stars
DEC_LIMITS = (-10.0, 60.0)
ANTICENTRE, ELSEWHERE = (140.0, 240.0), 0.25  # the survey's main field in Galactic longitude; weight outside it
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
M_G = np.arange(-10.0, 5.0, 0.25)
CIRCULAR, DISPERSION = 229.0, (12.0, 9.0, 7.0)  # km/s
SUN_VELOCITY = (11.1, 241.2, 7.25)  # km/s: Schoenrich et al. 2010 on top of the circular velocity
KM_S_PER_KPC_MAS = 4.740470463  # km/s for 1 mas/yr at 1 kpc


class Cells(NamedTuple):
    """Edges of (l, b, d) in deg and kpc, stars (arbitrary unit) and E(B-V) in each cell, flattened."""

    lower: Array
    width: Array
    stars: Array
    ebv: Array


@cache
def cells() -> Cells:
    edges_l = np.arange(0.0, 361.0, 5.0)
    edges_b = np.concatenate([-np.geomspace(30, 1, 14), [0.0], np.geomspace(1, 30, 14)])
    edges_d = np.geomspace(0.1, 14.0, 45)
    lower = np.stack(np.meshgrid(edges_l[:-1], edges_b[:-1], edges_d[:-1], indexing="ij"), -1).reshape(-1, 3)
    upper = np.stack(np.meshgrid(edges_l[1:], edges_b[1:], edges_d[1:], indexing="ij"), -1).reshape(-1, 3)
    glon, glat, d = ((lower + upper) / 2).T
    x, y, z = cartesian(glon, glat, d)
    solid = np.diff(np.sin(np.radians([lower[:, 1], upper[:, 1]])), axis=0)[0] * np.radians(upper[:, 0] - lower[:, 0])
    density = np.exp(-(np.hypot(x, y) - SUN_R) / DISC_LENGTH - np.abs(z) / DISC_HEIGHT)
    volume = solid * (upper[:, 2] ** 3 - lower[:, 2] ** 3) / 3
    return Cells(lower, upper - lower, density * volume * _footprint(glon, glat), disc_ebv(x, y, z))


def _footprint(glon: Array, glat: Array) -> Array:
    _, dec = equatorial(glon, glat)
    field = np.where((glon > ANTICENTRE[0]) & (glon < ANTICENTRE[1]), 1.0, ELSEWHERE)
    return field * ((dec > DEC_LIMITS[0]) & (dec < DEC_LIMITS[1]))


def within_limits(glon: Array, glat: Array, g: Array) -> NDArray[np.bool_]:
    """Whether stars of apparent G stand inside the field and the range of magnitudes; cells reach a little beyond."""
    _, dec = equatorial(glon, glat)
    inside = (dec > DEC_LIMITS[0]) & (dec < DEC_LIMITS[1])
    return inside & (g > SELECTION[0][0]) & (g < SELECTION[-1][0])


def observed(grid: Cells, m_g: float) -> Array:
    """Stars of one absolute G magnitude that the survey would take, per cell (A_G times E(B-V) dimmed)."""
    distance = grid.lower[:, 2] + grid.width[:, 2] / 2
    g = m_g + 5 * np.log10(distance) + 10 + A_G * grid.ebv
    x, y = zip(*SELECTION, strict=True)
    return grid.stars * np.interp(g, x, y)


@cache
def effective_volume() -> Array:
    """The sum of `observed` over all cells, at each of M_G."""
    return np.array([observed(cells(), m).sum() for m in M_G])


def place(grid: Cells, m_g: Array, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Longitude, latitude (deg) and distance (kpc) of stars of these magnitudes; uniform inside the cell drawn."""
    u = rng.random((len(m_g), 4))
    cell = np.zeros(len(m_g), dtype=int)
    bins = np.clip(np.rint((m_g - M_G[0]) / 0.25).astype(int), 0, len(M_G) - 1)
    for k in np.unique(bins):
        total = np.cumsum(observed(grid, M_G[k]))
        cell[bins == k] = np.searchsorted(total, u[bins == k, 3] * total[-1])
    glon, glat, d = (grid.lower[cell] + u[:, :3] * grid.width[cell]).T
    return glon, glat, d


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
    x, y, z = TO_GALACTIC @ _unit(np.array([ra]), np.array([dec]))
    return float(np.degrees(np.arctan2(y, x))[0] % 360), float(np.degrees(np.arcsin(z))[0])


def velocities(glon: Array, glat: Array, d: Array, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Heliocentric radial velocity (km/s) and proper motion (mas/yr; in right ascension times cos dec)."""
    x, y, _ = cartesian(glon, glat, d)
    r = np.hypot(x, y)
    rotation = np.stack([CIRCULAR * y / r, -CIRCULAR * x / r, np.zeros_like(r)])
    peculiar = rng.standard_normal((3, len(r))) * np.array(DISPERSION)[:, None]
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
