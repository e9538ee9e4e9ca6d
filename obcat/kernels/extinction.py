"""Reddening of hot stars from the colours of neighbouring bands (METHOD section 3, paper section
4); and that of red colours against that of blue ones, from which the spread of R_V is learnt.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "BANDS",
    "BENDS",
    "NOTHING",
    "R_V_SLOPES",
    "SOLAR",
    "Colours",
    "bolometric_corrections",
    "change_with_rv",
    "coefficients_at",
    "dust_contrast",
    "extinction",
    "is_known",
    "label_terms",
    "measured",
    "neighbour_colours",
    "parts",
]

Floats = NDArray[np.float64]


# by wavelength; without Ks: discs emit in it
BANDS = ("b", "g", "bp", "v", "r", "i", "rp", "j", "h")
# slope of A_X / E(B-V) with R_V, of BANDS: the spline of Fitzpatrick (1999, appendix) at 4400,
# 4770, 5150, 5500, 6230, 7630, 7750, 12350 and 16500 Angstrom
R_V_SLOPES = np.array([1.004, 1.000, 0.998, 1.002, 0.987, 0.768, 0.747, 0.260, 0.151])
R_V_SLOPES.flags.writeable = False
GROUP = 64  # rows; BLAS takes them by fours, or another power of two
# of ln Teff, log g, [Fe/H]: halves of the differences from which slopes of corrections are taken
STEPS = (0.01, 0.05, 0.05)
ROUNDS = 4  # of E(B-V) and of the law that it bends; the last moves it by less than 1e-3
SOLAR = 0.0


Integers = NDArray[np.int16]
NODES = ("teff_nodes", "logg_nodes", "feh_nodes", "bc_nodes")
BENDS = ("bend_log_teff", "bend_ebv", "bend")
Law = tuple[Floats, ...]  # what `coefficients_at` takes after teff and ebv
NOTHING: Floats = np.zeros(0)


class Colours(NamedTuple):
    """Colours of n stars: which bands they have and the errors of these (n, bands), what
    `neighbour_colours` gives, A_Ks of one mag of E(B-V) (n,), whether the table was left (n,), the
    labels (n,) and the table they were corrected with.
    """

    present: NDArray[np.bool_]
    error: Floats
    excess: Floats
    slope: Floats
    sigma: Floats
    shared: Floats
    a_ks: Floats
    outside: Integers
    labels: list[Floats]
    nodes: dict[str, Floats]

    def number(self) -> Integers:
        """(n,) colours that a star has."""
        return np.isfinite(self.excess).sum(axis=1).astype(np.int16)

    def mean(self, which: NDArray[np.bool_] | None = None) -> tuple[Floats, Floats]:
        """E(B-V) (n,) as the weighted mean of all colours, or of those that ``which`` is true for,
        NaN where there is none; and its slope with the magnitude of each of BANDS (n, bands).
        """
        known = np.isfinite(self.excess) & (True if which is None else which)
        pull = np.where(known, self.slope / self.sigma**2, 0.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            share = pull / _sum(pull * self.slope, known)[:, None]
        ends = np.zeros(self.present.shape)
        ends[:, :-1] += np.nan_to_num(share)
        ends[:, 1:] -= np.nan_to_num(share)
        by_band = np.zeros(self.present.shape)
        np.put_along_axis(by_band, _first_present(self.present), ends, axis=1)
        return _sum(share * np.where(known, self.excess, 0.0), known), by_band


def extinction(
    teff: ArrayLike,
    logg: ArrayLike,
    feh: ArrayLike,
    teff_err: ArrayLike,
    logg_err: ArrayLike,
    feh_err: ArrayLike,
    *photometry: ArrayLike,
    colour_error_floor: float,
    ebv_error_honest: int = 0,
    ebv_colour_error: float = 0.0,
    ebv_dust_error: float = 0.0,
    rv_spread: Floats = NOTHING,
    **model: Floats,
) -> tuple[Floats, Floats, Floats, Floats, Integers, Integers]:
    """E(B-V) as the weighted mean over the colours of bands that are neighbours in wavelength.

    A band without a magnitude or an error (NaN, or an error below zero) is skipped and its
    neighbours form a colour.

    Parameters
    ----------
    teff, logg, feh : (n,) K, log10 of cm/s2, dex; an unknown [Fe/H] (NaN) is taken as solar
    teff_err, logg_err, feh_err : (n,) errors of the labels, NaN counts as none
    photometry : (n,) mag, magnitude and standard error of each of BANDS; g, r, i of one survey
    colour_error_floor : mag, the least error of a colour
    ebv_error_honest : 1 for all that makes E(B-V) uncertain, 0 for the errors of the magnitudes
        alone, as in the paper
    ebv_colour_error, ebv_dust_error : mag, error of E(B-V) from intrinsic colours; and from the
        spread of R_V, per mag of E(B-V), where ``rv_spread`` is not learnt
    rv_spread : (1,) the model ``dust``, spread of R_V, or (0,)
    model : the arrays of ``colours``, see `bolometric_corrections`, and those of ``coefficients``
        and, where they are learnt, ``bends``, see `coefficients_at`

    Returns
    -------
    ebv, ebv_err : (n,) mag; negative values are kept; the error knows that neighbouring colours
        share a band, and, if it is honest, the errors of labels, model colours and R_V
    a_ks, a_ks_err : (n,) mag
    n_colours : (n,) int16
    outside : (n,) int16, 1 where log g or [Fe/H] were moved to the edge of the table, or Teff is
        off it (ebv is NaN)
    """
    if not is_known(model):
        return _unknown(np.size(teff))
    found = measured((teff, logg, feh), photometry, colour_error_floor, *parts(model))
    ebv, ebv_err = _weighted_mean(found.excess, found.slope, found.sigma, found.shared)
    if ebv_error_honest:
        of_labels = label_terms(found, found.mean()[1], (teff_err, logg_err, feh_err))
        terms = (*of_labels, _of_dust(found, rv_spread, ebv_dust_error))
        ebv_err = np.sqrt(ebv_err**2 + ebv_colour_error**2 + np.sum(np.square(terms), axis=0))
    return ebv, ebv_err, found.a_ks * ebv, found.a_ks * ebv_err, found.number(), found.outside


def is_known(model: Mapping[str, Floats]) -> bool:
    """Whether there are corrections and a law."""
    return bool(len(model["coefficients"]) and model["bc_nodes"].size)


def parts(model: Mapping[str, Floats]) -> tuple[Law, dict[str, Floats]]:
    """The law and the nodes, as `measured` takes them, of the arrays that `extinction` takes."""
    law = (model["coefficients"], *(model.get(name, NOTHING) for name in BENDS))
    return law, {name: model[name] for name in NODES}


def measured(
    labels: tuple[ArrayLike, ...],
    photometry: tuple[ArrayLike, ...],
    floor: float,
    law: Law,
    nodes: dict[str, Floats],
) -> Colours:
    """Colours of stars with these Teff, log g and [Fe/H] (n,) and with magnitudes and errors (n,)
    as `extinction` takes them; an unknown [Fe/H] is solar. The law is taken at the E(B-V) that it
    gives itself.
    """
    magnitude, error = (_columns(photometry[i::2]) for i in (0, 1))
    teff, logg, feh = (np.asarray(x, float) for x in labels)
    known = [teff, logg, np.where(np.isnan(feh), SOLAR, feh)]
    intrinsic, outside = bolometric_corrections(*known, **nodes)
    present = np.isfinite(magnitude) & np.isfinite(error) & (error >= 0) & np.isfinite(intrinsic)
    ebv = np.zeros(len(magnitude))
    for _ in range(ROUNDS):
        k = coefficients_at(teff, ebv, *law)
        colours = neighbour_colours(magnitude + intrinsic, error, k[:, :-1], present, floor)
        ebv = _weighted_mean(*colours)[0]
    return Colours(present, error, *colours, k[:, -1], outside, known, nodes)


def coefficients_at(
    teff: Floats,
    ebv: Floats,
    coefficients: Floats,
    bend_log_teff: Floats = NOTHING,
    bend_ebv: Floats = NOTHING,
    bend: Floats = NOTHING,
) -> Floats:
    """(n, 10) A_X / E(B-V) of BANDS and of Ks for stars of this Teff behind this much dust.

    Parameters
    ----------
    teff, ebv : (n,) NaN counts as the least of the nodes
    coefficients : (10,) of one spectrum, for all stars where there are no nodes
    bend_log_teff, bend_ebv : (T,), (E,) nodes: log10 K, mag; the law is linear between and constant
        beyond them
    bend : (T, E, 10) A_X / E(B-V) there, or of length zero
    """
    if not bend.size:
        return np.broadcast_to(coefficients, (len(ebv), len(coefficients)))
    with np.errstate(invalid="ignore", divide="ignore"):
        t, wt, _ = _cell(bend_log_teff, np.nan_to_num(np.log10(teff)))
    e, we, _ = _cell(bend_ebv, np.nan_to_num(ebv))
    at = np.zeros((len(t), bend.shape[-1]))
    for dt, de in np.ndindex(2, 2):
        at += (np.abs(1 - dt - wt) * np.abs(1 - de - we))[:, None] * bend[t + dt, e + de]
    return at


def label_terms(found: Colours, slope: Floats, errors: tuple[ArrayLike, ...]) -> list[Floats]:
    """For each label (n,) what its error changes in a sum over magnitudes of this ``slope`` (n,
    bands); nothing where the error is not known.
    """
    scale = (1 / found.labels[0], 1.0, 1.0)
    return [
        np.sum(slope * _correction_slope(found, which), axis=1)
        * np.nan_to_num(np.asarray(error, float) * scale[which])
        for which, error in enumerate(errors)
    ]


def _correction_slope(found: Colours, which: int) -> Floats:
    """(n, bands) slope of the corrections with ln Teff, log g or [Fe/H]; 0 beyond the table."""
    ends = []
    for step in (-STEPS[which], STEPS[which]):
        moved = list(found.labels)
        moved[which] = moved[0] * np.exp(step) if which == 0 else moved[which] + step
        ends.append(bolometric_corrections(*moved, **found.nodes)[0])
    return np.nan_to_num((ends[1] - ends[0]) / (2 * STEPS[which]))


def _of_dust(found: Colours, rv_spread: Floats, ebv_dust_error: float) -> Floats:
    """Error of E(B-V) from the spread of R_V, (n,) mag."""
    ebv, slope = found.mean()
    return rv_spread[0] * ebv * change_with_rv(slope) if len(rv_spread) else ebv_dust_error * ebv


def change_with_rv(slope: Floats) -> Floats:
    """(n,) change with R_V of a sum over magnitudes of this ``slope`` (n, bands).

    Rows are filled up to a multiple of `GROUP`: the last few of another number would be summed in
    an order of their own.
    """
    whole = np.zeros((-len(slope) // GROUP * -GROUP, slope.shape[1]))
    whole[: len(slope)] = slope
    return (whole @ R_V_SLOPES)[: len(slope)]


def _columns(bands: tuple[ArrayLike, ...]) -> Floats:
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
    coefficients : (bands,) or (n, bands) A_X / E(B-V)
    present : (n, bands) which bands a star has; neighbours among these form a colour
    floor : mag, the least error of a colour

    Returns
    -------
    (n, bands - 1) each, mag and mag2, the colours that a star has first; NaN in the excess where
    there is none
    """
    order = _first_present(present)
    value = np.take_along_axis(np.where(present, corrected, np.nan), order, axis=1)
    variance = np.take_along_axis(error**2, order, axis=1)
    sigma = np.maximum(np.sqrt(variance[:, :-1] + variance[:, 1:]), floor)
    law = np.take_along_axis(np.broadcast_to(coefficients, present.shape), order, axis=1)
    return (
        value[:, :-1] - value[:, 1:],
        -np.diff(law, axis=1),
        sigma,
        variance[:, 1:-1],
    )


def _first_present(present: NDArray[np.bool_]) -> NDArray[np.intp]:
    """(n, bands) places of the bands, those that are present first, still by wavelength."""
    return np.argsort(~present, axis=1, kind="stable")


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


FIRST_RED = BANDS.index("r")  # the bluer band of the first colour that changes with R_V


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
