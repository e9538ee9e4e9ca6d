"""Luminosity: absolute magnitude from coefficients, by the networks of the paper, its error, its
range; by those of best mode, of which each judges the stars it did not see (in the paper one
network judges those it learnt from too); and what the dust does to coefficients.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from obcat.kernels.pca import product

__all__ = [
    "BENDS",
    "LAYERS",
    "LN_SIGMA",
    "LOGIT",
    "REFERENCE_SNR",
    "REFERENCE_SNR_G",
    "Spectral",
    "apart",
    "calibrated",
    "freed_of_dust",
    "freed_of_noise",
    "imprint_terms",
    "likelihood_magnitude",
    "luminosity",
    "mk_error",
    "network",
    "noise_variance",
    "out_of_fold",
    "predict",
]

REFERENCE_SNR = 100.0  # paper Eq. 10

Errors = NDArray[np.float64]


def mk_error(
    snr_g: ArrayLike, em_flag: ArrayLike, *, sigma_int: Errors, sigma_100: Errors
) -> tuple[Errors, Errors]:
    """Error of M_spec: intrinsic and measured scatter of the star's emission class.

    Parameters
    ----------
    snr_g : (n,) signal-to-noise ratio per pixel
    em_flag : (n,) 0 or 1; NaN is unknown, and takes the numbers of stars with emission, by whose
        network its M is; anything else has no error
    sigma_int, sigma_100 : (2,) mag, the model ``noise``, without and with emission; (0,) where
        there is no model

    Returns
    -------
    mk_err : (n,) mag, sqrt(sigma_int^2 + sigma_mea^2); NaN for S/N <= 0 or no model
    sigma_mea : (n,) mag, sigma_100 * 100 / snr_g
    """
    snr, flag = np.asarray(snr_g, float), np.asarray(em_flag, float)
    flag = np.where(np.isnan(flag), 1, flag)
    known = (snr > 0) & np.isfinite(snr) & ((flag == 0) | (flag == 1))
    if not len(sigma_int):
        return np.full(snr.shape, np.nan), np.full(snr.shape, np.nan)
    emission = np.where(known, flag, 0).astype(int)
    measured = sigma_100[emission] * REFERENCE_SNR / np.where(known, snr, np.nan)
    return np.hypot(sigma_int[emission], measured), measured


Floats = NDArray[np.floating]

IMPRINT = (-0.15, 0.25), 3.0  # log Teff - 4.1, E(B-V), mag: beyond, the imprint changes no more


def imprint_terms(ebv: Floats, teff: Floats) -> Floats:
    """(n, 3) E(B-V), its square, and times log Teff: what dust does to a spectrum goes with."""
    (coolest, hottest), most = IMPRINT
    with np.errstate(invalid="ignore", divide="ignore"):
        hotter = np.clip(np.nan_to_num(np.log10(teff) - 4.1), coolest, hottest)
    e = np.clip(ebv, 0.0, most)
    return np.stack([e, e**2, e * hotter], axis=1)


def freed_of_dust(
    score: Floats, ebv: Floats, teff: Floats, *, imprint: Floats, imprint_ebv: Floats
) -> Floats:
    """(n, k) coefficients of a spectrum as they would be without dust between star and us.

    Interstellar lines and bands, and what reddening does to the continuum, tell E(B-V), hence the
    distance, to whoever learns from spectra and parallaxes.

    Parameters
    ----------
    score : (n, k); ebv, mag, teff, K : (n,), NaN where unknown
    imprint : (3, k) of ``imprint_terms``
    imprint_ebv : (1 + k,) E(B-V) by the coefficients, for stars without
    """
    leading = score[:, : imprint.shape[1]].astype(float)
    seen = imprint_ebv[0] + (leading * imprint_ebv[1:]).sum(axis=1)
    dust = imprint_terms(np.where(np.isfinite(ebv), ebv, seen), teff)
    return leading - sum(dust[:, [j]] * imprint[j] for j in range(len(imprint)))


OF_PAPER = ("w0", "b0", "w1", "b1", "w2", "b2")


def luminosity(
    score_clean: Floats,
    score_full: Floats,
    em_flag: Floats,
    *,
    mk_faint_limit: float | Floats = np.inf,
    mk_bright_limit: float | Floats = -np.inf,
    emission_chooses: int | Floats = 1,
    clean_share: float | Floats = 0.5,
    domain_emission_luminous: float | Floats = -np.inf,
    domain_networks_apart: float | Floats = np.inf,
    **arrays: Floats,
) -> tuple[Floats, Floats]:
    """Spectroscopic M_Ks by the network that belongs to the star (METHOD section 4, paper section
    5.1).

    Parameters
    ----------
    score_clean, score_full : (n, k) scores on the clean-window and on the full-range basis, as they
        come
    em_flag : (n,) 0: non-emission network on score_full; 1, or NaN where it is unknown (H alpha
        masked): emission network on score_clean, which knows no line seen in emission
    mk_faint_limit, mk_bright_limit : mag, fainter and brighter than which an M is out of domain
    emission_chooses : 0: whatever the flag is, M is the mean of both networks
    clean_share : how much the emission network counts in that mean, 0 to 1
    domain_emission_luminous, domain_networks_apart : mag; an M of the emission network brighter
        than the first is out of domain where both networks are farther apart than the second
    arrays : for each prefix ``full_`` and ``clean_`` a network as ``predict`` takes it, and
        ``brightest`` (), the M brighter than which it had hardly any star to learn from; arrays of
        length zero mean that there were too few stars to train it

    Returns
    -------
    mk : (n,) mag; NaN without finite scores or without a trained network
    beyond_training : (n,) 1 where M is brighter than ``brightest`` of the network used, beyond a
        limit, or of a luminous star with emission of which the networks disagree, 0 elsewhere; NaN
        as mk
    """
    emission = np.asarray(em_flag, dtype=float)
    full, clean = _prefixed(arrays, "full_"), _prefixed(arrays, "clean_")
    mk_full, mk_clean = (
        predict(score_full, **_only(full, OF_PAPER)),
        predict(score_clean, **_only(clean, OF_PAPER)),
    )
    apart = np.abs(mk_full - mk_clean) > domain_networks_apart
    doubtful = (emission != 0) & (mk_clean < domain_emission_luminous) & apart
    if not emission_chooses:
        mk_full = mk_clean = (1 - clean_share) * mk_full + clean_share * mk_clean
    mk = _choose(emission, mk_full, mk_clean)
    brightest = _choose(emission, full["brightest"], clean["brightest"])
    beyond = (mk < brightest) | (mk < mk_bright_limit) | (mk > mk_faint_limit)
    beyond |= doubtful & (np.asarray(emission_chooses) == 1)
    return mk, np.where(np.isnan(mk), np.nan, beyond)


def predict(
    score: Floats, *, w0: Floats, b0: Floats, w1: Floats, b1: Floats, w2: Floats, b2: Floats
) -> Floats:
    """Eq. 6, M = w2 s(w1 s(w0 f + b0) + b1) + b2 with s the sigmoid.

    Parameters
    ----------
    score : (n, k) scores f
    w0, b0, w1, b1, w2, b2 : (k, h), (h,), (h, h), (h,), (h,), (); for scores as they come and M in
        mag. The hidden layers are evaluated in the precision of w0 and w1: single costs 1e-6 mag,
        double five times the time

    Returns
    -------
    (n,) mag; NaN where a score is not finite, or everywhere if the network is empty
    """
    known = np.all(np.isfinite(score), axis=1)
    if not len(w0):
        return np.full(len(known), np.nan)
    f = np.where(known[:, None], score, 0.0).astype(w0.dtype)
    hidden = _sigmoid(product(_sigmoid(product(f, w0) + b0), w1) + b1)
    return np.where(known, (hidden * w2).sum(axis=1) + b2, np.nan)


def _sigmoid(x: Floats) -> Floats:
    return 0.5 + 0.5 * np.tanh(0.5 * x)


def _choose(emission: Floats, absent: Floats, present: Floats) -> Floats:
    unknown = np.isnan(emission)
    return np.where(emission == 0, absent, np.where((emission == 1) | unknown, present, np.nan))


def _prefixed(arrays: dict[str, Floats], prefix: str) -> dict[str, Floats]:
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }


def _only(arrays: dict[str, Floats], names: tuple[str, ...]) -> dict[str, Floats]:
    return {name: arrays[name] for name in names}


REFERENCE_SNR_G = 50.0
BENDS = np.array([-3.0, -2.0, -1.0, 0.0, 1.0, 2.0])  # mag, of what networks say
LAYERS = ("w0", "b0", "w1", "b1", "w2", "linear", "b2", "v0", "c0", "v1", "c1")
LARGEST_NOISE = 1.0  # mag^2
# Limits of what a network may say: of the mean, mag, the ends of the tables that it learns from
MEAN, LN_SIGMA, LOGIT = (-10.0, 4.5), (-4.0, 1.5), (-5.0, 4.0)


Said = tuple[Floats, Floats, Floats]


def network(score: Floats, snr_g: Floats, model: Mapping[str, Any], fold: int) -> Said:
    """What the network of a fold says of n spectra: mean M, its ln sigma (mag), logit of a
    companion, (n,) each.

    Parameters
    ----------
    score : (n, k) leading scores, as they come
    snr_g : (n,); S/N reaches the scatter and the odds of a companion, never the mean: in a survey
        it stands for distance
    model : centre (k,), width (); with a first axis of folds w0 (k, h), b0, w1 (h, h), b1, w2 (h,),
        linear (k,), b2 of the mean, and v0 (k + 1, i), c0, v1 (i, 2), c1 of the other two
    """
    w = {name: model[name][fold] for name in LAYERS}
    x = ((score - model["centre"]) / model["width"]).astype(np.float32)
    wide = np.column_stack([x, np.log(snr_g / REFERENCE_SNR_G).astype(np.float32)])
    hidden = _silu(product(_silu(product(x, w["w0"]) + w["b0"]), w["w1"]) + w["b1"])
    mean = (hidden * w["w2"]).sum(1) + (x * w["linear"]).sum(1) + w["b2"]
    side = _silu(product(wide, w["v0"]) + w["c0"])
    ln_sigma, logit = ((side * w["v1"][:, i]).sum(1) + w["c1"][i] for i in (0, 1))
    limited = zip((mean, ln_sigma, logit), (MEAN, LN_SIGMA, LOGIT), strict=True)
    clipped = [np.clip(said, *limits).astype(float) for said, limits in limited]
    return clipped[0], clipped[1], clipped[2]


def _silu(x: Floats) -> Floats:
    half = np.float32(0.5)
    return x * (half + half * np.tanh(half * x))


class Spectral(NamedTuple):
    """What the spectrum says, (n,) each: M ~ N(mean, sigma^2) in mag, logit of a companion."""

    mean: Floats
    sigma: Floats
    logit: Floats


def out_of_fold(score: Floats, snr_g: Floats, fold: Floats, model: Mapping[str, Any]) -> Said:
    """``network`` by the one that was trained without the fold of the star; NaN without scores or
    S/N.
    """
    out = np.full((3, len(score)), np.nan)
    leading = score[:, : len(model["centre"])]
    known = np.isfinite(leading).all(1) & (snr_g > 0)
    for k in range(len(model["w0"])):
        here = np.flatnonzero(known & (fold == k))
        if len(here):
            out[:, here] = network(leading[here], snr_g[here], model, k)
    return out[0], out[1], out[2]


def apart(
    score: Floats, snr_g: Floats, fold: Floats, model: Mapping[str, Any]
) -> tuple[Floats, Floats]:
    """How far a network is off for the stars that it happened to learn from.

    Each of K networks learns from all parts but its own, two share all but one in K - 1 of their
    stars. If v is the square by which each is off, as a mean of its stars would be, the mean square
    of how far two are apart is 2 v / (K - 1): half its sum over the K - 1 others is v.

    Parameters
    ----------
    score : (n, k), finite; snr_g, fold : (n,)
    model : of ``network``, with a first axis of K folds

    Returns
    -------
    mean (n,) mag, of the network that did not see the star; v (n,) mag^2
    """
    leading = score[:, : len(model["centre"])]
    means = np.stack([network(leading, snr_g, model, k)[0] for k in range(len(model["w0"]))])
    own = means[fold.astype(int), np.arange(len(fold))]
    return own, 0.5 * ((means - own) ** 2).sum(axis=0)


# times that what a network is off by draws its mean to where stars are many: counts of its means,
# which tell where that is, are flatter than those of stars; chosen on SIMULATED surveys
DRAWN = 2.0


def noise_variance(
    mean: Floats, snr_g: Floats, model: Mapping[str, Any], times: float = 1.0
) -> Floats:
    """(n,) mag^2: what the noise of the spectrum does to the mean of a network, and so many times
    what the stars do that it happened to learn from.

    ``model``: noise_m (g,) mag, noise_at, network_at (g,) mag there, the first at S/N 1.
    """
    at, own = (np.interp(mean, model["noise_m"], model[n]) for n in ("noise_at", "network_at"))
    return np.minimum((at / snr_g) ** 2, LARGEST_NOISE) + times * own**2


def freed_of_noise(said: Said, snr_g: Floats, model: Mapping[str, Any]) -> Said:
    """What networks say -> with the mean M of stars whose noisy spectra look like that.

    Noise carries more stars out of where they are many than into there: mean + variance of the
    noise x d ln n / dM (Tweedie's formula; Robbins 1956), n stars in a volume; what the network is
    off by counts ``DRAWN`` times. It knows no S/N and learns what is so on average.

    ``model``: see ``noise_variance``; noise_slope (g,), d ln n / dM at noise_m.
    """
    mean, ln_sigma, logit = said
    slope = np.interp(mean, model["noise_m"], model["noise_slope"])
    return mean + noise_variance(mean, snr_g, model, DRAWN) * slope, ln_sigma, logit


def calibrated(said: Said, snr_g: Floats, emission: Floats, model: Mapping[str, Any]) -> Spectral:
    """Mean, ln sigma and logit of networks -> with shift, bend (6,) at ``BENDS``, ln_scale,
    shift_emission and ln_emission (where that is 1), ln_least, shift_logit of the survey, the noise
    of the spectrum (``freed_of_noise``, ``noise_variance``).
    """
    mean, ln_sigma, logit = freed_of_noise(said, snr_g, model)
    scale = model["ln_scale"] + model["ln_emission"] * emission
    variance = np.exp(2 * (ln_sigma + scale)) + np.exp(2 * model["ln_least"])
    sigma = np.sqrt(variance + noise_variance(said[0], snr_g, model))
    bent = np.interp(mean, BENDS, model["bend"])
    moved = mean + model["shift"] + bent + model["shift_emission"] * emission
    return Spectral(moved, sigma, logit + model["shift_logit"])


def likelihood_magnitude(said: Spectral, model: Mapping[str, Any]) -> Floats:
    """(n,) M, mag, that the spectrum alone makes most likely: the mean without its pull to where
    stars are many (Tweedie's formula); unbiased at a given true M, as the mean is at a given mean.

    ``model``: likelihood_m (g,) mag, likelihood_slope (g,), d ln N / dM of the means there.
    """
    slope = np.interp(said.mean, model["likelihood_m"], model["likelihood_slope"])
    return said.mean - said.sigma**2 * slope
