"""Astrometry: Gaia DR2 with its zero point, errors, unseen orbits and companions."""

from typing import NamedTuple

import numpy as np

from obcat.simulate import neighbours as crowd
from obcat.simulate.ingredients import Recipe
from obcat.statistics import Array

__all__ = [
    "Astrometry",
    "Moving",
    "measure",
    "orbit_effects",
    "zero_point",
]

ERROR_G = (
    (8.0, 0.045),
    (12.0, 0.038),
    (14.0, 0.032),
    (15.0, 0.038),
    (16.0, 0.060),
    (17.0, 0.10),
    (18.0, 0.17),
)  # mas
ERROR_SCATTER = 0.15  # ln
# mas: Stassun & Torres (2018) at the bright end, Zinn et al. (2019) at 12, Lindegren et al.
# (2018)'s quasars
ZERO_POINT = (
    (8.0, -0.082), (10.0, -0.070), (12.0, -0.053), (14.0, -0.042), (16.0, -0.034), (17.5, -0.029),
)  # fmt: skip
COLOUR_SLOPE, COLOURS, COLOUR_MIDDLE = (
    0.151,
    (1.45, 1.80),
    1.60,
)  # mas um: Zinn et al. (2019), abstract (bluer: nearer to none); 1/um; hot stars'
SKY_RMS, SKY_SCALE, WAVES = (
    0.017,
    14.0,
    32,
)  # mas, deg: large-scale part of Lindegren et al. (2018), sect. 5.4
UNDERESTIMATE, SYSTEMATIC_BRIGHT, SYSTEMATIC = (
    1.08,
    0.021,
    0.043,
)  # Lindegren et al. (2018): factor; mas, G < 13, > 13
OUTLIERS, OUTLIER_FACTOR = (
    0.03,
    (2.0, 5.0),
)  # of the stars; times the error, blends and disturbed solutions
CROWDED_FACTOR, CROWDED_SHIFT = 0.3, -0.010  # of the error, mas, where it is most crowded: assumed
HALF_FACTOR = (1.0, 4.0)  # of the error of pairs half resolved: El-Badry (2025)
TAIL, TAIL_CROWDED, TAIL_FACTOR = (
    0.004,
    0.02,
    (0.7, 1.7),
)  # of the stars, and where most crowded; log10 of times the error: chosen
TAIL_SEEN, TAIL_RUWE = 0.5, (1.2, 4.0)  # of those show it in RUWE; times
RUWE_SCATTER = 0.06  # ln
MISSION, YEAR = 668.0, 365.25  # d of DR2, d
TRANSIT = (
    (8.0, 0.30), (12.0, 0.25), (13.0, 0.15), (14.0, 0.20), (15.0, 0.30), (16.0, 0.48),
    (17.0, 0.80), (18.0, 1.4),
)  # fmt: skip
# mas, residual of one observation along the scan: Lindegren et al. (2018), fig. 9
# orbits longer than this many missions pass for straight motion: rms 1.47 a (T/P)^2 after a line
STRAIGHT = 1.44
PM_ERROR = 1.8  # mas/yr for 1 mas of parallax error


class Moving(NamedTuple):
    """What is true of each star: parallax (mas), motion (mas/yr), G, BP - RP, place (deg),
    semi-axis of the orbit of its centre of light (mas; 0: none), log10 period (d), companion.
    """

    parallax: Array
    pmra: Array
    pmdec: Array
    g: Array
    colour: Array
    ra: Array
    dec: Array
    wobble: Array
    log_period: Array
    pair: crowd.Pairs | None = None


class Astrometry(NamedTuple):
    """Parallax and proper motion as published (mas, mas/yr), their stated errors, RUWE;
    the true offset (mas).
    """

    parallax: Array
    parallax_error: Array
    pmra: Array
    pmdec: Array
    pm_error: Array
    ruwe: Array
    offset: Array


def zero_point(g: Array, colour: Array, ra: Array, dec: Array, rng: np.random.Generator) -> Array:
    """What Gaia's parallaxes have too much (negative: too little), mas:
    of magnitude, colour and place.
    """
    by_colour = COLOUR_SLOPE * (_wavenumber(colour) - COLOUR_MIDDLE)
    return np.interp(g, *np.array(ZERO_POINT).T) + by_colour + _pattern(ra, dec, rng)


def _wavenumber(colour: Array) -> Array:
    """Effective wavenumber (1/um) of BP - RP (Lindegren et al. 2021, eq.
    3), no farther than the slope was measured.
    """
    return np.clip(1.76 - 1.61 / np.pi * np.arctan(0.531 * np.nan_to_num(colour)), *COLOURS)


def _pattern(ra: Array, dec: Array, rng: np.random.Generator) -> Array:
    """Random waves on the sphere, the same wherever the same generator begins."""
    wave, phase = (
        rng.standard_normal((3, WAVES)) / np.radians(SKY_SCALE),
        rng.uniform(0, 2 * np.pi, size=WAVES),
    )
    a, d = np.radians(ra), np.radians(dec)
    place = np.stack([np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)], axis=1)
    return SKY_RMS * np.sqrt(2 / WAVES) * np.cos(place @ wave + phase).sum(1)


