"""A column of a byte-by-byte description: its bytes, and what the first word of its explanation allows.

The first word is note, range, null and order, in this order: ``*[0/50]?=-9+``; each may be missing (standard, 3.4).
"""

import re
from dataclasses import dataclass, replace
from functools import cached_property

__all__ = ["NUMBER", "NUMBERS", "PREFIX", "Explained"]

NUMBERS = "IFED"
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[Ee][-+]?\d+)?")
END = r"[^\s/,\[\]]*"
PREFIX = re.compile(
    r"\*?(?P<range>(?P<left>[\[\]])\s*(?P<low>END)\s*[/,]\s*(?P<high>END)\s*(?P<right>[\[\]])|(?P<letters>\[[^\]]*\]))?"
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
        """Both ends of a range, as texts; None where there is none, and for words such as [Fe/H] or [OIII]."""
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
        """Whether a text of the data is the value that stands for NULL; ``?=-`` is any number of dashes."""
        value = self.prefix["value"]
        if not value:
            return False
        value = value.strip("\"'")
        if value.lower() == text.lower() or set(value) == set(text) == {"-"}:
            return True
        return bool(NUMBER.fullmatch(value) and NUMBER.fullmatch(text)) and float(value) == float(
            text
        )
