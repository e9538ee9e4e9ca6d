"""A part of an answer: a title, a note, a table; as text for the terminal, as HTML, as Markdown.

Two layouts of text: ``as_text`` for tables of numbers, whose columns are ranged right, and
``star_text`` for one star, whose columns are ranged left and know their unit and meaning from
``columns.csv``.
"""

import io
import json
from collections.abc import Iterable, Sequence
from functools import cache
from html import escape
from typing import Any, NamedTuple

import numpy as np

from obcat.schema import UNSAID, columns_of, read_columns, read_parameters

__all__ = [
    "Section",
    "as_html",
    "as_json",
    "as_text",
    "cell",
    "decimals",
    "markdown_table",
    "percent",
    "star_text",
    "word",
]

WIDTH = 130
NOTHING = "-"
NARROW = 34  # characters of a value before its meaning is no longer in line

Rows = Sequence[Sequence[Any]]


class Section(NamedTuple):
    """``as_text`` and Markdown take rows of text; one cell more than there are ``columns`` is the
    label of a row.

    ``alone``: the one row is shown a value a line, with its unit and meaning.
    """

    title: str
    note: str = ""
    columns: Sequence[str] = ()
    rows: Rows = ()
    alone: bool = False


def decimals(value: float, digits: int = 3) -> str:
    """A number with so many decimals; "-" for NaN."""
    return f"{value:.{digits}f}" if np.isfinite(value) else NOTHING


def percent(value: float, digits: int = 1) -> str:
    """A fraction as per cent; "-" for NaN."""
    return f"{100 * value:.{digits}f} %" if np.isfinite(value) else NOTHING


def as_text(sections: Iterable[Section], heading: str) -> str:
    """The sections as text, ``heading`` before the title of each, numbers ranged right."""
    from rich.console import Console

    out = io.StringIO()
    console = Console(
        file=out, width=WIDTH, color_system=None, highlight=False, markup=False, emoji=False
    )
    for section in sections:
        _print_section(console, section, heading)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def as_json(sections: Iterable[Section], heading: str) -> str:
    """The sections as JSON: an object with the heading and a list of title, note, columns, rows.

    Cells are the text that is shown; one more than there are columns is the label of a row.
    """
    said = [
        {"title": s.title, "note": s.note, "columns": list(s.columns), "rows": list(s.rows)}
        for s in sections
    ]
    return json.dumps({"survey": heading, "sections": said}, indent=1) + "\n"


def _print_section(console: Any, section: Section, heading: str) -> None:
    from rich.table import Table

    console.print(f"{heading} - {section.title}")
    if section.note:
        console.print(section.note)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("")
    for name in section.columns:
        table.add_column(name, justify="right")
    for row in section.rows:
        table.add_row(*row)
    console.print(table)
    console.print()


def markdown_table(columns: Sequence[str], rows: Rows) -> str:
    """A table in Markdown; a bar in a cell is escaped."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(
        f"| {' | '.join(str(c).replace('|', chr(92) + '|') for c in line)} |\n" for line in lines
    )


def star_text(section: Section) -> str:
    """Title, values and note of a section about one star."""
    layout = _as_lines if section.alone else _as_table
    body = [layout(section.columns, section.rows)] if section.columns else []
    return "\n".join([section.title, *body, *([f"  {section.note}"] if section.note else [])])


def _as_lines(names: Sequence[str], rows: Rows) -> str:
    """The one row, a value a line, with the unit and description of the column of that name."""
    if not rows:
        return "  nothing"
    words = [
        f"{cell(name, value)} {_unit(name)}".rstrip()
        for name, value in zip(names, rows[0], strict=True)
    ]
    widths = max(map(len, names)), min(max(map(len, words)), NARROW)
    return "\n".join(
        f"  {name:<{widths[0]}}  {said:<{widths[1]}}  {_meaning(name)}".rstrip()
        for name, said in zip(names, words, strict=True)
    )


def _as_table(names: Sequence[str], rows: Rows) -> str:
    if not rows:
        return "  none"
    lines = [
        list(names),
        *([cell(n, value) for n, value in zip(names, row, strict=True)] for row in rows),
    ]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  " + "  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def as_html(section: Section) -> str:
    """A section about one star; every value is escaped."""
    layout = _lines_html if section.alone else _table_html
    body = layout(section.columns, section.rows) if section.columns else ""
    note = f"<p>{escape(section.note)}</p>" if section.note else ""
    return f"<section><h2>{escape(section.title)}</h2>{body}{note}</section>"


def _lines_html(names: Sequence[str], rows: Rows) -> str:
    if not rows:
        return "<p>nothing</p>"
    lines = (
        f"<tr><th scope=row>{escape(n)}{_td(f'{cell(n, v)} {_unit(n)}')}<td "
        f"class=long>{escape(_meaning(n))}"
        for n, v in zip(names, rows[0], strict=True)
    )
    return f'<div class=wide><table class="lines">{"".join(lines)}</table></div>'


def _table_html(names: Sequence[str], rows: Rows) -> str:
    if not rows:
        return "<p>none</p>"
    head = "".join(
        f'<th scope=col title="{escape(_meaning(n))}">{escape(_with_unit(n))}' for n in names
    )
    lines = ("".join(_td(cell(n, v)) for n, v in zip(names, row, strict=True)) for row in rows)
    return f"<div class=wide><table><tr>{head}<tr>{'<tr>'.join(lines)}</table></div>"


def _with_unit(name: str) -> str:
    return f"{name} ({_unit(name)})" if _unit(name) else name


def _td(said: str) -> str:
    """A cell; one with a sentence in it may be broken into lines."""
    return f"<td{' class=long' if said.count(' ') > 3 else ''}>{escape(said)}"


def word(value: Any) -> str:
    """Six digits of a float, every digit of an integer, a dash for NULL;
    nothing that could end a line.
    """
    if value is None:
        return NOTHING
    said = f"{value:.6g}" if isinstance(value, float) else str(value)
    return "".join(c if c.isprintable() else "?" for c in said)


def cell(name: str, value: Any) -> str:
    """A float with the decimals that its column is declared with."""
    form = _declared().get(name, ("", "", ""))[2]
    if isinstance(value, float) and form.startswith("F"):
        return f"{value:.{form.partition('.')[2]}f}"
    return word(value)


@cache
def _declared() -> dict[str, tuple[str, str, str]]:
    """Column name -> unit, description, format; the catalog's own before those of other tables.

    A number of the method stands by its name: what is explained has a line for its value.
    """
    names = {name: name for name in read_parameters()} | UNSAID
    declared = [
        *columns_of("catalog.ob_stars"),
        *(c for c in read_columns() if not c.table.startswith("raw.")),
    ]
    found: dict[str, tuple[str, str, str]] = {}
    for c in declared:
        found.setdefault(c.column, (c.unit, c.said(names), c.format))
    return found


def _unit(name: str) -> str:
    return _declared().get(name, ("", "", ""))[0]


def _meaning(name: str) -> str:
    return _declared().get(name, ("", "", ""))[1]
