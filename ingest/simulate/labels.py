"""Labels: effective temperature, gravity and metallicity as a catalog of spectral fits would state them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat.ingest.simulate.recipe import Recipe

__all__ = ["SENTINEL", "Labels", "draw_labels"]

Array = NDArray[np.float64]
MISSING = 0.20  # of the stars
TEFF_ERROR, LOGG_ERROR, FEH_ERROR = 0.03, 0.10, 0.10  # relative, dex, dex: at high S/N, the same for all visits
CORRELATION = 0.6  # of Teff and log g: both widen or narrow the Balmer lines of a B star (Kudritzki et al. 2008)
NOISE = 1.0  # at S/N 30 the part that changes from visit to visit is as large as the constant one
STATED = 0.9  # stated error over actual
OUTLIERS, OUTLIER = 0.015, (4.0, 10.0)  # of the stars, fitted at a wrong minimum; errors away
SENTINEL, FAILED, NO_ERROR = -9999.0, 0.004, 0.004  # as LAMOST's tables write it; of the visits: no value; error 0


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
    star: NDArray[np.int64], teff: Array, logg: Array, feh: Array, snr_g: Array, recipe: Recipe, chunk: int
) -> Labels:
    """Errors have a part that belongs to the star and one that belongs to the visit; Teff and log g err together."""
    n, rng, gaps = len(teff), recipe.rng("label_errors", chunk), recipe.rng("label_gaps", chunk)
    outlier = np.where(rng.random(n) < OUTLIERS, rng.uniform(*OUTLIER, size=n), 1.0)
    own, noise = _correlated(rng.standard_normal((3, n))) * outlier, NOISE * 30 / snr_g
    draw = (own[:, star] + noise * _correlated(rng.standard_normal((3, len(star))))) * recipe.has("label_errors")
    t = teff[star] * np.exp(TEFF_ERROR * draw[0])
    size = STATED * np.hypot(1, noise)
    g, z = logg[star] + LOGG_ERROR * draw[1], feh[star] + FEH_ERROR * draw[2]
    has = recipe.has("label_gaps")
    visit = np.flatnonzero(~((gaps.random(n) < MISSING) & has)[star])
    failed, bare = (gaps.random((2, len(star))) < np.array([[FAILED], [NO_ERROR]])) & has
    values = (np.where(failed, SENTINEL, v)[visit] for v in (t, g, z))
    errors = (np.where(failed, SENTINEL, np.where(bare, 0, e * size))[visit]
              for e in (TEFF_ERROR * t, LOGG_ERROR, FEH_ERROR))  # fmt: skip
    return Labels(visit, *(x for pair in zip(values, errors, strict=True) for x in pair))


def _correlated(normal: Array) -> Array:
    """(3, n): the second row follows the first."""
    return np.stack([normal[0], CORRELATION * normal[0] + np.sqrt(1 - CORRELATION**2) * normal[1], normal[2]])
