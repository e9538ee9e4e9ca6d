"""Rotation: projected speeds of the stars of each system."""

import numpy as np
from numpy.typing import NDArray

from obcat.ingest.simulate.isochrones import COLUMNS
from obcat.ingest.simulate.orbits import amplitude
from obcat.ingest.simulate.recipe import Recipe
from obcat.ingest.simulate.stars import Stars

__all__ = ["critical_velocity", "draw_rotation", "synchronous"]

Array = NDArray[np.float64]
SHAPE, SCALE, BREAKUP = 2.2, 70.0, 0.9  # gamma law, km/s; largest part of the critical velocity
DWARFS, DWARF_FASTEST = ("subdwarf", "white_dwarf"), 10.0  # km/s (Geier & Heber 2012, Karl et al. 2005)
SYNCHRONOUS = np.log10(2.4)  # log10 d: shorter orbits of B stars are synchronised (Abt, Levato & Grosso 2002)
SUN_GM, SUN_LOGG, SUN_SPEED = 1.32712440e26, 4.438, 50.58  # cm3/s2; cgs; km/s of one solar radius turning in a day
MASS, LOGG = COLUMNS.index("mass"), COLUMNS.index("log_g")


def draw_rotation(stars: Stars, recipe: Recipe, chunk: int) -> tuple[Array, Array, Array]:
    """v sin i (km/s) of the primary, its companion and a third star, below break-up; 0 without the ingredient."""
    drawn = recipe.rng("rotation", chunk).gamma(SHAPE, SCALE, size=(3, len(stars.feh))) * recipe.has("rotation")
    fastest = np.where(np.isin(stars.kind, DWARFS), DWARF_FASTEST, BREAKUP * critical_velocity(stars.primary))
    primary, companion, third = np.minimum(drawn, fastest)
    tight = (stars.binaries.log_period < SYNCHRONOUS) & recipe.has("rotation")
    primary = np.where(tight, np.minimum(synchronous(stars.primary, stars), fastest), primary)
    companion = np.where(tight, np.fmin(synchronous(stars.binaries.companion, stars), fastest), companion)
    return primary, companion, third


def synchronous(rows: Array, stars: Stars) -> Array:
    """v sin i (km/s) of stars (isochrone rows) that turn with the orbit of the pair, seen from where it is seen."""
    orbit, primary = stars.binaries.second.orbit, stars.primary
    edge_on = amplitude(
        primary[:, COLUMNS.index("initial_mass")], stars.binaries.mass_ratio, orbit.log_period, orbit.eccentricity,
        np.zeros(len(primary)),
    )  # fmt: skip
    radius = np.sqrt(rows[:, MASS] * 10 ** (SUN_LOGG - rows[:, LOGG]))
    return SUN_SPEED * radius / 10**orbit.log_period * orbit.semi_amplitude / edge_on


def critical_velocity(primary: Array) -> Array:
    """Equatorial velocity at break-up (km/s), sqrt(2 G M / 3 R), of isochrone rows."""
    return np.sqrt(2 / 3) * (SUN_GM * primary[:, MASS] * 10 ** primary[:, LOGG]) ** 0.25 / 1e5
