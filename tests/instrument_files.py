"""Made-up files in the layouts of SDSS, DESI and of tables, that carry given spectra."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from astropy.io import fits
from scipy.interpolate import CubicSpline

from obcat.kernels.grid import LOG_START, LOG_STEP, N_PIXEL, WAVELENGTH

__all__ = ["ARMS", "Star", "write_desi", "write_fits_table", "write_sdss", "write_table"]

EARLIER = 173  # pixels that SDSS begins before our grid: at log10 of wavelength 3.5509
ARMS = {"B": (3600.0, 5800.0), "R": (5760.0, 7620.0), "Z": (7520.0, 9824.0)}
STEP = 0.8  # Angstrom


class Star(NamedTuple):
    """flux, ivar: (3909,) on the common grid, flux 0 and ivar 0 where masked."""

    number: int
    flux: np.ndarray
    ivar: np.ndarray
    ra: float = 105.3833
    dec: float = 27.611422
    z: float = 1e-4


def write_sdss(folder: Path, star: Star, **cards: Any) -> Path:
    """spec-4055-55359-FIBER.fits with extensions COADD and SPALL; ``cards`` replace those of ours."""
    plate, mjd, fibre = 4055, 55359, star.number
    loglam = LOG_START + LOG_STEP * np.arange(-EARLIER, N_PIXEL)
    before = np.zeros(EARLIER)
    pixels = {
        "flux": ("E", np.r_[before, star.flux]),
        "loglam": ("E", loglam),
        "ivar": ("E", np.r_[before, star.ivar]),
        "and_mask": ("J", np.zeros(loglam.size, int)),
        "or_mask": ("J", np.full(loglam.size, 1 << 23)),
        "wdisp": ("E", np.full(loglam.size, 0.95)),
    }
    coadd = [fits.Column(name, form, array=array) for name, (form, array) in pixels.items()]
    row: dict[str, tuple[str, Any]] = {
        "PLATE": ("J", plate), "MJD": ("J", mjd), "FIBERID": ("J", fibre),
        "PLUG_RA": ("D", star.ra), "PLUG_DEC": ("D", star.dec),
        "Z": ("E", star.z), "Z_ERR": ("E", 1e-5), "ZWARNING": ("J", 0),
        "CLASS": ("6A", "STAR"), "SUBCLASS": ("21A", "OB (141413)"), "RUN2D": ("8A", "v5_13_2"),
        "SN_MEDIAN": ("5E", np.array([[3.0, 40.0, 50.0, 40.0, 20.0]])),
    }  # fmt: skip
    catalog = [
        fits.Column(name, form, array=np.atleast_1d(cards.get(name, value)))
        for name, (form, value) in row.items()
    ]
    primary = fits.PrimaryHDU()
    primary.header.update(
        {"VACUUM": cards.get("VACUUM", True), "HELIO_RV": 12.5, "EXPTIME": 5400.0}
    )
    hdus = [primary, fits.BinTableHDU.from_columns(coadd, name="COADD")]
    hdus.append(fits.BinTableHDU.from_columns(catalog, name="SPALL"))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"spec-{plate}-{mjd}-{fibre:04d}.fits"
    fits.HDUList(hdus).writeto(path)
    return path


def write_desi(folder: Path, stars: Sequence[Star], group: str = "main-bright-10016") -> Path:
    """coadd-GROUP.fits and redrock-GROUP.fits of the stars, and a fibre on the sky at the end."""
    n = len(stars) + 1
    ids = np.array([39627000000000000 + star.number for star in stars] + [-1])
    columns = {
        "TARGETID": ("K", ids),
        "TARGET_RA": ("D", [star.ra for star in stars] + [0.0]),
        "TARGET_DEC": ("D", [star.dec for star in stars] + [0.0]),
        "OBJTYPE": ("3A", ["TGT"] * len(stars) + ["SKY"]),
        "COADD_FIBERSTATUS": ("J", [0] * n),
        "COADD_NUMEXP": ("I", [2] * n),
        "COADD_EXPTIME": ("E", [360.0] * n),
    }
    made = [fits.Column(name, form, array=np.array(a)) for name, (form, a) in columns.items()]
    hdus = [fits.PrimaryHDU(), fits.BinTableHDU.from_columns(made, name="FIBERMAP")]
    for arm, (low, high) in ARMS.items():
        wavelength = np.round(np.arange(low, high + STEP / 2, STEP), 3)
        spectra = [_on_linear(star, wavelength) for star in stars]
        nothing = np.zeros((1, wavelength.size), np.float32)
        flux, ivar = (np.concatenate([*(s[i][None] for s in spectra), nothing]) for i in (0, 1))
        bands = np.exp(-0.5 * ((np.arange(11) - 5.0) / 1.1) ** 2)
        bands = np.tile((bands / bands.sum())[None, :, None], (n, 1, wavelength.size))
        extensions = {
            "WAVELENGTH": wavelength, "FLUX": flux, "IVAR": ivar,
            "MASK": np.zeros(flux.shape, np.int32), "RESOLUTION": bands.astype(np.float32),
        }  # fmt: skip
        hdus += [fits.ImageHDU(a, name=f"{arm}_{name}") for name, a in extensions.items()]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"coadd-{group}.fits"
    fits.HDUList(hdus).writeto(path)
    _write_redrock(folder / f"redrock-{group}.fits", ids, [star.z for star in stars] + [0.0])
    return path


def _write_redrock(path: Path, ids: np.ndarray, redshifts: list[float]) -> None:
    columns = {
        "TARGETID": ("K", ids), "Z": ("D", redshifts), "ZERR": ("D", [1e-5] * len(ids)),
        "ZWARN": ("K", [0] * len(ids)), "SPECTYPE": ("6A", ["STAR"] * len(ids)),
        "SUBTYPE": ("20A", ["B"] * len(ids)),
    }  # fmt: skip
    made = [fits.Column(name, form, array=np.array(a)) for name, (form, a) in columns.items()]
    table = fits.BinTableHDU.from_columns(made, name="REDSHIFTS")
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(path)


def _on_linear(star: Star, wavelength: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Density of flux at other wavelengths; ivar in proportion to the width of a pixel."""
    good = star.ivar > 0
    filled = np.interp(WAVELENGTH, WAVELENGTH[good], star.flux[good])
    edges = 10 ** (LOG_START + LOG_STEP * (np.arange(N_PIXEL + 1) - 0.5))
    light = CubicSpline(edges, np.r_[0, np.cumsum(filled * np.diff(edges))])
    borders = np.r_[wavelength - STEP / 2, wavelength[-1] + STEP / 2]
    flux = np.diff(light(np.clip(borders, edges[0], edges[-1]))) / STEP
    near = np.clip(np.searchsorted(WAVELENGTH, wavelength), 0, N_PIXEL - 1)
    inside = (wavelength >= WAVELENGTH[0]) & (wavelength <= WAVELENGTH[-1])
    width = WAVELENGTH[near] * np.log(10) * LOG_STEP
    return flux.astype(np.float32), (star.ivar[near] * STEP / width * inside).astype(np.float32)


def _columns(stars: Sequence[Star], wavelength: np.ndarray) -> dict[str, Any]:
    return {
        "id": [f"star-{star.number:03d}" for star in stars],
        "ra": [star.ra for star in stars],
        "dec": [star.dec for star in stars],
        "z": [star.z for star in stars],
        "wavelength": [wavelength] * len(stars),
        "flux": [star.flux for star in stars],
        "ivar": [star.ivar for star in stars],
    }


def write_table(path: Path, stars: Sequence[Star], wavelength: np.ndarray = WAVELENGTH) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(_columns(stars, wavelength)), path, row_group_size=7)
    return path


def write_fits_table(path: Path, stars: Sequence[Star]) -> Path:
    forms = {"id": "20A", "ra": "D", "dec": "D", "z": "D"}
    made = [
        fits.Column(name, forms.get(name, f"{N_PIXEL}D"), array=np.array(values))
        for name, values in _columns(stars, WAVELENGTH).items()
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(made)]).writeto(path)
    return path
