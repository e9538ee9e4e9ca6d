"""E(B-V) and R_V of hot stars from all magnitudes at once, with their full covariance.

The magnitude of a star in band b, with the bolometric correction of its labels added, is

    y_b = mu + k_b E + (dk_b / dR_V) E dR - (d bc_b / d label) . dlabel + offset_b + e_b

mu is free (luminosity and distance), E is E(B-V), dR = R_V of its dust less the survey's mean, at
which k_b is taken, dlabel the errors of its labels: normal, with variances that are known (labels)
or learnt (R_V, e_b). With W = 1 / var(e) and A the columns of mu, E, dlabel, dR, the estimate is
that of weighted least squares with a normal prior on all but the first two; that of R_V gives way
where the bands contradict it, as they do behind dense clouds.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from obcat.kernels.extinction import bolometric_corrections
from obcat.kernels.space_density import PLACES, near_places

__all__ = [
    "BANDS", "EBV_NODES", "LAW_BANDS", "Learnt", "Solved", "Terms", "at_ebv", "band_terms",
    "mixed_extinction", "regressors", "solved", "terms_of", "towards",
]  # fmt: skip

Floats = np.ndarray
Mask = np.ndarray

LAW_BANDS = ("b", "g", "bp", "v", "r", "i", "rp", "j", "h", "ks")
# APASS and XSTPS-GAC (or its stand-ins) side by side, by wavelength
BANDS = (
    "b", "g_apass", "g", "bp", "v", "r_apass", "r", "i_apass", "i", "rp", "j", "h", "ks",
)  # fmt: skip
OF_LAW = np.array([LAW_BANDS.index(b.removesuffix("_apass")) for b in BANDS])
INFRARED = np.isin(BANDS, ("j", "h", "ks"))
KS = BANDS.index("ks")
EBV_NODES = np.array([0.02, 0.25, 0.5, 1.0, 2.0])  # mag, at which the table has the law
MIDDLE = 2  # of EBV_NODES
MEAN_R_V = 3.1  # about which the law is linear

MIDDLE_TEFF = 4.15  # log10 K, where the slopes of offsets turn
START, LOWEST, HIGHEST = 0.4, -0.2, 4.0  # mag, E(B-V): first guess; what the law is taken at
LEAST_TOLD = 1e-12  # share of R_V
LEAST_DUST = 0.03  # mag, below which R_V is not asked for
ITERATIONS, ROUNDS = 4, 3  # of E(B-V), and of the weights of bands in each
CLIP = 3.0  # sigma beyond which a band loses weight
WIDE = 10.0  # mag, prior of mu and E(B-V): nothing beside two bands
LEAST_BANDS, LARGEST_ERROR = 2, 1.0  # below, and above (mag), which there is no E(B-V)
STEPS = np.array([0.01, 0.05, 0.05])  # of log Teff, log g, [Fe/H], for slopes of corrections
LEAST_LABEL_ERRORS = np.array([0.002, 0.02, 0.02])  # dex
UNKNOWN_LABEL_ERRORS = np.array([0.02, 0.15, 0.15])  # dex, of labels that come without errors


class Learnt(NamedTuple):
    """What a survey teaches itself: scatter of a band (b,), scatter that grows with E(B-V), spread
    of R_V, zero point and its slopes with log Teff and E(B-V) (3, b), all mag; the share of the
    law's bending with E(B-V) that is believed; mean R_V less MEAN_R_V, what it has beside near each
    of PLACES, and how much that varies.
    """

    floor: Floats
    growth: float
    rv: float
    offsets: Floats
    bend: float
    mean: float = 0.0
    field: Floats = np.zeros(PLACES)
    field_width: float = 0.1


class Terms(NamedTuple):
    """n stars in b bands: magnitude, error, whether the band is used (n, b); bolometric correction
    (n, b) and its slopes with log Teff, log g, [Fe/H] (n, b, 3); A / E(B-V) at EBV_NODES and its
    slope with R_V (n, nodes, b); log Teff (n,); errors of the three labels (n, 3).
    """

    mag: Floats
    error: Floats
    used: Mask
    correction: Floats
    slopes: Floats
    law: Floats
    law_slope: Floats
    log_teff: Floats
    label_errors: Floats


class Solved(NamedTuple):
    """E(B-V), R_V less its mean, their variances, the share of R_V that bands tell, not the prior
    (n,); light of star and dust in every band, mag, and its variance (n, b); P y, the diagonal of
    P, and the residual of a band against the others over its error (n, b); whether a band kept its
    weight (n, b); columns of the model (n, b, 6), weights (n, b), covariance (n, 6, 6); A / E(B-V)
    and its slope with R_V, and what bending adds to A (n, b).
    """

    ebv: Floats
    ebv_var: Floats
    d_rv: Floats
    d_rv_var: Floats
    told: Floats
    model: Floats
    model_var: Floats
    py: Floats
    diagonal: Floats
    z: Floats
    plain: Mask
    design: Floats
    weight: Floats
    covariance: Floats
    k: Floats
    k_slope: Floats
    bending: Floats


def band_terms(
    teff: ArrayLike,
    logg: ArrayLike,
    feh: ArrayLike,
    *,
    law_log_teff: Floats,
    law: Floats,
    law_slope: Floats,
    **nodes: Floats,
) -> tuple[Floats, Floats, Floats, Floats]:
    """What the labels of stars say of their light and of the dust before it, in every band.

    Parameters
    ----------
    teff, logg, feh : (n,) K, log10 of cm/s2, dex
    law_log_teff, law, law_slope : the model ``law``: log10 K (T,); A / E(B-V) at R_V = 3.1 and its
        slope with R_V (T, nodes of E(B-V), LAW_BANDS)
    nodes : the model ``intrinsic``: bolometric corrections of LAW_BANDS, see
        `obcat.kernels.extinction.bolometric_corrections`

    Returns
    -------
    correction (n, b), its slopes with log Teff, log g, [Fe/H] (n, 3 b), law and its slope with R_V
    (n, nodes b) of BANDS, each row as one; NaN where Teff is off the table. Slopes are differences
    over 0.02, 0.1 and 0.1 dex.
    """
    coolest, hottest = nodes["teff_nodes"][[0, -1]]
    labels = np.stack([np.log10(np.asarray(teff, float)), logg, feh], axis=1)
    ends = np.log10([coolest, hottest])

    def at(x: Floats) -> Floats:
        inside = np.clip(10 ** np.clip(x[:, 0], *ends), coolest, hottest)
        return bolometric_corrections(inside, x[:, 1], x[:, 2], **nodes)[0]

    off = (labels[:, 0] < ends[0]) | (labels[:, 0] > ends[1])
    correction = np.where(off[:, None], np.nan, at(labels))[:, OF_LAW]
    slopes = [(at(labels + s) - at(labels - s)) / (2 * s.sum()) for s in np.diag(STEPS)]
    law, law_slope = (_along(labels[:, 0], law_log_teff, x)[:, :, OF_LAW] for x in (law, law_slope))
    rows = (len(labels), -1)
    slope = np.stack(slopes, axis=2)[:, OF_LAW].reshape(rows)
    return correction, slope, law.reshape(rows), law_slope.reshape(rows)


def _along(x: Floats, nodes: Floats, table: Floats) -> Floats:
    """Rows of a table between its nodes, linear, constant beyond them."""
    below, weight = _cell(nodes, x)
    weight = weight.reshape(-1, *[1] * (table.ndim - 1))
    return (1 - weight) * table[below] + weight * table[below + 1]


def _cell(nodes: Floats, x: Floats) -> tuple[NDArray[np.intp], Floats]:
    """Index of the node below x, and the fraction of the step above it within [0, 1]."""
    below = np.clip(np.searchsorted(nodes, x, side="right") - 1, 0, len(nodes) - 2)
    return below, np.clip((x - nodes[below]) / (nodes[below + 1] - nodes[below]), 0, 1)


def terms_of(
    teff: ArrayLike,
    label_errors: Floats,
    em_flag: ArrayLike,
    magnitudes: tuple[ArrayLike, ...],
    correction: Floats,
    correction_slopes: Floats,
    law: Floats,
    law_slope: Floats,
) -> Terms:
    """The columns of a table as Terms; NaN is unknown.

    Parameters
    ----------
    teff : (n,) K
    label_errors : (n, 3) of Teff (K), log g, [Fe/H]; unknown ones are those of UNKNOWN_LABEL_ERRORS
    em_flag : (n,) 1 where a disc may shine in J, H, Ks: they are predicted, not used
    magnitudes : 2 b columns, magnitude and error of each of BANDS
    correction ... law_slope : as `band_terms` gives them
    """
    mag, error = (np.stack(magnitudes[i::2], axis=1).astype(np.float64) for i in (0, 1))
    (n, b), nodes = mag.shape, len(EBV_NODES)
    used = np.isfinite(mag) & (error >= 0) & np.isfinite(correction)
    used &= ~(INFRARED & (np.asarray(em_flag) == 1)[:, None])
    log_teff = np.log10(np.asarray(teff, float))
    errors = label_errors / np.stack(
        [np.asarray(teff) * np.log(10), np.ones(n), np.ones(n)], axis=1
    )
    errors = np.where(errors > 0, errors, UNKNOWN_LABEL_ERRORS)
    return Terms(
        mag, error, used, correction, correction_slopes.reshape(n, b, 3),
        law.reshape(n, nodes, b), law_slope.reshape(n, nodes, b), log_teff,
        np.maximum(errors, LEAST_LABEL_ERRORS),
    )  # fmt: skip


def towards(terms: Terms, local: Floats) -> Terms:
    """With the law at the R_V that is usual where a star is, `local` (n,) more than elsewhere."""
    return terms._replace(law=terms.law + local[:, None, None] * terms.law_slope)


def at_ebv(table: Floats, ebv: Floats) -> Floats:
    """(n, nodes, b) values at EBV_NODES -> (n, b) at a star's E(B-V), linear between nodes."""
    below, weight = _cell(EBV_NODES, ebv)
    rows = np.arange(len(ebv))
    return (1 - weight[:, None]) * table[rows, below] + weight[:, None] * table[rows, below + 1]


