"""The header columns of raw.headers, from the keywords of every release."""

import math

from obcat.ingest.cards import Cards, Value, number, text
from obcat.ingest.errors import Quarantined

__all__ = ["KEYWORDS", "describe", "position"]

# column -> its keywords, newest first; one file has one of them
TEXTS = {
    "data_v": ("DATA_V",),
    "verspipe": ("VERSPIPE",),
    "desig": ("DESIG",),
    "class": ("CLASS",),
    "subclass": ("SUBCLASS",),
    "fibertyp": ("FIB_TYPE", "FIBERTYP"),
    "zflag": ("ZFLAG", "Z_FROM"),
    "magtype": ("MAGTYPE",),
    "tsource": ("TSOURCE", "OBJSOURC"),
    "tcomment": ("TCOMMENT", "T_INFO"),
    "tfrom": ("TFROM", "T_FROM"),
}
NUMBERS = {
    "z": ("Z",),
    "z_err": ("Z_ERR",),
    **{f"snr_{band}": (f"SNR{band.upper()}", f"SN_{band.upper()}") for band in "ugriz"},
    "exptime": ("EXPTIME",),
    "helio_rv": ("HELIO_RV",),
    **{f"mag{i}": (f"MAG{i}",) for i in range(1, 8)},
}
INTEGERS = {"obsid": ("OBSID",), "nexp": ("NEXP",), "fibermas": ("FIB_MASK", "FIBERMAS")}
BITS = {"obsid": 64, "nexp": 32, "fibermas": 32}
IDENTITY = {"LMJD", "PLANID", "SPID", "FIBERID", "FILENAME", "RA", "DEC", "HELIO", "VACUUM", "COEFF0", "COEFF1"}
FLAGS = {"OFFSET", "MAG_PS_G"}
KEYWORDS = frozenset(IDENTITY | FLAGS).union(*TEXTS.values(), *NUMBERS.values(), *INTEGERS.values())
PAN_STARRS = "PS"  # magtype of DR9 and later


def describe(cards: Cards) -> dict[str, Value]:
    """Columns that stand in the header, sentinels as they are; a missing, empty or ill-typed card is None.

    DR9 and later give Pan-STARRS magnitudes in MAG_PS_G...Y and no MAGTYPE: magtype is then 'PS' and mag1 to mag7 are
    None, for that is another system than any MAGTYPE names. Raises Quarantined: bad_header.
    """
    row: dict[str, Value] = {column: text(cards, present(cards, keys)) for column, keys in TEXTS.items()}
    row |= {column: number(cards, present(cards, keys)) for column, keys in NUMBERS.items()}
    row |= {column: whole(cards, present(cards, keys), BITS[column]) for column, keys in INTEGERS.items()}
    if row["magtype"] is None and "MAG_PS_G" in cards:
        row["magtype"] = PAN_STARRS
    offset = cards.get("OFFSET")
    return row | {"fiber_offset": offset if isinstance(offset, bool) else None}


def position(cards: Cards) -> tuple[float, float]:
    """RA in [0, 360) and Dec in [-90, 90], degrees; RA 360 is 0. Raises Quarantined: bad_header, bad_position."""
    ra, dec = number(cards, "RA"), number(cards, "DEC")
    if ra is None or dec is None:
        raise Quarantined("bad_header", f"RA = {cards.get('RA')!r}, DEC = {cards.get('DEC')!r}")
    if not (0 <= ra <= 360 and -90 <= dec <= 90):
        raise Quarantined("bad_position", f"RA = {ra}, Dec = {dec}")
    return math.fmod(ra, 360.0), dec


def present(cards: Cards, keys: tuple[str, ...]) -> str:
    for key in keys:
        if key in cards:
            return key
    return keys[0]


def whole(cards: Cards, key: str, bits: int) -> int | None:
    value = cards.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    if not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
        raise Quarantined("bad_header", f"{key} = {value} does not fit {bits} bits")
    return value
