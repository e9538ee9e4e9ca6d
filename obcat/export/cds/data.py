"""Data files of a CDS package, and the explanations they are held against."""

import re
from collections.abc import Iterator
from itertools import chain

import numpy as np

from obcat.export.cds.column import NUMBERS, Explained, known_unit
from obcat.export.cds.described import Table

__all__ = ["column_faults", "data_faults", "layout_faults", "lines_of", "size_faults"]

KINDS = "AIFED"
RANGE = (
    r"[\[\]]\s*[-+.\d]*\d[.\deE+-]*\s*[/,]\s*[-+.\deE]*[\[\]]"
    r"|[\[\]]\s*[/,]\s*[-+.\d]*\d[-+.\deE]*\s*[\[\]]"
)
LATE_RANGE = re.compile(rf"\*?\?(?:=\S+)?[-+]?=?\s*(?:{RANGE})")
APART = re.compile(rf"\*?(?:{RANGE})\s+\?")
LOOSE = re.compile(rf"\*?(?:{RANGE})?\?\s+=")
NULLS = re.compile(r"(?i)-+|\.+|\*+|\?+|\"[^\"]*\"|'[^']*'|nan|null|n/?a|inde?f?|inf|none|blank")


def column_faults(column: Explained) -> Iterator[str]:
    """What is wrong with one column: format, unit, range and null."""
    size = column.last - column.first + 1
    if column.kind not in KINDS:
        yield f"{column.label}: format {column.format} is none of A, I, F, E, D"
    if column.first < 1 or size != column.bytes:
        yield (
            f"{column.label}: format {column.format} does not fill bytes "
            f"{column.first}-{column.last}"
        )
    if not known_unit(column.unit):
        yield f"{column.label}: unit {column.unit} is not in CDS syntax"
    yield from _prefix_faults(column)


def _prefix_faults(column: Explained) -> Iterator[str]:
    """Range, null, order: in this order, with no blank between them."""
    if not column.words and not column.filler:
        yield f"{column.label}: no explanation"
    if LATE_RANGE.match(column.words):
        yield f"{column.label}: the range stands behind the '?'; CDS writes [min/max]?"
    elif APART.match(column.words):
        yield f"{column.label}: a blank between range and '?'; CDS writes [min/max]?"
    elif LOOSE.match(column.words):
        yield f"{column.label}: a blank in '?='"
    value = column.prefix["value"]
    if column.limits and column.kind in NUMBERS:
        yield from _explanation_range_faults(column, *column.limits)
    if value and column.kind in NUMBERS and _number(value) is None and not NULLS.fullmatch(value):
        yield f"{column.label}: null value {value} is no number"


def _explanation_range_faults(column: Explained, low: str, high: str) -> Iterator[str]:
    ends = [_number(end) for end in (low, high) if end]
    if None in ends or not ends:
        yield f"{column.label}: range [{low}/{high}] is not of numbers"
    elif len(ends) == 2 and float(low) > float(high):
        yield f"{column.label}: range [{low}/{high}] is upside down"


def _number(text: str) -> float | None:
    """The number a text is; nan and inf are none."""
    try:
        return float(text) if re.search(r"\d", text) else None
    except ValueError:
        return None


def layout_faults(table: Table) -> Iterator[tuple[int, str]]:
    """(line, fault) of columns that overlap, run backwards or have the same label."""
    if not table.columns:
        yield table.line, "no column is described"
    seen: set[str] = set()
    last = 0
    for column in table.columns:
        if column.first <= last:
            yield (
                column.line,
                f"{column.label}: byte {column.first} belongs to the column before it",
            )
        if column.last < column.first:
            yield column.line, f"{column.label}: bytes {column.first}-{column.last} run backwards"
        if column.label in seen and not column.filler:
            yield column.line, f"{column.label}: label is used twice"
        seen.add(column.label)
        last = max(last, column.last)


EXPONENT = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[EeDd]?[-+]?\d+)?")
PATTERNS = {
    "I": re.compile(r"[-+]?\d{1,400}"),
    "F": re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)"),
    "E": EXPONENT,
    "D": EXPONENT,
}
ODD = re.compile(r"[^ -~]")
Found = tuple[int, str]


def data_faults(text: str, table: Table | None) -> Iterator[Found]:
    """(line, fault) of a file; a fault that many lines have is told once, at the first of them."""
    lines = lines_of(text)
    if not text.endswith("\n") and text:
        yield len(lines), "the last line has no end"
    yield from _told(
        [repr(odd[0]) if (odd := ODD.search(line)) else "" for line in lines],
        "{} is not printable ASCII",
    )
    if table is None:
        return
    yield from _gap_faults(lines, table)
    for column in chain.from_iterable(described.pieces for described in table.columns):
        yield from _value_faults(
            column, [line[max(column.first, 1) - 1 : column.last].strip() for line in lines]
        )