class _OrbitEffects(NamedTuple):
    """rms of one observation about the solution (mas),
    false parallax (mas) and false motion (mas/yr), both largest.
    """

    rms: Array
    parallax: Array
    motion: Array


def orbit_effects(wobble: Array, log_period: Array) -> _OrbitEffects:
    """A long orbit passes for proper motion, one near a year for parallax; the rest is noise."""
    period = 10 ** np.where(wobble > 0, log_period, 0.0)
    seen = 1 / (1 + (period / (STRAIGHT * MISSION)) ** 2)
    like_parallax = np.abs(np.sinc(MISSION * (1 / period - 1 / YEAR)))
    rms = wobble / np.sqrt(2) * seen * np.sqrt(1 - like_parallax**2)
    return _OrbitEffects(
        rms, wobble * like_parallax * seen, 2 * np.pi * wobble / (period / YEAR) * (1 - seen)
    )


def measure(star: Moving, recipe: Recipe, chunk: int) -> Astrometry:
    """Stated errors are too small, more so in crowds; unseen orbits and companions half resolved
    raise errors and RUWE, and falsify parallaxes and motions; a few are far off.
    """
    n, rng = len(star.g), recipe.rng("gaia_errors", chunk)
    orbit, half = orbit_effects(star.wobble, star.log_period), _half(star, recipe, chunk)
    transit = np.interp(star.g, *np.array(TRANSIT).T)
    excess = np.sqrt(1 + (orbit.rms / transit) ** 2 + (half.rms / transit) ** 2)
    stated = (
        np.interp(star.g, *np.array(ERROR_G).T)
        * np.exp(ERROR_SCATTER * rng.standard_normal(n))
        * excess
    )
    outlier = np.where(rng.random(n) < OUTLIERS, rng.uniform(*OUTLIER_FACTOR, size=n), 1.0)
    wrong = _tail(star, recipe, chunk)
    systematic = np.sqrt(np.where(star.g < 13, SYSTEMATIC_BRIGHT, SYSTEMATIC) ** 2 - SKY_RMS**2)
    core = np.hypot(
        UNDERESTIMATE * stated * _crowded_factor(star, recipe) * half.factor, systematic
    )
    actual = core * outlier * wrong.factor * recipe.has("gaia_errors")
    along, east, north = rng.standard_normal((3, n)) * actual
    ruwe = np.exp(RUWE_SCATTER * rng.standard_normal(n)) * excess * np.sqrt(outlier) * wrong.ruwe
    phase = recipe.rng("wobble", chunk).uniform(0, 2 * np.pi, size=n)
    offset = _offset(star, recipe)
    return Astrometry(
        star.parallax + offset + along + orbit.parallax * np.cos(phase), stated,
        star.pmra + PM_ERROR * east + orbit.motion * np.cos(phase),
        star.pmdec + PM_ERROR * north + orbit.motion * np.sin(phase), PM_ERROR * stated, ruwe,
        offset,
    )  # fmt: skip


class _Half(NamedTuple):
    """Of companions half resolved: rms added to an observation (mas), and to the error (times)."""

    rms: Array
    factor: Array


def _half(star: Moving, recipe: Recipe, chunk: int) -> _Half:
    n, rng = len(star.g), recipe.rng("half_resolved", chunk)
    if star.pair is None or not recipe.has("half_resolved"):
        return _Half(np.zeros(n), np.ones(n))
    rms = crowd.disturbance(star.pair, rng)
    seen = rms > np.interp(star.g, *np.array(TRANSIT).T)
    return _Half(rms, np.where(seen, rng.uniform(*HALF_FACTOR, size=n), 1.0))


class _Tail(NamedTuple):
    """What parallaxes far off have too much of: error and RUWE (times)."""

    factor: Array
    ruwe: Array


def _tail(star: Moving, recipe: Recipe, chunk: int) -> _Tail:
    n, rng = len(star.g), recipe.rng("gaia_tail", chunk)
    share = TAIL + (TAIL_CROWDED - TAIL) * crowd.crowding(star.ra, star.dec)
    wrong = (rng.random(n) < share) & recipe.has("gaia_tail")
    shown = wrong & (rng.random(n) < TAIL_SEEN)
    factor, ruwe = 10 ** rng.uniform(*TAIL_FACTOR, size=n), rng.uniform(*TAIL_RUWE, size=n)
    return _Tail(np.where(wrong, factor, 1.0), np.where(shown, ruwe, 1.0))


def _crowded_factor(star: Moving, recipe: Recipe) -> Array:
    return 1 + CROWDED_FACTOR * crowd.crowding(star.ra, star.dec) * recipe.has("crowding")


def _offset(star: Moving, recipe: Recipe) -> Array:
    shift = CROWDED_SHIFT * crowd.crowding(star.ra, star.dec) * recipe.has("crowding")
    point = zero_point(star.g, star.colour, star.ra, star.dec, recipe.rng("zero_point"))
    return (point + shift) * recipe.has("zero_point")
