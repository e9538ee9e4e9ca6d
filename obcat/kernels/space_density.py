"""Where stars are, how Gaia saw them, and how luminous their spectra are: density along a line of
sight, likelihood of a parallax, and absolute magnitude by networks of which each judges the stars
it did not see (in the paper one network judges those it learnt from too).

Each formula takes ``xp``, the module of its arrays: numpy, or another one of the same names where
gradients are wanted. A model is a mapping of names to arrays, ``Globals``:

zero_point (8,) mas at G of ``KNOTS``, beside the published one; zero_point_colour, mas um, its
slope with the effective wavenumber about ``MIDDLE_NU``; zero_point_sky (``PLACES``,), mas, what it
has beside at places over the sky; ln_factor, of the published errors; ln_floor (2,), of errors in
mas brighter and fainter than ``FLOOR_G``; ln_ruwe, mas for each unit of RUWE above ``SOUND``;
ln_wobble, of what orbits add, over the parallax; ln_tails, of nu - 2 of Student's t; density (7,),
of the Galaxy: slope and curvature with ln d, ln of the scale heights of the thin and the thick
layer (kpc), ln of the share of the thick one, 1/kpc of the disc, of its heights; outside, of stars
from outside the sample: slope with ln d; dust_level, dust_cos (4,), dust_sin (4,), dust_sky
(``CLOUDS``,), dust_ln_height, dust_fall (1/kpc) and dust_ln_scatter of the dust. What the networks
take, ``network`` says.
"""

from collections.abc import Mapping
from inspect import signature
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat.kernels.luminosity import even_places, near_clouds
from obcat.kernels.pca import product

__all__ = [
    "DUST_TAILS",
    "KNOTS",
    "LAYERS",
    "LN10",
    "LN_SIGMA",
    "LOGIT",
    "PLACES",
    "REFERENCE_SNR_G",
    "SIGHT",
    "Globals",
    "Sight",
    "Spectral",
    "calibrated",
    "freed_of_noise",
    "likelihood_magnitude",
    "ln_parallax",
    "ln_reddening",
    "ln_space_density",
    "near_places",
    "network",
    "noise_variance",
    "out_of_fold",
    "sight",
    "zero_point",
]

KNOTS = np.array([8.0, 10.0, 11.5, 12.5, 13.5, 15.0, 16.5, 18.0])  # mag in G
MIDDLE_NU = 1.6  # 1/um, of hot stars behind some dust
PLACES, PATCH = 200, 10.0  # over the whole sky, 14 degrees apart; width of each (degrees)
FLOOR_G = 13.0  # mag: Gaia DR2 has other errors on both sides of it
SOUND, WORST = 1.2, 6.2  # RUWE from which and up to which errors grow
SUN_HEIGHT, SUN_R = 0.02, 8.1  # kpc above the plane; from the centre (GRAVITY 2018)
_GAUSS = np.polynomial.legendre.leggauss(3)
WITHIN, SHARES = 0.5 * (1 + _GAUSS[0]), 0.5 * _GAUSS[1]  # of a column: Gauss and Legendre
HARMONICS = np.arange(1, 5)  # of longitude, in the dust
DUST_TAILS = 6.0  # degrees of freedom of Student's t of ln E(B-V)
LEAST_EBV = 0.03  # mag; smaller ones say no more than that there is hardly any dust
LN10 = float(np.log(10))
USUAL_LOGG, USUAL_LOG_TEFF = 4.0, 4.1  # of the stars whose pairs are as usual
REACH = (-0.8, 0.6), (-0.15, 0.25)  # dex about them, from which on pairs change no more
UNKNOWN = {"g": 14.0, "ruwe": 1.0, "parallax_error": 1.0, "nu_eff": MIDDLE_NU}

Floats = NDArray[np.floating]
Globals = Mapping[str, Any]


