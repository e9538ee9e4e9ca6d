"""Values as text: name, value, unit and meaning of a row; rows in columns."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from obcat.parameters import read_parameters
from obcat.schema import UNSAID, columns_of, read_columns

__all__ = ["as_lines", "as_table", "cell", "described", "meaning", "unit", "word"]

Rows = Sequence[Sequence[Any]]


def as_lines(names: Sequence[str], rows: Rows) -> str:
    """The one row, a value a line, with the unit and description of the column of that name."""
    if not rows:
        return "  nothing"
    words = [f"{cell(name, value)} {unit(name)}".rstrip() for name, value in zip(names, rows[0], strict=True)]
    widths = max(map(len, names)), min(max(map(len, words)), 34)
    return "\n".join(
        f"  {name:<{widths[0]}}  {text:<{widths[1]}}  {meaning(name)}".rstrip()
        for name, text in zip(names, words, strict=True)
    )


def as_table(names: Sequence[str], rows: Rows) -> str:
    if not rows:
        return "  none"
    lines = [list(names), *([cell(name, value) for name, value in zip(names, row, strict=True)] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  " + "  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def word(value: Any) -> str:
    """Six digits of a float, every digit of an integer, a dash for NULL; nothing that could end a line."""
    if value is None:
        return "-"
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return "".join(c if c.isprintable() else "?" for c in text)


def cell(name: str, value: Any) -> str:
    """A float with the decimals that its column is declared with."""
    form = described().get(name, ("", "", ""))[2]
    if isinstance(value, float) and form.startswith("F"):
        return f"{value:.{form.partition('.')[2]}f}"
    return word(value)


@cache
def described() -> dict[str, tuple[str, str, str]]:
    """Column name -> unit, description, format; the catalog's own before those of other tables.

    A number of the method stands by its name: what is explained has a line for its value.
    """
    declared = [*columns_of("catalog.ob_stars"), *(c for c in read_columns() if not c.table.startswith("raw."))]
    found: dict[str, tuple[str, str, str]] = {}
    names = {name: name for name in read_parameters()} | UNSAID
    for c in declared:
        found.setdefault(c.column, (c.unit, c.said(names), c.format))
    return found


def unit(name: str) -> str:
    return described().get(name, ("", "", ""))[0]


def meaning(name: str) -> str:
    return described().get(name, ("", "", ""))[1]
