"""Photometry: what Gaia, 2MASS, XSTPS-GAC and APASS would measure of the systems."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat.ingest.simulate.dust import BANDS, band_coefficients

__all__ = ["Measured", "apass", "apparent", "gaia", "twomass", "xstps"]

Array = NDArray[np.float64]
OFFSET = 0.02  # mag: how far other isochrones are from these, smooth in temperature
GAIA_FLOOR = {"g_gaia": 0.001, "bp": 0.004, "rp": 0.003}
TWOMASS = {"j": (0.022, 15.8), "h": (0.022, 15.1), "ks": (0.020, 14.3)}  # floor; magnitude where S/N is 10
XSTPS_FLOOR, XSTPS_LIMIT = 0.012, 19.0
XSTPS_FIELD = ((40.0, 140.0), (-10.0, 60.0))  # RA, Dec: the survey's Galactic-anticentre footprint
XSTPS_SATURATED, XSTPS_LOST, XSTPS_BIAS = 14.0, 11.5, 0.25  # mag; mag of lost light per mag above the limit
APASS_FLOOR, APASS_LIMIT, APASS_BRIGHT = 0.03, 17.0, 9.0
APASS_BANDS, XSTPS_BANDS = ("b", "v", "g", "r", "i"), ("g", "r", "i")


class Measured(NamedTuple):
    """Magnitude and its stated error by band (NaN where not measured), and whether the star is in the catalog."""

    mag: dict[str, Array]
    error: dict[str, Array]
    listed: NDArray[np.bool_]


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
    listed = rng.random(len(true["g_gaia"])) > 0.03
    error = {b: np.hypot(floor, 0.002 * 10 ** (0.3 * (true[b] - 15))) for b, floor in GAIA_FLOOR.items()}
    return Measured(_noisy(true, error, rng), error, listed)


def twomass(true: dict[str, Array], rng: np.random.Generator) -> Measured:
    """Listed without an error (an upper limit) where the star is too faint in that band."""
    n = len(true["ks"])
    listed = (rng.random(n) > 0.02) & (true["j"] < 17.2)
    error = {b: np.hypot(floor, 0.1 * 10 ** (0.4 * (true[b] - limit))) for b, (floor, limit) in TWOMASS.items()}
    mag = _noisy(true, error, rng)
    for band in TWOMASS:
        blended = rng.random(n) < 0.005
        error[band] = np.where((error[band] > 0.25) | blended, np.nan, error[band])
    return Measured(mag, error, listed)


def xstps(true: dict[str, Array], ra: Array, dec: Array, rng: np.random.Generator) -> Measured:
    """Light is lost above the saturation limit although the error does not say so; very bright stars are not listed."""
    (west, east), (south, north) = XSTPS_FIELD
    r = true["r"]
    inside = (ra > west) & (ra < east) & (dec > south) & (dec < north)
    listed = inside & (r > XSTPS_LOST) & (rng.random(len(r)) > 0.05)
    error = {b: np.hypot(XSTPS_FLOOR, 0.1 * 10 ** (0.35 * (true[b] - XSTPS_LIMIT))) for b in XSTPS_BANDS}
    mag = _noisy(true, error, rng)
    lost = {b: XSTPS_BIAS * np.maximum(XSTPS_SATURATED - 0.3 - true[b], 0) for b in XSTPS_BANDS}
    return Measured({b: mag[b] + lost[b] for b in XSTPS_BANDS}, error, listed)


def apass(true: dict[str, Array], rng: np.random.Generator) -> Measured:
    """All sky from V of 9 to 17; bands with a single observation carry no error, and some are missing."""
    v = true["v"]
    n = len(v)
    listed = (v > APASS_BRIGHT) & (v + 0.3 * rng.standard_normal(n) < APASS_LIMIT) & (rng.random(n) > 0.08)
    error = {b: np.hypot(APASS_FLOOR, 0.1 * 10 ** (0.35 * (true[b] - APASS_LIMIT))) for b in APASS_BANDS}
    mag = _noisy(true, error, rng)
    for band in APASS_BANDS:
        missing = rng.random(n) < 0.04
        mag[band], error[band] = np.where(missing, np.nan, mag[band]), np.where(missing, np.nan, error[band])
    return Measured(mag, error, listed)


def _noisy(true: dict[str, Array], error: dict[str, Array], rng: np.random.Generator) -> dict[str, Array]:
    return {band: true[band] + e * rng.standard_normal(len(e)) for band, e in error.items()}