class Sight(NamedTuple):
    """What is known of n stars but for their spectra, (n,) each.

    magnitude : Ks less its extinction, mag; variance : its error squared, mag^2
    parallax, parallax_error : mas, less the published zero point; has_parallax : 1 where they
    count, else 0
    weights : (n, 8) of the zero point at ``KNOTS``; faint : 1 from ``FLOOR_G`` on
    excess_ruwe : RUWE above ``SOUND``
    longitude, sin_latitude : radians; Galactic
    ln_ebv : of E(B-V), at least ``LEAST_EBV``; has_ebv : 1 where it counts, else 0
    clouds, near : (n, 24) see ``kernels.luminosity.near_clouds``
    outside : 1 where a star is from outside the sample, chosen by other rules, its parallax without
    zero point and with an error that holds; else 0
    emission : 1 where lines are seen in emission, else 0
    evolved, hotter : log g - 4 and log Teff - 4.1, dex, as far as companions change with them; 0
    where unknown; labelled : 1 where both are known, else 0
    """

    magnitude: Any
    variance: Any
    parallax: Any
    parallax_error: Any
    has_parallax: Any
    weights: Any
    colour: Any
    faint: Any
    excess_ruwe: Any
    longitude: Any
    sin_latitude: Any
    ln_ebv: Any
    has_ebv: Any
    clouds: Any
    near: Any
    outside: Any
    emission: Any
    evolved: Any
    hotter: Any
    labelled: Any

    def rows(self, chosen: Any) -> "Sight":
        return Sight(*(column[chosen] for column in self))


def sight(
    ks0: Floats,
    ks0_err: Floats,
    ebv: Floats,
    parallax: Floats,
    parallax_error: Floats,
    g_gaia: Floats,
    ruwe: Floats,
    glon: Floats,
    glat: Floats,
    nu_eff: Floats,
    teff: Floats,
    logg: Floats,
) -> Sight:
    """Columns of the survey (n,), mag, mas, degrees, 1/um, K, dex, NaN where unknown -> ``Sight``.

    The magnitude less its extinction, the parallax as the archive gives it, less the zero point
    that was published. A star without E(B-V) has no place among the dust.
    """
    seen = np.isfinite(parallax) & np.isfinite(parallax_error)
    longitude, sin_latitude = np.radians(glon), np.sin(np.radians(glat))
    clouds, near = near_clouds(longitude, sin_latitude)
    evolved = np.clip(_filled(logg, USUAL_LOGG) - USUAL_LOGG, *REACH[0])
    hotter = np.clip(np.log10(_filled(teff, 10**USUAL_LOG_TEFF)) - USUAL_LOG_TEFF, *REACH[1])
    place = np.clip(_filled(g_gaia, UNKNOWN["g"]), KNOTS[0], KNOTS[-1])
    return Sight(
        magnitude=ks0,
        variance=ks0_err**2,
        parallax=np.where(seen, parallax, 0.0),
        parallax_error=np.where(seen, parallax_error, UNKNOWN["parallax_error"]),
        has_parallax=seen.astype(float),
        weights=np.stack([np.interp(place, KNOTS, row) for row in np.eye(len(KNOTS))], axis=1),
        colour=_filled(nu_eff, UNKNOWN["nu_eff"]) - MIDDLE_NU,
        faint=(place >= FLOOR_G).astype(float),
        excess_ruwe=np.clip(_filled(ruwe, UNKNOWN["ruwe"]), SOUND, WORST) - SOUND,
        longitude=longitude,
        sin_latitude=sin_latitude,
        ln_ebv=np.log(np.maximum(_filled(ebv, LEAST_EBV), LEAST_EBV)),
        has_ebv=np.isfinite(ebv).astype(float),
        clouds=clouds,
        near=near,
        outside=np.zeros(len(ks0)),
        emission=np.zeros(len(ks0)),
        evolved=evolved,
        hotter=hotter,
        labelled=np.isfinite(teff + logg).astype(float),
    )


SIGHT = tuple(signature(sight).parameters)  # the columns that it takes, in their order


def zero_point(stars: Sight, model: Globals, xp: Any = np) -> Any:
    """(n,) mas, of the parallaxes beside the published one: of G, linear between ``KNOTS`` and
    constant beyond; of the colour; of the place, so that it is as large everywhere a priori.
    """
    of_g = (stars.weights * model["zero_point"]).sum(1)
    patches = _patches(stars.longitude, stars.sin_latitude, xp)
    of_place = (patches * model["zero_point_sky"]).sum(1) / xp.sqrt((patches**2).sum(1))
    return (of_g + model["zero_point_colour"] * stars.colour + of_place) * (1 - stars.outside)


