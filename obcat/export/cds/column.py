"""A column as a CDS ReadMe describes it: label, format, unit, limits, NULL, notes; and faults."""

import re
from csv import DictReader
from dataclasses import dataclass, replace
from functools import cache, cached_property

from obcat.schema import SQL, Column

__all__ = ["NUMBER", "NUMBERS", "PREFIX", "Explained", "Fault", "cds_unit", "known_unit", "label"]


@dataclass(frozen=True)
class Fault:
    file: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}" if self.line else f"{self.file}: {self.what}"


ERRORS = ("_error", "_err")


@cache
def _mapping() -> dict[str, dict[str, str]]:
    with (SQL / "schema" / "cds_labels.csv").open(newline="", encoding="utf-8") as f:
        return {row["column"]: row for row in DictReader(f)}


def label(name: str) -> str:
    """The label of a column: that of the table, ``e_X`` for the error of X,
    else the name itself.
    """
    if name in _mapping():
        return _mapping()[name]["label"]
    for suffix in ERRORS:
        if name.endswith(suffix):
            return f"e_{label(name.removesuffix(suffix))}"
    return name


def cds_unit(column: Column) -> str:
    """``[kpc]`` is the logarithm of a number of kpc; ``---`` is none."""
    return _mapping().get(column.column, {}).get("unit") or column.unit or "---"


PREFIXES = ("", "da", "mu", *"dcmunpfazyhkMGTPEZY")
SYMBOLS = """
% A a ADU adu al arcmin arcsec AU au barn beam bit byte C cd count counts Crab ct cy cycle D d dB
deg dex DN e- electron erg eV F G g gauss geoMass geoRad H h Hz J jovMass jovRad Jy K l lm lx lyr m
mag mas min mmag mol N Ohm Pa pc ph R photon pix pixel rad Ry s S solLum solMass solRad sr Sun t T u
uas V W Wb yr
"""
FACTOR = re.compile(r"(?:10[-+]\d+|(?:\d+\.?\d*|\.\d+)(?:x10[-+]\d+)?)?")
POWER = re.compile(r"(?<=[A-Za-z%])[-+]?\d{1,2}$")
QUOTED = re.compile(r'"[^"]+"')


def known_unit(unit: str) -> bool:
    """Whether CDS would know the unit;
    ``---`` is none, quoted forms such as "h:m:s" say how a text is written.
    """
    if unit in ("---", "[-]", "[---]") or QUOTED.fullmatch(unit):
        return True
    if unit.startswith("[") and unit.endswith("]"):
        unit = unit[1:-1]
    return _known_expression(unit) or _known_to_astropy(unit)


def _known_expression(unit: str) -> bool:
    found = FACTOR.match(unit)
    rest = unit[found.end() :] if found else unit
    if not rest:
        return bool(unit)
    head, *others = re.split(r"[./]", rest)
    return bool(head or rest[0] == "/") and all(
        _known_symbol(s) for s in ([head] if head else []) + others
    )


def _known_symbol(text: str) -> bool:
    known = SYMBOLS.split()
    for symbol in (text, POWER.sub("", text)):
        if any(symbol.startswith(p) and symbol[len(p) :] in known for p in PREFIXES):
            return True
    return False


def _known_to_astropy(unit: str) -> bool:
    import warnings

    from astropy import units

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            units.Unit(unit, format="cds", parse_strict="raise")
        except ValueError:
            return False
    return bool(unit)


NUMBERS = "IFED"
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[Ee][-+]?\d+)?")
END = r"[^\s/,\[\]]*"
PREFIX = re.compile(
    r"\*?(?P<range>(?P<left>[\[\]])\s*(?P<low>END)\s*[/,]\s*(?P<high>END)\s*(?P<right>[\[\]])"
    r"|(?P<letters>\[[^\]]*\]))?"
    r"\*?(?P<null>[?!](?:=(?P<value>\"[^\"]*\"|'[^']*'|-+(?=\s|$)|\S+?(?=(?:[-+]=?)?(?:\s|$)))?)?)?"
    r"(?P<order>[-+]=?(?=\s|$))?".replace("END", END)
)


@dataclass(frozen=True)
class Explained:
    """A line of a byte-by-byte description; bytes are counted from 1."""

    first: int
    last: int
    format: str
    unit: str
    label: str
    words: str
    line: int

    @property
    def kind(self) -> str:
        """A, I, F, E or another letter."""
        return self.format.lstrip("0123456789")[0].upper()

    @property
    def bytes(self) -> int:
        """What the format takes: 2I3 takes six."""
        times, size = re.split(r"[A-Za-z]", self.format.partition(".")[0])
        return int(times or 1) * int(size)

    @property
    def pieces(self) -> tuple["Explained", ...]:
        """The column, or the columns of a repeated format, of which all are explained together."""
        times = int(self.format[: len(self.format) - len(self.format.lstrip("0123456789"))] or 1)
        if times == 1 or self.bytes != self.last - self.first + 1:
            return (self,)
        size = self.bytes // times
        starts = range(self.first, self.last + 1, size)
        form = self.format.lstrip("0123456789")
        return tuple(
            replace(self, first=first, last=first + size - 1, format=form) for first in starts
        )

    @cached_property
    def prefix(self) -> re.Match[str]:
        """Note, range, null and order at the head of the explanation; each may be missing."""
        found = PREFIX.match(self.words)
        assert found
        return found

    @property
    def limits(self) -> tuple[str, str] | None:
        """Both ends of a range, as texts; None where there is none,
        and for words such as [Fe/H] or [OIII].
        """
        low, high = self.prefix["low"], self.prefix["high"]
        if low is None or (low + high and not any(map(NUMBER.fullmatch, (low, high)))):
            return None
        return low, high

    @property
    def filler(self) -> bool:
        """Whether it is one of the columns without a name that hold a bar, a colon or the like."""
        return self.label == "---"

    def may_be_blank(self) -> bool:
        """A text may; a number where '?' says so; nothing where '!' forbids it."""
        null, letters = self.prefix["null"], self.prefix["letters"]
        if null:
            return null[0] == "?"
        return self.kind not in NUMBERS or bool(letters and " " in letters)

    def is_null(self, text: str) -> bool:
        """Whether a text of the data is the value that stands for NULL;
        ``?=-`` is any number of dashes.
        """
        value = self.prefix["value"]
        if not value:
            return False
        value = value.strip("\"'")
        if value.lower() == text.lower() or set(value) == set(text) == {"-"}:
            return True
        return bool(NUMBER.fullmatch(value) and NUMBER.fullmatch(text)) and float(value) == float(
            text
        )
