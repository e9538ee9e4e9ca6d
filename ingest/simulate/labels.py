"""Labels: effective temperature, gravity and metallicity as a catalog of spectral fits would state them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Labels", "draw_labels"]

Array = NDArray[np.float64]
MISSING = 0.20  # of the stars
TEFF_ERROR, LOGG_ERROR, FEH_ERROR = 0.03, 0.10, 0.10  # relative, dex, dex: at high S/N, the same for all visits
NOISE = 1.0  # at S/N 30 the part that changes from visit to visit is as large as the constant one
STATED = 0.9  # stated error over actual


class Labels(NamedTuple):
    """One row a labelled visit: its row among the visits, value and stated error of each label."""

    visit: NDArray[np.int64]
    teff: Array
    teff_err: Array
    logg: Array
    logg_err: Array
    feh: Array
    feh_err: Array


def draw_labels(
    star: NDArray[np.int64], teff: Array, logg: Array, feh: Array, snr_g: Array, rng: np.random.Generator
) -> Labels:
    """Errors have a part that belongs to the star and one that belongs to the visit."""
    n = len(teff)
    own, missing = rng.standard_normal((3, n)), rng.random(n) < MISSING
    visit = np.flatnonzero(~missing[star])
    at, noise = star[visit], NOISE * 30 / snr_g[visit]
    draw = own[:, at] + noise * rng.standard_normal((3, len(visit)))
    size = STATED * np.hypot(1, noise)
    t = teff[at] * (1 + TEFF_ERROR * draw[0])
    g, z = logg[at] + LOGG_ERROR * draw[1], feh[at] + FEH_ERROR * draw[2]
    return Labels(visit, t, TEFF_ERROR * size * t, g, LOGG_ERROR * size, z, FEH_ERROR * size)
