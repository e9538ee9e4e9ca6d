"""Contaminants: hot stars of other kinds, taken by mistake; LB-1 (Shenar et al. 2020)."""

from functools import cache
from typing import NamedTuple

import numpy as np

from obcat.simulate import galaxy
from obcat.simulate.binaries import Binaries, Companion, Orbit, single
from obcat.simulate.galaxy import reddening
from obcat.simulate.ingredients import Recipe, replaced
from obcat.simulate.isochrones import COLUMNS, FIRST_BAND, lattice
from obcat.simulate.stars import Stars, draw_interlopers, draw_stars
from obcat.statistics import Array

__all__ = [
    "LB1_DEC",
    "LB1_G",
    "LB1_RA",
    "LB1_VISITS",
    "LB1_VSINI",
    "SHARES",
    "atmosphere",
    "draw_dwarfs",
    "draw_systems",
    "lb1",
    "with_contaminants",
]

SHARES = {
    "interloper": 0.015,
    "subdwarf": 0.006,
    "white_dwarf": 0.004,
}  # of the sample: a few hundred stars; chosen
CANDIDATES = 400  # for each dwarf wanted
LATITUDE, FAINTEST = 30.0, 17.5  # deg, as far as the field goes; G
SUN_LOGG, SUN_TEFF = 4.438, 5772.0
DISC_LENGTH = 3.0  # kpc, old disc
TEFF, LOGG, LOG_L, G = (COLUMNS.index(name) for name in ("log_teff", "log_g", "log_l", "g_gaia"))
BC_NODES = np.arange(3.86, 4.68, 0.02)  # log Teff


class _Group(NamedTuple):
    """Share of its kind per volume, Teff (K, uniform in log), log g at both ends, its scatter,
    and mass (Sun = 1).
    """

    share: float
    teff: tuple[float, float]
    logg: tuple[float, float]
    scatter: float
    mass: float


# Heber (2016): subdwarf B stars, subdwarf O stars, blue horizontal branch; Kepler et al. (2019): DA
GROUPS = {
    "subdwarf": (
        _Group(0.60, (24_000.0, 36_000.0), (5.3, 5.8), 0.15, 0.47),
        _Group(0.15, (36_000.0, 45_000.0), (5.6, 5.9), 0.15, 0.47),
        _Group(0.25, (10_000.0, 20_000.0), (3.8, 4.9), 0.10, 0.55),
    ),
    "white_dwarf": (_Group(1.0, (9_500.0, 32_000.0), (8.0, 8.0), 0.12, 0.60),),
}
HEIGHT = {"subdwarf": 0.45, "white_dwarf": 0.30}  # kpc (Villeneuve et al. 1995; thin disc)


def with_contaminants(stars: Stars, recipe: Recipe, chunk: int) -> Stars:
    """Some of the stars, each by its own lot, replaced by stars of other kinds."""
    if not recipe.has("outsiders"):
        return stars
    rng = recipe.rng("outsiders", chunk)
    lot = np.searchsorted(
        np.cumsum(list(SHARES.values())), rng.random(len(stars.feh)), side="right"
    )
    for k, kind in enumerate(SHARES):
        rows = np.flatnonzero(lot == k)
        if len(rows):
            dwarfs = kind in GROUPS
            drawn = (
                draw_dwarfs(len(rows), kind, recipe, rng)
                if dwarfs
                else draw_interlopers(len(rows), recipe, chunk)
            )
            stars = replaced(stars, rows, drawn)
    return stars


def draw_dwarfs(n: int, kind: str, recipe: Recipe, rng: np.random.Generator) -> Stars:
    """n subdwarfs or white dwarfs as a magnitude-limited survey sees them, single,
    with spectra of solar [Fe/H].
    """
    m = n * CANDIDATES
    primary = _atmospheres(m, kind, rng)
    u = rng.random((3, m))
    glon, glat = 360 * u[0], np.degrees(np.arcsin((2 * u[1] - 1) * np.sin(np.radians(LATITUDE))))
    farthest = 10 ** ((FAINTEST - primary[:, G]) / 5 - 2)
    d = farthest * np.cbrt(u[2])
    x, y, z = galaxy.cartesian(glon, glat, d)
    ebv = reddening(glon, glat, d, recipe)
    seen = galaxy.selection(
        primary[:, G] + 5 * np.log10(d) + 10 + galaxy.A_G * ebv
    ) * galaxy.footprint(glon, glat)
    dense = np.exp(-(np.hypot(x, y) - galaxy.SUN_R) / DISC_LENGTH - np.abs(z) / HEIGHT[kind])
    weight = farthest**3 * dense * seen
    chosen = rng.choice(m, n, replace=False, p=weight / weight.sum())
    none = np.full(n, np.nan)
    places = glon[chosen], glat[chosen], d[chosen], ebv[chosen]
    return Stars(
        primary[chosen], np.full(n, kind), np.zeros(n), none, np.zeros(n), single(n), *places
    )


