"""A spectrum of any instrument as a row of raw.headers and arrays on the common grid."""

import hashlib
import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from obcat.ingest.errors import Quarantined
from obcat.ingest.lamost.layouts import Arrays
from obcat.ingest.lamost.spectrum import Spectrum, masked
from obcat.kernels.grid import snr_g
from obcat.kernels.resampling import first_on_grid, gridded

__all__ = ["checked_wavelengths", "finished", "resolution_of", "row_of", "sha256_of"]

NAME = re.compile(r"[A-Za-z0-9_.+-]{1,40}")  # what specid holds
LIMITS = {"class": 12, "subclass": 16, "fitsname": 60, "planid": 32, "zflag": 16, "data_v": 16}
SHORTEST, LONGEST = 2000.0, 30_000.0  # Angstrom; beyond it the unit is another
COARSEST = 8.0  # Angstrom a pixel; the grid has 1 to 2
TO_FWHM = 2 * math.sqrt(2 * math.log(2))


def row_of(specid: str, **given: Any) -> dict[str, Any]:
    """The columns that a header gives, with those that a file of LAMOST must have: 0 and '' where
    the instrument has none. Raises Quarantined: bad_header, bad_position.
    """
    if not NAME.fullmatch(specid):
        raise Quarantined("bad_header", f"the identifier {specid[:60]!r} is no name of 40 letters")
    ra, dec = given["ra"], given["dec"]
    if not (0 <= ra <= 360 and -90 <= dec <= 90):
        raise Quarantined("bad_position", f"RA = {ra}, Dec = {dec}")
    row = {"specid": specid, "fitsname": specid, "lmjd": 0, "planid": "", "spid": 0, "fiberid": 0}
    row |= {name: _known(value) for name, value in given.items()} | {"other_names": None}
    return row | {"ra": math.fmod(ra, 360.0)} | _cut(row)


def _known(value: Any) -> Any:
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else None
    return value


def _cut(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name][:most] for name, most in LIMITS.items() if row.get(name)}


def sha256_of(*parts: object) -> str:
    """Of the content of one spectrum in a file of many: arrays by their bytes, others by repr."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.tobytes() if isinstance(part, np.ndarray) else repr(part).encode())
    return digest.hexdigest()


def checked_wavelengths(wavelength: np.ndarray) -> np.ndarray:
    """(p,) float64 Angstrom. Raises Quarantined: bad_wavelength."""
    found = np.asarray(wavelength, np.float64)
    if found.ndim != 1 or found.size < 2 or not (np.diff(found) > 0).all():
        raise Quarantined("bad_wavelength", "wavelengths are not a row that rises")
    if not SHORTEST <= found[0] < found[-1] <= LONGEST:
        shown = f"from {found[0]:.6g} to {found[-1]:.6g}"
        raise Quarantined("bad_wavelength", f"wavelengths {shown}: are they in Angstrom?")
    if np.median(np.diff(found)) > COARSEST:
        raise Quarantined(
            "bad_wavelength", f"{np.median(np.diff(found)):.3g} Angstrom a pixel, too coarse"
        )
    return found


def resolution_of(sigma: np.ndarray, wavelength: np.ndarray) -> float | None:
    """Median of wavelength over the full width of a line, from 4000 to 5500 Angstrom.

    sigma : (p,) Angstrom, the width of a Gaussian; 0 or less where it is not known
    """
    use = (wavelength > 4000) & (wavelength < 5500) & (sigma > 0)
    return float(np.median(wavelength[use] / sigma[use]) / TO_FWHM) if use.any() else None


def finished(
    row: dict[str, Any], sha: str, wavelength: np.ndarray, flux: np.ndarray, ivar: np.ndarray
) -> Spectrum:
    """One spectrum of pixels (p,), masked where ``ivar`` is 0, put on the grid.

    Raises Quarantined: bad_wavelength, no_pixels.
    """
    wavelength = checked_wavelengths(wavelength)
    if not flux.shape == ivar.shape == wavelength.shape:
        raise Quarantined(
            "unknown_layout", f"{wavelength.size} wavelengths, {flux.size} fluxes, {ivar.size} ivar"
        )
    nothing = np.zeros(flux.shape)
    flux, ivar, counts = masked(Arrays(True, None, flux, ivar, wavelength, nothing))
    placed_flux, placed_ivar = gridded(wavelength, flux, ivar)
    if not (placed_ivar > 0).any():
        raise Quarantined("no_pixels", "every pixel of the common grid is masked")
    first = first_on_grid(wavelength)
    snr = snr_g(placed_flux, placed_ivar)
    row |= {"first_pixel": 0 if first is None else first, "n_pixel": flux.size, "sha256": sha}
    return Spectrum(row | counts | {"snr_g_computed": _known(snr)}, placed_flux, placed_ivar)
