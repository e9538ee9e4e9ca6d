"""How figures look: sizes, colours that colour-blind readers tell apart,
helpers to draw points and histograms.
"""

from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

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

# Okabe & Ito, distinct to colour-blind readers
BLUE, ORANGE, GREEN, PINK = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
DARK_BLUE, DARK_PINK = "#003E66", "#8E3B6B"
CENTRAL = (0.3, 99.7)  # per cent of the stars that an axis shows
LEGEND_SIZE = 40

STYLE: Any = {
    "font.size": 11,
    "axes.titlesize": 11.5,
    "axes.labelsize": 12,
    "legend.fontsize": 10,
    "font.family": "DejaVu Sans",
    "pdf.fonttype": 42,
}

Floats = NDArray[np.float64]
Rows = NDArray[np.bool_]


class Look(NamedTuple):
    """How a group of points is drawn."""

    label: str
    colour: str
    marker: str
    size: float
    alpha: float = 0.6


def points(axes: Axes, x: Floats, y: Floats, rows: Rows, look: Look) -> None:
    """The known points of some rows, their number in the legend;
    dots are pixels in a PDF, so that it stays small.
    """
    rows = rows & np.isfinite(x) & np.isfinite(y)
    width = 1 if look.marker in "x+" else 0
    style: dict[str, Any] = {
        "s": look.size,
        "c": look.colour,
        "marker": look.marker,
        "alpha": look.alpha,
    }
    label = f"{look.label} ({rows.sum():,})" if look.label else None
    axes.scatter(x[rows], y[rows], linewidths=width, label=label, rasterized=True, **style)


def histogram(axes: Axes, values: Floats, edges: Floats, look: dict[str, Any]) -> None:
    """A step line of counts within the edges."""
    axes.hist(values[np.isfinite(values)], bins=list(edges), histtype="step", linewidth=1.8, **look)


def box(figure: Figure, why: str) -> None:
    """In place of a figure: what is missing, and why."""
    from textwrap import fill

    axes = figure.add_subplot()
    axes.set_axis_off()
    look = {"boxstyle": "round,pad=1", "facecolor": "#F4F4F4", "edgecolor": "#555555"}
    text = "Not drawn\n\n" + fill(why, 70)
    axes.text(
        0.5, 0.5, text, ha="center", va="center", fontsize=13, bbox=look, transform=axes.transAxes
    )


def shown(values: Floats, otherwise: tuple[float, float]) -> tuple[float, float]:
    """Limits that hold nearly all known values, with a margin."""
    known = values[np.isfinite(values)]
    if len(known) < 2 or np.ptp(known) == 0:
        return otherwise
    low, high = np.percentile(known, CENTRAL)
    margin = 0.06 * (high - low)
    return float(low - margin), float(high + margin)


def finish(axes: Axes, place: Any) -> None:
    drawn = axes.legend(loc=place, framealpha=0.9, handletextpad=0.3)
    for handle in drawn.legend_handles:
        if isinstance(handle, PathCollection):
            handle.set(sizes=[LEGEND_SIZE], alpha=1)
    axes.grid(color="#DDDDDD", linewidth=0.6)
    axes.set_axisbelow(True)
