"""Dust: the extinction curve of Fitzpatrick (1999) and a smooth Galactic disc of it.

R_V varies with sigma 0.18 in waves on kiloparsecs, whatever the column, and is above 4 for less
than one sight line in a hundred (Schlafly et al. 2016, abstract; 2017: waves of kiloparsecs);
near hot stars it scatters by 0.27 about 3.0 (Fitzpatrick & Massa 2007; the number not checked).
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from obcat.kernels.grid import WAVELENGTH
from obcat.simulate.ingredients import Recipe
from obcat.statistics import Array

__all__ = [
    "BANDS",
    "LAWS",
    "MEAN_LAW",
    "SUN_R",
    "SUN_Z",
    "disc_ebv",
    "draw_laws",
    "extinction",
    "f99",
]

BANDS = ("g_gaia", "bp", "rp", "g", "r", "i", "b", "v", "j", "h", "ks")
SUN_R, SUN_Z = 8.122, 0.0208  # kpc
LOCAL_EBV = 0.25  # mag/kpc in the plane at the Sun
DUST_LENGTH, DUST_HEIGHT = 3.2, 0.11  # kpc
IR_ANCHORS = ((0.0, 0.0), (0.377, 0.265 / 3.1), (0.820, 0.829 / 3.1))  # 1/micron, A/E(B-V) per R_V
OPTICAL_ANCHORS = (
    (1.667, (-0.422809, 1.00270, 2.13572e-4)),
    (1.828, (-0.0513540, 1.00216, -7.35778e-5)),
    (2.141, (0.700127, 1.00184, -3.32598e-5)),
    (2.433, (1.19456, 1.01707, -5.46959e-3, 7.97809e-4, -4.45636e-5)),
)
UV_ANCHORS = (1e4 / 2700, 1e4 / 2600)
LAWS, LAW_STEP = (2.2, 2.6, 3.1, 3.6, 4.2, 5.0, 5.8), 0.1  # R_V, nodes; step on pixels
MEAN_LAW, LAW_RANGE = 3.1, (2.3, 5.3)  # extremes: Fitzpatrick (1999)
LAW_WAVES = ((0.30, 1.0), (0.25, 0.1))  # R_V, kpc: 0.12 to 0.18 of the means on sight lines
OWN_SPREAD = 0.12  # R_V, of each star; with the waves 0.17 to 0.22
DENSE, DENSE_LAWS = 0.007, (4.0, 5.3)  # of the stars, behind dense clouds; R_V
WAVES, SIGHT_STEPS = 32, 10


def f99(wavelength: NDArray[np.floating], *, r_v: float = 3.1) -> Array:
    """A(wavelength)/E(B-V) for wavelengths of 2,600 Angstrom and longer;
    NaN below (Fitzpatrick 1999, appendix).
    """
    x = 1e4 / np.asarray(wavelength, dtype=float)
    return np.where(x <= UV_ANCHORS[1], _spline(r_v)(x), np.nan)


@cache
def _spline(r_v: float) -> CubicSpline:
    infrared = [(x, slope * r_v) for x, slope in IR_ANCHORS]
    optical = [(x, float(np.polynomial.polynomial.polyval(r_v, c))) for x, c in OPTICAL_ANCHORS]
    ultraviolet = [(x, _ultraviolet(x, r_v)) for x in UV_ANCHORS]
    x, y = zip(*infrared, *optical, *ultraviolet, strict=True)
    return CubicSpline(x, y, bc_type="natural")


def _ultraviolet(x: float, r_v: float) -> float:
    """Fitzpatrick & Massa's form without its far-ultraviolet term, which starts at x = 5.9."""
    c2 = -0.824 + 4.717 / r_v
    c1 = 2.030 - 3.007 * c2
    bump = x**2 / ((x**2 - 4.596**2) ** 2 + (0.99 * x) ** 2)
    return c1 + c2 * x + 3.23 * bump + r_v


def extinction(r_v: Array) -> NDArray[np.float32]:
    """A(wavelength)/E(B-V) on the grid of LAMOST (n, 3909) for these R_V, linear between nodes."""
    place = (np.clip(r_v, LAWS[0], LAWS[-1]) - LAWS[0]) / LAW_STEP
    low = np.minimum(place.astype(np.int64), len(_pixel_laws()) - 2)
    share = (place - low)[:, None].astype(np.float32)
    return _pixel_laws()[low] * (1 - share) + _pixel_laws()[low + 1] * share


@cache
def _pixel_laws() -> NDArray[np.float32]:
    steps = round((LAWS[-1] - LAWS[0]) / LAW_STEP) + 1
    laws = [f99(WAVELENGTH, r_v=round(LAWS[0] + k * LAW_STEP, 6)) for k in range(steps)]
    return np.stack(laws).astype(np.float32)


def draw_laws(x: Array, y: Array, z: Array, recipe: Recipe, chunk: int) -> Array:
    """R_V towards stars at Galactocentric places (kpc): of the dust on the sight line, and a part
    of the star's own; 3.1 without the ingredient.
    """
    rng = recipe.rng("dust_law", chunk)
    own = OWN_SPREAD * rng.standard_normal(len(x))
    dense = np.where(rng.random(len(x)) < DENSE, rng.uniform(*DENSE_LAWS, size=len(x)), 0.0)
    spread = sum(
        size * _along(x, y, z, scale, recipe.rng("dust_law", 0, k))
        for k, (size, scale) in enumerate(LAW_WAVES)
    )
    r_v = np.where(dense > 0, dense, MEAN_LAW + (spread + own))
    return np.clip(r_v, *LAW_RANGE) if recipe.has("dust_law") else np.full(len(x), MEAN_LAW)


def _along(x: Array, y: Array, z: Array, scale: float, rng: np.random.Generator) -> Array:
    """Mean along the sight line of random waves of unit variance, as long as `scale` (kpc)."""
    wave = rng.standard_normal((3, WAVES)) / scale
    phase, total = rng.uniform(0, 2 * np.pi, size=WAVES), np.zeros(np.shape(x))
    for t in (np.arange(SIGHT_STEPS) + 0.5) / SIGHT_STEPS:
        place = np.stack([t * (x + SUN_R) - SUN_R, t * y, t * (z - SUN_Z) + SUN_Z], axis=-1)
        total += np.cos(place @ wave + phase).sum(-1)
    return np.sqrt(2 / WAVES) * total / SIGHT_STEPS


def disc_ebv(x: Array, y: Array, z: Array, *, steps: int = 48) -> Array:
    """E(B-V) from the Sun to Galactocentric points (kpc):
    double-exponential disc, midpoint rule on the sight line.
    """
    total = np.zeros(np.shape(x))
    length = np.sqrt((x + SUN_R) ** 2 + y**2 + (z - SUN_Z) ** 2)
    for t in (np.arange(steps) + 0.5) / steps:
        radius = np.hypot(-SUN_R + t * (x + SUN_R), t * y)
        height = np.abs(SUN_Z + t * (z - SUN_Z))
        total += np.exp(-(radius - SUN_R) / DUST_LENGTH - height / DUST_HEIGHT)
    return LOCAL_EBV * length * total / steps
