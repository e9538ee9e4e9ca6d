"""How figures look: sizes, colours that colour-blind readers tell apart, helpers to draw points and histograms."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from obcat.report.panels import BLUE, DARK_BLUE, DARK_PINK, GREEN, ORANGE, PINK, Look, finish, shown

__all__ = [
    "BLUE",
    "DARK_BLUE",
    "DARK_PINK",
    "GREEN",
    "ORANGE",
    "PINK",
    "STYLE",
    "Look",
    "box",
    "finish",
    "histogram",
    "points",
    "shown",
]

STYLE: Any = {
    "font.size": 11,
    "axes.titlesize": 11.5,
    "axes.labelsize": 12,
    "legend.fontsize": 10,
    "font.family": "DejaVu Sans",
    "pdf.fonttype": 42,
}


def points(axes: Axes, x: NDArray[np.float64], y: NDArray[np.float64], rows: NDArray[np.bool_], look: Look) -> None:
    """The known points of some rows, their number in the legend; dots are pixels in a PDF, so that it stays small."""
    rows = rows & np.isfinite(x) & np.isfinite(y)
    width = 1 if look.marker in "x+" else 0
    style: dict[str, Any] = {"s": look.size, "c": look.colour, "marker": look.marker, "alpha": look.alpha}
    label = f"{look.label} ({rows.sum():,})" if look.label else None
    axes.scatter(x[rows], y[rows], linewidths=width, label=label, rasterized=True, **style)


def histogram(axes: Axes, values: NDArray[np.float64], edges: NDArray[np.float64], look: dict[str, Any]) -> None:
    """A step line of counts within the edges."""
    axes.hist(values[np.isfinite(values)], bins=list(edges), histtype="step", linewidth=1.8, **look)


def box(figure: Figure, why: str) -> None:
    """In place of a figure: what is missing, and why."""
    from textwrap import fill

    axes = figure.add_subplot()
    axes.set_axis_off()
    look = {"boxstyle": "round,pad=1", "facecolor": "#F4F4F4", "edgecolor": "#555555"}
    text = "Not drawn\n\n" + fill(why, 70)
    axes.text(0.5, 0.5, text, ha="center", va="center", fontsize=13, bbox=look, transform=axes.transAxes)
