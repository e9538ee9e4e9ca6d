"""E(B-V) of red colours against that of blue ones, from which the spread of R_V is learnt."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from obcat.kernels.extinction import (
    BANDS,
    Colours,
    change_with_rv,
    is_known,
    label_terms,
    measured,
    parts,
)

__all__ = ["dust_contrast"]

FIRST_RED = BANDS.index("r")  # the bluer band of the first colour that changes with R_V

Floats = NDArray[np.float64]


def dust_contrast(
    *given: ArrayLike, colour_error_floor: float, **model: Floats
) -> tuple[Floats, Floats, Floats]:
    """The weighted mean over colours from r on less that over bluer ones.

    Parameters
    ----------
    given : (n,) labels, their errors and photometry, in the order of `extinction.extinction`
    colour_error_floor, model : see there

    Returns
    -------
    contrast, contrast_err : (n,) mag, and its error from magnitudes and labels; NaN without colours
        on both sides
    contrast_rv : (n,) its change in mag with R_V, for dust of the E(B-V) of all colours
    """
    if not is_known(model):
        nothing = np.full(np.size(given[0]), np.nan)
        return nothing, nothing, nothing
    found = measured(given[:3], given[6:], colour_error_floor, *parts(model))
    return _contrast(found, given[3:6])


def _contrast(found: Colours, label_errors: tuple[ArrayLike, ...]) -> tuple[Floats, Floats, Floats]:
    bluer = np.argsort(~found.present, axis=1, kind="stable")[:, :-1]
    red, red_slope = found.mean(bluer >= FIRST_RED)
    blue, blue_slope = found.mean(bluer < FIRST_RED)
    slope, value = red_slope - blue_slope, red - blue
    of_magnitudes = (slope * np.where(found.present, found.error, 0)).T
    terms = (*of_magnitudes, *label_terms(found, slope, label_errors))
    err = np.sqrt(np.sum(np.square(terms), axis=0))
    return value, np.where(np.isfinite(value), err, np.nan), change_with_rv(slope) * found.mean()[0]
