"""Where stars are, and how Gaia saw them: density along a line of sight, in a disc with spiral arms
and behind dust, of whose clouds stars share some, a Gaussian field; likelihood of a parallax.

Each formula takes ``xp``, the module of its arrays: numpy, or another one of the same names where
gradients are wanted. A model is a mapping of names to arrays, ``Globals``:

zero_point (8,) mas at G of ``KNOTS``, beside the published one; zero_point_colour, mas um, its
slope with the effective wavenumber about ``MIDDLE_NU``; zero_point_sky (``PLACES``,), mas, what it
has beside at places over the sky; ln_factor, of the published errors; ln_floor (2,), of errors in
mas brighter and fainter than ``FLOOR_G``; ln_ruwe, mas for each unit of RUWE above ``SOUND``;
ln_wobble, of what orbits add, over the parallax; ln_tails, of nu - 2 of Student's t; density (8,),
of the Galaxy: slope and curvature with ln d, ln of the scale heights of the thin and the thick
layer (kpc), ln of the share of the thick one, 1/kpc of the disc, of its heights, ln of what an arm
has more than the disc between arms, over that; outside, of stars from outside the sample: slope
with ln d; dust_level, dust_cos (4,), dust_sin (4,), dust_sky (``CLOUDS``,), dust_ln_height,
dust_fall (1/kpc) and dust_ln_scatter of the dust.
"""

from collections.abc import Mapping
from functools import cache
from inspect import signature
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ARMS", "CLOUDS", "DUST_TAILS", "KNOTS", "LN10", "PLACES", "SIGHT", "SUN_R", "Arm",
    "Globals", "Place", "Sight", "arm_radius", "arm_share", "even_places", "ln_parallax",
    "ln_reddening", "ln_space_density", "near_arms", "near_clouds", "near_places", "patches",
    "places", "sight", "zero_point",
]  # fmt: skip

KNOTS = np.array([8.0, 10.0, 11.5, 12.5, 13.5, 15.0, 16.5, 18.0])  # mag in G
MIDDLE_NU = 1.6  # 1/um, of hot stars behind some dust
PLACES, PATCH = 200, 10.0  # over the whole sky, 14 degrees apart; width of each (degrees)
FLOOR_G = 13.0  # mag: Gaia DR2 has other errors on both sides of it
SOUND, WORST = 1.2, 6.2  # RUWE from which and up to which errors grow
SUN_HEIGHT = 0.02  # kpc above the plane
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
    clouds, near : (n, 24) see ``near_clouds``
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


def zero_point(stars: Sight, model: Globals, xp: Any = np, near: Any = None) -> Any:
    """(n,) mas, of the parallaxes beside the published one: of G, linear between ``KNOTS`` and
    constant beyond; of the colour; of the place, so that it is as large everywhere a priori.
    ``near``: ``patches``, where they are known.
    """
    of_g = (stars.weights * model["zero_point"]).sum(1)
    near = patches(stars.longitude, stars.sin_latitude, xp) if near is None else near
    of_place = (near * model["zero_point_sky"]).sum(1) / xp.sqrt((near**2).sum(1))
    return (of_g + model["zero_point_colour"] * stars.colour + of_place) * (1 - stars.outside)


def near_places(ra: Floats, dec: Floats) -> Floats:
    """(n, PLACES) how near stars (n,) at ra, dec (degrees) are to each place, of unit length."""
    near = patches(np.radians(ra), np.sin(np.radians(dec)), np)
    return near / np.sqrt((near**2).sum(axis=1, keepdims=True))


def patches(longitude: Any, sin_latitude: Any, xp: Any) -> Any:
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


class Place(NamedTuple):
    """Where stars would be at distances (n, g), and how likely their E(B-V) is there.

    ln_d : of kpc; outwards, height : kpc farther from the centre than the Sun, and off the plane;
    arm : ``near_arms``; ln_dust : ln of the density of ln E(B-V), 0 where there is no dust
    """

    ln_d: Any
    outwards: Any
    height: Any
    arm: Any
    ln_dust: Any

    def rows(self, chosen: Any) -> "Place":
        return Place(*(column[chosen] for column in self))


def places(stars: Sight, model: Globals, modulus: Any, xp: Any = np) -> Place:
    """At distance moduli (n, g). Of the model only the dust counts, Student's t of it."""
    ln_d = LN10 * (0.2 * modulus - 2)
    d, turn = xp.exp(ln_d), stars.longitude[:, None]
    height = xp.abs(d * stars.sin_latitude[:, None] + SUN_HEIGHT)
    flat = d * xp.sqrt(1 - stars.sin_latitude**2)[:, None]
    arm = near_arms(flat * xp.cos(turn), flat * xp.sin(turn), xp)
    if "dust_level" not in model:
        return Place(ln_d, _outwards(stars, d, xp), height, arm, xp.zeros_like(d))
    off = stars.ln_ebv[:, None] - ln_reddening(stars, model, d, xp)
    spread = DUST_TAILS * xp.exp(2 * model["dust_ln_scatter"])
    dust = 0.5 * (DUST_TAILS + 1) * xp.log1p(off**2 / spread)
    return Place(ln_d, _outwards(stars, d, xp), height, arm, -dust * stars.has_ebv[:, None])


