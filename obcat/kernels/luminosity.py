"""Luminosity: absolute magnitude from coefficients by the networks, its error, its range; what the
dust does to coefficients, and which of its clouds stars share, a Gaussian field over the sky.
"""

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from obcat.kernels.pca import product

__all__ = [
    "CLOUDS",
    "REFERENCE_SNR",
    "even_places",
    "freed_of_dust",
    "imprint_terms",
    "luminosity",
    "mk_error",
    "near_clouds",
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


CLOUDS = 6000  # places over the whole sky, 2.6 degrees apart
WIDTH = 1.8  # degrees: of each, 100 pc at 3 kpc
NEAR = 24  # places about a star that count: farther ones are below a thousandth
REGIONS, ABOUT = 400, 110  # of the sky, and places about each among which those of its stars are
ROWS = 2048


def even_places(places: int) -> Floats:
    """(places, 3) unit vectors evenly over the sky, in the order of sin b: a Fibonacci lattice."""
    k = np.arange(places)
    z, turn = (2 * k + 1) / places - 1, k * np.pi * (3 - np.sqrt(5))
    flat = np.sqrt(1 - z**2)
    return np.stack([flat * np.cos(turn), flat * np.sin(turn), z], axis=1)


def near_clouds(longitude: Floats, sin_latitude: Floats) -> tuple[Floats, Floats]:
    """(n, 24) places about stars at longitude, radians, and the weight of each, Gaussian of its
    angle and of unit length: a field that is N(0, s^2) at places is so at stars. 0 where unknown.
    """
    known = np.isfinite(longitude + sin_latitude)
    turn, sin_b = np.where(known, longitude, 0.0), np.where(known, sin_latitude, 0.0)
    cos_b = np.sqrt(1 - sin_b**2)
    star = np.stack([cos_b * np.cos(turn), cos_b * np.sin(turn), sin_b], axis=1)
    parts = [_nearest(star[i : i + ROWS]) for i in range(0, max(len(star), 1), ROWS)]
    place, cosine = (np.concatenate(column) for column in zip(*parts, strict=True))
    near = np.exp((cosine - 1) / np.radians(WIDTH) ** 2) * known[:, None]
    return place.astype(float), near / np.sqrt(
        (near**2).sum(axis=1, keepdims=True) + ~known[:, None]
    )


def _nearest(star: Floats) -> tuple[NDArray[np.intp], Floats]:
    """(n, 24) the nearest places, in their order, and the cosine of the angle to each."""
    place = _about()[(star @ even_places(REGIONS).T).argmax(axis=1)]
    cosine = np.einsum("ijk,ik->ij", even_places(CLOUDS)[place], star)
    at = np.sort(np.argpartition(-cosine, NEAR, axis=1)[:, :NEAR], axis=1)
    return np.take_along_axis(place, at, 1), np.take_along_axis(cosine, at, 1)


@cache
def _about() -> NDArray[np.intp]:
    """(REGIONS, ABOUT) the nearest places to each, in their order."""
    cosine = even_places(REGIONS) @ even_places(CLOUDS).T
    return np.sort(np.argpartition(-cosine, ABOUT, axis=1)[:, :ABOUT], axis=1)


LAYERS = ("w0", "b0", "w1", "b1", "w2", "b2")


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
        predict(score_full, **_only(full, LAYERS)),
        predict(score_clean, **_only(clean, LAYERS)),
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
