"""Astrometry: Gaia DR2 as it was, with its zero point and with errors larger than it says."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Astrometry", "measure", "zero_point"]

Array = NDArray[np.float64]
ERROR_G = ((8.0, 0.045), (12.0, 0.038), (14.0, 0.032), (15.0, 0.038), (16.0, 0.060), (17.0, 0.10), (18.0, 0.17))  # mas
ERROR_SCATTER = 0.15  # ln
ZERO_POINT, ZERO_POINT_WAVE = -0.0523, 0.012  # mas: mean (Leung & Bovy 2019), and how it varies with G
UNDERESTIMATE, SYSTEMATIC_BRIGHT, SYSTEMATIC = 1.08, 0.021, 0.043  # Lindegren et al. (2018): factor; mas, G < 13, > 13
RUWE_SCATTER, DISTURBED, DISTURBED_RUWE = 0.06, 0.25, (1.3, 4.0)  # ln; share of binaries near a year's period; range
DISTURBED_PERIOD = (2.0, 4.0)  # log10 d


class Astrometry(NamedTuple):
    """Parallax and proper motion as published (mas, mas/yr), their stated errors, and RUWE."""

    parallax: Array
    parallax_error: Array
    pmra: Array
    pmdec: Array
    pm_error: Array
    ruwe: Array


def zero_point(g: Array) -> Array:
    """What Gaia's parallaxes have too much (negative: too little), mas."""
    return ZERO_POINT + ZERO_POINT_WAVE * np.sin((g - 12.0) / 1.5)


def measure(
    true: Array, pmra: Array, pmdec: Array, g: Array, log_period: Array, rng: np.random.Generator
) -> Astrometry:
    """Stated errors are too small; stars on orbits of months to years have larger ones still and a high RUWE."""
    n = len(true)
    stated = np.interp(g, *np.array(ERROR_G).T) * np.exp(ERROR_SCATTER * rng.standard_normal(n))
    inside = (log_period > DISTURBED_PERIOD[0]) & (log_period < DISTURBED_PERIOD[1])
    orbit = inside & (rng.random(n) < DISTURBED)
    ruwe = np.exp(RUWE_SCATTER * rng.standard_normal(n)) * np.where(orbit, rng.uniform(*DISTURBED_RUWE, size=n), 1)
    systematic = np.where(g < 13, SYSTEMATIC_BRIGHT, SYSTEMATIC)
    actual = np.hypot(UNDERESTIMATE * stated, systematic) * np.where(orbit, ruwe, 1)
    stated = stated * np.where(orbit, np.sqrt(ruwe), 1)
    published = true + zero_point(g) + actual * rng.standard_normal(n)
    east, north = actual * 1.8 * rng.standard_normal((2, n))
    return Astrometry(published, stated, pmra + east, pmdec + north, 1.8 * stated, ruwe)
