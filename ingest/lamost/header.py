"""A FITS header: its cards, equal to astropy's values (tested), the spectrum it is of,
the columns of raw.headers.
"""

import math
import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import NamedTuple

from obcat.ingest.errors import Quarantined

__all__ = [
    "BLOCK",
    "KEYWORDS",
    "Cards",
    "Identity",
    "Value",
    "describe",
    "identify",
    "integer",
    "name_identity",
    "number",
    "parse_header",
    "position",
    "text",
]

Value = bool | int | float | str | None
Cards = Mapping[str, Value]

BLOCK = 2880
CARD = 80
END = b"END" + b" " * (CARD - 3)
NUMBER = re.compile(r"[+-]?([0-9]{1,300}\.?[0-9]*|\.[0-9]+)([eEdD][+-]?[0-9]{1,3})?")
VALUE = re.compile(
    r" *(?:'(?P<text>(?:[^']|'')*)'|(?P<logical>[TF])|(?P<integer>[+-]?\d+)"
    r"|(?P<number>[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[EeDd][+-]?\d+)?|(?i:nan|inf|infinity))))?"
    r" *(?:/.*)?",
    re.ASCII,
)

# letters of a release may be added to the name by whoever stored the file (..._dr7.fits.gz)
NAME = re.compile(
    r"(?i)spec-([0-9]+)-([A-Za-z0-9_+-]+)_sp([0-9]+)-([0-9]+)(?:_[A-Za-z0-9]+)?"
    r"\.(?:fits?|fts)(?:\.gz)?"
)
PLANID = re.compile(r"[A-Za-z0-9_+-]+")
LIMITS = {"LMJD": 99_999, "SPID": 99, "FIBERID": 999}  # what the digits of specid hold
LONGEST = 40  # characters of specid, its format in columns.csv; plates of M31 have a PLANID of 20
OBSID_MODULUS = 100_000  # OBSID ends in 1000 SPID + FIBERID

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
IDENTITY = {
    "LMJD", "PLANID", "SPID", "FIBERID", "FILENAME", "RA", "DEC", "HELIO", "VACUUM", "COEFF0",
    "COEFF1",
}  # fmt: skip
FLAGS = {"OFFSET", "MAG_PS_G"}
KEYWORDS = frozenset(IDENTITY | FLAGS).union(*TEXTS.values(), *NUMBERS.values(), *INTEGERS.values())
PAN_STARRS = "PS"  # magtype of DR9 and later


def parse_header(
    content: bytes, start: int, wanted: Collection[str] | None = None
) -> tuple[dict[str, Value], int]:
    """The cards of the header at ``start`` (only the ``wanted`` keywords, if given) and where its
    data begin.

    The first of two cards with one keyword counts, as in astropy. Raises Quarantined:
    truncated_fits without an END card, bad_header for a card that does not follow the standard.
    """
    end = _find_end(content, start)
    header = content[start:end].decode("latin-1")
    cards: dict[str, Value] = {}
    columns = None if wanted is None else _columns(frozenset(wanted))
    for at in range(0, len(header), CARD):
        column = header[at : at + 8]
        key = column.rstrip() if columns is None else columns.get(column)
        if key is not None and header[at + 8 : at + 10] == "= " and key not in cards:
            cards[key] = _parse_value(key, header[at + 10 : at + CARD])
        elif column == "CONTINUE":
            raise Quarantined("bad_header", "CONTINUE cards, which LAMOST does not write")
    size = end + CARD - start
    return cards, start + size + -size % BLOCK


@lru_cache(8)
def _columns(wanted: frozenset[str]) -> dict[str, str]:
    """Keywords by the eight columns that they stand in."""
    return {key.ljust(8): key for key in wanted}


def _find_end(content: bytes, start: int) -> int:
    """Where the END card of the header at ``start`` stands."""
    end = content.find(END, start)
    while end >= 0 and (end - start) % CARD:
        end = content.find(END, end + 1)
    if end < 0:
        raise Quarantined(
            "truncated_fits", f"no END card in {len(content) - start} bytes of header"
        )
    return end


@lru_cache(4096)
def _parse_value(key: str, field: str) -> Value:
    """The value in columns 11 to 80 of a card; None when it is blank. Most cards of a file are
    those of the file before, so they are kept.
    """
    match = VALUE.fullmatch(field)
    if match is None or not (field.isascii() and field.isprintable()):
        raise Quarantined("bad_header", f"{key} = {field.strip()!r}")
    kind = match.lastgroup
    if kind is None:
        return None
    value = match[kind]
    if kind == "text":
        return value.replace("''", "'").rstrip()
    if kind == "logical":
        return value == "T"
    return int(value) if kind == "integer" else _real(value)


def _real(digits: str) -> float:
    """A floating-point value; NaN for what is not finite,
    which the standard does not know but IDL writes.
    """
    value = float(digits.upper().replace("D", "E"))
    return value if math.isfinite(value) else math.nan


def _unquoted(value: Value) -> Value:
    """A number that a script wrote as a text is a number."""
    if not isinstance(value, str) or not NUMBER.fullmatch(value.strip()):
        return value
    return int(value) if value.strip().lstrip("+-").isdigit() else _real(value)


