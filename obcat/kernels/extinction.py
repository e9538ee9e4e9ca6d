"""Reddening of hot stars from the colours of neighbouring bands (METHOD section 3,
paper section 4).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["BANDS", "SOLAR", "bolometric_corrections", "extinction", "neighbour_colours"]

BANDS = (
    "b",
    "g",
    "bp",
    "v",
    "r",
    "i",
    "rp",
    "j",
    "h",
)  # by wavelength; without Ks: discs emit in it
SOLAR = 0.0

Floats = NDArray[np.float64]
Integers = NDArray[np.int16]


def extinction(
    teff: ArrayLike,
    logg: ArrayLike,
    feh: ArrayLike,
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
) -> tuple[Floats, Floats, Floats, Floats, Integers, Integers]:
    """E(B-V) as the weighted mean over the colours of bands that are neighbours in wavelength.

    A band without a magnitude or an error (NaN, or an error below zero) is skipped and its
    neighbours form a colour.

    Parameters
    ----------
    teff, logg, feh : (n,) K, log10 of cm/s2, dex; an unknown [Fe/H] (NaN) is taken as solar
    b ... h_err : (n,) mag, magnitude and standard error of each band; g, r, i of one survey
    colour_error_floor : mag, the least error of a colour
    teff_nodes, logg_nodes, feh_nodes, bc_nodes : the model ``colours``, see bolometric_corrections
    coefficients : (10,) the model ``coefficients``, A_X / E(B-V) of BANDS and of Ks

    Returns
    -------
    ebv, ebv_err : (n,) mag; negative values are kept; the error knows that neighbouring colours
        share a band
    a_ks, a_ks_err : (n,) mag
    n_colours : (n,) int16
    outside : (n,) int16, 1 where log g or [Fe/H] were moved to the edge of the table, or Teff is
        off it (ebv is NaN)
    """
    magnitude = _columns(b, g, bp, v, r, i, rp, j, h)
    error = _columns(b_err, g_err, bp_err, v_err, r_err, i_err, rp_err, j_err, h_err)
    if not (len(coefficients) and bc_nodes.size):
        return _unknown(len(magnitude))
    intrinsic, outside = bolometric_corrections(
        teff,
        logg,
        np.where(np.isnan(np.asarray(feh, float)), SOLAR, feh),
        teff_nodes=teff_nodes,
        logg_nodes=logg_nodes,
        feh_nodes=feh_nodes,
        bc_nodes=bc_nodes,
    )
    present = np.isfinite(magnitude) & np.isfinite(error) & (error >= 0) & np.isfinite(intrinsic)
    excess, slope, sigma, shared = neighbour_colours(
        magnitude + intrinsic, error, coefficients[:-1], present, colour_error_floor
    )
    ebv, ebv_err = _weighted_mean(excess, slope, sigma, shared)
    n_colours = np.isfinite(excess).sum(axis=1).astype(np.int16)
    return ebv, ebv_err, coefficients[-1] * ebv, coefficients[-1] * ebv_err, n_colours, outside


def _columns(*bands: ArrayLike) -> Floats:
    """(n, bands)."""
    return np.stack([np.asarray(x, float) for x in bands], axis=1)


def bolometric_corrections(
    teff: ArrayLike,
    logg: ArrayLike,
    feh: ArrayLike,
    *,
    teff_nodes: Floats,
    logg_nodes: Floats,
    feh_nodes: Floats,
    bc_nodes: Floats,
) -> tuple[Floats, Integers]:
    """Trilinear interpolation in log Teff, log g, [Fe/H], never beyond the nodes; intrinsic a - b =
    bc_b - bc_a.

    Parameters
    ----------
    teff, logg, feh : (n,) K, log10 of cm/s2, dex
    teff_nodes, logg_nodes, feh_nodes : (T,), (G,), (F,) ascending
    bc_nodes : (T, G, F, bands) mag

    Returns
    -------
    (n, bands) mag, NaN where Teff is off the table or a parameter is NaN; (n,) int16, 1 off the
    nodes
    """
    t, wt, off_t = _cell(np.log10(teff_nodes), np.log10(np.maximum(np.asarray(teff, float), 1)))
    g, wg, off_g = _cell(logg_nodes, np.asarray(logg, float))
    f, wf, off_f = _cell(feh_nodes, np.asarray(feh, float))
    bc = np.zeros((len(t), bc_nodes.shape[-1]))
    for dt, dg, df in np.ndindex(2, 2, 2):
        weight = np.abs(1 - dt - wt) * np.abs(1 - dg - wg) * np.abs(1 - df - wf)
        bc += weight[:, None] * bc_nodes[t + dt, g + dg, f + df]
    bc[off_t] = np.nan
    return bc, (off_t | off_g | off_f).astype(np.int16)


def _cell(nodes: Floats, x: Floats) -> tuple[NDArray[np.intp], Floats, NDArray[np.bool_]]:
    """Index of the node below x, fraction of the step above it held within [0, 1],
    and whether x is off the nodes.
    """
    below = np.clip(np.searchsorted(nodes, x, side="right") - 1, 0, len(nodes) - 2)
    fraction = (x - nodes[below]) / (nodes[below + 1] - nodes[below])
    return below, np.clip(fraction, 0, 1), (x < nodes[0]) | (x > nodes[-1])


def neighbour_colours(
    corrected: Floats, error: Floats, coefficients: Floats, present: NDArray[np.bool_], floor: float
) -> tuple[Floats, Floats, Floats, Floats]:
    """Colour excess, its slope with E(B-V), its error, and the variance shared with the next
    colour.

    Since a - b = bc_b - bc_a, the excess is the difference of magnitude + correction.

    Parameters
    ----------
    corrected, error : (n, bands) mag, magnitude + bolometric correction, and standard error, of
        BANDS
    coefficients : (bands,) A_X / E(B-V)
    present : (n, bands) which bands a star has; neighbours among these form a colour
    floor : mag, the least error of a colour

    Returns
    -------
    (n, bands - 1) each, mag and mag2, the colours that a star has first; NaN in the excess where
    there is none
    """
    order = np.argsort(
        ~present, axis=1, kind="stable"
    )  # the bands present first, still by wavelength
    value = np.take_along_axis(np.where(present, corrected, np.nan), order, axis=1)
    variance = np.take_along_axis(error**2, order, axis=1)
    sigma = np.maximum(np.sqrt(variance[:, :-1] + variance[:, 1:]), floor)
    return (
        value[:, :-1] - value[:, 1:],
        -np.diff(coefficients[order], axis=1),
        sigma,
        variance[:, 1:-1],
    )


def _weighted_mean(
    excess: Floats, slope: Floats, sigma: Floats, shared: Floats
) -> tuple[Floats, Floats]:
    """Mean of excess / slope with weights slope^2 / sigma^2, and its error with the covariance of
    neighbours.

    Two colours that share a band move oppositely with its error: covariance -variance of that band.
    """
    known = np.isfinite(excess)
    colour = np.where(known, excess, 0.0)
    pull = np.where(known, slope / sigma**2, 0.0)
    weight = _sum(pull * slope, known)
    ebv = _sum(pull * colour, known) / weight
    both = known[:, 1:] & known[:, :-1]
    covariance = _sum(np.where(both, pull[:, :-1] * pull[:, 1:] * shared, 0.0), known)
    return ebv, np.sqrt(weight - 2 * covariance) / weight


def _sum(terms: Floats, known: NDArray[np.bool_]) -> Floats:
    """Row sums, NaN for a row without any colour."""
    return np.where(known.any(axis=1), terms.sum(axis=1), np.nan)


def _unknown(n: int) -> tuple[Floats, Floats, Floats, Floats, Integers, Integers]:
    """The answer without a model."""
    nan, none = np.full(n, np.nan), np.zeros(n, np.int16)
    return nan, nan, nan, nan, none, none
