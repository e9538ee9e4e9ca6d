"""Binaries: unresolved companions of the same age and metallicity, two at most, on Kepler's orbits."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat.ingest.simulate import multiplicity as law
from obcat.ingest.simulate.dust import BANDS
from obcat.ingest.simulate.isochrones import COLUMNS, at_mass
from obcat.ingest.simulate.orbits import Orbit, amplitude, semi_axis
from obcat.ingest.simulate.recipe import Recipe
from obcat.ingest.simulate.rows import replaced

__all__ = ["Binaries", "Companion", "companions", "draw_binaries", "single"]

Array = NDArray[np.float64]
RESOLVED = 1.5  # arcsec: wider companions are outside the fibre of 3.3 arcsec, and sources of their own
FIRST_BAND = COLUMNS.index(BANDS[0])
INITIAL, MASS = COLUMNS.index("initial_mass"), COLUMNS.index("mass")
BLOCK = 2000


class Companion(NamedTuple):
    """One more star in some systems: mass over the primary's (NaN: none), isochrone columns (n, columns; NaN if none
    or dark), light (n, bands) in units of 10^(-0.4 M), and orbit."""

    mass_ratio: Array
    star: Array
    light: Array
    orbit: Orbit


class Binaries(NamedTuple):
    """The nearer companion, and a third star about both."""

    second: Companion
    third: Companion

    @property
    def is_binary(self) -> NDArray[np.bool_]:
        return np.isfinite(self.second.mass_ratio)

    @property
    def is_triple(self) -> NDArray[np.bool_]:
        return np.isfinite(self.third.mass_ratio)

    @property
    def mass_ratio(self) -> Array:
        return self.second.mass_ratio

    @property
    def companion(self) -> Array:
        return self.second.star

    @property
    def light(self) -> Array:
        """Of all companions (n, bands)."""
        return self.second.light + self.third.light

    @property
    def log_period(self) -> Array:
        return self.second.orbit.log_period

    @property
    def semi_amplitude(self) -> Array:
        return np.nan_to_num(self.second.orbit.semi_amplitude)


def single(n: int) -> Binaries:
    """n stars without companions."""
    none = np.full(n, np.nan)
    nobody = Companion(none, np.full((n, len(COLUMNS)), np.nan), np.zeros((n, len(BANDS))), Orbit(*[none] * 5))
    return Binaries(nobody, nobody)


def draw_binaries(
    primary: Array,
    feh: Array,
    log_age: Array,
    distance: Array,
    wanted: NDArray[np.bool_],
    recipe: Recipe,
    key: tuple[int, ...],
) -> Binaries:
    """Companions too near to be resolved, by the law of Moe & Di Stefano (2017) for the initial mass.

    Stars that are not wanted stay single, but take their draws.
    """
    n = len(primary)
    out = single(n)
    if not recipe.has("binaries"):
        return out
    mass = np.where(wanted, primary[:, INITIAL], 1.0)
    u, w = recipe.rng("binaries", *key).random((6, n)), recipe.rng("triples", *key).random((7, n))
    inner = np.where(wanted, law.inner_periods(mass, u[0]), np.nan)
    outer = law.outer_periods(mass, inner, w[0], w[1])
    inner = np.where(_separation(mass, inner, distance) < RESOLVED, inner, np.nan)
    outer = np.where((_separation(mass, outer, distance) < RESOLVED) & np.isfinite(inner), outer, np.nan)
    second = _placed(out.second, inner, mass, (primary, feh, log_age), u[1:])
    if not recipe.has("triples"):
        return Binaries(second, out.third)
    pair = mass * (1 + np.nan_to_num(second.mass_ratio))
    return Binaries(second, _placed(out.third, outer, pair, (primary, feh, log_age), w[2:]))


def _separation(mass: Array, log_period: Array, distance: Array) -> Array:
    """Semi-major axis on the sky (arcsec) for two stars of this mass; NaN without a period."""
    return semi_axis(2 * mass, log_period) / (1000 * distance)


def _placed(
    nobody: Companion, log_period: Array, inside: Array, primaries: tuple[Array, Array, Array], u: Array
) -> Companion:
    """Companions of the stars with a period; inside is the mass within the orbit."""
    rows = np.flatnonzero(np.isfinite(log_period))
    primary, feh, log_age = (p[rows] for p in primaries)
    mass, period, v = primary[:, INITIAL], log_period[rows], u[:, rows]
    q = law.mass_ratios(mass, period, v[0])
    star = companions(mass * q, feh, log_age)
    e = law.eccentricities(mass, period, v[1])
    k = amplitude(inside[rows], mass * q / inside[rows], period, e, v[4])
    orbit = Orbit(period, e, 2 * np.pi * v[2], v[3], k)
    light = np.nan_to_num(10 ** (-0.4 * star[:, FIRST_BAND:]))
    return replaced(nobody, rows, Companion(q, star, light, orbit))


def companions(mass: Array, feh: Array, log_age: Array) -> Array:
    """(n, isochrone columns) of stars of these initial masses; NaN for one not yet on the main sequence."""
    parts = [slice(k, k + BLOCK) for k in range(0, len(mass), BLOCK)]
    empty = np.empty((0, len(COLUMNS)))
    return np.concatenate([empty, *(at_mass(feh[p], log_age[p], mass[p]) for p in parts)])
