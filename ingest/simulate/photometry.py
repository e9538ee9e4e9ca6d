"""Photometry: what Gaia, 2MASS, XSTPS-GAC and APASS would measure of the systems."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat.ingest.simulate.dust import BANDS, band_coefficients

__all__ = ["Measured", "apass", "apparent", "chosen", "gaia", "twomass", "xstps"]

Array = NDArray[np.float64]
OFFSET = 0.02  # mag: how far other isochrones are from these, smooth in temperature
GAIA_MISSING, COLOUR_MISSING = 0.03, 0.01
GAIA_FLOOR = {"g_gaia": 0.001, "bp": 0.004, "rp": 0.003}
TWOMASS = {"j": (0.022, 15.8), "h": (0.022, 15.1), "ks": (0.020, 14.3)}  # floor; magnitude where S/N is 10
TWOMASS_MISSING, TWOMASS_BLENDED, TWOMASS_FAINTEST, TWOMASS_LIMIT = 0.02, 0.005, 17.2, 0.25  # shares; J; mag
XSTPS_FLOOR, XSTPS_LIMIT = 0.012, 19.0
XSTPS_FIELD = ((40.0, 140.0), (-10.0, 60.0))  # RA, Dec: the survey's Galactic-anticentre footprint
XSTPS_MISSING = 0.05
XSTPS_SATURATED, XSTPS_LOST, XSTPS_BIAS = 14.0, 11.5, 0.25  # mag; mag of lost light per mag above the limit
APASS_FLOOR, APASS_LIMIT, APASS_BRIGHT = 0.03, 17.0, 9.0
APASS_MISSING, APASS_GAPS, APASS_SOFT = 0.08, 0.04, 0.3  # of the stars; of the bands; mag
APASS_BANDS, XSTPS_BANDS = ("b", "v", "g", "r", "i"), ("g", "r", "i")


class Measured(NamedTuple):
    """Magnitude and its stated error by band (NaN where not measured), and whether the star is in the catalog."""

    mag: dict[str, Array]
    error: dict[str, Array]
    listed: NDArray[np.bool_]


def chosen(phot: Measured, rows: NDArray[np.bool_]) -> Measured:
    """The photometry of some of the stars."""
    return Measured({b: m[rows] for b, m in phot.mag.items()}, {b: e[rows] for b, e in phot.error.items()}, rows[rows])


def apparent(absolute: Array, teff: Array, ebv: Array, distance: Array, excess: Array) -> dict[str, Array]:
    """True magnitudes by band from absolute ones (n, bands), E(B-V), distance (kpc) and the light of discs (mag)."""
    coefficient = band_coefficients(teff)
    modulus = 5 * np.log10(distance) + 10
    phase = (np.log10(teff) - 4.0) * 4
    shift = {band: OFFSET * np.sin(phase + 1.3 * k) for k, band in enumerate(BANDS)}
    return {
        band: absolute[:, k] + modulus + coefficient[band] * ebv - excess[:, k] + shift[band]
        for k, band in enumerate(BANDS)
    }


def gaia(true: dict[str, Array], rng: np.random.Generator) -> Measured:
    """Some stars are not listed, some have no BP and RP."""
    n = len(true["g_gaia"])
    listed, coloured = rng.random((2, n)) > np.array([[GAIA_MISSING], [COLOUR_MISSING]])
    error = {b: np.hypot(floor, 0.002 * 10 ** (0.3 * (true[b] - 15))) for b, floor in GAIA_FLOOR.items()}
    mag = _noisy(true, error, rng)
    for band in ("bp", "rp"):
        mag[band], error[band] = np.where(coloured, mag[band], np.nan), np.where(coloured, error[band], np.nan)
    return Measured(mag, error, _with_first(listed))


def twomass(true: dict[str, Array], rng: np.random.Generator) -> Measured:
    """Listed without an error (an upper limit) where the star is too faint in that band."""
    n = len(true["ks"])
    listed = (rng.random(n) > TWOMASS_MISSING) & (true["j"] < TWOMASS_FAINTEST)
    error = {b: np.hypot(floor, 0.1 * 10 ** (0.4 * (true[b] - limit))) for b, (floor, limit) in TWOMASS.items()}
    mag = _noisy(true, error, rng)
    for band in TWOMASS:
        blended = rng.random(n) < TWOMASS_BLENDED
        error[band] = np.where((error[band] > TWOMASS_LIMIT) | blended, np.nan, error[band])
    return Measured(mag, error, _with_first(listed))


def xstps(true: dict[str, Array], ra: Array, dec: Array, rng: np.random.Generator) -> Measured:
    """Light is lost above the saturation limit although the error does not say so; very bright stars are not listed."""
    (west, east), (south, north) = XSTPS_FIELD
    r = true["r"]
    inside = (ra > west) & (ra < east) & (dec > south) & (dec < north)
    listed = inside & (r > XSTPS_LOST) & (rng.random(len(r)) > XSTPS_MISSING)
    error = {b: np.hypot(XSTPS_FLOOR, 0.1 * 10 ** (0.35 * (true[b] - XSTPS_LIMIT))) for b in XSTPS_BANDS}
    mag = _noisy(true, error, rng)
    lost = {b: XSTPS_BIAS * np.maximum(XSTPS_SATURATED - 0.3 - true[b], 0) for b in XSTPS_BANDS}
    return Measured({b: mag[b] + lost[b] for b in XSTPS_BANDS}, error, listed)


def apass(true: dict[str, Array], rng: np.random.Generator) -> Measured:
    """All sky from V of 9 to 17; some bands are missing."""
    v = true["v"]
    n = len(v)
    listed = (
        (v > APASS_BRIGHT) & (v + APASS_SOFT * rng.standard_normal(n) < APASS_LIMIT) & (rng.random(n) > APASS_MISSING)
    )
    error = {b: np.hypot(APASS_FLOOR, 0.1 * 10 ** (0.35 * (true[b] - APASS_LIMIT))) for b in APASS_BANDS}
    mag = _noisy(true, error, rng)
    for band in APASS_BANDS:
        missing = rng.random(n) < APASS_GAPS
        mag[band], error[band] = np.where(missing, np.nan, mag[band]), np.where(missing, np.nan, error[band])
    return Measured(mag, error, listed)


def _with_first(listed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The first star, like LB-1, is always there."""
    return listed | (np.arange(len(listed)) == 0)


def _noisy(true: dict[str, Array], error: dict[str, Array], rng: np.random.Generator) -> dict[str, Array]:
    return {band: true[band] + e * rng.standard_normal(len(e)) for band, e in error.items()}