def regressors(log_teff: Floats, ebv: Floats) -> Floats:
    """(n, 3) one, log Teff and E(B-V) about their middle: what the offsets of a band go with."""
    t = np.clip(log_teff, 3.95, 4.5) - MIDDLE_TEFF
    return np.stack([np.ones(len(t)), t, np.clip(ebv, 0, 2.5) - EBV_NODES[MIDDLE]], axis=1)


def solved(terms: Terms, learnt: Learnt, *, iterations: int = ITERATIONS) -> Solved:
    """The mixed model of every star; law and offsets are taken at the E(B-V) of the iteration
    before. A star without two bands has an E(B-V) with an error of `WIDE`.
    """
    ebv = np.full(len(terms.mag), START)
    for _ in range(iterations):
        out = _at(terms, learnt, ebv)
        ebv = np.clip(out.ebv, LOWEST, HIGHEST)
    return out


def _at(terms: Terms, learnt: Learnt, ebv: Floats) -> Solved:
    k, slope = at_ebv(terms.law, ebv), at_ebv(terms.law_slope, ebv)
    bent = k - terms.law[:, MIDDLE]
    k = k - (1 - learnt.bend) * bent + learnt.mean * slope
    shift = np.sum(regressors(terms.log_teff, ebv)[:, :, None] * learnt.offsets, axis=1)
    shift = shift - terms.correction
    dust = slope * np.maximum(ebv, LEAST_DUST)[:, None]
    columns = [np.ones_like(k)[..., None], k[..., None], -terms.slopes, dust[..., None]]
    growth = (learnt.growth * np.clip(ebv, 0, HIGHEST)[:, None]) ** 2
    variance = np.where(terms.used, terms.error, 1) ** 2 + learnt.floor**2 + growth
    prior = np.full((len(ebv), 6), WIDE)
    prior[:, 2:5], prior[:, 5] = terms.label_errors, learnt.rv
    y = np.where(terms.used, terms.mag - shift, 0)
    design = np.nan_to_num(np.concatenate(columns, axis=2))
    out = _weighted(y, variance, design, 1 / prior**2, terms.used)
    return out._replace(model=out.model + shift, k=k, k_slope=slope, bending=bent * ebv[:, None])


