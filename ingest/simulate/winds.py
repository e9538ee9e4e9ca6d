"""Winds: what the winds of luminous stars do to H alpha and a few lines more, from filled-in cores to P Cygni."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat.ingest.simulate.recipe import Recipe

__all__ = ["Wind", "draw_winds", "gusts"]

Array = NDArray[np.float64]
SUN_BOLOMETRIC = 4.74
FAINTEST = -7.0  # M_bol; brighter stars show their wind at H alpha
EW, PER_MAG, EW_SIGMA, EW_MAX = 0.5, 0.45, 0.4, 30.0  # Angstrom at M_bol -7, dex/mag: Ib to Ia+ of Crowther+ (2006); ln
P_CYGNI, ABSORBED = 0.35, (0.1, 0.4)  # chance per mag above FAINTEST; part of the emission absorbed
TROUGH, TROUGH_WIDTH = (120.0, 300.0), (50.0, 110.0)  # km/s, to the blue; sigma
WIDTH, BROAD = (90.0, 220.0), 550.0  # km/s: sigma of the core, and of its electron scattering
BROAD_SHARE = 0.2
GUST, GUST_PERIOD = 0.15, (10.0, 120.0)  # ln; d: Kaufer et al. (1996)


class Wind(NamedTuple):
    """One row a star: H alpha emitted and absorbed in the trough (Angstrom), widths (sigma) and velocity of the trough
    (km/s), Teff (K), and how it varies.
    """

    ew: Array
    absorbed: Array
    width: Array
    trough: Array
    trough_width: Array
    teff: Array
    period: Array
    phase: Array


def draw_winds(log_l: Array, teff: Array, logg: Array, recipe: Recipe, chunk: int) -> Wind:
    """Emission grows with luminosity; `ew` is 0 below M_bol -7 and for stars not on the way off the main sequence."""
    n, rng = len(teff), recipe.rng("winds", chunk)
    over = FAINTEST - (SUN_BOLOMETRIC - 2.5 * log_l)
    has = (over > 0) & (logg < 4.3) & recipe.has("winds")
    ew = np.minimum(EW * 10 ** (PER_MAG * over) * np.exp(EW_SIGMA * rng.standard_normal(n)), EW_MAX) * has
    cygni = rng.random(n) < P_CYGNI * np.clip(over, 0, 3)
    absorbed = ew * rng.uniform(*ABSORBED, size=n) * cygni
    width, trough, trough_width = (rng.uniform(*limits, size=n) for limits in (WIDTH, TROUGH, TROUGH_WIDTH))
    period = GUST_PERIOD[0] * (GUST_PERIOD[1] / GUST_PERIOD[0]) ** rng.random(n)
    return Wind(ew, absorbed, width, trough, trough_width, teff, period, rng.uniform(0, 2 * np.pi, size=n))


def gusts(wind: Wind, mjd: NDArray[np.int64]) -> Wind:
    """The winds on these days."""
    factor = np.exp(GUST * np.sin(2 * np.pi * mjd / wind.period + wind.phase))
    return wind._replace(ew=wind.ew * factor, absorbed=wind.absorbed / factor)
