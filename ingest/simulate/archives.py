"""Archives: the measured stars, and neighbours that are not they, under each archive's own column names."""

import numpy as np
from numpy.typing import NDArray

from obcat.ingest.simulate.astrometry import Astrometry
from obcat.ingest.simulate.photometry import Measured

__all__ = ["apass_columns", "gaia_columns", "offset", "twomass_columns", "with_neighbours", "xstps_columns"]

Array = NDArray[np.float64]
EPOCH = 2015.5
ARCSEC = 1 / 3600
HALF_MAG = 2.5 / np.log(10)
NEIGHBOURS, SEPARATION, FAINTER = 0.04, (0.7, 5.0), (1.0, 6.0)  # of stars; arcsec; mag


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
        "ruwe": a.ruwe,
    }  # fmt: skip


def _source_id(number: NDArray[np.int64], ra: Array, dec: Array) -> NDArray[np.int64]:
    """Above 2^53, as real ones are: a sky cell times 2^35, and the number of the star in the survey."""
    cell = np.floor((dec + 90) / 180 * 8192).astype(np.int64) * 16384 + np.floor(ra / 360 * 16384).astype(np.int64)
    return (cell << 35) + ((number + 1) << 7)


def with_neighbours(gaia: dict[str, np.ndarray], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Adds fainter sources within a few arcsec of some stars; half of them have a position only."""
    rows = np.flatnonzero(rng.random(len(gaia["ra"])) < NEIGHBOURS)
    n = len(rows)
    near = {name: values[rows].copy() for name, values in gaia.items()}
    near["ra"], near["dec"] = _beside(near["ra"], near["dec"], rng)
    near["source_id"] += 64
    fainter = rng.uniform(*FAINTER, size=n)
    for name in ("phot_g_mean_mag", "phot_bp_mean_mag", "phot_rp_mean_mag"):
        near[name] += fainter
    near["parallax_error"] *= 10 ** (0.2 * fainter)
    near["parallax"] = near["parallax_error"] * rng.standard_normal(n) + rng.exponential(0.4, size=n)
    near["pmra"], near["pmdec"] = rng.normal(0, 4, size=(2, n))
    bare = rng.random(n) < 0.5
    for name in ("parallax", "parallax_error", "pmra", "pmra_error", "pmdec", "pmdec_error", "ruwe"):
        near[name][bare] = np.nan
    both = {name: np.concatenate([gaia[name], near[name]]) for name in gaia}
    order = np.argsort(both["source_id"])
    return {name: values[order] for name, values in both.items()}


def _beside(ra: Array, dec: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    distance, angle = rng.uniform(*SEPARATION, size=len(ra)) * ARCSEC, rng.uniform(0, 2 * np.pi, size=len(ra))
    return (ra + distance * np.sin(angle) / np.cos(np.radians(dec))) % 360, dec + distance * np.cos(angle)


def twomass_columns(ra: Array, dec: Array, phot: Measured, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """IRSA, fp_psc; a band without an error is an upper limit, quality U. With neighbours, 3 arcsec away or more."""
    rows = np.concatenate([np.arange(len(ra)), np.flatnonzero(rng.random(len(ra)) < NEIGHBOURS / 2)])
    extra = np.arange(len(rows)) >= len(ra)
    ra2, dec2 = offset(ra[rows], dec[rows], 0.08, rng)
    dec2 = dec2 + np.where(extra, rng.uniform(3, 5, size=len(rows)), 0) * ARCSEC
    fainter = np.where(extra, rng.uniform(0.5, 3, size=len(rows)), 0)
    out: dict[str, np.ndarray] = {"designation": _designations(ra2, dec2), "ra": ra2, "dec": dec2}
    for band in ("j", "h", "ks"):
        short = band[0]
        out[f"{short}_m"], out[f"{short}_msigcom"] = phot.mag[band][rows] + fainter, phot.error[band][rows]
    letters = [np.array([_quality(e) for e in out[f"{b}_msigcom"]]) for b in "jhk"]
    out["ph_qual"] = np.array(["".join(three) for three in zip(*letters, strict=True)])
    order = np.argsort(ra2, kind="stable")
    return {name: values[order] for name, values in out.items()}


def _quality(error: float) -> str:
    if np.isnan(error):
        return "U"
    return "A" if error < 0.1 else "B" if error < 0.15 else "C"


def _designations(ra: Array, dec: Array) -> np.ndarray:
    return np.array([_designation(a, d) for a, d in zip(ra, dec, strict=True)])


def _designation(ra: float, dec: float) -> str:
    h, d = round(ra / 15 * 3600 * 100) % 8_640_000, round(abs(dec) * 36_000)
    east = f"{h // 360_000:02d}{h // 6000 % 60:02d}{h % 6000:04d}"
    return f"{east}{'-' if dec < 0 else '+'}{d // 36_000:02d}{d // 600 % 60:02d}{d % 600:03d}"


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