def _weighted(y: Floats, variance: Floats, design: Floats, ridge: Floats, used: Mask) -> Solved:
    """Least squares three times: first the worst band alone, then every band beyond `CLIP` sigma
    gets the variance that would bring it there; so does R_V, as if it were one more band.
    """
    level = np.sum(y, axis=1, keepdims=True) / np.maximum(np.sum(used, axis=1, keepdims=True), 1)
    y = np.where(used, y - level, 0)
    inflate, loose = np.ones_like(y), np.ones(len(y))
    believed, ridge = ridge[:, -1], ridge.copy()
    for turn in range(ROUNDS):
        weight = np.where(used, 1 / (variance * inflate), 0)
        ridge[:, -1] = believed / loose
        across = np.ascontiguousarray((design * weight[..., None]).transpose(0, 2, 1))
        covariance = np.linalg.inv(across @ design + ridge[:, :, None] * np.eye(ridge.shape[1]))
        found = covariance @ (across @ y[..., None])
        model = (design @ found)[..., 0]
        model_var = np.sum((design @ covariance) * design, axis=2)
        py, diagonal = weight * (y - model), weight - weight**2 * model_var
        z = np.where(used, np.abs(py) / np.sqrt(np.maximum(diagonal, 1e-12)), 0)
        if turn < ROUNDS - 1:
            unusual = _unusual(found[:, -1, 0], ridge[:, -1], covariance[:, -1, -1])
            worst = np.maximum(z.max(axis=1), unusual)
            inflate *= np.where((z >= worst[:, None]) | (turn > 0), _excess(z), 1)
            loose *= np.where((unusual >= worst) | (turn > 0), _excess(unusual), 1)
    none = np.zeros((len(y), 0))
    return Solved(
        found[:, 1, 0], covariance[:, 1, 1], found[:, -1, 0], covariance[:, -1, -1],
        (1 - ridge[:, -1] * covariance[:, -1, -1]).clip(LEAST_TOLD), model + level, model_var,
        py, diagonal, z, inflate < 1.001, design, weight, covariance, none, none, none,
    )  # fmt: skip


