"""A figure as PNG and as PDF: the same catalog gives the same bytes; what is missing is said in a box."""

import io
from collections.abc import Mapping
from typing import NamedTuple

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from obcat.report.gallery.listing import Drawing
from obcat.report.gallery.style import STYLE, box
from obcat.report.gallery.survey import Missing, Survey

__all__ = ["Rendered", "render"]

DPI = 110
BOX_SIZE = (9, 2.6)
PDF = {"Creator": None, "Producer": None, "CreationDate": None}


class Rendered(NamedTuple):
    """``missing`` says why the figure could not be drawn, or is empty."""

    png: bytes
    pdf: bytes
    missing: str


def render(drawing: Drawing, survey: Survey) -> Rendered:
    """Draw a figure; every picture says whether its survey is simulated."""
    with mpl.rc_context(STYLE):
        figure, missing = drawn(drawing, survey)
        kind = "SIMULATED" if survey.simulated else "Real"
        figure.suptitle(f"Fig. {drawing.number}: {drawing.title} ({kind} survey “{survey.name}”)", fontsize=13)
        png = saved(figure, "png", {"Software": None})
        figure.set_layout_engine("none")  # the places found for the PNG are those of the PDF
        return Rendered(png, saved(figure, "pdf", PDF), missing)


def drawn(drawing: Drawing, survey: Survey) -> tuple[Figure, str]:
    try:
        figure = blank(drawing.size)
        drawing.draw(figure, survey)
        return figure, ""
    except Missing as missing:
        figure = blank(BOX_SIZE)
        box(figure, str(missing))
        return figure, str(missing)


def blank(size: tuple[float, float]) -> Figure:
    figure = Figure(figsize=size, dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def saved(figure: Figure, form: str, metadata: Mapping[str, str | None]) -> bytes:
    out = io.BytesIO()
    figure.savefig(out, format=form, metadata=metadata)
    return out.getvalue()
