"""Photometry: what Gaia, 2MASS, XSTPS-GAC and APASS would measure of the systems."""

import csv
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RegularGridInterpolator

from obcat.data import REFERENCE
from obcat.kernels.grid import WAVELENGTH
from obcat.simulate.be_discs import BAND_WAVELENGTH
from obcat.simulate.dust import BANDS, LAWS, MEAN_LAW, f99
from obcat.simulate.ingredients import Recipe
from obcat.simulate.light import FINE, black_body, templates
from obcat.statistics import Array, Rows

__all__ = [
    "AMPLITUDE",
    "STRAIGHT",
    "TILT",
    "Measured",
    "apass",
    "apparent",
    "band_coefficients",
    "chosen",
    "colour_offsets",
    "gaia",
    "twomass",
    "xstps",
]

# mag, wave in log Teff with another phase in each band: as PARSEC and MIST differ (Chen et al.
# 2019)
AMPLITUDE = 0.012
# mag between blue and red ends of the bands: as much as hot stars' colours depend on the Teff scale
TILT = 0.008
MIDDLE, WIDTH = 4.15, 0.15  # log Teff where the tilt changes sign; and how fast


def colour_offsets(teff: Array) -> Array:
    """(n, bands) mag, never more than AMPLITUDE + TILT: 0.02."""
    x = np.log10(teff)[:, None]
    wave = np.sin((x - 4.0) * 4 + 1.3 * np.arange(len(BANDS)))
    number = np.array([1e4 / BAND_WAVELENGTH[band] for band in BANDS])
    colour = 2 * (number - number.min()) / np.ptp(number) - 1
    return AMPLITUDE * wave + TILT * np.tanh((x - MIDDLE) / WIDTH) * colour


REDDENINGS = (0.01, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.5)  # mag, nodes of E(B-V)
STRAIGHT = 0.5  # mag, E(B-V) of the coefficients where the law is not to bend
SED = np.concatenate(  # Angstrom, where spectra are integrated
    [np.arange(3200.0, 3700.0, 10), np.arange(3700.0, 9150.0, 5), np.arange(9150.0, 25_000.0, 50)]
)


def band_coefficients(teff: Array, ebv: Array | float, r_v: Array | float) -> dict[str, Array]:
    """A(X)/E(B-V) of every band for stars (n,) of log g 4 behind this much dust of this law.

    Linear in log Teff, E(B-V) and R_V between the nodes, constant outside of them.
    """
    places = (np.log(np.asarray(teff, dtype=float)), ebv, r_v)
    inside = [np.clip(x, nodes[0], nodes[-1]) for x, nodes in zip(places, _nodes(), strict=True)]
    at = np.stack(np.broadcast_arrays(*inside), axis=-1)
    values = RegularGridInterpolator(_nodes(), _table())(at)
    return {band: values[..., k] for k, band in enumerate(BANDS)}


@cache
def _nodes() -> tuple[Array, Array, Array]:
    """ln Teff, E(B-V), R_V."""
    teff, _ = _spectra()
    return np.log(teff), np.array(REDDENINGS), np.array(LAWS)


@cache
def _table() -> Array:
    """A(X)/E(B-V) (Teff, E(B-V), R_V, bands): photons counted through each passband, with dust over
    without.
    """
    law = np.stack([f99(SED, r_v=r_v) for r_v in LAWS])
    dim = 10 ** (-0.4 * np.array(REDDENINGS)[:, None, None] * law)
    photons = _spectra()[1][:, None, :] * _passbands()
    left = np.einsum("tbw,erw->terb", photons, dim) / photons.sum(-1)[:, None, None, :]
    return -2.5 * np.log10(left) / np.array(REDDENINGS)[:, None, None]


@cache
def _spectra() -> tuple[Array, Array]:
    """Teff (K), and photons per wavelength (Teff, SED) of the solar spectra of log g 4.

    Outside of them the continuum goes on as a black body does.
    """
    t = templates()
    rows = np.flatnonzero((t.node_feh == 0) & (t.logg == 4.0))
    rows = rows[np.argsort(t.teff[rows])]
    lines = [np.interp(SED, FINE, np.exp(t.ln_normalised[k]), left=1, right=1) for k in rows]
    log_teff = np.log10(t.teff[rows])
    ratio = np.asarray(t.ln_continuum[rows] - black_body(log_teff), dtype=float)
    level = black_body(log_teff, SED) + [np.interp(SED, WAVELENGTH, row) for row in ratio]
    level -= level.max(axis=1, keepdims=True)
    return t.teff[rows], np.exp(level) * np.stack(lines) * SED


