"""Faults of the byte-by-byte description itself, before any data are read."""

import re
from collections.abc import Iterator

from obcat.export.cds.column import NUMBERS, Explained
from obcat.export.cds.described import Table
from obcat.export.cds.symbols import known_unit

__all__ = ["column_faults", "layout_faults"]

KINDS = "AIFED"
RANGE = r"[\[\]]\s*[-+.\d]*\d[.\deE+-]*\s*[/,]\s*[-+.\deE]*[\[\]]|[\[\]]\s*[/,]\s*[-+.\d]*\d[-+.\deE]*\s*[\[\]]"
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
        yield f"{column.label}: format {column.format} does not fill bytes {column.first}-{column.last}"
    if not known_unit(column.unit):
        yield f"{column.label}: unit {column.unit} is not in CDS syntax"
    yield from prefix_faults(column)


def prefix_faults(column: Explained) -> Iterator[str]:
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
        yield from range_faults(column, *column.limits)
    if value and column.kind in NUMBERS and number(value) is None and not NULLS.fullmatch(value):
        yield f"{column.label}: null value {value} is no number"


def range_faults(column: Explained, low: str, high: str) -> Iterator[str]:
    ends = [number(end) for end in (low, high) if end]
    if None in ends or not ends:
        yield f"{column.label}: range [{low}/{high}] is not of numbers"
    elif len(ends) == 2 and float(low) > float(high):
        yield f"{column.label}: range [{low}/{high}] is upside down"


def number(text: str) -> float | None:
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
