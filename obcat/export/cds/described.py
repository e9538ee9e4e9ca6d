"""What a ReadMe says of its files: sizes, and the columns of each table.
Anybody's ReadMe, not only ours. And where the bytes of such a file are: in it, packed, in parts, or
in every file of a folder.
"""

import gzip
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from obcat.export.cds.column import Explained

__all__ = [
    "BLOCK",
    "COLUMN",
    "Described",
    "Listed",
    "Stored",
    "Table",
    "base_name",
    "outside",
    "parse",
    "stored",
]

LIMIT = 1 << 30
PACKED = ".gz"
PART = re.compile(r"\.(\d{1,4})(?:\.gz)?$")
OTHERS = (
    *(".fits", ".fit", ".fts", ".tar", ".tgz", ".zip", ".Z", ".bz2", ".xz"),
    *(".gif", ".jpg", ".jpeg", ".png", ".ps", ".eps", ".pdf", ".mpg", ".mp4", ".avi"),
)


@dataclass(frozen=True)
class Stored:
    """A file of the summary as it lies in the folder; several paths are its parts, in order."""

    name: str
    paths: tuple[Path, ...]

    @property
    def is_text(self) -> bool:
        """Images, FITS files and archives are not tables;
        anything else is text, if it holds no zero.
        """
        return not base_name(self.name).endswith(OTHERS)

    def content(self) -> str:
        """The bytes, unpacked, one character each.
        Raises OSError, EOFError or zlib.error where they are damaged.
        """
        if (
            len(self.paths) > 1
            and (gap := _gap([_number(path) for path in self.paths])) is not None
        ):
            raise OSError(f"part {gap:02d} is missing")
        return b"".join(map(_unpacked, self.paths)).decode("latin-1")


def stored(folder: Path, name: str) -> tuple[Stored, ...]:
    """What a name of the summary stands for;
    nothing where there is no such file, or no file could have the name.
    """
    try:
        return _found(folder, name)
    except (OSError, ValueError):
        return ()


def _found(folder: Path, name: str) -> tuple[Stored, ...]:
    pattern = f"{name.rstrip('/')}/*" if name.endswith("/") or (folder / name).is_dir() else name
    if re.search(r"[*?\[]", pattern):
        found = sorted(p for p in folder.glob(pattern) if p.is_file())
        return tuple(Stored(p.relative_to(folder).as_posix(), (p,)) for p in found)
    for other in (name, f"{name}{PACKED}", name.removesuffix(PACKED)):
        if (folder / other).is_file():
            return (Stored(name, (folder / other,)),)
    parts = _parts(folder, name.removesuffix(PACKED))
    return (Stored(name, parts),) if parts else ()


def outside(name: str) -> bool:
    """Whether a name leads out of the folder, or is none."""
    path = PurePosixPath(name)
    return path.is_absolute() or ".." in path.parts or path.as_posix() != name.rstrip("/")


def base_name(name: str) -> str:
    """The name of a table without what says that it is packed, or a part:
    table1.dat.00.gz is of table1.dat.
    """
    return PART.sub("", name).removesuffix(PACKED)


def _parts(folder: Path, name: str) -> tuple[Path, ...]:
    """Parts .00, .01, ... in order; they begin with 0 or 1."""
    place = (folder / name).parent
    beside: Iterator[Path] = place.iterdir() if place.is_dir() else iter(())
    numbered = {
        _number(p): p
        for p in beside
        if (found := PART.search(p.name))
        and p.name[: found.start()] == PurePosixPath(name).name
        and p.is_file()
    }
    return tuple(numbered[n] for n in sorted(numbered))


def _number(path: Path) -> int:
    found = PART.search(path.name)
    return int(found[1]) if found else -1


def _gap(numbers: list[int]) -> int | None:
    """The first number that is missing."""
    expected = range(min(1, numbers[0]), numbers[-1])
    return next((n for n in expected if n not in numbers), None)


def _unpacked(path: Path) -> bytes:
    if path.suffix != PACKED:
        return path.read_bytes()
    with gzip.open(path) as f:
        data = f.read(LIMIT + 1)
    if len(data) > LIMIT:
        raise OSError(f"more than {LIMIT >> 20} MiB when unpacked")
    return data


