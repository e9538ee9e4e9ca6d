"""Stars: hot stars drawn from isochrones by mass function, age and [Fe/H], as a magnitude-limited survey sees them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from obcat.ingest.simulate import galaxy
from obcat.ingest.simulate.binaries import Binaries, draw_binaries
from obcat.ingest.simulate.dust import BANDS, disc_ebv
from obcat.ingest.simulate.isochrones import COLUMNS, N_PHASE, at_phase, lattice
from obcat.ingest.simulate.recipe import Recipe
from obcat.ingest.simulate.templates import spectrum_feh

__all__ = ["Stars", "draw_stars", "magnitudes"]

Array = NDArray[np.float64]
IMF_SLOPE = -2.3  # Kroupa (2001) above 0.5 solar masses
FEH_MEAN, FEH_SIGMA = -0.05, 0.15
TEFF_HALF, TEFF_WIDTH, TEFF_MIN = 10_500.0, 400.0, 9_500.0  # K: how the selection of OB stars fades among the A stars
G, TEFF, LOGG = (COLUMNS.index(name) for name in ("g_gaia", "log_teff", "log_g"))
FIRST_BAND = COLUMNS.index(BANDS[0])
PATCHINESS = 0.3  # ln rms of E(B-V) about the smooth disc
POOL = 4  # candidates drawn per star wanted, in each round
BRIGHTENING = 2.9  # the most by which a companion widens the volume a star is seen in: 2 ** 1.5, rounded up


class Stars(NamedTuple):
    """Primaries (n, isochrone columns), their [Fe/H] and age, [Fe/H] of their spectrum, binaries, places, E(B-V)."""

    primary: Array
    feh: Array
    log_age: Array
    spectrum_feh: Array
    binaries: Binaries
    glon: Array
    glat: Array
    distance: Array
    ebv: Array


def draw_stars(n: int, recipe: Recipe, chunk: int) -> Stars:
    """The first n accepted candidates; those of each round come from streams keyed by chunk and round."""
    grid = galaxy.cells()
    volume = galaxy.effective_volume()
    chance = _cell_weights(volume)
    rounds: list[Stars] = []
    while sum(len(r.feh) for r in rounds) < n:
        rounds.append(_round(max(POOL * n, 1000), chance, volume, grid, recipe, (chunk, len(rounds))))
    return join(rounds, n)


def join(parts: list[Stars], n: int) -> Stars:
    pairs = [p.binaries for p in parts]
    binaries = Binaries(*(np.concatenate([getattr(b, f) for b in pairs])[:n] for f in Binaries._fields))
    rest = {f: np.concatenate([getattr(p, f) for p in parts])[:n] for f in Stars._fields if f != "binaries"}
    return Stars(binaries=binaries, **rest)


def _cell_weights(volume: Array) -> Array:
    """Expected number of observed stars in each cell of the isochrone lattice, (feh, age, phase), flattened."""
    grid = lattice()
    corners = np.stack([grid.values[a : a + 3, b : b + 60, c : c + N_PHASE - 1] for a, b, c in np.ndindex(2, 2, 2)])
    middle, mass = corners.mean(0), corners[..., 0]
    step = mass[1::2].mean(0) - mass[::2].mean(0)
    stars = middle[..., 0] ** IMF_SLOPE * np.maximum(step, 0)
    stars = stars * np.diff(ndtr((grid.feh - FEH_MEAN) / FEH_SIGMA))[:, None, None]
    stars = stars * np.diff(10**grid.log_age)[:, None]  # constant star formation
    seen = np.interp(middle[..., G], galaxy.M_G, volume) * _hot(10 ** middle[..., TEFF])
    return np.nan_to_num(stars * seen).ravel()


def _hot(teff: Array) -> Array:
    return np.where(teff > TEFF_MIN - 300, 1 / (1 + np.exp((TEFF_HALF - teff) / TEFF_WIDTH)), 0)


def _round(n: int, chance: Array, volume: Array, grid: galaxy.Cells, recipe: Recipe, key: tuple[int, int]) -> Stars:
    rng = recipe.rng("stars", *key)
    feh, log_age, phase = _draw_cells(n, chance, rng)
    primary = at_phase(feh, log_age, phase)
    binaries = draw_binaries(primary, feh, log_age, recipe.rng("binaries", *key))
    m_g = magnitudes(primary, binaries)[:, 0]
    brighter = np.interp(m_g, galaxy.M_G, volume) / np.interp(primary[:, G], galaxy.M_G, volume)
    taken = rng.random(n) * BRIGHTENING < brighter
    glon, glat, d = galaxy.place(grid, m_g, rng)
    kind = spectrum_feh(primary[:, TEFF], primary[:, LOGG], feh)
    ebv = patchy(disc_ebv(*galaxy.cartesian(glon, glat, d)), recipe.rng("clouds", *key))
    keep = taken & np.isfinite(kind) & (primary[:, TEFF] > np.log10(TEFF_MIN))
    keep &= galaxy.within_limits(glon, glat, m_g + 5 * np.log10(d) + 10 + galaxy.A_G * ebv)
    columns = _rows(binaries, keep)
    return Stars(
        primary[keep], feh[keep], log_age[keep], kind[keep], columns, glon[keep], glat[keep], d[keep], ebv[keep]
    )


def patchy(ebv: Array, rng: np.random.Generator) -> Array:
    """Clouds: a log-normal factor of mean 1 on the smooth disc's E(B-V)."""
    return ebv * np.exp(PATCHINESS * rng.standard_normal(len(ebv)) - PATCHINESS**2 / 2)


def _rows(b: Binaries, keep: NDArray[np.bool_]) -> Binaries:
    star = b.is_binary[keep], b.mass_ratio[keep], b.companion[keep], b.light[keep]
    return Binaries(*star, b.log_period[keep], b.semi_amplitude[keep])


def _draw_cells(n: int, chance: Array, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Uniform in age and phase inside the cell drawn; the metallicity keeps its normal distribution."""
    grid = lattice()
    total = np.cumsum(chance)
    cell = np.searchsorted(total, rng.random(n) * total[-1])
    i, j, k = np.unravel_index(cell, (len(grid.feh) - 1, len(grid.log_age) - 1, N_PHASE - 1))
    u = rng.random((3, n))
    edge = ndtr((grid.feh - FEH_MEAN) / FEH_SIGMA)
    feh = FEH_MEAN + FEH_SIGMA * ndtri(edge[i] + u[0] * (edge[i + 1] - edge[i]))
    return feh, grid.log_age[j] + u[1] * (grid.log_age[j + 1] - grid.log_age[j]), k + u[2]


def magnitudes(primary: Array, binaries: Binaries) -> Array:
    """Absolute magnitudes of the systems (n, bands), the light of both stars added."""
    return -2.5 * np.log10(10 ** (-0.4 * primary[:, FIRST_BAND:]) + binaries.light)