def near_places(ra: Floats, dec: Floats) -> Floats:
    """(n, PLACES) how near stars (n,) at ra, dec (degrees) are to each place, of unit length."""
    near = _patches(np.radians(ra), np.sin(np.radians(dec)), np)
    return near / np.sqrt((near**2).sum(axis=1, keepdims=True))


def _patches(longitude: Any, sin_latitude: Any, xp: Any) -> Any:
    """(n, PLACES) Gaussian of the angle to each of the places of a Fibonacci lattice."""
    x, y, z = (xp.asarray(a.astype(np.float32)) for a in even_places(PLACES).T)
    cos_b = xp.sqrt(1 - sin_latitude**2)
    east, north = cos_b * xp.cos(longitude), cos_b * xp.sin(longitude)
    cosine = east[:, None] * x + north[:, None] * y + sin_latitude[:, None] * z
    return xp.exp((cosine - 1) / float(np.radians(PATCH)) ** 2)


def _filled(values: Floats, instead: float) -> Floats:
    return np.where(np.isfinite(values), values, instead)


def _outwards(stars: Sight, d: Any, xp: Any) -> Any:
    """(n, g) kpc by which places at the distances d are farther from the centre than the Sun."""
    flat = d * xp.sqrt(1 - stars.sin_latitude**2)[:, None]
    towards = SUN_R * xp.cos(stars.longitude)[:, None]
    return xp.sqrt(SUN_R**2 + flat * (flat - 2 * towards)) - SUN_R


def ln_reddening(stars: Sight, model: Globals, d: Any, xp: Any = np) -> Any:
    """(n, g) ln E(B-V) expected at the distances d (n, g), kpc.

    Dust in an exponential layer, as much at the Sun as the longitude says (four harmonics) and the
    place, since stars behind one cloud are alike; less and less outwards: the mean of that in three
    parts of the column of the layer.
    """
    turns = stars.longitude[:, None] * xp.asarray(HARMONICS)
    waves = model["dust_cos"] * xp.cos(turns) + model["dust_sin"] * xp.sin(turns)
    reach = xp.exp(model["dust_ln_height"]) / xp.clip(xp.abs(stars.sin_latitude), 1e-3, 1.0)
    clouds = (model["dust_sky"][xp.asarray(stars.clouds, dtype=xp.int64)] * stars.near).sum(1)
    local, reach = model["dust_level"] + waves.sum(1) + clouds, reach[:, None]
    column = -xp.expm1(-d / reach)
    outwards = (_outwards(stars, -reach * xp.log1p(-x * column), xp) for x in WITHIN.tolist())
    fall = zip(SHARES.tolist(), outwards, strict=True)
    mean = sum(share * xp.exp(-model["dust_fall"] * r) for share, r in fall)
    return (local[:, None] + xp.log(reach)) + xp.log(column) + xp.log(mean)


def ln_space_density(stars: Sight, model: Globals, modulus: Any, xp: Any = np) -> Any:
    """(n, g) ln of the stars per magnitude of distance modulus, but for a constant.

    Two exponential layers of a disc, thicker and with fewer stars outwards, a power law of ln d
    along the line of sight, times the density of ln E(B-V), Student's t about ``ln_reddening``,
    where there is dust in the model; a power law alone of stars from outside. A model without a
    density has as many stars at each distance.
    """
    ln_d = LN10 * (0.2 * modulus - 2)
    if "density" not in model:
        return ln_d
    d = xp.exp(ln_d)
    slope, curvature, thin, thick, share, fall, flare = model["density"]
    outwards = _outwards(stars, d, xp)
    z = xp.abs(d * stars.sin_latitude[:, None] + SUN_HEIGHT) * xp.exp(-flare * outwards)
    layers = xp.logaddexp(-z * xp.exp(-thin) - thin, share - z * xp.exp(-thick) - thick)
    ln = slope * ln_d + curvature * ln_d**2 + layers - (fall + flare) * outwards
    if "dust_level" not in model:
        return ln
    off = stars.ln_ebv[:, None] - ln_reddening(stars, model, d, xp)
    spread = DUST_TAILS * xp.exp(2 * model["dust_ln_scatter"])
    dust = 0.5 * (DUST_TAILS + 1) * xp.log1p(off**2 / spread)
    ln = ln - dust * stars.has_ebv[:, None]
    return ln + (model["outside"] * ln_d - ln) * stars.outside[:, None]