def ln_space_density(
    stars: Sight, model: Globals, modulus: Any, xp: Any = np, at: Place | None = None
) -> Any:
    """(n, g) ln of the stars per magnitude of distance modulus, but for a constant.

    Two exponential layers of a disc, thicker and with fewer stars outwards, more of them on spiral
    arms (``near_arms``), a power law of ln d along the line of sight, times the density of ln
    E(B-V), where there is dust in the model; a power law alone of stars from outside. A model
    without a density has as many stars at each distance. ``at``: ``places``, where they are known.
    """
    if "density" not in model:
        return LN10 * (0.2 * modulus - 2)
    ln_d, outwards, height, arm, ln_dust = at or places(stars, model, modulus, xp)
    slope, curvature, thin, thick, share, fall, flare, arms = model["density"]
    z = height * xp.exp(-flare * outwards)
    layers = xp.logaddexp(-z * xp.exp(-thin) - thin, share - z * xp.exp(-thick) - thick)
    on_arms = xp.log1p(xp.exp(arms) * arm)
    ln = slope * ln_d + curvature * ln_d**2 + layers - (fall + flare) * outwards + on_arms
    if "dust_level" not in model:
        return ln
    ln = ln + ln_dust
    return ln + (model["outside"] * ln_d - ln) * stars.outside[:, None]


def ln_parallax(
    stars: Sight, model: Globals, modulus: Any, blur: Any = 0.0, xp: Any = np, near: Any = None
) -> Any:
    """(n, g) ln of the density of the parallax at a distance modulus; 0 without a parallax.

    Student's t about 1/d and the zero point; what hangs on nu alone is left out. ``blur``, steps of
    a grid in mag, widens it by half a step, so that no peak falls between two points. ``near`` as
    in ``zero_point``.
    """
    floor = model["ln_floor"][0] * (1 - stars.faint) + model["ln_floor"][1] * stars.faint
    beside = (
        (xp.exp(2 * model["ln_factor"]) - 1) * stars.parallax_error**2
        + xp.exp(2 * floor)
        + xp.exp(2 * model["ln_ruwe"]) * stars.excess_ruwe**2
    )
    variance = stars.parallax_error**2 + (1 - stars.outside) * beside
    nu = 2 + xp.exp(model["ln_tails"])
    measured = stars.parallax - zero_point(stars, model, xp, near)
    true = xp.exp(LN10 * (2 - 0.2 * modulus))
    wobble = ((1 - stars.outside) * xp.exp(2 * model["ln_wobble"]))[:, None]
    variance = variance[:, None] + true**2 * ((0.1 * LN10 * blur) ** 2 + wobble)
    tails = 0.5 * (nu + 1) * xp.log1p((measured[:, None] - true) ** 2 / (nu * variance))
    return -(tails + 0.5 * xp.log(variance)) * stars.has_parallax[:, None]


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


SUN_R = 8.1  # kpc from the centre (GRAVITY 2018)
CELL, CELLS = 0.05, 640  # kpc; of the map of the arms about the Sun, along each side


class Arm(NamedTuple):
    """Azimuth (deg, 0 towards the Sun, growing with rotation) and radius (kpc) of the kink, pitch
    angles (deg) at smaller and at larger azimuth, and width (kpc, one sigma across the arm).
    """

    azimuth: float
    radius: float
    before: float
    after: float
    width: float


ARMS = {  # Reid et al. 2019, table 2
    "Scutum-Centaurus": Arm(23.0, 4.91, 14.1, 12.1, 0.23),
    "Sagittarius-Carina": Arm(24.0, 6.04, 17.1, 1.0, 0.27),
    "Local": Arm(9.0, 8.26, 11.4, 11.4, 0.31),
    "Perseus": Arm(40.0, 8.87, 10.3, 8.7, 0.35),
    "Outer": Arm(18.0, 12.24, 3.0, 9.4, 0.65),
}


def arm_radius(arm: Arm, azimuth: Floats) -> Floats:
    """Distance of the ridge from the centre (kpc):
    ln(R / R_kink) = -(azimuth - kink) tan(pitch).
    """
    angle = np.radians(azimuth - arm.azimuth)
    return arm.radius * np.exp(-angle * np.tan(np.radians(_pitch(arm, azimuth))))


def _pitch(arm: Arm, azimuth: Floats) -> Floats:
    return np.where(azimuth < arm.azimuth, arm.before, arm.after)


def arm_share(x: Floats, y: Floats) -> NDArray[np.float64]:
    """How near Galactocentric places x, y (kpc, the Sun at negative x) are to the ridge of an arm
    of Reid et al. (2019, table 2): 1 on it, Gaussian across.

    Outside the azimuths where masers were measured the arms go on with the same pitch.
    """
    azimuth, r = np.degrees(np.arctan2(y, -x)), np.hypot(x, y)
    out = np.zeros(np.shape(r))
    for arm in ARMS.values():
        across = (r - arm_radius(arm, azimuth)) * np.cos(np.radians(_pitch(arm, azimuth)))
        out = np.maximum(out, np.exp(-0.5 * (across / arm.width) ** 2))
    return out


def near_arms(x: Any, y: Any, xp: Any = np) -> Any:
    """``arm_share`` of places x, y, kpc from the Sun, x towards the centre, off a map; 0 beyond."""
    places = (xp.clip(xp.nan_to_num(a) / CELL + CELLS / 2, 0.0, float(CELLS)) for a in (x, y))
    corners = ((xp.clip(xp.floor(a), 0.0, CELLS - 1.0), a) for a in places)
    (i, right), (j, up) = ((low, a - low) for low, a in corners)
    at = xp.asarray(i * (CELLS + 1) + j, dtype=xp.int64)
    share = xp.asarray(_arm_map())
    low, high = (share[k] * (1 - up) + share[k + 1] * up for k in (at, at + CELLS + 1))
    return low * (1 - right) + high * right


@cache
def _arm_map() -> NDArray[np.float32]:
    """Both sides of it ((CELLS + 1)^2,), x first; 0 along its border."""
    side = CELL * (np.arange(CELLS + 1) - CELLS / 2)
    share = np.pad(arm_share(side[1:-1, None] - SUN_R, side[None, 1:-1]), 1)
    return share.astype(np.float32).ravel()