def integer(cards: Cards, key: str) -> int:
    """The value of a card that must be there and whole,
    a number or (FIBERID of DR2) a text of digits.
    """
    value = cards.get(key)
    if isinstance(value, str) and re.fullmatch(r"\s*[0-9]+\s*", value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Quarantined("bad_header", f"{key} = {value!r}, not a whole number")
    return value


def number(cards: Cards, key: str) -> float | None:
    """The value of a card as a number, in quotes too; None when it is missing, blank, no number."""
    value = _unquoted(cards.get(key))
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def text(cards: Cards, key: str) -> str | None:
    """The value of a card as a text without surrounding blanks;
    None when it is missing, empty or no text.
    """
    value = cards.get(key)
    return value.strip() or None if isinstance(value, str) else None


class Identity(NamedTuple):
    lmjd: int
    planid: str
    spid: int
    fiberid: int

    @property
    def specid(self) -> str:
        return f"{self.lmjd}-{self.planid}-{self.spid:02d}-{self.fiberid:03d}"

    @property
    def fitsname(self) -> str:
        return f"spec-{self.lmjd}-{self.planid}_sp{self.spid:02d}-{self.fiberid:03d}.fits"


def identify(cards: Cards, name: str | None) -> Identity:
    """The identity in the header, which the name on disk, FILENAME and OBSID must not contradict.

    A name on disk that is no LAMOST name says nothing, but then FILENAME must. An OBSID <= 0 (an
    overflow, seen in DR3) or missing (DR1, DR2) says nothing. Raises Quarantined: bad_header or
    id_mismatch.
    """
    own = _header_identity(cards)
    names = [parsed for parsed in map(name_identity, (name, text(cards, "FILENAME"))) if parsed]
    if not names:
        raise Quarantined("id_mismatch", f"neither {name!r} nor FILENAME is a LAMOST file name")
    for other in names:
        if other != own:
            raise Quarantined(
                "id_mismatch", f"the header is of {own.specid}, the name of {other.specid}"
            )
    obsid = _unquoted(cards.get("OBSID"))
    if (
        isinstance(obsid, int)
        and obsid > 0
        and obsid % OBSID_MODULUS != 1000 * own.spid + own.fiberid
    ):
        raise Quarantined(
            "id_mismatch", f"the header is of {own.specid}, OBSID {obsid} of another fibre"
        )
    return own


def _header_identity(cards: Cards) -> Identity:
    values = {key: integer(cards, key) for key in LIMITS}
    planid = text(cards, "PLANID") or ""
    for key, limit in LIMITS.items():
        if not 0 < values[key] <= limit:
            raise Quarantined("bad_header", f"{key} = {values[key]}")
    if not PLANID.fullmatch(planid):
        raise Quarantined("bad_header", f"PLANID = {planid!r}")
    own = Identity(values["LMJD"], planid, values["SPID"], values["FIBERID"])
    if len(own.specid) > LONGEST:
        raise Quarantined(
            "bad_header",
            f"PLANID {planid[:40]!r} of {len(planid)} characters, longer than any of LAMOST",
        )
    return own


def name_identity(name: str | None) -> Identity | None:
    match = NAME.fullmatch(name or "")
    return Identity(int(match[1]), match[2], int(match[3]), int(match[4])) if match else None


def describe(cards: Cards) -> dict[str, Value]:
    """Columns that stand in the header, sentinels as they are; a missing, empty or ill-typed card
    is None.

    DR9 and later give Pan-STARRS magnitudes in MAG_PS_G...Y and no MAGTYPE: magtype is then 'PS'
    and mag1 to mag7 are None, for that is another system than any MAGTYPE names. Raises
    Quarantined: bad_header.
    """
    row: dict[str, Value] = {
        column: text(cards, _present(cards, keys)) for column, keys in TEXTS.items()
    }
    row |= {column: number(cards, _present(cards, keys)) for column, keys in NUMBERS.items()}
    row |= {
        column: _whole(cards, _present(cards, keys), BITS[column])
        for column, keys in INTEGERS.items()
    }
    if row["magtype"] is None and "MAG_PS_G" in cards:
        row["magtype"] = PAN_STARRS
    offset = cards.get("OFFSET")
    return row | {"fiber_offset": offset if isinstance(offset, bool) else None}


def position(cards: Cards) -> tuple[float, float]:
    """RA in [0, 360) and Dec in [-90, 90], degrees; RA 360 is 0.
    Raises Quarantined: bad_header, bad_position.
    """
    ra, dec = number(cards, "RA"), number(cards, "DEC")
    if ra is None or dec is None:
        raise Quarantined("bad_header", f"RA = {cards.get('RA')!r}, DEC = {cards.get('DEC')!r}")
    if not (0 <= ra <= 360 and -90 <= dec <= 90):
        raise Quarantined("bad_position", f"RA = {ra}, Dec = {dec}")
    return math.fmod(ra, 360.0), dec


def _present(cards: Cards, keys: tuple[str, ...]) -> str:
    for key in keys:
        if key in cards:
            return key
    return keys[0]


def _whole(cards: Cards, key: str, bits: int) -> int | None:
    value = _unquoted(cards.get(key))
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    if not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
        raise Quarantined("bad_header", f"{key} = {value} does not fit {bits} bits")
    return value