def ln_parallax(stars: Sight, model: Globals, modulus: Any, blur: Any = 0.0, xp: Any = np) -> Any:
    """(n, g) ln of the density of the parallax at a distance modulus; 0 without a parallax.

    Student's t about 1/d and the zero point; what hangs on nu alone is left out. ``blur``, steps of
    a grid in mag, widens it by half a step, so that no peak falls between two points.
    """
    floor = model["ln_floor"][0] * (1 - stars.faint) + model["ln_floor"][1] * stars.faint
    beside = (
        (xp.exp(2 * model["ln_factor"]) - 1) * stars.parallax_error**2
        + xp.exp(2 * floor)
        + xp.exp(2 * model["ln_ruwe"]) * stars.excess_ruwe**2
    )
    variance = stars.parallax_error**2 + (1 - stars.outside) * beside
    nu = 2 + xp.exp(model["ln_tails"])
    measured = stars.parallax - zero_point(stars, model, xp)
    true = xp.exp(LN10 * (2 - 0.2 * modulus))
    wobble = ((1 - stars.outside) * xp.exp(2 * model["ln_wobble"]))[:, None]
    variance = variance[:, None] + true**2 * ((0.1 * LN10 * blur) ** 2 + wobble)
    tails = 0.5 * (nu + 1) * xp.log1p((measured[:, None] - true) ** 2 / (nu * variance))
    return -(tails + 0.5 * xp.log(variance)) * stars.has_parallax[:, None]


REFERENCE_SNR_G = 50.0
LAYERS = ("w0", "b0", "w1", "b1", "w2", "linear", "b2", "v0", "c0", "v1", "c1")
LARGEST_NOISE = 1.0  # mag^2
LN_SIGMA, LOGIT = (-4.0, 1.5), (-5.0, 4.0)  # limits of what a network may say


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


def noise_variance(mean: Floats, snr_g: Floats, model: Globals) -> Floats:
    """(n,) mag^2: what the noise of the spectrum does to the mean of a network.

    ``model``: noise_m (g,) mag, noise_at (g,) mag at S/N 1 there.
    """
    at = np.interp(mean, model["noise_m"], model["noise_at"])
    return np.minimum((at / snr_g) ** 2, LARGEST_NOISE)


def freed_of_noise(said: Said, snr_g: Floats, model: Globals) -> Said:
    """What networks say -> with the mean M of stars whose noisy spectra look like that.

    Noise carries more stars out of where they are many than into there: mean + variance of the
    noise x d ln n / dM (Tweedie's formula; Robbins 1956), n stars in a volume. The network knows
    no S/N and learns what is so on average.

    ``model``: see ``noise_variance``; noise_slope (g,), d ln n / dM at noise_m.
    """
    mean, ln_sigma, logit = said
    slope = np.interp(mean, model["noise_m"], model["noise_slope"])
    return mean + noise_variance(mean, snr_g, model) * slope, ln_sigma, logit


def calibrated(said: Said, snr_g: Floats, emission: Floats, model: Globals) -> Spectral:
    """Mean, ln sigma and logit of networks -> with shift, ln_scale, shift_emission and
    ln_emission (where that is 1), ln_least, shift_logit of the survey, the noise of the spectrum
    (``freed_of_noise``, ``noise_variance``).
    """
    mean, ln_sigma, logit = freed_of_noise(said, snr_g, model)
    scale = model["ln_scale"] + model["ln_emission"] * emission
    variance = np.exp(2 * (ln_sigma + scale)) + np.exp(2 * model["ln_least"])
    sigma = np.sqrt(variance + noise_variance(said[0], snr_g, model))
    moved = mean + model["shift"] + model["shift_emission"] * emission
    return Spectral(moved, sigma, logit + model["shift_logit"])


def likelihood_magnitude(said: Spectral, model: Globals) -> Floats:
    """(n,) M, mag, that the spectrum alone makes most likely: the mean without its pull to where
    stars are many (Tweedie's formula); unbiased at a given true M, as the mean is at a given mean.

    ``model``: likelihood_m (g,) mag, likelihood_slope (g,), d ln N / dM of the means there.
    """
    slope = np.interp(said.mean, model["likelihood_m"], model["likelihood_slope"])
    return said.mean - said.sigma**2 * slope