def _excess(z: Floats) -> Floats:
    return np.maximum(1, (z / CLIP) ** 2)


def _unusual(value: Floats, weight: Floats, variance: Floats) -> Floats:
    """(n,) residual of a prior against the data over its error, for a posterior value, variance."""
    return np.abs(value) * np.sqrt(weight / (1 - weight * variance).clip(LEAST_TOLD))


# fmt: off
def mixed_extinction(
    teff: ArrayLike, teff_err: ArrayLike, logg_err: ArrayLike, feh_err: ArrayLike,
    em_flag: ArrayLike, halpha_ew: ArrayLike, ra: Floats, dec: Floats,
    b: ArrayLike, b_err: ArrayLike, g_apass: ArrayLike, g_apass_err: ArrayLike,
    g: ArrayLike, g_err: ArrayLike, bp: ArrayLike, bp_err: ArrayLike,
    v: ArrayLike, v_err: ArrayLike, r_apass: ArrayLike, r_apass_err: ArrayLike,
    r: ArrayLike, r_err: ArrayLike, i_apass: ArrayLike, i_apass_err: ArrayLike,
    i: ArrayLike, i_err: ArrayLike, rp: ArrayLike, rp_err: ArrayLike,
    j: ArrayLike, j_err: ArrayLike, h: ArrayLike, h_err: ArrayLike,
    ks: ArrayLike, ks_err: ArrayLike,
    correction: Floats, correction_slopes: Floats, law: Floats, law_slope: Floats,
    *,
    floor: Floats, growth: Floats, rv_spread: Floats, offsets: Floats, bend: Floats,
    rv_mean: Floats, rv_field: Floats,
    companion_ebv: float, companion_ebv_err: float, disc_ebv: float, disc_ebv_max: float,
    r_v_prior_factor: float, r_v_likelihood_err_max: float,
) -> tuple[Floats, ...]:
    # fmt: on
    """E(B-V), R_V, extinction in Ks, and what J, H, Ks have beyond star and dust.

    Parameters
    ----------
    teff, teff_err, logg_err, feh_err : (n,) K, K, dex, dex
    em_flag, halpha_ew : (n,) 1 with emission lines; Angstrom, positive for emission
    ra, dec : (n,) degrees
    b ... ks_err : (n,) mag, magnitude and error of each of BANDS
    correction ... law_slope : what `band_terms` gives
    floor, growth, rv_spread, offsets, bend, rv_mean, rv_field : the model ``dust``, see `Learnt`
    companion_ebv, companion_ebv_err : mag, what the light of companions that are not known adds
        to E(B-V) on average, and its spread
    disc_ebv, disc_ebv_max : what the light of a disc adds to E(B-V), mag per Angstrom of emission
        at H alpha, and at most, mag
    r_v_prior_factor : width of the prior of R_V over the spread that was learnt
    r_v_likelihood_err_max : error of r_v_likelihood above which it is NaN

    Returns
    -------
    ebv, ebv_err, r_v, r_v_err, a_ks, a_ks_err (n,) mag, NaN with fewer than two bands
    n_bands (n,) bands used; chi2 (n,) of them, reduced; worst (n,) place of the band that agrees
    least, from 1; worst_z (n,) its residual against the others over its error
    ks_model, ks_model_err, then excess and error in J, H, Ks (n,) mag: excess is model less
    measured, positive for light beyond that of star and dust
    r_v_likelihood, r_v_likelihood_err (n,) R_V that the bands alone make most likely
    """
    magnitudes = (
        b, b_err, g_apass, g_apass_err, g, g_err, bp, bp_err, v, v_err, r_apass, r_apass_err,
        r, r_err, i_apass, i_apass_err, i, i_err, rp, rp_err, j, j_err, h, h_err, ks, ks_err,
    )  # fmt: skip
    errors = np.stack([teff_err, logg_err, feh_err], axis=1)
    wide = (np.asarray(x, np.float64) for x in (correction, correction_slopes, law, law_slope))
    local = np.sum(near_places(ra, dec) * rv_field, axis=1)
    terms = towards(terms_of(teff, errors, em_flag, magnitudes, *wide), local)
    spread = r_v_prior_factor * rv_spread.item()
    learnt = Learnt(floor, growth.item(), spread, offsets, bend.item(), rv_mean.item())
    out = solved(terms, learnt)
    disc = np.where(np.asarray(em_flag) == 1, np.maximum(np.nan_to_num(halpha_ew), 0), 0)
    disc = np.minimum(disc_ebv * disc, disc_ebv_max)
    ebv = out.ebv - companion_ebv - disc
    var = out.ebv_var + companion_ebv_err**2 + disc**2
    known = (terms.used.sum(axis=1) >= LEAST_BANDS) & (out.ebv_var < LARGEST_ERROR**2)
    mean = MEAN_R_V + learnt.mean + local
    values = (ebv, np.sqrt(var), mean + out.d_rv, np.sqrt(out.d_rv_var), *_in_ks(out, ebv, var))
    of_bands = _of_bands(out, mean, r_v_likelihood_err_max)
    found = (*values, *_agreement(terms, out), *_light(terms, out, learnt), *of_bands)
    return tuple(np.where(known, x, np.nan) for x in found)


