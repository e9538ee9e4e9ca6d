"""The three layouts of LAMOST low-resolution FITS files, told apart by structure, never by name or
release.

What the plain reader does not read (scaled or integer data, tables with other column types) is left
to astropy.
"""

import re
import warnings
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import NamedTuple

import numpy as np

from obcat.ingest.errors import Quarantined
from obcat.ingest.lamost.header import BLOCK, Cards, Value, integer, number, parse_header
from obcat.kernels.grid import LOG_START, LOG_STEP, N_PIXEL, PHASE_TOLERANCE

__all__ = ["Arrays", "first_pixel", "layout_of", "opened_fits", "read_arrays"]

MAGIC = b"SIMPLE  ="
MAX_PIXELS = 5000  # checked before any data are touched: headers lie
SUMS = frozenset({"CHECKSUM", "DATASUM"})
STRUCTURE = SUMS | {
    "SIMPLE",
    "BITPIX",
    "NAXIS",
    "NAXIS1",
    "NAXIS2",
    "BSCALE",
    "BZERO",
    "BLANK",
    "EXTEN0",
}
FLOATS = {-32: ">f4", -64: ">f8"}
NAMES = ("FLUX", "IVAR", "WAVELENGTH", "ORMASK", "ANDMASK")
SHORTEST, LONGEST = 3600.0, 9300.0  # Angstrom; no LAMOST low-resolution pixel lies outside
ALL_ONES = 0xFFFFFFFF
MARGIN = 150  # pixels from SHORTEST to the grid's start and from its end to LONGEST, generously
WIDE = 10 ** (LOG_START + LOG_STEP * np.arange(-MARGIN, N_PIXEL + MARGIN))
SLACK = PHASE_TOLERANCE * LOG_STEP * np.log(10) * WIDE


class Arrays(NamedTuple):
    """One spectrum as stored: (n,) arrays in the file's own type. ``row2`` is the wavelength, or
    (DR1) the
    continuum-subtracted flux; ``rows`` is EXTEN0, the file's own word for what its rows are, or
    None.
    """

    table: bool
    rows: str | None
    flux: np.ndarray
    ivar: np.ndarray
    row2: np.ndarray
    ormask: np.ndarray


def read_arrays(content: bytes, wanted: Collection[str]) -> tuple[dict[str, Value], Arrays]:
    """The primary header's ``wanted`` cards and the arrays of a FITS file held in memory.

    Raises Quarantined: not_fits, truncated_fits, bad_header, unknown_layout, checksum or
    unreadable.
    """
    if content[: len(MAGIC)] != MAGIC:
        raise Quarantined("not_fits", f"begins with {content[:20]!r}")
    cards, data = parse_header(content, 0, STRUCTURE | frozenset(wanted))
    if len(content) % BLOCK:
        raise Quarantined("truncated_fits", f"{len(content)} bytes, no multiple of {BLOCK}")
    if cards.get("SIMPLE") is not True:
        raise Quarantined("unknown_layout", "SIMPLE is not T")
    if cards.get("NAXIS") == 0:
        _check_sums(content, cards, 0, data, data)
        return cards, _table(content, data)
    return cards, _image(content, cards, data)


