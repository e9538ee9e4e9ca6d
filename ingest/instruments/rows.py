"""A spectrum of any instrument as a row of raw.headers and arrays on the common grid.

Other wavelengths than ours are brought to the grid, flux and variance kept. Of a file that holds
many spectra each is an entry of its own, NAME#ROW; a FITS file that is too large to be read whole
is mapped.
"""

import hashlib
import io
import math
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from obcat.ingest.errors import IngestError, Quarantined, brief
from obcat.ingest.lamost.layouts import Arrays
from obcat.ingest.lamost.spectrum import Entry, Spectrum, bounded, masked
from obcat.ingest.tables.read import contents
from obcat.kernels.grid import (
    LOG_START,
    LOG_STEP,
    N_PIXEL,
    PHASE_TOLERANCE,
    WIDEST_STEP,
    placed,
    snr_g,
    usable,
)

__all__ = [
    "Shares",
    "believed",
    "checked_wavelengths",
    "combined",
    "expanded",
    "finished",
    "first_on_grid",
    "first_table",
    "found_in",
    "gridded",
    "mapped_fits",
    "place_of",
    "resampled",
    "resolution_of",
    "row_of",
    "sha256_of",
    "shares",
    "vacuum",
]

EDGES = 10 ** (LOG_START + LOG_STEP * (np.arange(N_PIXEL + 1) - 0.5))
WIDTHS = np.diff(EDGES)
WHOLE = 1 - 1e-6  # of a pixel of ours must be covered by good ones


class Shares(NamedTuple):
    """Of what a pixel of ours is made: ``first`` (3909,) of theirs, and ``weight`` (3909, k), the
    share of its width that each of k from there on covers.
    """

    first: np.ndarray
    weight: np.ndarray


def vacuum(wavelength: np.ndarray) -> np.ndarray:
    """Wavelengths in air as in vacuum, Angstrom: the inverse of Ciddor (1996) by N. Piskunov, as
    VALD uses it; good to 1e-6 Angstrom from 3,000 to 10,000.
    """
    s2 = (1e4 / wavelength) ** 2
    index = 1 + 8.336624212083e-5 + 0.02408926869968 / (130.1065924522 - s2)
    return wavelength * (index + 1.599740894897e-4 / (38.92568793293 - s2))


def first_on_grid(wavelength: np.ndarray) -> int | None:
    """Our pixel of the first of theirs, (p,) Angstrom in vacuum, where all stand on our grid; else
    None.
    """
    pixel = (np.log10(wavelength) - LOG_START) / LOG_STEP
    whole = np.round(pixel).astype(int)
    near = np.abs(pixel - whole).max() <= PHASE_TOLERANCE and (np.diff(whole) == 1).all()
    return int(whole[0]) if near else None


