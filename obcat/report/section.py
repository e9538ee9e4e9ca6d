"""Sections of a plain-text report: a title, a line of explanation, a table."""

import io
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Section", "bins", "number", "percent", "text"]

WIDTH = 130
NOTHING = "-"


class Section(NamedTuple):
    """``rows`` hold text, one more cell a row than there are ``columns``: its label comes first."""

    title: str
    note: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def number(value: float, digits: int = 3) -> str:
    """A number with so many decimals; "-" for NaN."""
    return f"{value:.{digits}f}" if np.isfinite(value) else NOTHING


def percent(value: float, digits: int = 1) -> str:
    """A fraction as per cent; "-" for NaN."""
    return f"{100 * value:.{digits}f} %" if np.isfinite(value) else NOTHING


def bins(name: str, values: NDArray[np.float64], edges: Sequence[float]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Label and rows of each bin low <= value < high; an infinite edge leaves the bin open."""
    for low, high in pairwise(edges):
        label = f"{low:g} to {high:g}"
        if np.isinf(high):
            label = f"from {low:g}"
        elif np.isinf(low):
            label = f"below {high:g}"
        yield f"{name} {label}", (values >= low) & (values < high)


def text(sections: Sequence[Section], heading: str) -> str:
    """The sections as text, ``heading`` before the title of each."""
    from rich.console import Console

    out = io.StringIO()
    console = Console(file=out, width=WIDTH, color_system=None, highlight=False, markup=False, emoji=False)
    for section in sections:
        show(console, section, heading)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def show(console, section: Section, heading: str) -> None:
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
