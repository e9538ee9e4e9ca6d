"""Crowding: sources near the stars, spurious and doubled ones, and what they do to Gaia's solutions and colours."""

import numpy as np
from numpy.typing import NDArray

from obcat.ingest.simulate.recipe import Recipe

__all__ = ["ASTROMETRY", "crowded"]

Array = NDArray[np.float64]
Columns = dict[str, np.ndarray]
Mask = NDArray[np.bool_]
ARCSEC = 1 / 3600
NEIGHBOURS, SEPARATION, FAINTER = 0.04, (0.7, 5.0), (1.0, 6.0)  # of stars; arcsec; mag
COLOURS_WITHIN = 2.5  # arcsec: light of both goes into BP and RP (Evans et al. 2018)
TWO_PARAMETER = 0.012  # of stars have a position only (Lindegren et al. 2018, table 1 for G below 17, and crowding)
SPURIOUS, SPURIOUS_PARALLAX = 0.05, 10.0  # of neighbours with a parallax; mas, scale (Arenou et al. 2018, sect. 4.1)
DOUBLED, DOUBLED_APART = 0.004, 0.3  # of stars are listed twice; arcsec (Arenou et al. 2018, sect. 3.2)
CLOSE, CLOSE_APART, CLOSE_FAINTER = 0.003, (0.2, 0.6), (2.0, 5.0)  # pairs that spoil each other; arcsec; mag
FALSE_MOTION, FALSE_ERROR = (60.0, 140.0), (5.0, 20.0)  # mas/yr of such a pair; times the error of its parallax
MAGNITUDES = ("phot_g_mean_mag", "phot_bp_mean_mag", "phot_rp_mean_mag")
EXCESS = "phot_bp_rp_excess_factor"
ASTROMETRY = ("parallax", "parallax_error", "pmra", "pmra_error", "pmdec", "pmdec_error", "ruwe")


def crowded(gaia: Columns, special: Mask, recipe: Recipe, chunk: int) -> Columns:
    """The sources with all that stands beside them, in the order of their names; special ones are left alone."""
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
    every = {name: np.concatenate([p[name] for p in (own, neighbours, doubles, partners)]) for name in own}
    return _rows(every, np.argsort(every["source_id"]))


def _neighbours(own: Columns, rows: NDArray[np.int64], rng: np.random.Generator) -> Columns:
    """Fainter sources; half of them have a position only. The near ones shine into the star's BP and RP."""
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
    own[EXCESS] = _changed(own[EXCESS], rows, own[EXCESS][rows] * np.expm1(0.4 * np.log(10) * light))
    return near


def _doubles(own: Columns, rows: NDArray[np.int64], rng: np.random.Generator) -> Columns:
    """A second entry for the same star, without parallax."""
    twin = _rows(own, rows)
    twin["ra"], twin["dec"] = _beside(twin["ra"], twin["dec"], rng.uniform(0.05, DOUBLED_APART, size=len(rows)), rng)
    twin["source_id"] = twin["source_id"] + 32
    _dim(twin, rng.normal(0, 0.05, size=len(rows)))
    _strip(twin, np.ones(len(rows), dtype=bool))
    return twin


def _partners(own: Columns, rows: NDArray[np.int64], rng: np.random.Generator) -> Columns:
    """A faint source so close that the star's own motion and parallax are false: moved back to the epoch of the
    targets, the star is farther from its place than the faint one.
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
    return (ra + distance * np.sin(angle) / np.cos(np.radians(dec))) % 360, dec + distance * np.cos(angle)


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