def gridded(
    wavelength: np.ndarray, flux: np.ndarray, ivar: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """One spectrum, (p,) each, on the common grid: (3909,) float32 flux and ivar, 0 where masked;
    by offset where it stands on the grid, else by `resampled`.

    wavelength : Angstrom, vacuum, ascending; flux a density in wavelength
    """
    good = usable(flux, ivar)
    first = first_on_grid(wavelength)
    if first is None:
        return resampled(shares(wavelength), flux, ivar)
    return placed(np.where(good, flux, 0), first), placed(np.where(good, ivar, 0), first)


def shares(wavelength: np.ndarray) -> Shares:
    """How pixels with these centres, (p,) ascending, cover ours; one after a gap ends half a usual
    step before its centre, so that no gap is bridged.
    """
    step = np.diff(wavelength)
    usual = np.minimum(np.r_[step[:1], step], np.r_[step, step[-1:]])
    low = wavelength - np.minimum(np.r_[step[:1], step], WIDEST_STEP / 2 * usual) / 2
    high = wavelength + np.minimum(np.r_[step, step[-1:]], WIDEST_STEP / 2 * usual) / 2
    first = np.searchsorted(high, EDGES[:-1], side="right")
    most = int(np.max(np.searchsorted(low, EDGES[1:]) - first, initial=1))
    at = np.minimum(first[:, None] + np.arange(most), len(wavelength) - 1)
    inside = first[:, None] + np.arange(most) < len(wavelength)
    overlap = np.minimum(high[at], EDGES[1:, None]) - np.maximum(low[at], EDGES[:-1, None])
    return Shares(first, np.where(inside, np.maximum(overlap, 0), 0) / WIDTHS[:, None])


def resampled(made_of: Shares, flux: np.ndarray, ivar: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(3909,) float32 flux and ivar: mean density over each of our pixels, with the variance of
    that mean; that neighbours share a pixel of theirs, and so their noise, is not told.

    A pixel of ours is masked (0) unless good ones cover the whole of it.
    """
    good = usable(flux, ivar)
    variance = np.divide(1.0, ivar, out=np.zeros(len(ivar)), where=good)
    first, weight = made_of
    at = np.minimum(first[:, None] + np.arange(weight.shape[1]), len(flux) - 1)
    known = (np.where(good[at], weight, 0).sum(axis=1) >= WHOLE) & (good[at] | (weight == 0)).all(1)
    value = (weight * np.where(good, flux, 0)[at]).sum(axis=1)
    spread = (weight**2 * variance[at]).sum(axis=1)
    inverse = np.divide(1.0, spread, out=np.zeros(N_PIXEL), where=known & (spread > 0))
    return np.where(known, value, 0).astype(np.float32), inverse.astype(np.float32)


def combined(
    arms: list[tuple[np.ndarray, np.ndarray]],
) -> tuple[np.ndarray, np.ndarray]:
    """Arms on the common grid as one spectrum: the mean by inverse variance where they overlap."""
    flux, ivar = (np.stack([arm[i] for arm in arms]).astype(np.float64) for i in (0, 1))
    total = ivar.sum(axis=0)
    mean = np.divide((flux * ivar).sum(axis=0), total, out=np.zeros(N_PIXEL), where=total > 0)
    return mean.astype(np.float32), total.astype(np.float32)


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


def expanded(source: Path, entry: Entry, count: Callable[[Path], int]) -> list[Entry]:
    """An entry for each spectrum of a file; the file itself where it cannot be opened or is empty,
    so that its reading says why.
    """
    try:
        rows = count(source / entry.path)
    except Quarantined:
        rows = 0
    return [entry._replace(path=f"{entry.path}#{row}") for row in range(rows)] or [entry]


def place_of(source: Path, entry: Entry) -> tuple[Path, int | None]:
    """The file of an entry, and the row in it."""
    name, mark, row = entry.path.rpartition("#")
    return (source / name, int(row)) if mark and row.isdigit() else (source / entry.path, None)


def found_in(
    source: Path, entry: Entry, read: Callable[[Path, int], Spectrum]
) -> tuple[str | None, Spectrum | Quarantined]:
    """The spectrum of an entry, or why there is none; a file without one is read for its row 0."""
    path, row = place_of(source, entry)
    try:
        return None, bounded(lambda: read(path, row or 0))
    except Quarantined as fault:
        return None, fault


def believed(rows: int, path: Path) -> int:
    """The rows that a header claims, of a spectrum each. Raises Quarantined: unreadable, where the
    file has not even a byte for each.
    """
    size = path.stat().st_size
    if not 0 <= rows <= size:
        raise Quarantined("unreadable", f"its header claims {rows:,} spectra in {size:,} bytes")
    return rows


@contextmanager
def mapped_fits(path: Path, *, sums: bool = False) -> Iterator[Any]:
    """The extensions of a file, read as they are asked for; a packed one is inflated whole, its CRC
    verified.

    With ``sums`` each extension is held against its CHECKSUM and DATASUM when it is reached. Raises
    Quarantined: unreadable, checksum.
    """
    from astropy.io import fits
    from astropy.utils.exceptions import AstropyWarning

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", AstropyWarning)
            packed = path.suffix.lower() == ".gz"
            with (
                io.BytesIO(contents(path)) if packed else path.open("rb") as file,
                fits.open(file, memmap=not packed, checksum=sums) as hdus,
            ):
                yield hdus
    except IngestError as error:
        raise Quarantined("unreadable", brief(error)) from error
    except (OSError, ValueError, TypeError, LookupError, fits.VerifyError, AstropyWarning) as error:
        raise Quarantined(_reason_of(error), f"astropy: {brief(error)}") from error


def _reason_of(error: Exception) -> str:
    """Of what astropy says: checksum or unreadable."""
    return "checksum" if "sum verification failed" in str(error) else "unreadable"


@contextmanager
def first_table(path: Path, *, sums: bool = False) -> Iterator[Any]:
    """The first binary table of a file, with ``sums`` checked.
    Raises Quarantined: unreadable, checksum, unknown_layout.
    """
    from astropy.io import fits

    with mapped_fits(path, sums=sums) as hdus:
        tables = [hdu for hdu in hdus if isinstance(hdu, fits.BinTableHDU)]
        if not tables:
            raise Quarantined("unknown_layout", "a FITS file without a binary table")
        yield tables[0]
