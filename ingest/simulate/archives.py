"""Archives: the measured stars, and neighbours that are not they, under each archive's own column names."""

import numpy as np
from numpy.typing import NDArray

from obcat.ingest.simulate.astrometry import Astrometry
from obcat.ingest.simulate.photometry import Measured

__all__ = ["apass_columns", "gaia_columns", "offset", "twomass_columns", "xstps_columns"]

Array = NDArray[np.float64]
EPOCH = 2015.5
ARCSEC = 1 / 3600
HALF_MAG = 2.5 / np.log(10)
NEIGHBOURS = 0.02  # of stars have another one 3 to 5 arcsec away in 2MASS


def offset(ra: Array, dec: Array, sigma: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """Positions with a normal error of sigma arcsec in each coordinate."""
    east, north = sigma * ARCSEC * rng.standard_normal((2, len(ra)))
    return (ra + east / np.cos(np.radians(dec))) % 360, dec + north


def gaia_columns(
    number: NDArray[np.int64], ra: Array, dec: Array, astrometry: Astrometry, phot: Measured
) -> dict[str, np.ndarray]:
    """Gaia archive, gaiadr2.gaia_source with ruwe; positions moved to 2015.5."""
    years = (EPOCH - 2000) / 3.6e6
    at_dec = dec + astrometry.pmdec * years
    at_ra = (ra + astrometry.pmra * years / np.cos(np.radians(dec))) % 360
    a = astrometry
    return {
        "source_id": _source_id(number, at_ra, at_dec),
        "ref_epoch": np.full(len(ra), EPOCH),
        "ra": at_ra, "dec": at_dec,
        "parallax": a.parallax, "parallax_error": a.parallax_error,
        "pmra": a.pmra, "pmra_error": a.pm_error, "pmdec": a.pmdec, "pmdec_error": a.pm_error,
        "phot_g_mean_mag": phot.mag["g_gaia"], "phot_bp_mean_mag": phot.mag["bp"], "phot_rp_mean_mag": phot.mag["rp"],
        "phot_bp_mean_flux_over_error": HALF_MAG / phot.error["bp"],
        "phot_rp_mean_flux_over_error": HALF_MAG / phot.error["rp"],
        "phot_bp_rp_excess_factor": _excess_factor(phot.mag["bp"] - phot.mag["rp"]), "ruwe": a.ruwe,
    }  # fmt: skip


def _excess_factor(colour: Array) -> Array:
    """Flux in BP and RP over that in G of an undisturbed star: Evans et al. (2018), eq. 6, its middle."""
    return 1.15 + 0.06 * colour**2


def _source_id(number: NDArray[np.int64], ra: Array, dec: Array) -> NDArray[np.int64]:
    """Above 2^53, as real ones are: a sky cell times 2^35, and the number of the star in the survey."""
    cell = np.floor((dec + 90) / 180 * 8192).astype(np.int64) * 16384 + np.floor(ra / 360 * 16384).astype(np.int64)
    return (cell << 35) + ((number + 1) << 7)


def twomass_columns(ra: Array, dec: Array, phot: Measured, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """IRSA, fp_psc; upper limits have quality U and no error. With neighbours, 3 arcsec away or more."""
    rows = np.concatenate([np.arange(len(ra)), np.flatnonzero(rng.random(len(ra)) < NEIGHBOURS)])
    extra = np.arange(len(rows)) >= len(ra)
    ra2, dec2 = offset(ra[rows], dec[rows], 0.08, rng)
    dec2 = dec2 + np.where(extra, rng.uniform(3, 5, size=len(rows)), 0) * ARCSEC
    fainter = np.where(extra, rng.uniform(0.5, 3, size=len(rows)), 0)
    out: dict[str, np.ndarray] = {"designation": _designations(ra2, dec2), "ra": ra2, "dec": dec2}
    for band in ("j", "h", "ks"):
        short = band[0]
        out[f"{short}_m"], out[f"{short}_msigcom"] = phot.mag[band][rows] + fainter, phot.error[band][rows]
    out |= {name: letters[rows] for name, letters in phot.flags.items()}
    order = np.argsort(ra2, kind="stable")
    return {name: values[order] for name, values in out.items()}


def _designations(ra: Array, dec: Array) -> np.ndarray:
    """hhmmssss+ddmmsss, as 2MASS rounds it."""
    h = np.rint(ra / 15 * 360_000).astype(np.int64) % 8_640_000
    d = np.rint(np.abs(dec) * 36_000).astype(np.int64)
    east = _digits(h // 360_000 * 1_000_000 + h // 6000 % 60 * 10_000 + h % 6000, 8)
    north = _digits(d // 36_000 * 100_000 + d // 600 % 60 * 1000 + d % 600, 7)
    return np.char.add(np.char.add(east, np.where(dec < 0, "-", "+")), north)


def _digits(number: NDArray[np.int64], width: int) -> np.ndarray:
    return np.char.zfill(number.astype(str), width)


def xstps_columns(ra: Array, dec: Array, phot: Measured) -> dict[str, np.ndarray]:
    out = {"ra": ra, "dec": dec}
    for band in ("g", "r", "i"):
        out |= {band: phot.mag[band], f"{band}_err": phot.error[band]}
    return out


def apass_columns(ra: Array, dec: Array, phot: Measured) -> dict[str, np.ndarray]:
    """VizieR II/336/apass9; the identifiers g_mag, r_mag, i_mag stand for the names g'mag, r'mag, i'mag."""
    out = {"RAJ2000": ra, "DEJ2000": dec}
    for name, band in (("Vmag", "v"), ("Bmag", "b"), ("g_mag", "g"), ("r_mag", "r"), ("i_mag", "i")):
        out |= {name: phot.mag[band], f"e_{name}": phot.error[band]}
    return out
