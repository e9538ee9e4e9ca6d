"""Where on the common grid the pixels of a file lie, and whether its third row is the wavelength."""

import numpy as np

from obcat.ingest.cards import Cards, number
from obcat.ingest.errors import Quarantined
from obcat.ingest.layouts import Arrays
from obcat.kernels.grid import LOG_START, LOG_STEP, N_PIXEL

__all__ = ["first_pixel", "layout_of"]

SHORTEST, LONGEST = 3600.0, 9300.0  # Angstrom; no LAMOST low-resolution pixel lies outside
PHASE_TOLERANCE = 0.1  # pixel (7 km/s); the largest offset seen is 0.02, in files with FIB_MASK = -1
MARGIN = 150  # pixels from SHORTEST to the grid's start and from its end to LONGEST, generously
WIDE = 10 ** (LOG_START + LOG_STEP * np.arange(-MARGIN, N_PIXEL + MARGIN))
SLACK = PHASE_TOLERANCE * LOG_STEP * np.log(10) * WIDE


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