@cache
def _passbands() -> Array:
    """Response (bands, SED) times the width of each step."""
    with (REFERENCE / "passbands.csv").open(newline="", encoding="utf-8") as f:
        rows = list(csv.DictReader(f))
    out = []
    for band in BANDS:
        own = [(float(r["wavelength"]), float(r["response"])) for r in rows if r["band"] == band]
        wavelength, response = np.array(own).T
        out.append(np.interp(SED, wavelength, response, left=0, right=0))
    return np.stack(out) * np.gradient(SED)


Bands = dict[str, Array]
GAIA, TWOMASS_KEY, XSTPS_KEY, APASS_KEY = range(4)
GAIA_MISSING, COLOUR_MISSING = 0.03, 0.01
GAIA_FLOOR = {"g_gaia": 0.001, "bp": 0.004, "rp": 0.003}
TWOMASS = {
    "j": (0.022, 15.8),
    "h": (0.022, 15.1),
    "ks": (0.020, 14.3),
}  # floor; magnitude where S/N is 10
TWOMASS_MISSING, TWOMASS_FAINTEST = 0.02, 17.2  # share; J
TWOMASS_LIMIT, TWOMASS_UPPER = (
    0.25,
    1.1,
)  # error beyond which a band is an upper limit; that limit below S/N 10, mag
SATURATED, SATURATED_ERROR = 5.0, 0.20  # mag; of the fit to the wings of very bright stars
UNFIT = {
    "X": 0.0005,
    "F": 0.002,
    "E": 0.002,
}  # of the bands: no brightness, no error, bad fit (Cutri et al. 2003, I.6.b)
NO_ERROR = 8.888  # what stands for the error of quality F
BLENDED, BLEND_FAINTER, REDDER = (
    0.015,
    (0.5, 4.0),
    0.3,
)  # of the stars; mag; of the other star in Ks
CONFUSED = 0.5  # of the blends are marked so
XSTPS_FLOOR, XSTPS_LIMIT = 0.012, 19.0
XSTPS_FIELD = ((40.0, 140.0), (-10.0, 60.0))  # RA, Dec: the survey's Galactic-anticentre footprint
XSTPS_MISSING, XSTPS_GAPS = 0.05, 0.01
XSTPS_SATURATED, XSTPS_LOST, XSTPS_BIAS = (
    14.0,
    11.5,
    0.25,
)  # mag; mag of lost light per mag above the limit
APASS_FLOOR, APASS_LIMIT, APASS_BRIGHT = 0.03, 17.0, 9.0
APASS_MISSING, APASS_GAPS, APASS_SOFT = 0.08, 0.04, 0.3  # of the stars; of the bands; mag
APASS_ONCE, APASS_TIMES = 0.04, 2  # seen once: error written as 0; scatter then, of the usual one
APASS_BANDS, XSTPS_BANDS = ("b", "v", "g", "r", "i"), ("g", "r", "i")


class Measured(NamedTuple):
    """Magnitude and its stated error by band (NaN where not measured), whether the star is in the
    catalog; of 2MASS ph_qual, rd_flg, bl_flg and cc_flg; and columns for the truth.
    """

    mag: Bands
    error: Bands
    listed: Rows
    flags: Mapping[str, NDArray[np.str_]] = {}
    truth: Mapping[str, Array] = {}


def chosen(phot: Measured, rows: Rows) -> Measured:
    """The photometry of some of the stars."""
    mag, error = (
        {name: values[rows] for name, values in part.items()} for part in (phot.mag, phot.error)
    )
    return Measured(
        mag, error, rows[rows], {name: letters[rows] for name, letters in phot.flags.items()}
    )


def apparent(
    absolute: Array,
    teff: Array,
    ebv: Array,
    distance: Array,
    excess: Array,
    r_v: Array | float = MEAN_LAW,
    *,
    offsets: bool = True,
    bend: bool = True,
) -> Bands:
    """True magnitudes by band from absolute ones (n, bands), E(B-V), distance (kpc), the light of
    discs (mag) and R_V; without `bend` extinction is a multiple of E(B-V), that at 0.5 mag.

    With `offsets` the colours are not quite those of the isochrones.
    """
    coefficient = band_coefficients(teff, ebv if bend else STRAIGHT, r_v)
    bright = (
        absolute + (5 * np.log10(distance) + 10)[:, None] - excess + colour_offsets(teff) * offsets
    )
    return {band: bright[:, k] + coefficient[band] * ebv for k, band in enumerate(BANDS)}


