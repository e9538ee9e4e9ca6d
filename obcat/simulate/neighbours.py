"""Neighbours: how many sources stand near a star in Gaia, pairs that it half resolves, and what
stands beside a star, or in its place.

Densities of the sky are rounded from memory, not checked. Stated errors of stars with a companion
within 4 arcsec are too small by up to 80 %, of elevated RUWE by up to 4 times (El-Badry, Rix &
Heintz 2021; El-Badry 2025: abstracts).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat.simulate.binaries import semi_axis
from obcat.simulate.galaxy import galactic_many
from obcat.simulate.ingredients import Recipe
from obcat.simulate.isochrones import COLUMNS, FIRST_BAND
from obcat.simulate.stars import Stars
from obcat.statistics import Array, Rows

__all__ = [
    "ASTROMETRY", "NEAR", "Pairs", "crowded", "crowding", "density", "disturbance",
    "draw_fainter", "expected", "near_companions", "resolved",
]  # fmt: skip

# sources a square degree with G < 21: in the plane of the anticentre, more towards the centre, and
# at the poles; deg of latitude
PLANE, INNER, POLE, LATITUDE = 5e4, 1.5e5, 4e3, 9.0
SQUARE_DEGREE = 3600.0**2  # square arcsec
COUNTS, FAINT = 0.25, 21.0  # dex of sources per mag; G of the densities
NEAR = 5.0  # arcsec: as far as neighbours are looked for
BRIGHTER, FAINTER = 0.0, 7.0  # mag: neighbours of these differences
G = COLUMNS.index("g_gaia")
BLENDED, RESOLVED = 0.1, 0.7  # arcsec: one image below, two sources above (Arenou et al. 2018)
CONTRAST = 3.0, 3.5  # mag at RESOLVED, per arcsec more: of a neighbour that is still a source
# mas, rms of one observation for a light ratio of 1; ln: RUWE of 2 to 20, not checked
NOISE, NOISE_SIGMA = 3.0, 0.7


class Pairs(NamedTuple):
    """Of each star's nearer companion: distance (arcsec; 0 for none), how much fainter in G (mag;
    infinite for none).
    """

    apart: Array
    fainter: Array


def density(ra: Array, dec: Array) -> Array:
    """Sources a square arcsec with G < 21 at these places (deg)."""
    glon, glat = galactic_many(ra, dec)
    plane = PLANE + INNER * np.cos(np.radians(glon) / 2) ** 4
    return (plane * np.exp(-np.abs(glat) / LATITUDE) + POLE) / SQUARE_DEGREE


def crowding(ra: Array, dec: Array) -> Array:
    """0 to 1: the density over that of the plane towards the centre."""
    return density(ra, dec) * SQUARE_DEGREE / (PLANE + INNER + POLE)


def expected(g: Array, dense: Array) -> Array:
    """Neighbours within NEAR up to FAINTER mag fainter than G, for densities with G < 21."""
    limit = np.minimum(g + FAINTER, FAINT)
    return dense * np.pi * NEAR**2 * 10 ** (COUNTS * (limit - FAINT))


def draw_fainter(u: Array) -> Array:
    """Magnitude differences of neighbours at the quantile u, by the counts."""
    bright, faint = 10 ** (COUNTS * BRIGHTER), 10 ** (COUNTS * FAINTER)
    return np.log10(bright + u * (faint - bright)) / COUNTS


def resolved(apart: Array, fainter: Array) -> NDArray[np.bool_]:
    """Whether a neighbour (arcsec, mag) is a source of its own."""
    return (apart > RESOLVED) & (fainter < CONTRAST[0] + CONTRAST[1] * (apart - RESOLVED))


def near_companions(stars: Stars) -> Pairs:
    """The semi-major axis stands for the distance on the sky."""
    second = stars.binaries.second
    total = stars.primary[:, COLUMNS.index("initial_mass")] * (1 + second.mass_ratio)
    axis = semi_axis(total, second.orbit.log_period) / (1000 * stars.distance)
    light = second.light[:, G - FIRST_BAND] / 10 ** (-0.4 * stars.primary[:, G])
    with np.errstate(divide="ignore"):
        return Pairs(np.nan_to_num(axis), -2.5 * np.log10(light))


def disturbance(pair: Pairs, rng: np.random.Generator) -> Array:
    """rms (mas) that a companion between one image and two sources adds to an observation."""
    scatter = np.exp(NOISE_SIGMA * rng.standard_normal(len(pair.apart)))
    half = (pair.apart > BLENDED) & ~resolved(pair.apart, pair.fainter)
    near = half & (pair.apart < 2 * RESOLVED)
    return NOISE * scatter * near * 10 ** (-0.4 * pair.fainter)


Columns = dict[str, np.ndarray]
ARCSEC = 1 / 3600
# of stars that are missing because of another one, which is there; arcsec; mag fainter: assumed
LOST_BESIDE, LOST_APART, LOST_FAINTER = 0.35, (0.3, 2.5), (0.0, 4.0)
# arcsec; mag fainter at most; largest excess of the error: El-Badry et al. (2021)
BESIDE, BESIDE_FAINTER, BESIDE_FACTOR = 4.0, 4.0, 0.8
HALF_BARE = 0.3  # of pairs half resolved have a position only: assumed
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


def crowded(
    gaia: Columns,
    special: Rows,
    recipe: Recipe,
    chunk: int,
    *,
    lost: Columns | None = None,
    pair: Pairs | None = None,
) -> Columns:
    """The sources with all that stands beside them, in the order of their names; special ones are
    left alone. Of stars that are `lost` some neighbours are there.
    """
    own = dict(gaia)
    found = [_companions(own, pair, special, recipe, chunk)] if pair else []
    if recipe.has("gaia_matches"):
        found += _strangers(own, special, recipe, chunk)
        found += [_left(lost, recipe, chunk)] if lost else []
    every = {name: np.concatenate([p[name] for p in (own, *found)]) for name in own}
    return _rows(every, np.argsort(every["source_id"]))


def _strangers(own: Columns, special: Rows, recipe: Recipe, chunk: int) -> list[Columns]:
    rng = recipe.rng("gaia_matches", chunk, 1)
    u = rng.random((4, len(special))) + special
    many = expected(own["phot_g_mean_mag"], density(own["ra"], own["dec"]))
    shares = (-np.expm1(-many), CLOSE, DOUBLED, TWO_PARAMETER)
    beside, close, double, bare = (
        np.flatnonzero(v < share) for v, share in zip(u, shares, strict=True)
    )
    neighbours = _neighbours(own, beside, rng)
    doubles = _doubles(own, double, rng)
    partners = _partners(own, close, rng)
    _strip(own, np.isin(np.arange(len(special)), bare))
    return [neighbours, doubles, partners]


def _neighbours(own: Columns, rows: NDArray[np.int64], rng: np.random.Generator) -> Columns:
    """Other sources, uniform about the star; half of them have a position only. The near ones shine
    into its BP and RP, listed or not, and make its error larger than it says.
    """
    n, near = len(rows), _rows(own, rows)
    apart, fainter = NEAR * np.sqrt(rng.random(n)), draw_fainter(rng.random(n))
    near["ra"], near["dec"] = _beside(near["ra"], near["dec"], apart, rng)
    near["source_id"] = near["source_id"] + 64
    _dim(near, fainter)
    _estranged(near, fainter, rng)
    light = 2.5 * np.log10(1 + np.where(apart < COLOURS_WITHIN, 10 ** (-0.4 * fainter), 0))
    for name in MAGNITUDES[1:]:
        own[name] = _changed(own[name], rows, -light)
    own[EXCESS] = _changed(
        own[EXCESS], rows, own[EXCESS][rows] * np.expm1(0.4 * np.log(10) * light)
    )
    worse = np.sqrt((1 + BESIDE_FACTOR * rng.random(n)) ** 2 - 1) * (apart < BESIDE)
    worse = worse * (fainter < BESIDE_FAINTER)
    wrong = own["parallax_error"][rows] * worse * rng.standard_normal(n)
    own["parallax"] = _changed(own["parallax"], rows, wrong)
    return _rows(near, np.flatnonzero(resolved(apart, fainter)))


def _estranged(near: Columns, fainter: Array, rng: np.random.Generator) -> None:
    """Parallax and motion of other stars, so much fainter; none for half of them."""
    n = len(fainter)
    error = near["parallax_error"] * 10 ** (0.2 * fainter)
    wrong = SPURIOUS_PARALLAX * rng.standard_normal(n) * (rng.random(n) < SPURIOUS)
    near["parallax"] = error * rng.standard_normal(n) + rng.exponential(0.4, size=n) + wrong
    near["parallax_error"] = error
    near["pmra"], near["pmdec"] = rng.normal(0, 4, size=(2, n))
    _strip(near, rng.random(n) < 0.5)


def _left(lost: Columns, recipe: Recipe, chunk: int) -> Columns:
    """Sources beside stars that are missing: neighbours that made them so, and unrelated ones."""
    n, rng = len(lost["ra"]), recipe.rng("gaia_matches", chunk, 2)
    many = expected(lost["phot_g_mean_mag"], density(lost["ra"], lost["dec"]))
    close = rng.random(n) < LOST_BESIDE
    there = close | (rng.random(n) < -np.expm1(-many))
    near_by, far = rng.uniform(*LOST_APART, size=n), NEAR * np.sqrt(rng.random(n))
    bright, faint = rng.uniform(*LOST_FAINTER, size=n), draw_fainter(rng.random(n))
    apart, fainter = np.where(close, near_by, far), np.where(close, bright, faint)
    near = dict(lost)
    near["ra"], near["dec"] = _beside(near["ra"], near["dec"], apart, rng)
    near["source_id"] = near["source_id"] + 64
    _dim(near, fainter)
    _estranged(near, fainter, rng)
    return _rows(near, np.flatnonzero(there))


def _companions(own: Columns, pair: Pairs, special: Rows, recipe: Recipe, chunk: int) -> Columns:
    """Companions that are sources of their own: the star's G is then its own, BP and RP hold the
    light of both. Some of those half resolved have no parallax.
    """
    rng, has = recipe.rng("half_resolved", chunk, 1), recipe.has("half_resolved") & ~special
    two = resolved(pair.apart, pair.fainter) & has
    half = (pair.apart > BLENDED) & (pair.fainter < CONTRAST[0]) & ~two & has
    bare = half & (rng.random(len(special)) < HALF_BARE)
    rows = np.flatnonzero(two)
    light = 2.5 * np.log10(1 + 10 ** (-0.4 * pair.fainter[rows]))
    own["phot_g_mean_mag"] = _changed(own["phot_g_mean_mag"], rows, light)
    own[EXCESS] = _changed(
        own[EXCESS], rows, own[EXCESS][rows] * np.expm1(0.4 * np.log(10) * light)
    )
    near = _rows(own, rows)
    near["ra"], near["dec"] = _beside(near["ra"], near["dec"], pair.apart[rows], rng)
    near["source_id"] = near["source_id"] + 16
    _dim(near, pair.fainter[rows])
    error = near["parallax_error"] * 10 ** (0.2 * pair.fainter[rows])
    near["parallax"] = near["parallax"] + np.hypot(error, near["parallax_error"]) * (
        rng.standard_normal(len(rows))
    )
    near["parallax_error"] = error
    _strip(own, bare)
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


def _strip(columns: Columns, rows: Rows) -> None:
    for name in ASTROMETRY:
        columns[name] = np.where(rows, np.nan, columns[name])


def _changed(values: Array, rows: NDArray[np.int64], by: Array) -> Array:
    out = values.copy()
    out[rows] += by
    return out


def _rows(columns: Columns, rows: NDArray[np.int64]) -> Columns:
    return {name: values[rows] for name, values in columns.items()}