def _told(faulty: list[str], words: str) -> Iterator[Found]:
    """The first text that is not empty, put into the words, and how many lines have one."""
    count = len(faulty) - faulty.count("")
    if count:
        line, text = next((line, text) for line, text in enumerate(faulty, start=1) if text)
        yield line, words.replace("{}", text) + (f" ({count} lines have such)" if count > 1 else "")


def lines_of(text: str) -> list[str]:
    lines = text.split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def size_faults(lines: list[str], lrecl: int | None, records: int | None) -> Iterator[Found]:
    if records is not None and len(lines) != records:
        yield 0, f"{len(lines)} records, the ReadMe says {records}"
    longest = max(range(len(lines)), key=lambda i: len(lines[i]), default=None)
    if longest is not None and lrecl is not None and len(lines[longest]) != lrecl:
        yield (
            longest + 1,
            f"the longest line has {len(lines[longest])} bytes, the ReadMe says Lrecl {lrecl}",
        )


def _gap_faults(lines: list[str], table: Table) -> Iterator[Found]:
    """Bytes that no column describes must be blank."""
    width = max((len(line) for line in lines), default=0)
    if not width:
        return
    packed = np.array([line.encode("latin-1") for line in lines], dtype=f"S{width}")
    blank = np.isin(packed.view(np.uint8).reshape(len(lines), width), (0, ord(" ")))
    used = bytearray(0 if b else 1 for b in np.all(blank, axis=0).tolist())
    for column in table.columns:
        used[max(column.first, 1) - 1 : column.last] = bytes(
            len(used[max(column.first, 1) - 1 : column.last])
        )
    for found in re.finditer(rb"\x01+", bytes(used)):
        start, stop = found.span()
        held = [repr(text) if (text := line[start:stop].strip()) else "" for line in lines]
        yield from _told(held, f"bytes {start + 1}-{stop} are in no column but hold {{}}")


def _value_faults(column: Explained, texts: list[str]) -> Iterator[Found]:
    """Blanks without '?', values that are none, decimals beyond the format,
    values outside the range.
    """
    if not column.may_be_blank():
        why = "'!' forbids it" if column.prefix["null"] else "no '?' allows it"
        yield from _told(
            ["" if text else "blank" for text in texts], f"{column.label}: {{}}, but {why}"
        )
    pattern = PATTERNS.get(column.kind)
    if pattern is None:
        return
    values = (
        ["" if column.is_null(text) else text for text in texts]
        if column.prefix["value"]
        else texts
    )
    wrong = ["" if not text or pattern.fullmatch(text) else text for text in values]
    yield from _told(
        [repr(text) if text else "" for text in wrong],
        f"{column.label}: {{}} is not {column.format}",
    )
    values = ["" if bad else text for text, bad in zip(values, wrong, strict=True)]
    yield from _decimal_faults(column, values)
    yield from _range_faults(column, values)


def _decimal_faults(column: Explained, values: list[str]) -> Iterator[Found]:
    allowed = int(column.format.partition(".")[2] or 0)
    if column.kind == "F":
        long = [v if len(v.partition(".")[2]) > allowed else "" for v in values]
        yield from _told(long, f"{column.label}: {{}} has more decimals than {column.format}")


def _range_faults(column: Explained, values: list[str]) -> Iterator[Found]:
    """``[`` closes the left end, ``]`` leaves it open; on the right it is the other way round."""
    prefix, limits = column.prefix, column.limits
    if not limits:
        return
    low, high = map(_number, limits)
    convert = int if column.kind == "I" else _real
    known = [convert(v) for v in values if v]
    if not known or (
        _inside(prefix, low, high, min(known)) and _inside(prefix, low, high, max(known))
    ):
        return
    outside = [v if v and not _inside(prefix, low, high, convert(v)) else "" for v in values]
    yield from _told(outside, f"{column.label}: {{}} is outside {prefix['range']}")


def _real(text: str) -> float:
    """A number as Fortran writes it: 1.2D+03, 1.2+03 and 1.2E+03 are the same."""
    try:
        return float(text)
    except ValueError:
        return float(re.sub(r"(?<=[\d.])[DdEe]?(?=[-+]\d)|[Dd]", "e", text))


def _inside(prefix: re.Match[str], low: float | None, high: float | None, value: float) -> bool:
    above = low is None or value > low or (value == low and prefix["left"] == "[")
    below = high is None or value < high or (value == high and prefix["right"] == "]")
    return above and below
