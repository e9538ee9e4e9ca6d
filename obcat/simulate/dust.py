"""Dust: extinction after Fitzpatrick (1999), a smooth disc of it, interstellar lines in spectra."""

import csv
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from obcat.data import REFERENCE
from obcat.kernels.grid import LIGHT_SPEED
from obcat.simulate.lines import FREQUENCY, PIXEL, stamped

__all__ = [
    "BANDS",
    "DIB",
    "SUN_R",
    "SUN_Z",
    "band_coefficients",
    "disc_ebv",
    "equivalent_widths",
    "f99",
    "gas_velocity",
    "transmission",
]

Array = NDArray[np.float64]
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


def f99(wavelength: NDArray[np.floating], *, r_v: float = 3.1) -> Array:
    """A(wavelength)/E(B-V) for wavelengths of 2,600 Angstrom and longer; NaN below (Fitzpatrick 1999, appendix)."""
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


def band_coefficients(teff: Array) -> dict[str, Array]:
    """A(X)/E(B-V) of every band for hot stars, linear in log Teff between the reference rows, constant outside."""
    rows = _coefficient_rows()
    nodes = np.log10([float(row["teff"]) for row in rows])
    return {
        band: np.interp(np.log10(teff), nodes, [float(row[band]) for row in rows]) for band in BANDS
    }


@cache
def _coefficient_rows() -> list[dict[str, str]]:
    with (REFERENCE / "extinction_coefficients.csv").open(newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


def disc_ebv(x: Array, y: Array, z: Array, *, steps: int = 48) -> Array:
    """E(B-V) from the Sun to Galactocentric points (kpc): double-exponential disc, midpoint rule on the sight line."""
    total = np.zeros(np.shape(x))
    length = np.sqrt((x + SUN_R) ** 2 + y**2 + (z - SUN_Z) ** 2)
    for t in (np.arange(steps) + 0.5) / steps:
        radius = np.hypot(-SUN_R + t * (x + SUN_R), t * y)
        height = np.abs(SUN_Z + t * (z - SUN_Z))
        total += np.exp(-(radius - SUN_R) / DUST_LENGTH - height / DUST_HEIGHT)
    return LOCAL_EBV * length * total / steps


Float32 = NDArray[np.float32]
DIB = (  # vacuum Angstrom, Angstrom per mag of E(B-V), full width: Friedman et al. (2011); 4430: Snow et al. (2002)
    (4430.1, 2.0, 20.0), (5782.1, 0.50, 2.1), (5798.7, 0.17, 0.8), (6285.6, 1.0, 4.5), (6615.1, 0.20, 1.0),
)  # fmt: skip
SODIUM = (
    (5891.58, 2.16, 1.91),
    (5897.56, 2.47, 1.76),
)  # log E(B-V) = slope EW - offset: Poznanski et al. (2012)
CALCIUM = (
    (3934.77, 0.40, 0.35),
    (3969.59, 0.25, 0.22),
)  # Angstrom per mag at first, Angstrom at most: assumed
FAINTEST = 0.03  # mag; sodium is linear in E(B-V) below, where the relation has lost its stars
CLOUD = 15.0  # km/s, sigma of the atoms' velocities along a line of sight
SOLAR_MOTION = (
    11.1,
    12.24,
    7.25,
)  # km/s toward l, b = (0, 0), (90, 0), (, 90): Schoenrich et al. (2010)
TO_GALACTIC = np.array(  # rows: Galactic axes in ICRS, Hipparcos catalogue vol. 1
    [
        [-0.0548755604, -0.8734370902, -0.4838350155],
        [0.4941094279, -0.4448296300, 0.7469822445],
        [-0.8676661490, -0.1980763734, 0.4559837762],
    ]
)
GAS_SPREAD = 10.0  # km/s of clouds about the local standard of rest


def gas_velocity(ra: Array, dec: Array, rng: np.random.Generator) -> Array:
    """Heliocentric km/s (n,) of gas near the local standard of rest."""
    a, d = np.radians(ra), np.radians(dec)
    toward = TO_GALACTIC @ np.stack([np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)])
    return GAS_SPREAD * rng.standard_normal(len(ra)) - SOLAR_MOTION @ toward


def equivalent_widths(ebv: Array) -> Array:
    """Angstrom (n, lines): diffuse bands, sodium, calcium."""
    dust = np.maximum(ebv, 0)[:, None]
    bands = dust * np.array([strength for _, strength, _ in DIB])
    slope, offset = np.array([row[1:] for row in SODIUM]).T
    sodium = (
        (np.log10(np.maximum(dust, FAINTEST)) + offset) / slope * np.minimum(dust / FAINTEST, 1)
    )
    first, most = np.array([row[1:] for row in CALCIUM]).T
    return np.concatenate([bands, sodium, most * (1 - np.exp(-dust * first / most))], axis=1)


def transmission(ebv: Array, rv: Array, resolution: Array) -> Float32:
    """(n, 3909) for gas at heliocentric rv (n,), seen with resolution (n,)."""
    spread = np.exp(-0.5 * (_SIGMA[:, None] / PIXEL * FREQUENCY) ** 2)
    transform = equivalent_widths(ebv)[..., None] * spread + 0j
    each = np.repeat(resolution[:, None], len(_CENTRES), axis=1)
    return np.exp(-stamped(_CENTRES, transform, rv, each)).astype(np.float32)


_CENTRES = np.array([row[0] for row in (*DIB, *SODIUM, *CALCIUM)])
_SIGMA = np.array([w / c * LIGHT_SPEED / np.sqrt(8 * np.log(2)) for c, _, w in DIB] + [CLOUD] * 4)