def _in_ks(out: Solved, ebv: Floats, var: Floats) -> tuple[Floats, Floats]:
    """Extinction in Ks and its error, from E(B-V) and R_V with their covariance."""
    k = out.k[:, KS] + out.k_slope[:, KS] * out.d_rv
    per_rv = out.k_slope[:, KS] * ebv
    shared = 2 * k * per_rv * out.covariance[:, 1, -1]
    return k * ebv, np.sqrt(k**2 * var + per_rv**2 * out.d_rv_var + shared)


def _agreement(terms: Terms, out: Solved) -> tuple[Floats, ...]:
    """Bands used, reduced chi square, place and residual of the worst band."""
    n = np.sum(terms.used, axis=1)
    residual = np.where(terms.used, terms.mag - out.model, 0)
    chi2 = np.sum(out.py * residual, axis=1) / np.maximum(n - LEAST_BANDS, 1)
    return n, np.where(n > LEAST_BANDS, chi2, np.nan), out.z.argmax(axis=1) + 1, out.z.max(axis=1)


def _of_bands(out: Solved, mean: Floats, largest: float) -> tuple[Floats, ...]:
    """R_V and its error without the prior, which the posterior is a product of."""
    error = np.sqrt(out.d_rv_var / out.told)
    pair = mean + out.d_rv / out.told, error
    return tuple(np.where(error <= largest, x, np.nan) for x in pair)


def _light(terms: Terms, out: Solved, learnt: Learnt) -> tuple[Floats, ...]:
    """Ks as the other bands predict it; excess of J, H, Ks over what the others predict."""
    own = out.weight * out.model_var
    residual = np.where(terms.used, out.model - terms.mag, 0)
    others = out.model + own / (1 - own) * residual
    var = out.model_var / (1 - own) + learnt.floor**2
    error = np.sqrt(np.where(terms.error >= 0, terms.error, np.nan) ** 2 + var)
    pairs = np.stack([others - terms.mag, error], axis=2)[:, INFRARED]
    return others[:, KS], np.sqrt(var[:, KS]), *pairs.reshape(len(own), -1).T