def _atmospheres(n: int, kind: str, rng: np.random.Generator) -> Array:
    groups = GROUPS[kind]
    of = rng.choice(len(groups), n, p=[g.share for g in groups])
    teff, logg, scatter, mass = (
        np.array([getattr(g, f) for g in groups])[of] for f in _Group._fields[1:]
    )
    u = rng.random(n)
    value = logg[:, 0] + u * (logg[:, 1] - logg[:, 0]) + scatter * rng.standard_normal(n)
    return atmosphere(mass, np.log10(teff[:, 0]) + u * np.log10(teff[:, 1] / teff[:, 0]), value)


def atmosphere(mass: Array, log_teff: Array, logg: Array) -> Array:
    """Isochrone columns of stars of this mass, temperature and gravity: L from the radius, the
    bands from L.

    The bolometric corrections are those of main-sequence stars: a white dwarf's colours are that of
    a star of its temperature, which is wrong by some 0.1 mag in the ultraviolet and less elsewhere.
    """
    log_l = np.log10(mass) - (logg - SUN_LOGG) + 4 * (log_teff - np.log10(SUN_TEFF))
    bands = [np.interp(log_teff, BC_NODES, column) - 2.5 * log_l for column in _corrections().T]
    return np.stack([mass, mass, log_teff, logg, log_l, *bands], axis=1)


@cache
def _corrections() -> Array:
    """Magnitudes of one solar luminosity (BC_NODES, bands):
    main-sequence stars of solar metallicity.
    """
    grid = lattice()
    rows = grid.values[int(np.argmin(np.abs(grid.feh)))].reshape(-1, len(COLUMNS))
    rows = rows[(rows[:, LOGG] > 3.9) & (rows[:, LOGG] < 4.6)]
    node = np.rint((rows[:, TEFF] - BC_NODES[0]) / 0.02)
    unit = rows[:, FIRST_BAND:] + 2.5 * rows[:, [LOG_L]]
    return np.array([np.median(unit[node == k], axis=0) for k in range(len(BC_NODES))])


LB1_RA, LB1_DEC, LB1_G, LB1_EBV, LB1_VISITS = 92.95450, 22.82575, 11.5, 0.55, 12
LB1_VSINI = 7.0  # km/s, of the stripped star (El-Badry & Quataert 2020)
STRIPPED, BE_STAR = (1.5, 12_700.0, 3.0), (7.0, 18_000.0, 4.0)  # solar masses, K, log g
PERIOD, SEMI_AMPLITUDE, PHASE = (
    78.9,
    52.8,
    0.25,
)  # d, km/s of the stripped star (Liu et al. 2019); turns, chosen
DISTANCE, LOG_AGE = (
    2.0,
    7.7,
)  # kpc, before it is put where G is right; of a star of 7 solar masses near its end


def lb1() -> Stars:
    """One row: the stripped star is the primary, whose lines move, the Be star its companion,
    on a circular orbit.
    """
    primary, companion = (
        atmosphere(*(np.array([v]) for v in (m, np.log10(teff), logg)))
        for m, teff, logg in (STRIPPED, BE_STAR)
    )
    one = np.ones(1)
    orbit = Orbit(np.log10(PERIOD) * one, 0 * one, 0 * one, PHASE * one, SEMI_AMPLITUDE * one)
    light = 10 ** (-0.4 * companion[:, FIRST_BAND:])
    pair = Binaries(
        Companion(BE_STAR[0] / STRIPPED[0] * one, companion, light, orbit), single(1).third
    )
    glon, glat = (np.array([v]) for v in galaxy.galactic(LB1_RA, LB1_DEC))
    place = glon, glat, DISTANCE * one, LB1_EBV * one
    return Stars(primary, np.array(["star"]), 0 * one, LOG_AGE * one, 0 * one, pair, *place)


def draw_systems(n: int, recipe: Recipe, chunk: int) -> Stars:
    """n systems of the chunk; the first of chunk 0 is LB-1."""
    stars = with_contaminants(draw_stars(n, recipe, chunk), recipe, chunk)
    return replaced(stars, np.array([0]), lb1()) if chunk == 0 else stars
