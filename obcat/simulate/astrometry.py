"""Astrometry: Gaia DR2 with its zero point, errors, unseen orbits and crowded neighbours."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat.simulate.ingredients import Recipe

__all__ = [
    "ASTROMETRY",
    "Astrometry",
    "Moving",
    "crowded",
    "measure",
    "orbit_effects",
    "zero_point",
]

Array = NDArray[np.float64]
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
    -0.151,
    (1.45, 1.80),
    1.60,
)  # mas um: Zinn et al. (2019), eq. 4; 1/um; hot stars'
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
    semi-axis of the orbit of its centre of light (mas; 0: none), log10 period (d).
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
    """Stated errors are too small; unseen orbits raise errors and RUWE,
    and falsify parallaxes and motions.
    """
    n, rng = len(star.g), recipe.rng("gaia_errors", chunk)
    orbit = orbit_effects(star.wobble, star.log_period)
    excess = np.hypot(1, orbit.rms / np.interp(star.g, *np.array(TRANSIT).T))
    stated = (
        np.interp(star.g, *np.array(ERROR_G).T)
        * np.exp(ERROR_SCATTER * rng.standard_normal(n))
        * excess
    )
    outlier = np.where(rng.random(n) < OUTLIERS, rng.uniform(*OUTLIER_FACTOR, size=n), 1.0)
    systematic = np.sqrt(np.where(star.g < 13, SYSTEMATIC_BRIGHT, SYSTEMATIC) ** 2 - SKY_RMS**2)
    actual = np.hypot(UNDERESTIMATE * stated, systematic) * outlier * recipe.has("gaia_errors")
    along, east, north = rng.standard_normal((3, n)) * actual
    ruwe = np.exp(RUWE_SCATTER * rng.standard_normal(n)) * excess * np.sqrt(outlier)
    phase = recipe.rng("wobble", chunk).uniform(0, 2 * np.pi, size=n)
    offset = _offset(star, recipe)
    return Astrometry(
        star.parallax + offset + along + orbit.parallax * np.cos(phase), stated,
        star.pmra + PM_ERROR * east + orbit.motion * np.cos(phase),
        star.pmdec + PM_ERROR * north + orbit.motion * np.sin(phase), PM_ERROR * stated, ruwe,
        offset,
    )  # fmt: skip


def _offset(star: Moving, recipe: Recipe) -> Array:
    return zero_point(
        star.g, star.colour, star.ra, star.dec, recipe.rng("zero_point")
    ) * recipe.has("zero_point")


Columns = dict[str, np.ndarray]
Mask = NDArray[np.bool_]
ARCSEC = 1 / 3600
NEIGHBOURS, SEPARATION, FAINTER = 0.04, (0.7, 5.0), (1.0, 6.0)  # of stars; arcsec; mag
COLOURS_WITHIN = 2.5  # arcsec: light of both goes into BP and RP (Evans et al. 2018)
# of stars have a position only (Lindegren et al. 2018, table 1 for G below 17, and crowding)
TWO_PARAMETER = 0.012
SPURIOUS, SPURIOUS_PARALLAX = (
    0.05,
    10.0,
)  # of neighbours with a parallax; mas, scale (Arenou et al. 2018, sect. 4.1)
DOUBLED, DOUBLED_APART = (
    0.004,
    0.3,
)  # of stars are listed twice; arcsec (Arenou et al. 2018, sect. 3.2)
CLOSE, CLOSE_APART, CLOSE_FAINTER = (
    0.003,
    (0.2, 0.6),
    (2.0, 5.0),
)  # pairs that spoil each other; arcsec; mag
FALSE_MOTION, FALSE_ERROR = (
    (60.0, 140.0),
    (5.0, 20.0),
)  # mas/yr of such a pair; times the error of its parallax
MAGNITUDES = ("phot_g_mean_mag", "phot_bp_mean_mag", "phot_rp_mean_mag")
EXCESS = "phot_bp_rp_excess_factor"
ASTROMETRY = ("parallax", "parallax_error", "pmra", "pmra_error", "pmdec", "pmdec_error", "ruwe")


def crowded(gaia: Columns, special: Mask, recipe: Recipe, chunk: int) -> Columns:
    """The sources with all that stands beside them, in the order of their names;
    special ones are left alone.
    """
    if not recipe.has("gaia_matches"):
        return _rows(gaia, np.argsort(gaia["source_id"]))
    rng, own = recipe.rng("gaia_matches", chunk, 1), dict(gaia)
    u = rng.random((4, len(special))) + special
    beside, close, double, bare = (np.flatnonzero(v < share) for v, share in zip(
        u, (NEIGHBOURS, CLOSE, DOUBLED, TWO_PARAMETER), strict=True))  # fmt: skip
    neighbours = _neighbours(own, beside, rng)
    doubles = _doubles(own, double, rng)
    partners = _partners(own, close, rng)
    for name in ASTROMETRY:
        own[name] = np.where(np.isin(np.arange(len(special)), bare), np.nan, own[name])
    every = {
        name: np.concatenate([p[name] for p in (own, neighbours, doubles, partners)])
        for name in own
    }
    return _rows(every, np.argsort(every["source_id"]))


def _neighbours(own: Columns, rows: NDArray[np.int64], rng: np.random.Generator) -> Columns:
    """Fainter sources; half of them have a position only.
    The near ones shine into the star's BP and RP.
    """
    n, near = len(rows), _rows(own, rows)
    apart, fainter = rng.uniform(*SEPARATION, size=n), rng.uniform(*FAINTER, size=n)
    near["ra"], near["dec"] = _beside(near["ra"], near["dec"], apart, rng)
    near["source_id"] = near["source_id"] + 64
    _dim(near, fainter)
    error = near["parallax_error"] * 10 ** (0.2 * fainter)
    wrong = SPURIOUS_PARALLAX * rng.standard_normal(n) * (rng.random(n) < SPURIOUS)
    near["parallax"] = error * rng.standard_normal(n) + rng.exponential(0.4, size=n) + wrong
    near["parallax_error"] = error
    near["pmra"], near["pmdec"] = rng.normal(0, 4, size=(2, n))
    _strip(near, rng.random(n) < 0.5)
    light = 2.5 * np.log10(1 + np.where(apart < COLOURS_WITHIN, 10 ** (-0.4 * fainter), 0))
    for name in MAGNITUDES[1:]:
        own[name] = _changed(own[name], rows, -light)
    own[EXCESS] = _changed(
        own[EXCESS], rows, own[EXCESS][rows] * np.expm1(0.4 * np.log(10) * light)
    )
    return near


def _doubles(own: Columns, rows: NDArray[np.int64], rng: np.random.Generator) -> Columns:
    """A second entry for the same star, without parallax."""
    twin = _rows(own, rows)
    twin["ra"], twin["dec"] = _beside(
        twin["ra"], twin["dec"], rng.uniform(0.05, DOUBLED_APART, size=len(rows)), rng
    )
    twin["source_id"] = twin["source_id"] + 32
    _dim(twin, rng.normal(0, 0.05, size=len(rows)))
    _strip(twin, np.ones(len(rows), dtype=bool))
    return twin


def _partners(own: Columns, rows: NDArray[np.int64], rng: np.random.Generator) -> Columns:
    """A faint source so close that the star's own motion and parallax are false: moved back to the
    epoch of the targets, the star is farther from its place than the faint one.
    """
    n, near = len(rows), _rows(own, rows)
    apart, angle = rng.uniform(*CLOSE_APART, size=n), rng.uniform(0, 2 * np.pi, size=n)
    near["ra"], near["dec"] = _beside(near["ra"], near["dec"], apart, rng)
    near["source_id"] = near["source_id"] + 96
    _dim(near, rng.uniform(*CLOSE_FAINTER, size=n))
    _strip(near, np.ones(n, dtype=bool))
    motion, worse = rng.uniform(*FALSE_MOTION, size=n), rng.uniform(*FALSE_ERROR, size=n)
    error = own["parallax_error"][rows]
    own["pmra"] = _changed(own["pmra"], rows, motion * np.sin(angle))
    own["pmdec"] = _changed(own["pmdec"], rows, motion * np.cos(angle))
    own["parallax"] = _changed(own["parallax"], rows, error * worse * rng.standard_normal(n))
    for name in ("parallax_error", "pmra_error", "pmdec_error"):
        own[name] = _changed(own[name], rows, own[name][rows] * (worse - 1))
    own["ruwe"] = _changed(own["ruwe"], rows, worse / 2)
    return near


def _beside(ra: Array, dec: Array, arcsec: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    distance, angle = arcsec * ARCSEC, rng.uniform(0, 2 * np.pi, size=len(ra))
    return (ra + distance * np.sin(angle) / np.cos(np.radians(dec))) % 360, dec + distance * np.cos(
        angle
    )


def _dim(columns: Columns, fainter: Array) -> None:
    for name in MAGNITUDES:
        columns[name] = columns[name] + fainter


def _strip(columns: Columns, rows: Mask) -> None:
    for name in ASTROMETRY:
        columns[name] = np.where(rows, np.nan, columns[name])


def _changed(values: Array, rows: NDArray[np.int64], by: Array) -> Array:
    out = values.copy()
    out[rows] += by
    return out


def _rows(columns: Columns, rows: NDArray[np.int64]) -> Columns:
    return {name: values[rows] for name, values in columns.items()}
