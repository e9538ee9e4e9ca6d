"""FITS header cards: a parser for the plain cards LAMOST writes, equal to astropy's values (tested)."""

import math
import re
from collections.abc import Collection, Mapping

from obcat.ingest.errors import Quarantined

__all__ = ["BLOCK", "Cards", "Value", "integer", "number", "parse_header", "text"]

Value = bool | int | float | str | None
Cards = Mapping[str, Value]

BLOCK = 2880
CARD = 80
END = b"END" + b" " * (CARD - 3)
VALUE = re.compile(
    r" *(?:'(?P<text>(?:[^']|'')*)'|(?P<logical>[TF])|(?P<integer>[+-]?\d+)"
    r"|(?P<number>[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[EeDd][+-]?\d+)?|(?i:nan|inf|infinity))))? *(?:/.*)?",
    re.ASCII,
)


def parse_header(content: bytes, start: int, wanted: Collection[str] | None = None) -> tuple[dict[str, Value], int]:
    """The cards of the header at ``start`` (only the ``wanted`` keywords, if given) and where its data begin.

    The first of two cards with one keyword counts, as in astropy. Raises Quarantined: truncated_fits without an END
    card, bad_header for a card that does not follow the standard.
    """
    end = find_end(content, start)
    header = content[start:end].decode("latin-1")
    cards: dict[str, Value] = {}
    for at in range(0, len(header), CARD):
        key = header[at : at + 8].rstrip()
        if (wanted is None or key in wanted) and header[at + 8 : at + 10] == "= " and key not in cards:
            cards[key] = parse_value(key, header[at + 10 : at + CARD])
        elif key == "CONTINUE":
            raise Quarantined("bad_header", "CONTINUE cards, which LAMOST does not write")
    size = end + CARD - start
    return cards, start + size + -size % BLOCK


def find_end(content: bytes, start: int) -> int:
    """Where the END card of the header at ``start`` stands."""
    end = content.find(END, start)
    while end >= 0 and (end - start) % CARD:
        end = content.find(END, end + 1)
    if end < 0:
        raise Quarantined("truncated_fits", f"no END card in {len(content) - start} bytes of header")
    return end


def parse_value(key: str, field: str) -> Value:
    """The value in columns 11 to 80 of a card; None when it is blank."""
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
    return int(value) if kind == "integer" else real(value)


def real(digits: str) -> float:
    """A floating-point value; NaN for what is not finite, which the standard does not know but IDL writes."""
    value = float(digits.upper().replace("D", "E"))
    return value if math.isfinite(value) else math.nan


def integer(cards: Cards, key: str) -> int:
    """The value of a card that must be there and whole, a number or (FIBERID of DR2) a text of digits."""
    value = cards.get(key)
    if isinstance(value, str) and re.fullmatch(r"\s*[0-9]+\s*", value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Quarantined("bad_header", f"{key} = {value!r}, not a whole number")
    return value


def number(cards: Cards, key: str) -> float | None:
    """The value of a card as a number; None when it is missing, blank or a text."""
    value = cards.get(key)
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def text(cards: Cards, key: str) -> str | None:
    """The value of a card as a text without surrounding blanks; None when it is missing, empty or no text."""
    value = cards.get(key)
    return value.strip() or None if isinstance(value, str) else None
