"""One LAMOST file -> header columns, and flux and inverse variance on the common grid."""

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from obcat.ingest import inflate
from obcat.ingest.cards import Cards, Value, number, text
from obcat.ingest.errors import Quarantined
from obcat.ingest.header import KEYWORDS, describe, position
from obcat.ingest.identity import identify, name_identity
from obcat.ingest.layouts import Arrays, read_arrays
from obcat.kernels.grid import LOG_START, LOG_STEP, N_PIXEL, WAVELENGTH

__all__ = ["Spectrum", "read_bytes", "read_spectrum"]

SHORTEST, LONGEST = 3600.0, 9300.0  # Angstrom; no LAMOST low-resolution pixel lies outside
PHASE_TOLERANCE = 0.1  # pixel (7 km/s); the largest offset seen is 0.02, in files with FIB_MASK = -1
MARGIN = 150  # pixels from SHORTEST to the grid's start and from its end to LONGEST, generously
WIDE = 10 ** (LOG_START + LOG_STEP * np.arange(-MARGIN, N_PIXEL + MARGIN))
SLACK = PHASE_TOLERANCE * LOG_STEP * np.log(10) * WIDE
G_BAND = slice(*np.searchsorted(WAVELENGTH, (4000.0, 5500.0)))
HIGH_IVAR = 100  # times the median, the limit n_high_ivar is defined by


class Spectrum(NamedTuple):
    """``header``: the columns of raw.headers; ``flux``, ``ivar``: (3909,) float32 on the common grid."""

    header: dict[str, Value]
    flux: np.ndarray
    ivar: np.ndarray


def read_spectrum(source: Path | bytes, name: str | None = None) -> Spectrum:
    """Read a LAMOST low-resolution file, plain or gzip, of any release; ``name`` is its name on disk.

    Raises Quarantined with a reason from errors.REASONS and nothing else.
    """
    stored = source if isinstance(source, bytes) else read_bytes(source)
    return parse(stored, name if isinstance(source, bytes) else source.name)


def read_bytes(path: Path) -> bytes:
    """The file's content. Raises Quarantined: not_a_file, empty, too_large or unreadable."""
    with quarantined_os_errors():
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise Quarantined("not_a_file", "a folder, pipe or device")
        if status.st_size > inflate.SIZE_CAP:
            raise Quarantined("too_large", f"{status.st_size} bytes")
        content = path.read_bytes()
    if not content:
        raise Quarantined("empty", "0 bytes")
    return content


@contextmanager
def quarantined_os_errors() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise Quarantined("not_a_file", "a broken link, or gone since it was listed") from error
    except OSError as error:
        raise Quarantined("unreadable", os.strerror(error.errno or 0)) from error


def parse(stored: bytes, name: str | None) -> Spectrum:
    content = inflate.inflate(stored) if stored.startswith(inflate.MAGIC) else stored
    cards, arrays = read_arrays(content, KEYWORDS)
    identity = identify(cards, name)
    if cards.get("VACUUM") is not True or cards.get("HELIO") is not True:
        raise Quarantined("not_vacuum_heliocentric", f"VACUUM {cards.get('VACUUM')}, HELIO {cards.get('HELIO')}")
    ra, dec = position(cards)
    first, layout = first_pixel(cards, arrays.flux.size), layout_of(cards, arrays)
    flux, ivar, counts = masked(arrays)
    flux, ivar = placed(flux, first), placed(ivar, first)
    filename = text(cards, "FILENAME")
    header: dict[str, Value] = {
        "specid": identity.specid,
        "fitsname": filename if filename and name_identity(filename) else identity.fitsname,
        "sha256": hashlib.sha256(stored).hexdigest(),
        "other_names": None,
        "layout": layout,
        **identity._asdict(),
        "ra": ra,
        "dec": dec,
        **describe(cards),
        "snr_g_computed": snr_g(flux, ivar),
        "first_pixel": first,
        "n_pixel": arrays.flux.size,
        **counts,
    }
    return Spectrum(header, flux, ivar)


