"""Stars: how many are born, live and are seen; drawn as a magnitude-limited survey sees them."""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from obcat.simulate import galaxy
from obcat.simulate.binaries import INITIAL, MASS, Binaries, draw_binaries, semi_axis
from obcat.simulate.galaxy import reddening
from obcat.simulate.ingredients import Recipe, joined, taken
from obcat.simulate.isochrones import COLUMNS, FIRST_BAND, N_PHASE, at_phase, lattice
from obcat.simulate.light import spectrum_feh
from obcat.statistics import Array

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
    "overflowing",
]

IMF_SLOPE = -2.3  # Kroupa (2001) above 0.5 solar masses
FEH_SUN, FEH_SIGMA = (
    0.0,
    0.10,
)  # Nieva & Przybilla (2012); scatter at one radius (Genovali et al. 2014)
FEH_GRADIENT = -0.060  # dex/kpc (Genovali et al. 2014)
G, KS, TEFF, LOGG = (COLUMNS.index(name) for name in ("g_gaia", "ks", "log_teff", "log_g"))
SUN_LOGG, SUN_AU = 4.438, 0.0046505  # cgs; radius in AU
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


class _Stratum(NamedTuple):
    """Part of the sample: how many of 16,000 stars, window of Teff, limits of M_Ks (of the
    primary), and whether isochrone points are drawn evenly in M_Ks and log Teff (flat) or as many
    as live and would be seen.
    """

    share: float
    window: Window
    brightest: float = -np.inf
    faintest: float = np.inf
    flat: bool = False


def _hot(coolest: float, hottest: float) -> Window:
    return Window(coolest, hottest, 0.0, 1.0)


O_STARS, B_STARS, A_SUPERGIANTS = _hot(30e3, 40e3), _hot(10e3, 30e3), _hot(8e3, 10e3)
# what isochrones, lifetimes and volume give (12 of 16,000 brighter than M_Ks -5, 80 O stars),
# raised to what catalogs hold: a good hundred supergiants, 1.5 % O stars (Huo et al. 2024: 78 of
# 2,946; de Burgos et al. 2023); a judgement, see data/reference/README.md
STRATA = (
    _Stratum(3, A_SUPERGIANTS, -9, -8, flat=True), _Stratum(2, B_STARS, -9, -8, flat=True),
    _Stratum(5.25, A_SUPERGIANTS, -8, -7, flat=True), _Stratum(9.75, B_STARS, -8, -7, flat=True),
    _Stratum(10, A_SUPERGIANTS, -7, -6, flat=True),
    _Stratum(24, B_STARS, -7, -6, flat=True), _Stratum(6, O_STARS, -7, -6, flat=True),
    _Stratum(64, _hot(8e3, 30e3), -6, -5, flat=True), _Stratum(16, O_STARS, -6, -5, flat=True),
    _Stratum(104, _hot(8e3, 30e3), -5, -4, flat=True), _Stratum(26, O_STARS, -5, -4, flat=True),
    _Stratum(125, _hot(9.5e3, 25e3), -4, -3), _Stratum(25, _hot(25e3, 30e3), -4, -3),
    _Stratum(100, _hot(30e3, np.inf), -4, -3), _Stratum(105, _hot(30e3, np.inf), -3, -2),
    _Stratum(395, OB_STARS._replace(hottest=30e3), -3, -2),
    _Stratum(1800, OB_STARS, -2, -1), _Stratum(4800, OB_STARS, -1, 0),
    _Stratum(6500, OB_STARS, 0, 1), _Stratum(1880, OB_STARS, 1),
)  # fmt: skip
CELL_MAG = 0.5  # mag: a cell of the lattice that far outside may hold stars inside
FLAT_MAG, FLAT_DEX = 0.25, 0.025  # pixels of M_Ks and log Teff


@cache
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


POOL, LEAST_POOL = 4, 300  # candidates drawn per star wanted, in each round


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
    """n accepted candidates, each of the stratum of its lot; those of each round come from streams
    keyed by chunk, 0, stratum and round.
    """
    if not recipe.has("bright_end"):
        return _drawn(n, "star", _Stratum(1, OB_STARS), recipe, (chunk, 0))
    share = np.cumsum([stratum.share for stratum in STRATA])
    lot = np.searchsorted(
        share, recipe.rng("bright_end", chunk).random(n) * share[-1], side="right"
    )
    drawn = [
        _drawn(m, "star", STRATA[k], recipe, (chunk, 0, k))
        for k, m in enumerate(np.bincount(lot, minlength=len(STRATA)).tolist())
        if m
    ]
    return taken(joined(drawn), np.argsort(np.argsort(lot, kind="stable"), kind="stable"))


def draw_interlopers(n: int, recipe: Recipe, chunk: int) -> Stars:
    """Late-B and A stars too cool to be wanted, from streams keyed by chunk, 1 and round."""
    return _drawn(n, "interloper", _Stratum(1, A_STARS), recipe, (chunk, 1))