def gaia(true: Bands, recipe: Recipe, chunk: int) -> Measured:
    """Some stars are not listed, some have no BP and RP."""
    n = len(true["g_gaia"])
    listed = ~_gap(GAIA_MISSING, n, recipe, "gaia_matches", chunk, GAIA)
    error = {
        b: np.hypot(floor, 0.002 * 10 ** (0.3 * (true[b] - 15))) for b, floor in GAIA_FLOOR.items()
    }
    mag = _noisy(true, error, recipe, chunk, GAIA)
    bare = _gap(COLOUR_MISSING, n, recipe, "photometry_gaps", chunk, GAIA)
    for band in ("bp", "rp"):
        mag[band], error[band] = (
            np.where(bare, np.nan, mag[band]),
            np.where(bare, np.nan, error[band]),
        )
    return Measured(mag, error, _with_first(listed))


def twomass(true: Bands, recipe: Recipe, chunk: int) -> Measured:
    """Bands in which a star is too faint are upper limits;
    some are blends, some could not be fitted.
    """
    n = len(true["ks"])
    listed = (true["j"] < TWOMASS_FAINTEST) & ~_gap(
        TWOMASS_MISSING, n, recipe, "photometry_gaps", chunk, TWOMASS_KEY
    )
    seen, confused = _blends({b: true[b] for b in TWOMASS}, recipe, chunk)
    error = {b: _twomass_error(seen[b], b) for b in TWOMASS}
    mag = _noisy(seen, error, recipe, chunk, TWOMASS_KEY)
    quality = {b: _quality(error[b], recipe.rng("photometry_gaps", chunk, TWOMASS_KEY, k), recipe)
               for k, b in enumerate(TWOMASS)}  # fmt: skip
    read = {b: np.where(quality[b] == "U", "0", _reading(mag[b])) for b in TWOMASS}
    for band, (_, limit) in TWOMASS.items():
        q = quality[band]
        mag[band] = np.where(q == "X", np.nan, np.where(q == "U", limit + TWOMASS_UPPER, mag[band]))
        error[band] = np.where(
            np.isin(q, ["U", "X"]), np.nan, np.where(q == "F", NO_ERROR, error[band])
        )
    flags = {"ph_qual": _joined(quality), "rd_flg": _joined(read), "bl_flg": np.full(n, "111"),
             "cc_flg": np.where(confused, "ccc", "000")}  # fmt: skip
    return Measured(mag, error, _with_first(listed), flags)


def _twomass_error(mag: Array, band: str) -> Array:
    floor, limit = TWOMASS[band]
    return np.hypot(
        np.where(mag < SATURATED, SATURATED_ERROR, floor), 0.1 * 10 ** (0.4 * (mag - limit))
    )


def _blends(true: Bands, recipe: Recipe, chunk: int) -> tuple[Bands, Rows]:
    """Light of an unresolved neighbour, redder than the star;
    which of them the archive calls confused.
    """
    n, rng = len(true["ks"]), recipe.rng("photometry_gaps", chunk, TWOMASS_KEY, 9)
    blended = (rng.random(n) < BLENDED) & recipe.has("photometry_gaps") & (np.arange(n) > 0)
    fainter = rng.uniform(*BLEND_FAINTER, size=n)
    colour = {"j": 0.0, "h": 0.5 * REDDER, "ks": REDDER}
    light = {b: 2.5 * np.log10(1 + blended * 10 ** (-0.4 * (fainter - colour[b]))) for b in true}
    return {b: true[b] - light[b] for b in true}, blended & (rng.random(n) < CONFUSED)


def _quality(error: Array, rng: np.random.Generator, recipe: Recipe) -> NDArray[np.str_]:
    """ph_qual of one band: letters of S/N, U for an upper limit,
    and bands that could not be fitted.
    """
    u = rng.random(len(error)) + (not recipe.has("photometry_gaps"))
    u[:1] = 1  # LB-1
    x, f, e = np.cumsum(list(UNFIT.values()))
    steps = [
        u < x,
        error > TWOMASS_LIMIT,
        u < f,
        u < e,
        error < 0.10857,
        error < 0.15510,
        error < 0.21714,
    ]
    return np.select(steps, ["X", "U", "F", "E", "A", "B", "C"], "D")


