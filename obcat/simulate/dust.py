"""Dust: the extinction curve of Fitzpatrick (1999) and a smooth Galactic disc of it."""

import csv
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from obcat.data import REFERENCE

__all__ = [
    "BANDS",
    "SUN_R",
    "SUN_Z",
    "band_coefficients",
    "disc_ebv",
    "f99",
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


def band_coefficients(teff: Array) -> dict[str, Array]:
    """A(X)/E(B-V) of every band for hot stars, linear in log Teff between the reference rows,
    constant outside.
    """
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
