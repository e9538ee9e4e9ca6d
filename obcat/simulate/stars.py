"""Stars: how many are born, live and are seen; drawn as a magnitude-limited survey sees them."""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from obcat.simulate import galaxy
from obcat.simulate.binaries import Binaries, draw_binaries
from obcat.simulate.galaxy import reddening
from obcat.simulate.ingredients import Recipe, joined, taken
from obcat.simulate.isochrones import COLUMNS, FIRST_BAND, N_PHASE, at_phase, lattice
from obcat.simulate.light import spectrum_feh

__all__ = [
    "A_STARS",
    "FEH_SUN",
    "OB_STARS",
    "Stars",
    "Window",
    "draw_cells",
    "draw_interlopers",
    "draw_stars",
    "expected",
    "feh_at",
    "living",
    "magnitudes",
]

Array = NDArray[np.float64]
IMF_SLOPE = -2.3  # Kroupa (2001) above 0.5 solar masses
FEH_SUN, FEH_SIGMA = (
    0.0,
    0.10,
)  # Nieva & Przybilla (2012); scatter at one radius (Genovali et al. 2014)
FEH_GRADIENT = -0.060  # dex/kpc (Genovali et al. 2014)
G, TEFF, LOGG = (COLUMNS.index(name) for name in ("g_gaia", "log_teff", "log_g"))
MARGIN = 300.0  # K: a cell a little outside may hold stars inside


class Window(NamedTuple):
    """Temperatures (K) that are taken, and where and how fast (half,
    width) the share of stars taken falls.
    """

    coolest: float
    hottest: float
    half: float
    width: float


OB_STARS = Window(
    9_500.0, np.inf, 10_500.0, 400.0
)  # how the selection of OB stars fades among the A stars
A_STARS = Window(
    8_000.0, 9_500.0, 9_000.0, 400.0
)  # those that it takes by mistake; the spectra end at 8,000 K


def living() -> Array:
    """Relative numbers of stars in each cell (feh, age, phase):
    Kroupa's law, constant star formation.
    """
    grid = lattice()
    corners = _corners(grid.values)
    mass = corners[..., 0]
    step = mass[1::2].mean(0) - mass[::2].mean(0)
    stars = corners.mean(0)[..., 0] ** IMF_SLOPE * np.maximum(step, 0)
    stars = stars * np.diff(ndtr((grid.feh - FEH_SUN) / FEH_SIGMA))[:, None, None]
    return np.nan_to_num(stars * np.diff(10**grid.log_age)[:, None])


def expected(volume: Array, window: Window) -> Array:
    """Of those `living`, the ones a survey of this effective volume (at galaxy.M_G) and window
    would take.
    """
    middle = _corners(lattice().values[..., [G, TEFF]]).mean(0)
    return np.nan_to_num(
        living()
        * np.interp(middle[..., 0], galaxy.M_G, volume)
        * _share(10 ** middle[..., 1], window)
    )


def _corners(values: Array) -> Array:
    """(8, cells of feh, age and phase, columns), the phase changing fastest."""
    a, b, c = (n - 1 for n in values.shape[:3])
    return np.stack([values[i : i + a, j : j + b, k : k + c] for i, j, k in np.ndindex(2, 2, 2)])


def _share(teff: Array, window: Window) -> Array:
    inside = (teff > window.coolest - MARGIN) & (teff < window.hottest + MARGIN)
    return np.where(inside, 1 / (1 + np.exp((window.half - teff) / window.width)), 0)


def draw_cells(n: int, weight: Array, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """[Fe/H], log age and phase of n stars;
    uniform in age and phase inside the cell, normal in [Fe/H].
    """
    grid = lattice()
    total = np.cumsum(weight)
    cell = np.searchsorted(total, rng.random(n) * total[-1], side="right")
    i, j, k = np.unravel_index(cell, (len(grid.feh) - 1, len(grid.log_age) - 1, N_PHASE - 1))
    u = rng.random((3, n))
    edge = ndtr((grid.feh - FEH_SUN) / FEH_SIGMA)
    feh = FEH_SUN + FEH_SIGMA * ndtri(edge[i] + u[0] * (edge[i + 1] - edge[i]))
    return feh, grid.log_age[j] + u[1] * (grid.log_age[j + 1] - grid.log_age[j]), k + u[2]


def feh_at(feh: Array, x: Array, y: Array) -> Array:
    """[Fe/H] at Galactocentric x, y (kpc) of stars that would have feh at the Sun's radius."""
    return feh + FEH_GRADIENT * (np.hypot(x, y) - galaxy.SUN_R)


POOL = 4  # candidates drawn per star wanted, in each round


class Stars(NamedTuple):
    """Primaries (n, isochrone columns), their kind, [Fe/H] and age, [Fe/H] of their spectrum,
    binaries, places,
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
    """The first n accepted candidates;
    those of each round come from streams keyed by chunk, 0 and round.
    """
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
        rounds.append(
            _round(max(POOL * n, 1000), kind, window, weight, grid, recipe, (*key, len(rounds)))
        )
    return taken(joined(rounds), slice(n))


@cache
def _weights(arms: bool, dust: bool, window: Window) -> Array:
    return expected(galaxy.effective_volume(arms=arms, dust=dust), window)


def _round(
    n: int,
    kind: str,
    window: Window,
    weight: Array,
    grid: galaxy.Cells,
    recipe: Recipe,
    key: tuple[int, int, int],
) -> Stars:
    """A star is placed as if it were single, of the Sun's radius, behind smooth dust;
    then it is judged as it is.
    """
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
    keep &= (primary[:, TEFF] > np.log10(window.coolest)) & (
        primary[:, TEFF] < np.log10(window.hottest)
    )
    binaries = draw_binaries(primary, feh, log_age, d, keep, recipe, key)
    g += magnitudes(primary, binaries)[:, 0] - primary[:, G]
    stars = Stars(primary, np.full(n, kind), feh, log_age, own, binaries, glon, glat, d, ebv)
    return taken(stars, keep & (u * chance < galaxy.selection(g)))


def magnitudes(primary: Array, binaries: Binaries) -> Array:
    """Absolute magnitudes of the systems (n, bands), the light of all stars added."""
    return -2.5 * np.log10(10 ** (-0.4 * primary[:, FIRST_BAND:]) + binaries.light)