def _reading(mag: Array) -> NDArray[np.str_]:
    """rd_flg: wings of very bright stars, aperture in the short exposure, or profile fit."""
    return np.select([mag < SATURATED, mag < 8.5], ["3", "1"], "2")


def _joined(letters: dict[str, NDArray[np.str_]]) -> NDArray[np.str_]:
    j, h, k = letters.values()
    return np.char.add(np.char.add(j, h), k)


def xstps(true: Bands, ra: Array, dec: Array, recipe: Recipe, chunk: int) -> Measured:
    """Light is lost above the saturation limit although the error does not say so;
    very bright stars are not listed.
    """
    (west, east), (south, north) = XSTPS_FIELD
    r, n = true["r"], len(ra)
    listed = (ra > west) & (ra < east) & (dec > south) & (dec < north) & (r > XSTPS_LOST)
    listed &= ~_gap(XSTPS_MISSING, n, recipe, "photometry_gaps", chunk, XSTPS_KEY)
    error = {
        b: np.hypot(XSTPS_FLOOR, 0.1 * 10 ** (0.35 * (true[b] - XSTPS_LIMIT))) for b in XSTPS_BANDS
    }
    mag = _noisy(true, error, recipe, chunk, XSTPS_KEY)
    bias = XSTPS_BIAS * recipe.has("saturation")
    mag = {b: mag[b] + bias * np.maximum(XSTPS_SATURATED - 0.3 - true[b], 0) for b in XSTPS_BANDS}
    return Measured(*_without(mag, error, XSTPS_GAPS, recipe, chunk, XSTPS_KEY), listed)


def apass(true: Bands, recipe: Recipe, chunk: int) -> Measured:
    """All sky from V of 9 to 17; some bands are missing;
    what was seen once has the error 0, which is no error.
    """
    v, n = true["v"], len(true["v"])
    edge = APASS_SOFT * recipe.rng("photometry_gaps", chunk, APASS_KEY, 8).standard_normal(n)
    listed = (v > APASS_BRIGHT) & (v + edge * recipe.has("photometry_gaps") < APASS_LIMIT)
    listed &= ~_gap(APASS_MISSING, n, recipe, "photometry_gaps", chunk, APASS_KEY)
    once = _gap(APASS_ONCE, n, recipe, "photometry_gaps", chunk, APASS_KEY, 9)
    error = {
        b: np.hypot(APASS_FLOOR, 0.1 * 10 ** (0.35 * (true[b] - APASS_LIMIT))) for b in APASS_BANDS
    }
    wide = {b: e * np.where(once, APASS_TIMES, 1) for b, e in error.items()}
    mag = _noisy(true, wide, recipe, chunk, APASS_KEY)
    mag, error = _without(mag, error, APASS_GAPS, recipe, chunk, APASS_KEY)
    return Measured(
        mag, {b: np.where(once & np.isfinite(e), 0.0, e) for b, e in error.items()}, listed
    )


def _without(
    mag: Bands, error: Bands, share: float, recipe: Recipe, chunk: int, key: int
) -> tuple[Bands, Bands]:
    """Some bands of some stars were not measured."""
    for k, band in enumerate(mag):
        gap = _gap(share, len(mag[band]), recipe, "photometry_gaps", chunk, key, 10 + k)
        mag[band], error[band] = (
            np.where(gap, np.nan, mag[band]),
            np.where(gap, np.nan, error[band]),
        )
    return mag, error


def _gap(share: float, n: int, recipe: Recipe, ingredient: str, *key: int) -> Rows:
    return (recipe.rng(ingredient, *key).random(n) < share) & recipe.has(ingredient)


def _with_first(listed: Rows) -> Rows:
    """The first star, like LB-1, is always there."""
    return listed | (np.arange(len(listed)) == 0)


def _noisy(true: Bands, error: Bands, recipe: Recipe, chunk: int, key: int) -> Bands:
    rng, size = recipe.rng("photometry_errors", chunk, key), float(recipe.has("photometry_errors"))
    return {band: true[band] + size * e * rng.standard_normal(len(e)) for band, e in error.items()}
