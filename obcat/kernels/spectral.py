"""Absolute magnitude by the spectrum alone: a network for each fold of stars, unseen by it.

The other way round than in the paper, which trains one network and judges by it the stars it
learnt from too.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat.kernels.pca import product
from obcat.kernels.space_density import Globals

__all__ = [
    "LAYERS",
    "LN_SIGMA",
    "LOGIT",
    "REFERENCE_SNR_G",
    "Spectral",
    "calibrated",
    "likelihood_magnitude",
    "network",
    "out_of_fold",
    "spectral_magnitude",
]

REFERENCE_SNR_G = 50.0
LAYERS = ("w0", "b0", "w1", "b1", "w2", "linear", "b2", "v0", "c0", "v1", "c1")
LN_SIGMA, LOGIT = (-4.0, 1.5), (-5.0, 4.0)  # limits of what a network may say

Floats = NDArray[np.floating]
Said = tuple[Floats, Floats, Floats]


def network(score: Floats, snr_g: Floats, model: Globals, fold: int) -> Said:
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
    clipped = np.clip(ln_sigma, *LN_SIGMA), np.clip(logit, *LOGIT)
    return mean.astype(float), clipped[0].astype(float), clipped[1].astype(float)


def _silu(x: Floats) -> Floats:
    half = np.float32(0.5)
    return x * (half + half * np.tanh(half * x))


class Spectral(NamedTuple):
    """What the spectrum says, (n,) each: M ~ N(mean, sigma^2) in mag, logit of a companion."""

    mean: Floats
    sigma: Floats
    logit: Floats


def out_of_fold(score: Floats, snr_g: Floats, fold: Floats, model: Globals) -> Said:
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


def calibrated(said: Said, snr_g: Floats, model: Globals) -> Spectral:
    """Mean, ln sigma and logit of networks -> with shift, ln_scale, ln_least, shift_logit of the
    survey and the noise of the spectrum, ``noise`` mag at S/N 1.
    """
    mean, ln_sigma, logit = said
    variance = np.exp(2 * (ln_sigma + model["ln_scale"])) + np.exp(2 * model["ln_least"])
    sigma = np.sqrt(variance + (model["noise"] / snr_g) ** 2)
    return Spectral(mean + model["shift"], sigma, logit + model["shift_logit"])


def likelihood_magnitude(said: Spectral, model: Globals) -> Floats:
    """(n,) M, mag, that the spectrum alone makes most likely: the mean without its pull to where
    stars are many (Tweedie's formula); unbiased at a given true M, as the mean is at a given mean.

    ``model``: likelihood_m (g,) mag, likelihood_slope (g,), d ln N / dM of the means there.
    """
    slope = np.interp(said.mean, model["likelihood_m"], model["likelihood_slope"])
    return said.mean - said.sigma**2 * slope


def spectral_magnitude(
    score: Floats, snr_g: Floats, fold: Floats, **model: Floats
) -> tuple[Floats, ...]:
    """What the spectrum alone says, by a network that never saw the parallax of the star.

    Parameters
    ----------
    score : (n, k); snr_g, fold : (n,)
    model : see ``network``, ``calibrated``, ``likelihood_magnitude``; w0 of length zero where there
        were too few stars

    Returns
    -------
    mk_spec, spec_sigma (mag), companion_logit, mk_likelihood (mag): (n,) each
    """
    if not len(model["w0"]):
        return tuple(np.full((4, len(score)), np.nan))
    said = calibrated(out_of_fold(score, snr_g, fold, model), snr_g, model)
    return *said, likelihood_magnitude(said, model)
