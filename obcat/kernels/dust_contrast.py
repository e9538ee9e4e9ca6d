"""E(B-V) of red colours against that of blue ones, from which the spread of R_V is learnt."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from obcat.kernels.extinction import BANDS, NODES, R_V_SLOPES, Colours, label_terms, measured

__all__ = ["dust_contrast"]

FIRST_RED = BANDS.index("r")  # the bluer band of the first colour that changes with R_V

Floats = NDArray[np.float64]


def dust_contrast(
    teff: ArrayLike,
    logg: ArrayLike,
    feh: ArrayLike,
    teff_err: ArrayLike,
    logg_err: ArrayLike,
    feh_err: ArrayLike,
    b: ArrayLike,
    b_err: ArrayLike,
    v: ArrayLike,
    v_err: ArrayLike,
    g: ArrayLike,
    g_err: ArrayLike,
    r: ArrayLike,
    r_err: ArrayLike,
    i: ArrayLike,
    i_err: ArrayLike,
    bp: ArrayLike,
    bp_err: ArrayLike,
    rp: ArrayLike,
    rp_err: ArrayLike,
    j: ArrayLike,
    j_err: ArrayLike,
    h: ArrayLike,
    h_err: ArrayLike,
    *,
    colour_error_floor: float,
    teff_nodes: Floats,
    logg_nodes: Floats,
    feh_nodes: Floats,
    bc_nodes: Floats,
    coefficients: Floats,
    **bends: Floats,
) -> tuple[Floats, Floats, Floats]:
    """The weighted mean over colours from r on less that over bluer ones.

    Parameters
    ----------
    teff ... feh_err : (n,) labels and their errors, see `extinction.extinction`
    b ... h_err : (n,) magnitudes and errors, see `extinction.extinction`
    colour_error_floor ... bends : see `extinction.extinction`

    Returns
    -------
    contrast, contrast_err : (n,) mag, and its error from magnitudes and labels; NaN without colours
        on both sides
    contrast_rv : (n,) its change in mag with R_V, for dust of the E(B-V) of all colours
    """
    magnitude = _columns(b, g, bp, v, r, i, rp, j, h)
    error = _columns(b_err, g_err, bp_err, v_err, r_err, i_err, rp_err, j_err, h_err)
    if not (len(coefficients) and bc_nodes.size):
        nothing = np.full(len(magnitude), np.nan)
        return nothing, nothing, nothing
    nodes = dict(zip(NODES, (teff_nodes, logg_nodes, feh_nodes, bc_nodes), strict=True))
    given = (teff, logg, feh), magnitude, error, colour_error_floor
    found = measured(*given, coefficients, nodes, bends)
    return _contrast(found, error, (teff_err, logg_err, feh_err))


def _contrast(
    found: Colours, error: Floats, label_errors: tuple[ArrayLike, ...]
) -> tuple[Floats, Floats, Floats]:
    bluer = np.argsort(~found.present, axis=1, kind="stable")[:, :-1]
    red, red_slope = found.mean(bluer >= FIRST_RED)
    blue, blue_slope = found.mean(bluer < FIRST_RED)
    slope, value = red_slope - blue_slope, red - blue
    of_magnitudes = (slope * np.where(found.present, error, 0)).T
    terms = (*of_magnitudes, *label_terms(found, slope, label_errors))
    err = np.sqrt(np.sum(np.square(terms), axis=0))
    return value, np.where(np.isfinite(value), err, np.nan), slope @ R_V_SLOPES * found.mean()[0]


def _columns(*bands: ArrayLike) -> Floats:
    """(n, bands)."""
    return np.stack([np.asarray(x, float) for x in bands], axis=1)