def _drawn(n: int, kind: str, stratum: _Stratum, recipe: Recipe, key: tuple[int, ...]) -> Stars:
    weight = _weights(recipe.has("spiral_arms"), recipe.has("dust"), stratum)
    rounds: list[Stars] = []
    while sum(len(r.feh) for r in rounds) < n:
        size = max(POOL * n, LEAST_POOL)
        rounds.append(_round(size, kind, stratum, weight, recipe, (*key, len(rounds))))
    return taken(joined(rounds), slice(n))


@cache
def _weights(arms: bool, dust: bool, stratum: _Stratum) -> Array:
    """Relative numbers of stars to draw from each cell of the lattice."""
    if stratum.flat:
        return _flat(stratum)
    middle = _corners(lattice().values[..., [KS]]).mean(0)[..., 0]
    number = expected(galaxy.effective_volume(arms=arms, dust=dust), stratum.window)
    near = (middle > stratum.brightest - CELL_MAG) & (middle < stratum.faintest + CELL_MAG)
    return number * near


def _flat(stratum: _Stratum) -> Array:
    """Weights that spread stars evenly over M_Ks and log Teff, inside the spectra; in one place of
    that plane as `living` has them.
    """
    middle = _corners(lattice().values[..., [KS, TEFF, LOGG]]).mean(0)
    ks, log_teff, logg = np.moveaxis(middle, -1, 0)
    window = stratum.window
    inside = (ks > stratum.brightest) & (ks < stratum.faintest) & (living() > 0)
    inside &= (log_teff > np.log10(window.coolest)) & (log_teff < np.log10(window.hottest))
    inside[inside] = np.isfinite(spectrum_feh(log_teff[inside], logg[inside], 0 * ks[inside]))
    place = np.stack([ks[inside] / FLAT_MAG, log_teff[inside] / FLAT_DEX], axis=1)
    _, pixel = np.unique(np.floor(place), axis=0, return_inverse=True)
    out, number = np.zeros(ks.shape), living()[inside]
    out[inside] = number / np.bincount(pixel, weights=number)[pixel]
    return out


def _round(
    n: int,
    kind: str,
    stratum: _Stratum,
    weight: Array,
    recipe: Recipe,
    key: tuple[int, ...],
) -> Stars:
    """A star is placed as if it were single, of the Sun's radius, behind smooth dust;
    then it is judged as it is.
    """
    rng = recipe.rng("stars", *key)
    feh, log_age, phase = draw_cells(n, weight, rng)
    arms, dust = recipe.has("spiral_arms"), recipe.has("dust")
    m_g = at_phase(feh, log_age, phase)[:, G]
    glon, glat, d, chance = galaxy.place(m_g, rng, arms=arms, dust=dust)
    u = rng.random(n)
    x, y, _ = galaxy.cartesian(glon, glat, d)
    feh = feh_at(feh, x, y) if recipe.has("feh_gradient") else feh
    primary = at_phase(feh, log_age, phase)
    own = spectrum_feh(primary[:, TEFF], primary[:, LOGG], feh)
    ebv = reddening(glon, glat, d, recipe)
    g = primary[:, G] + 5 * np.log10(d) + 10 + galaxy.A_G * ebv
    keep = (u * chance < galaxy.envelope(g)) & (galaxy.footprint(glon, glat) > 0) & np.isfinite(own)
    keep &= (feh >= lattice().feh[0]) & (feh <= lattice().feh[-1]) & _within(primary, stratum)
    binaries = draw_binaries(primary, feh, log_age, d, keep, recipe, key)
    g += magnitudes(primary, binaries)[:, 0] - primary[:, G]
    stars = Stars(primary, np.full(n, kind), feh, log_age, own, binaries, glon, glat, d, ebv)
    return taken(stars, keep & (u * chance < galaxy.selection(g)) & ~overflowing(primary, binaries))


def _within(primary: Array, stratum: _Stratum) -> NDArray[np.bool_]:
    teff, ks, window = primary[:, TEFF], primary[:, KS], stratum.window
    warm = (teff > np.log10(window.coolest)) & (teff < np.log10(window.hottest))
    return warm & (ks > stratum.brightest) & (ks <= stratum.faintest)


def overflowing(primary: Array, binaries: Binaries) -> NDArray[np.bool_]:
    """Whether the primary fills its Roche lobe when its nearer companion is nearest: such a pair
    has merged or changed its masses, and is none of ours. The lobe is that of Eggleton (1983).
    """
    second = binaries.second
    q = np.cbrt(1 / second.mass_ratio)
    lobe = 0.49 * q**2 / (0.6 * q**2 + np.log1p(q))
    axis = semi_axis(primary[:, INITIAL] * (1 + second.mass_ratio), second.orbit.log_period)
    radius = SUN_AU * np.sqrt(primary[:, MASS] * 10 ** (SUN_LOGG - primary[:, LOGG]))
    return radius > lobe * axis * (1 - second.orbit.eccentricity)


def magnitudes(primary: Array, binaries: Binaries) -> Array:
    """Absolute magnitudes of the systems (n, bands), the light of all stars added."""
    return -2.5 * np.log10(10 ** (-0.4 * primary[:, FIRST_BAND:]) + binaries.light)