def _image(content: bytes, cards: Cards, data: int) -> Arrays:
    """DR1 to DR8: rows flux, inverse variance, wavelength (DR1:
    continuum-subtracted flux), andmask, ormask.
    """
    n, bitpix = integer(cards, "NAXIS1"), integer(cards, "BITPIX")
    if cards.get("NAXIS") != 2 or cards.get("NAXIS2") != 5 or not _sane(n):
        axes = f"{cards.get('NAXIS')}, {n}, {cards.get('NAXIS2')}"
        raise Quarantined(
            "unknown_layout",
            f"an image with NAXIS, NAXIS1, NAXIS2 = {axes}; LAMOST's has five rows",
        )
    if bitpix not in (8, 16, 32, 64, -32, -64):
        raise Quarantined("unknown_layout", f"BITPIX = {bitpix}")
    end = _require(content, data, 5 * n * abs(bitpix) // 8)
    _check_sums(content, cards, 0, data, end)
    if bitpix in FLOATS and not {"BSCALE", "BZERO", "BLANK"} & cards.keys():
        rows = np.frombuffer(content, FLOATS[bitpix], 5 * n, data).reshape(5, n)
    else:
        rows = _scaled_image(content)
    exten0 = cards.get("EXTEN0")
    return Arrays(
        False, exten0 if isinstance(exten0, str) else None, rows[0], rows[1], rows[2], rows[4]
    )


def _table(content: bytes, start: int) -> Arrays:
    """DR9 and later: the first extension is a table of one row with an array in each of its
    columns.
    """
    if start >= len(content):
        raise Quarantined("unknown_layout", "no image and no extension")
    cards, data = parse_header(content, start)
    if (
        cards.get("XTENSION") != "BINTABLE"
        or cards.get("NAXIS2") != 1
        or cards.get("PCOUNT", 0) != 0
    ):
        kind = f"{cards.get('XTENSION')!r}, {cards.get('NAXIS2')}, {cards.get('PCOUNT', 0)}"
        reason = "other_packing" if _is_fpacked(cards) else "unknown_layout"
        raise Quarantined(reason, f"{_kind(cards)}: XTENSION, NAXIS2, PCOUNT = {kind}")
    formats = _columns(cards)
    lengths = {formats.get(name, (0, ""))[0] for name in NAMES}
    if len(lengths) != 1 or not all(map(_sane, lengths)):
        shown = f"columns {', '.join(formats)[:100]} with lengths {sorted(lengths)}"
        raise Quarantined("unknown_layout", f"{_kind(cards)}: {shown}")
    end = _require(content, data, _size(cards, "NAXIS1"))
    _check_sums(content, cards, start, data, end)
    plain = not any(key.startswith(("TSCAL", "TZERO", "TNULL")) for key in cards)
    if plain and all(kind == "E" for _, kind in formats.values()):
        arrays = dict(zip(formats, _floats(content, data, cards, formats), strict=True))
    else:
        arrays = _scaled_columns(content, NAMES)
    return Arrays(True, None, *(arrays[name] for name in NAMES[:4]))


def _kind(cards: Cards) -> str:
    """What a first extension is that is no LAMOST low-resolution spectrum."""
    names = {str(value).upper() for key, value in cards.items() if key.startswith("TTYPE")}
    if _is_fpacked(cards):
        return "packed by fpack; unpack it (funpack)"
    if re.match(r"COADD_[BR]|[BR]-\d", str(cards.get("EXTNAME"))):
        return "a LAMOST medium-resolution spectrum, by its EXTNAME"
    if "LOGLAM" in names:
        return (
            "a spectrum of SDSS, by its columns"
            if "WDISP" in names
            else "a spectrum by LOGLAM, not LAMOST's"
        )
    if cards.get("XTENSION") == "IMAGE":
        return "an image in an extension"
    return (
        f"a table of {cards.get('NAXIS2')} rows"
        if cards.get("NAXIS2") != 1
        else "a table of one row"
    )


def _is_fpacked(cards: Cards) -> bool:
    return cards.get("ZIMAGE") is True or cards.get("TTYPE1") == "COMPRESSED_DATA"


def _check_sums(content: bytes, cards: Cards, start: int, data: int, end: int) -> None:
    """The header unit from ``start`` to ``end``, data from ``data``, has the sums that its cards
    say, if they do.

    FITS standard 4.4.2.7: the sum of the data is DATASUM, that of the unit is zero. Raises
    Quarantined: checksum.
    """
    given = {key: str(cards[key]).strip() for key in SUMS if cards.get(key) is not None}
    if said := given.get("DATASUM"):
        found = _sum(content[data:end])
        if not (said.isdecimal() and said.isascii() and int(said) % ALL_ONES == found):
            raise Quarantined("checksum", f"DATASUM = {said[:24]!r}, but the data have {found}")
    if given.get("CHECKSUM") and _sum(content[start:end]) != 0:
        raise Quarantined("checksum", "CHECKSUM is not that of header and data")


def _sum(words: bytes) -> int:
    """The ones' complement sum of big-endian 32-bit words; all ones are zero."""
    total = int(np.frombuffer(words, ">u4").sum(dtype=np.uint64))
    while total > ALL_ONES:
        total = (total & ALL_ONES) + (total >> 32)
    return total % ALL_ONES


def _columns(cards: Cards) -> dict[str, tuple[int, str]]:
    """Column name -> (length, type letter), in the order of the table."""
    formats: dict[str, tuple[int, str]] = {}
    for i in range(1, min(_size(cards, "TFIELDS"), 999) + 1):
        form = re.fullmatch(r"(\d{0,9})([LXBIJKAEDCM])", str(cards.get(f"TFORM{i}")))
        if form is None:
            raise Quarantined("unknown_layout", f"TFORM{i} = {cards.get(f'TFORM{i}')!r}")
        formats[str(cards.get(f"TTYPE{i}")).upper()] = (int(form[1] or 1), form[2])
    return formats


def _floats(
    content: bytes, data: int, cards: Cards, formats: dict[str, tuple[int, str]]
) -> list[np.ndarray]:
    """The columns of a table in which every column is float32."""
    ends = np.cumsum([length for length, _ in formats.values()])
    if len(formats) != cards["TFIELDS"] or 4 * ends[-1] != cards["NAXIS1"]:
        raise Quarantined("unknown_layout", "columns do not fill the row")
    return np.split(np.frombuffer(content, ">f4", int(ends[-1]), data), ends[:-1])


def _sane(n: int) -> bool:
    return 2 <= n <= MAX_PIXELS


def _size(cards: Cards, key: str) -> int:
    value = integer(cards, key)
    if value < 0:
        raise Quarantined("unknown_layout", f"{key} = {value}")
    return value


def _require(content: bytes, data: int, length: int) -> int:
    """Where the blocks of ``length`` bytes from ``data`` end:
    within the file, with nothing or an extension behind.
    """
    end = data + length + -length % BLOCK
    if end > len(content):
        raise Quarantined(
            "truncated_fits", f"{len(content)} bytes where the header announces {end}"
        )
    if content[end : end + 8] not in (b"", b"XTENSION"):
        raise Quarantined("unknown_layout", f"{len(content) - end} bytes after the data")
    return end


def _scaled_image(content: bytes) -> np.ndarray:
    """The primary image, (5, n), scaled; its shape is checked by the caller before.
    Raises Quarantined.
    """
    with opened_fits(content) as hdus:
        return np.array(hdus[0].data)


def _scaled_columns(content: bytes, names: Iterable[str]) -> dict[str, np.ndarray]:
    """Columns of the first row of the first extension, (n,) each, scaled. Raises Quarantined."""
    with opened_fits(content) as hdus:
        row = hdus[1].data[0]
        return {name: np.array(row[name], dtype=float) for name in names}


@contextmanager
def opened_fits(content: bytes, *, sums: bool = False) -> Iterator:
    """With ``sums`` every extension is held against its CHECKSUM and DATASUM when it is reached.
    Raises Quarantined: unreadable, checksum.
    """
    from astropy.io import fits
    from astropy.utils.exceptions import AstropyWarning

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", AstropyWarning)
            with fits.open(BytesIO(content), memmap=False, checksum=sums) as hdus:
                yield hdus
    except (
        OSError,
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        fits.VerifyError,
        AstropyWarning,
    ) as error:
        said = " ".join(str(error).split())[:200]
        reason = "checksum" if "sum verification failed" in said else "unreadable"
        raise Quarantined(reason, f"astropy: {said}") from error


def first_pixel(cards: Cards, n: int) -> int:
    """Grid pixel of the first pixel, by COEFF0 and COEFF1; negative if the file begins before the
    grid.

    Raises Quarantined: bad_header or bad_wavelength.
    """
    start, step = number(cards, "COEFF0"), number(cards, "COEFF1")
    if start is None or step is None:
        raise Quarantined(
            "bad_header", f"COEFF0 = {cards.get('COEFF0')!r}, COEFF1 = {cards.get('COEFF1')!r}"
        )
    end = start + step * (n - 1)
    if not np.log10(SHORTEST) <= start < end <= np.log10(LONGEST):
        raise Quarantined("bad_wavelength", f"log10 of wavelength from {start} to {end}")
    first = round((start - LOG_START) / LOG_STEP)
    for log_wavelength, pixel in ((start, first), (end, first + n - 1)):
        if abs((log_wavelength - LOG_START) / LOG_STEP - pixel) > PHASE_TOLERANCE:
            raise Quarantined(
                "bad_wavelength", f"COEFF0 {start}, COEFF1 {step}: off the grid of step {LOG_STEP}"
            )
    return first


def layout_of(cards: Cards, arrays: Arrays) -> str:
    """Whether the third row is the wavelength (table, image) or the continuum-subtracted flux
    (dr1).

    Raises Quarantined: bad_wavelength or unknown_layout.
    """
    row, rows = arrays.row2, arrays.rows or ""
    first = first_pixel(cards, row.size) + MARGIN
    off = np.abs(row - WIDE[first : first + row.size])
    if (off <= SLACK[first : first + row.size]).all():
        return "table" if arrays.table else "image"
    if arrays.table or "wavelength" in rows.lower() or _rises(row):
        raise Quarantined(
            "bad_wavelength", f"wavelengths {row[0]:.6g} to {row[-1]:.6g} are not those of COEFF0"
        )
    if "subcontinuum" in rows.lower():
        return "dr1"
    raise Quarantined("unknown_layout", f"row 3 is no wavelength and EXTEN0 is {arrays.rows!r}")


def _rises(row: np.ndarray) -> bool:
    return bool((np.diff(row) > 0).all())
