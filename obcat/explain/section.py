"""A part of the answer: a title, and rows or a line of words; the same for the terminal and for the page."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from obcat.explain.text import as_lines, as_table, cell, meaning, unit

__all__ = ["Section"]


@dataclass(frozen=True)
class Section:
    """``alone``: the one row is shown a value a line, with its unit and meaning. ``note``: a line after the rows."""

    title: str
    names: Sequence[str] = ()
    rows: Sequence[Sequence[Any]] = ()
    alone: bool = False
    note: str = ""

    @property
    def text(self) -> str:
        show = as_lines if self.alone else as_table
        body = [show(self.names, self.rows)] if self.names else []
        return "\n".join([self.title, *body, *([f"  {self.note}"] if self.note else [])])

    @property
    def html(self) -> str:
        """Every value is escaped."""
        body = (lines_html if self.alone else table_html)(self.names, self.rows) if self.names else ""
        note = f"<p>{escape(self.note)}</p>" if self.note else ""
        return f"<section><h2>{escape(self.title)}</h2>{body}{note}</section>"


def lines_html(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    if not rows:
        return "<p>nothing</p>"
    lines = (
        f"<tr><th scope=row>{escape(n)}{td(f'{cell(n, v)} {unit(n)}')}<td class=long>{escape(meaning(n))}"
        for n, v in zip(names, rows[0], strict=True)
    )
    return f'<div class=wide><table class="lines">{"".join(lines)}</table></div>'


def table_html(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    if not rows:
        return "<p>none</p>"
    head = "".join(f'<th scope=col title="{escape(meaning(n))}">{escape(with_unit(n))}' for n in names)
    lines = ("".join(td(cell(n, v)) for n, v in zip(names, row, strict=True)) for row in rows)
    return f"<div class=wide><table><tr>{head}<tr>{'<tr>'.join(lines)}</table></div>"


def with_unit(name: str) -> str:
    return f"{name} ({unit(name)})" if unit(name) else name


def td(text: str) -> str:
    """A cell; one with a sentence in it may be broken into lines."""
    return f"<td{' class=long' if text.count(' ') > 3 else ''}>{escape(text)}"
