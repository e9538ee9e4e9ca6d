"""The report for a printer: a page of numbers, a page a figure at its size in a journal, and what
`obcat evaluate` says.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure

from obcat.reading import Missing, Reading
from obcat.report.drawn import plain
from obcat.report.figures import PDF, Drawing
from obcat.report.style import STYLE, WIDTH, box
from obcat.section import Section, as_text

__all__ = ["write_pages"]

SHEET = (8.27, 11.69)  # inches, A4
EDGE = (SHEET[0] - WIDTH) / 2
TOP = 1.0  # inches, where a figure begins
LINES, WORDS = 88, 112  # of a page; characters of a line of a caption
SMALL: Any = {"family": "DejaVu Sans Mono", "fontsize": 6.2, "va": "top", "linespacing": 1.15}


def write_pages(
    path: Path, survey: Reading, drawings: Sequence[Drawing], sections: Sequence[Section]
) -> None:
    """Write the report as one PDF of A4 pages; the same catalog gives the same bytes."""
    with mpl.rc_context(STYLE), PdfPages(path, metadata=dict(PDF)) as pages:
        texts = as_text(sections, survey.heading).splitlines()
        for page in (*_text_pages(texts, survey), *(_sheet(d, survey) for d in drawings)):
            page.savefig(pages, format="pdf")


def _blank(survey: Reading) -> Figure:
    figure = Figure(figsize=SHEET)
    FigureCanvasAgg(figure)
    kind = "SIMULATED" if survey.simulated else "Real"
    said = f"obcat report: {kind} survey “{survey.name}”"
    figure.text(EDGE / SHEET[0], 1 - 0.5 / SHEET[1], said, fontweight="bold")
    return figure


def _text_pages(lines: list[str], survey: Reading) -> Iterator[Figure]:
    for first in range(0, len(lines), LINES):
        figure = _blank(survey)
        text = "\n".join(lines[first : first + LINES])
        figure.text(EDGE / SHEET[0], 1 - 0.8 / SHEET[1], text, parse_math=False, **SMALL)
        yield figure


def _sheet(drawing: Drawing, survey: Reading) -> Figure:
    """A figure at its own size, its caption below."""
    wide, high = drawing.size
    figure = _blank(survey)
    left, bottom = (SHEET[0] - wide) / 2 / SHEET[0], 1 - (TOP + high) / SHEET[1]
    place = (left, bottom, wide / SHEET[0], high / SHEET[1])
    figure.set_layout_engine("constrained", rect=place)
    try:
        drawing.draw(figure, survey)
    except Missing as missing:
        box(figure, str(missing))
    if figure.get_layout_engine() is None:
        _moved(figure, place)
    words = f"Figure {drawing.number}: {plain(drawing.title)}. {drawing.caption}"
    said = re.sub(r"\b([Mασ])_(\w+)", r"$\1_{\\rm \2}$", "\n".join(wrap(words, WORDS)))
    figure.text(EDGE / SHEET[0], bottom - 0.2 / SHEET[1], said, va="top")
    return figure


def _moved(figure: Figure, place: tuple[float, float, float, float]) -> None:
    """Axes that were put by hand on the whole page, into their place."""
    left, bottom, wide, high = place
    for axes in figure.axes:
        x, y, w, h = axes.get_position().bounds
        axes.set_position((left + x * wide, bottom + y * high, w * wide, h * high))
