"""Population: how many stars were born, live and are seen, in each cell of the isochrone lattice."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from obcat.ingest.simulate import galaxy
from obcat.ingest.simulate.isochrones import COLUMNS, N_PHASE, lattice

__all__ = ["A_STARS", "FEH_SUN", "OB_STARS", "Window", "draw_cells", "expected", "feh_at", "living"]

Array = NDArray[np.float64]
IMF_SLOPE = -2.3  # Kroupa (2001) above 0.5 solar masses
FEH_SUN, FEH_SIGMA = 0.0, 0.10  # Nieva & Przybilla (2012); scatter at one radius (Genovali et al. 2014)
FEH_GRADIENT = -0.060  # dex/kpc (Genovali et al. 2014)
G, TEFF = COLUMNS.index("g_gaia"), COLUMNS.index("log_teff")
MARGIN = 300.0  # K: a cell a little outside may hold stars inside


class Window(NamedTuple):
    """Temperatures (K) that are taken, and where and how fast (half, width) the share of stars taken falls."""

    coolest: float
    hottest: float
    half: float
    width: float


OB_STARS = Window(9_500.0, np.inf, 10_500.0, 400.0)  # how the selection of OB stars fades among the A stars
A_STARS = Window(8_000.0, 9_500.0, 9_000.0, 400.0)  # those that it takes by mistake; the spectra end at 8,000 K


def living() -> Array:
    """Relative numbers of stars in each cell (feh, age, phase): Kroupa's law, constant star formation."""
    grid = lattice()
    corners = _corners(grid.values)
    mass = corners[..., 0]
    step = mass[1::2].mean(0) - mass[::2].mean(0)
    stars = corners.mean(0)[..., 0] ** IMF_SLOPE * np.maximum(step, 0)
    stars = stars * np.diff(ndtr((grid.feh - FEH_SUN) / FEH_SIGMA))[:, None, None]
    return np.nan_to_num(stars * np.diff(10**grid.log_age)[:, None])


def expected(volume: Array, window: Window) -> Array:
    """Of those `living`, the ones a survey of this effective volume (at galaxy.M_G) and window would take."""
    middle = _corners(lattice().values[..., [G, TEFF]]).mean(0)
    return np.nan_to_num(
        living() * np.interp(middle[..., 0], galaxy.M_G, volume) * _share(10 ** middle[..., 1], window)
    )


def _corners(values: Array) -> Array:
    """(8, cells of feh, age and phase, columns), the phase changing fastest."""
    a, b, c = (n - 1 for n in values.shape[:3])
    return np.stack([values[i : i + a, j : j + b, k : k + c] for i, j, k in np.ndindex(2, 2, 2)])


def _share(teff: Array, window: Window) -> Array:
    inside = (teff > window.coolest - MARGIN) & (teff < window.hottest + MARGIN)
    return np.where(inside, 1 / (1 + np.exp((window.half - teff) / window.width)), 0)


def draw_cells(n: int, weight: Array, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """[Fe/H], log age and phase of n stars; uniform in age and phase inside the cell, normal in [Fe/H]."""
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
