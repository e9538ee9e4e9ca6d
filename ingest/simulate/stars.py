"""Stars: hot stars drawn from isochrones by mass function, age and [Fe/H], as a magnitude-limited survey sees them."""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat.ingest.simulate import galaxy
from obcat.ingest.simulate.binaries import Binaries, draw_binaries
from obcat.ingest.simulate.clouds import reddening
from obcat.ingest.simulate.dust import BANDS
from obcat.ingest.simulate.isochrones import COLUMNS, at_phase, lattice
from obcat.ingest.simulate.population import A_STARS, OB_STARS, Window, draw_cells, expected, feh_at
from obcat.ingest.simulate.recipe import Recipe
from obcat.ingest.simulate.rows import joined, taken
from obcat.ingest.simulate.templates import spectrum_feh

__all__ = ["Stars", "draw_interlopers", "draw_stars", "magnitudes"]

Array = NDArray[np.float64]
G, TEFF, LOGG = (COLUMNS.index(name) for name in ("g_gaia", "log_teff", "log_g"))
FIRST_BAND = COLUMNS.index(BANDS[0])
POOL = 4  # candidates drawn per star wanted, in each round


class Stars(NamedTuple):
    """Primaries (n, isochrone columns), their kind, [Fe/H] and age, [Fe/H] of their spectrum, binaries, places,
    E(B-V)."""

    primary: Array
    kind: NDArray[np.str_]
    feh: Array
    log_age: Array
    spectrum_feh: Array
    binaries: Binaries
    glon: Array
    glat: Array
    distance: Array
    ebv: Array


def draw_stars(n: int, recipe: Recipe, chunk: int) -> Stars:
    """The first n accepted candidates; those of each round come from streams keyed by chunk, 0 and round."""
    return _drawn(n, "star", OB_STARS, recipe, (chunk, 0))


def draw_interlopers(n: int, recipe: Recipe, chunk: int) -> Stars:
    """Late-B and A stars too cool to be wanted, from streams keyed by chunk, 1 and round."""
    return _drawn(n, "interloper", A_STARS, recipe, (chunk, 1))


def _drawn(n: int, kind: str, window: Window, recipe: Recipe, key: tuple[int, int]) -> Stars:
    arms, dust = recipe.has("spiral_arms"), recipe.has("dust")
    weight = _weights(arms, dust, window)
    grid = galaxy.cells(arms=arms, dust=dust)
    rounds: list[Stars] = []
    while sum(len(r.feh) for r in rounds) < n:
        rounds.append(_round(max(POOL * n, 1000), kind, window, weight, grid, recipe, (*key, len(rounds))))
    return taken(joined(rounds), slice(n))


@cache
def _weights(arms: bool, dust: bool, window: Window) -> Array:
    return expected(galaxy.effective_volume(arms=arms, dust=dust), window)


def _round(
    n: int, kind: str, window: Window, weight: Array, grid: galaxy.Cells, recipe: Recipe, key: tuple[int, int, int]
) -> Stars:
    """A star is placed as if it were single, of the Sun's radius, behind smooth dust; then it is judged as it is."""
    rng = recipe.rng("stars", *key)
    feh, log_age, phase = draw_cells(n, weight, rng)
    glon, glat, d, chance = galaxy.place(grid, at_phase(feh, log_age, phase)[:, G], rng)
    u = rng.random(n)
    x, y, _ = galaxy.cartesian(glon, glat, d)
    feh = feh_at(feh, x, y) if recipe.has("feh_gradient") else feh
    primary = at_phase(feh, log_age, phase)
    own = spectrum_feh(primary[:, TEFF], primary[:, LOGG], feh)
    ebv = reddening(glon, glat, d, recipe)
    g = primary[:, G] + 5 * np.log10(d) + 10 + galaxy.A_G * ebv
    keep = (u * chance < galaxy.envelope(g)) & (galaxy.footprint(glon, glat) > 0) & np.isfinite(own)
    keep &= (feh >= lattice().feh[0]) & (feh <= lattice().feh[-1])
    keep &= (primary[:, TEFF] > np.log10(window.coolest)) & (primary[:, TEFF] < np.log10(window.hottest))
    binaries = draw_binaries(primary, feh, log_age, d, keep, recipe, key)
    g += magnitudes(primary, binaries)[:, 0] - primary[:, G]
    stars = Stars(primary, np.full(n, kind), feh, log_age, own, binaries, glon, glat, d, ebv)
    return taken(stars, keep & (u * chance < galaxy.selection(g)))


def magnitudes(primary: Array, binaries: Binaries) -> Array:
    """Absolute magnitudes of the systems (n, bands), the light of all stars added."""
    return -2.5 * np.log10(10 ** (-0.4 * primary[:, FIRST_BAND:]) + binaries.light)