def first_pixel(cards: Cards, n: int) -> int:
    """Grid pixel of the first pixel, by COEFF0 and COEFF1; negative if the file begins before the grid.

    Raises Quarantined: bad_header or bad_wavelength.
    """
    start, step = number(cards, "COEFF0"), number(cards, "COEFF1")
    if start is None or step is None:
        raise Quarantined("bad_header", f"COEFF0 = {cards.get('COEFF0')!r}, COEFF1 = {cards.get('COEFF1')!r}")
    end = start + step * (n - 1)
    if not np.log10(SHORTEST) <= start < end <= np.log10(LONGEST):
        raise Quarantined("bad_wavelength", f"log10 of wavelength from {start} to {end}")
    first = round((start - LOG_START) / LOG_STEP)
    for log_wavelength, pixel in ((start, first), (end, first + n - 1)):
        if abs((log_wavelength - LOG_START) / LOG_STEP - pixel) > PHASE_TOLERANCE:
            raise Quarantined("bad_wavelength", f"COEFF0 {start}, COEFF1 {step}: off the grid of step {LOG_STEP}")
    return first


def layout_of(cards: Cards, arrays: Arrays) -> str:
    """Whether the third row is the wavelength (table, image) or the continuum-subtracted flux (dr1).

    Raises Quarantined: bad_wavelength or unknown_layout.
    """
    row, rows = arrays.row2, arrays.rows or ""
    first = first_pixel(cards, row.size) + MARGIN
    off = np.abs(row - WIDE[first : first + row.size])
    if (off <= SLACK[first : first + row.size]).all():
        return "table" if arrays.table else "image"
    if arrays.table or "wavelength" in rows.lower() or rises(row):
        raise Quarantined("bad_wavelength", f"wavelengths {row[0]:.6g} to {row[-1]:.6g} are not those of COEFF0")
    if "subcontinuum" in rows.lower():
        return "dr1"
    raise Quarantined("unknown_layout", f"row 3 is no wavelength and EXTEN0 is {arrays.rows!r}")


def rises(row: np.ndarray) -> bool:
    return bool((np.diff(row) > 0).all())


def masked(arrays: Arrays) -> tuple[np.ndarray, np.ndarray, dict[str, Value]]:
    """(n,) float32 flux and ivar, ivar 0 where METHOD section 1 masks, and the counts of raw.headers.

    A pixel is masked if flux == 0, ivar <= 0, ormask != 0, or flux or ivar is not finite (flux is 0 there).
    """
    with np.errstate(over="ignore", invalid="ignore"):
        flux, ivar = arrays.flux.astype(np.float32), arrays.ivar.astype(np.float32)
        finite = np.isfinite(flux)
        wrong = ~finite | ~np.isfinite(ivar) | (ivar < 0)
        good = ~wrong & (flux != 0) & (ivar > 0) & (arrays.ormask == 0)
        zero_flux = (flux == 0) & (ivar > 0)
    if not finite.all():
        flux = np.where(finite, flux, np.float32(0))
    values = ivar[good]
    counts: dict[str, Value] = {
        "n_masked": good.size - values.size,
        "n_zero_flux": int(np.count_nonzero(zero_flux)),
        "n_not_finite": int(np.count_nonzero(wrong)),
        "n_high_ivar": int(np.count_nonzero(values > HIGH_IVAR * median(values))) if values.size else 0,
    }
    return flux, np.where(good, ivar, np.float32(0)), counts


def placed(values: np.ndarray, first: int) -> np.ndarray:
    """(n,) values put on the grid from pixel ``first``, 0 elsewhere; what lies outside the grid is left out."""
    start, end = max(first, 0), min(first + values.size, N_PIXEL)
    row = np.zeros(N_PIXEL, np.float32)
    row[start:end] = values[start - first : end - first]
    return row


def snr_g(flux: np.ndarray, ivar: np.ndarray) -> float | None:
    """Median of flux times the root of ivar over the good pixels from 4000 to 5500 Angstrom; None without any."""
    flux, ivar = flux[G_BAND].astype(float), ivar[G_BAND].astype(float)
    good = ivar > 0
    return median(flux[good] * np.sqrt(ivar[good])) if good.any() else None


def median(values: np.ndarray) -> float:
    """The median of finite values, as numpy.median but faster for a single row."""
    half = values.size // 2
    if values.size % 2:
        return float(np.partition(values, half)[half])
    low, high = np.partition(values, (half - 1, half))[half - 1 : half + 1]
    return (float(low) + float(high)) / 2