BLOCK = re.compile(
    r"\s*Byte[- ](?:by|per)[- ]byte\s+Description\s+of\s+files?\s*:?(?:\s*\(#\):?)?\s*(\S.*?)\s*$",
    re.IGNORECASE,
)
FILE = re.compile(r"\s{0,8}(\S+)\s+(\d{1,9}|\.)\s+(\d{1,12}|\.)(?:\s|$)")
ITSELF = re.compile(r"\s*(?:ReadMe\s|\S+\s+\d+\s+\.\s+This file\b)", re.IGNORECASE)
SLACK = 3  # columns that a number of bytes may reach below the word Format
COLUMN = re.compile(
    r"\s*(?:(?P<first>\d{1,9})\s*-)?\s*(?P<last>\d{1,9})\s+"
    r"(?P<format>\d{0,4}[A-Za-z]\d{1,9}(?:\.\d{1,4})?)\s+"
    r"(?P<unit>\"[^\"]+\"|\[[^\]\s]*\]|\S+)\s+(?P<label>\S+)(?:\s+(?P<words>\S.*?))?\s*$"
)
HEAD = re.compile(r"\s*Bytes\s+Format\s", re.IGNORECASE)
RULE = re.compile(r"\s{0,3}-{20,}\s*$")


@dataclass(frozen=True)
class Listed:
    """A line of the file summary; ``lrecl`` or ``records`` is None where it says '.';
    ``itself`` is the ReadMe.
    """

    name: str
    lrecl: int | None
    records: int | None
    line: int
    itself: bool


@dataclass(frozen=True)
class Table:
    """A byte-by-byte description of the files of these names;
    a * or ? in a name stands for letters.
    """

    names: tuple[str, ...]
    columns: tuple[Explained, ...]
    line: int

    def describes(self, name: str) -> bool:
        """Whether it is of this file, packed or not, whole or a part."""
        forms = {name, base_name(name)}
        return any(
            fnmatchcase(n, p)
            for n in forms
            for pattern in self.names
            for p in (pattern, base_name(pattern))
        )


@dataclass(frozen=True)
class Described:
    """Files with their sizes, tables, and all words that a line of the summary begins with."""

    files: tuple[Listed, ...]
    tables: tuple[Table, ...]
    mentioned: frozenset[str]


def parse(text: str) -> Described:
    """Read a ReadMe; what is not there is empty, nothing is raised."""
    lines = list(enumerate(text.split("\n"), start=1))
    heads = [
        at for at, (_, line) in enumerate(lines) if line.strip().lower().startswith("file summary")
    ]
    files = tuple(
        Listed(found[1], _size_of(found[2]), _size_of(found[3]), number, bool(ITSELF.match(line)))
        for at in heads[:1]
        for number, line in _body(lines[at:])
        if (found := FILE.match(line))
    )
    tables = tuple(
        Table(_names_of(found[1], lines[at + 1 :]), _columns(lines[at:]), number)
        for at, (number, line) in enumerate(lines)
        if (found := BLOCK.match(line))
    )
    mentioned = (
        line.split()[0] for at in heads[:1] for _, line in _body(lines[at:]) if line.strip()
    )
    return Described(files, tables, frozenset(mentioned))


def _size_of(text: str) -> int | None:
    return None if text == "." else int(text)


def _names_of(first: str, below: list[tuple[int, str]]) -> tuple[str, ...]:
    """Names of the files described, which may go on until the rule below."""
    names = first
    for _, line in below:
        if RULE.match(line):
            break
        names += "" if BLOCK.match(line) else f" {line.strip()}"
    return tuple(name for name in re.split(r"[\s,]+", names) if name not in ("", "and"))


def _body(lines: list[tuple[int, str]]) -> Iterable[tuple[int, str]]:
    """The lines between the second and the third rule."""
    rules = 0
    for number, line in lines:
        rules += bool(RULE.match(line))
        if rules == 3:
            return
        if rules == 2 and not RULE.match(line):
            yield number, line


def _columns(lines: list[tuple[int, str]]) -> tuple[Explained, ...]:
    """Lines that describe a column; an explanation may begin on the line below,
    and go on with a number.
    """
    start = next((line.lower().index("format") for _, line in lines[:6] if HEAD.match(line)), None)
    found: list[Explained] = []
    for number, line in _body(lines):
        match = COLUMN.match(line)
        if match and (start is None or match.start("last") < start + SLACK):
            found.append(_explained(number, match))
        elif found and not found[-1].words:
            found[-1] = replace(found[-1], words=line.strip())
    return tuple(found)


def _explained(number: int, found: re.Match[str]) -> Explained:
    return Explained(
        first=int(found["first"] or found["last"]),
        last=int(found["last"]),
        format=found["format"],
        unit=found["unit"],
        label=found["label"],
        words=found["words"] or "",
        line=number,
    )
