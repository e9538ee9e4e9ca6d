"""The three layouts of LAMOST low-resolution FITS files, told apart by structure, never by name or release."""

import re
from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from obcat.ingest import scaled
from obcat.ingest.cards import BLOCK, Cards, Value, integer, parse_header
from obcat.ingest.errors import Quarantined

__all__ = ["Arrays", "read_arrays"]

MAGIC = b"SIMPLE  ="
MAX_PIXELS = 5000  # checked before any data are touched: headers lie
STRUCTURE = frozenset({"SIMPLE", "BITPIX", "NAXIS", "NAXIS1", "NAXIS2", "BSCALE", "BZERO", "BLANK", "EXTEN0"})
FLOATS = {-32: ">f4", -64: ">f8"}
NAMES = ("FLUX", "IVAR", "WAVELENGTH", "ORMASK", "ANDMASK")


class Arrays(NamedTuple):
    """One spectrum as stored: (n,) arrays in the file's own type. ``row2`` is the wavelength, or (DR1) the
    continuum-subtracted flux; ``rows`` is EXTEN0, the file's own word for what its rows are, or None."""

    table: bool
    rows: str | None
    flux: np.ndarray
    ivar: np.ndarray
    row2: np.ndarray
    ormask: np.ndarray


def read_arrays(content: bytes, wanted: Collection[str]) -> tuple[dict[str, Value], Arrays]:
    """The primary header's ``wanted`` cards and the arrays of a FITS file held in memory.

    Raises Quarantined: not_fits, truncated_fits, bad_header, unknown_layout or unreadable.
    """
    if content[: len(MAGIC)] != MAGIC:
        raise Quarantined("not_fits", f"begins with {content[:20]!r}")
    cards, data = parse_header(content, 0, STRUCTURE | frozenset(wanted))
    if len(content) % BLOCK:
        raise Quarantined("truncated_fits", f"{len(content)} bytes, no multiple of {BLOCK}")
    if cards.get("SIMPLE") is not True:
        raise Quarantined("unknown_layout", "SIMPLE is not T")
    if cards.get("NAXIS") == 0:
        return cards, table(content, data)
    return cards, image(content, cards, data)


def image(content: bytes, cards: Cards, data: int) -> Arrays:
    """DR1 to DR8: rows flux, inverse variance, wavelength (DR1: continuum-subtracted flux), andmask, ormask."""
    n, bitpix = integer(cards, "NAXIS1"), integer(cards, "BITPIX")
    if cards.get("NAXIS") != 2 or cards.get("NAXIS2") != 5 or not sane(n):
        axes = f"{cards.get('NAXIS')}, {n}, {cards.get('NAXIS2')}"
        raise Quarantined("unknown_layout", f"NAXIS, NAXIS1, NAXIS2 = {axes}")
    if bitpix not in (8, 16, 32, 64, -32, -64):
        raise Quarantined("unknown_layout", f"BITPIX = {bitpix}")
    require(content, data, 5 * n * abs(bitpix) // 8)
    if bitpix in FLOATS and not {"BSCALE", "BZERO", "BLANK"} & cards.keys():
        rows = np.frombuffer(content, FLOATS[bitpix], 5 * n, data).reshape(5, n)
    else:
        rows = scaled.image(content)
    exten0 = cards.get("EXTEN0")
    return Arrays(False, exten0 if isinstance(exten0, str) else None, rows[0], rows[1], rows[2], rows[4])


def table(content: bytes, start: int) -> Arrays:
    """DR9 and later: the first extension is a table of one row with an array in each of its columns."""
    if start >= len(content):
        raise Quarantined("unknown_layout", "no image and no extension")
    cards, data = parse_header(content, start)
    if cards.get("XTENSION") != "BINTABLE" or cards.get("NAXIS2") != 1 or cards.get("PCOUNT", 0) != 0:
        kind = f"{cards.get('XTENSION')!r}, {cards.get('NAXIS2')}, {cards.get('PCOUNT', 0)}"
        raise Quarantined("unknown_layout", f"XTENSION, NAXIS2, PCOUNT = {kind}")
    formats = columns(cards)
    lengths = {formats.get(name, (0, ""))[0] for name in NAMES}
    if len(lengths) != 1 or not all(map(sane, lengths)):
        raise Quarantined("unknown_layout", f"columns {', '.join(formats)} with lengths {sorted(lengths)}")
    require(content, data, size(cards, "NAXIS1"))
    plain = not any(key.startswith(("TSCAL", "TZERO", "TNULL")) for key in cards)
    if plain and all(kind == "E" for _, kind in formats.values()):
        arrays = dict(zip(formats, floats(content, data, cards, formats), strict=True))
    else:
        arrays = scaled.columns(content, NAMES)
    return Arrays(True, None, *(arrays[name] for name in NAMES[:4]))


def columns(cards: Cards) -> dict[str, tuple[int, str]]:
    """Column name -> (length, type letter), in the order of the table."""
    formats: dict[str, tuple[int, str]] = {}
    for i in range(1, min(size(cards, "TFIELDS"), 999) + 1):
        form = re.fullmatch(r"(\d{0,9})([LXBIJKAEDCM])", str(cards.get(f"TFORM{i}")))
        if form is None:
            raise Quarantined("unknown_layout", f"TFORM{i} = {cards.get(f'TFORM{i}')!r}")
        formats[str(cards.get(f"TTYPE{i}")).upper()] = (int(form[1] or 1), form[2])
    return formats


def floats(content: bytes, data: int, cards: Cards, formats: dict[str, tuple[int, str]]) -> list[np.ndarray]:
    """The columns of a table in which every column is float32."""
    ends = np.cumsum([length for length, _ in formats.values()])
    if len(formats) != cards["TFIELDS"] or 4 * ends[-1] != cards["NAXIS1"]:
        raise Quarantined("unknown_layout", "columns do not fill the row")
    return np.split(np.frombuffer(content, ">f4", int(ends[-1]), data), ends[:-1])


def sane(n: int) -> bool:
    return 2 <= n <= MAX_PIXELS


def size(cards: Cards, key: str) -> int:
    value = integer(cards, key)
    if value < 0:
        raise Quarantined("unknown_layout", f"{key} = {value}")
    return value


def require(content: bytes, data: int, length: int) -> None:
    """The file holds ``length`` bytes from ``data``, and behind their last block nothing or an extension."""
    end = data + length + -length % BLOCK
    if end > len(content):
        raise Quarantined("truncated_fits", f"{len(content)} bytes where the header announces {end}")
    if content[end : end + 8] not in (b"", b"XTENSION"):
        raise Quarantined("unknown_layout", f"{len(content) - end} bytes after the data")
