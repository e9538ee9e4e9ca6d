"""What a ReadMe says of its files: sizes, and the columns of each table. Anybody's ReadMe, not only ours."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

__all__ = ["Described", "Explained", "Listed", "Table", "parse"]

BLOCK = re.compile(r"\s*Byte-by-byte Description of file:?(?:\s*\(#\):?)?\s*(\S.*?)\s*$", re.IGNORECASE)
FILE = re.compile(r"\s*(\S+)\s+(\d{1,9})\s+(\d{1,12}|\.)(?:\s|$)")
COLUMN = re.compile(
    r"\s*(?:(?P<first>\d{1,9})\s*-)?\s*(?P<last>\d{1,9})\s+(?P<format>\d{0,4}[A-Z]\d{1,9}(?:\.\d{1,4})?)\s+(?P<unit>\S+)\s+(?P<label>\S+)"
    r"(?:\s+(?P<words>\S.*?))?\s*$"
)
RULE = re.compile(r"\s*-{20,}\s*$")
PREFIX = re.compile(
    r"(?P<range>(?P<left>[\[\]])(?P<low>[^\s/\[\]]*)/(?P<high>[^\s/\[\]]*)(?P<right>[\[\]]))?"
    r"(?P<null>\?(?:=(?P<value>\S+))?(?P<order>[-+]?=?))?"
)


@dataclass(frozen=True)
class Listed:
    """A line of the file summary; ``records`` is None where it says '.'."""

    name: str
    lrecl: int
    records: int | None
    line: int


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
        return self.format.lstrip("0123456789")[0]

    @property
    def bytes(self) -> int:
        """What the format takes: 2I3 takes six."""
        times, size = re.split(r"[A-Z]", self.format.partition(".")[0])
        return int(times or 1) * int(size)

    @property
    def prefix(self) -> re.Match[str]:
        """Range, null and order at the head of the explanation; each may be missing."""
        found = PREFIX.match(self.words)
        assert found
        return found


@dataclass(frozen=True)
class Table:
    """A byte-by-byte description of the files of these names; a * or ? in a name stands for letters."""

    names: tuple[str, ...]
    columns: tuple[Explained, ...]
    line: int

    def describes(self, name: str) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in self.names)


@dataclass(frozen=True)
class Described:
    files: tuple[Listed, ...]
    tables: tuple[Table, ...]


def parse(text: str) -> Described:
    """Read a ReadMe; what is not there is empty, nothing is raised."""
    lines = list(enumerate(text.split("\n"), start=1))
    heads = [at for at, (_, line) in enumerate(lines) if line.lower().startswith("file summary")]
    files = tuple(
        Listed(found[1], int(found[2]), None if found[3] == "." else int(found[3]), number)
        for at in heads[:1]
        for number, line in body(lines[at:])
        if (found := FILE.match(line))
    )
    tables = tuple(
        Table(tuple(re.split(r"[\s,]+", found[1])), columns(body(lines[at:])), number)
        for at, (number, line) in enumerate(lines)
        if (found := BLOCK.match(line))
    )
    return Described(files, tables)


def body(lines: list[tuple[int, str]]) -> Iterable[tuple[int, str]]:
    """The lines between the second and the third rule."""
    rules = 0
    for number, line in lines:
        rules += bool(RULE.match(line))
        if rules == 3:
            return
        if rules == 2 and not RULE.match(line):
            yield number, line


def columns(lines: Iterable[tuple[int, str]]) -> tuple[Explained, ...]:
    """Lines that describe a column; an explanation may begin on the line below."""
    found: list[Explained] = []
    for number, line in lines:
        if match := COLUMN.match(line):
            found.append(explained(number, match))
        elif found and not found[-1].words:
            found[-1] = replace(found[-1], words=line.strip())
    return tuple(found)


def explained(number: int, found: re.Match[str]) -> Explained:
    return Explained(
        first=int(found["first"] or found["last"]),
        last=int(found["last"]),
        format=found["format"],
        unit=found["unit"],
        label=found["label"],
        words=found["words"] or "",
        line=number,
    )
