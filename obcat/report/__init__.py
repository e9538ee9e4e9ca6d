"""The paper's figures and numbers from a catalog, a chapter of the paper each,
and the page that holds them.

How figures look: sizes, colours that colour-blind readers tell apart, helpers to draw points
and histograms; and what a figure draws, as numbers: one table a figure.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.colors import LinearSegmentedColormap, LogNorm, to_rgb
from matplotlib.contour import QuadContourSet
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle
from numpy.typing import NDArray

__all__ = [
    "BLUE",
    "CELLS",
    "COLUMN",
    "CROWD",
    "DARK_BLUE",
    "DARK_PINK",
    "GREEN",
    "HEAD",
    "ORANGE",
    "PINK",
    "STYLE",
    "WIDTH",
    "Look",
    "box",
    "cells",
    "drawn_table",
    "finish",
    "histogram",
    "panels",
    "plain",
    "points",
    "shown",
]

Floats = NDArray[np.float64]
Rows = NDArray[np.bool_]


# Okabe & Ito, distinct to colour-blind readers
BLUE, ORANGE, GREEN, PINK = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
DARK_BLUE, DARK_PINK = "#003E66", "#8E3B6B"
CENTRAL = (0.3, 99.7)  # per cent of the stars that an axis shows
LEGEND_SIZE = 40
COLUMN, WIDTH = 3.5, 7.1  # inches: a column of a journal, and its page
CROWD, FEWEST = 2500, 3  # points above which cells are drawn; points in a cell
CELLS = 64  # across the points of an axis
NO_SCALE = -900.0  # below what matplotlib puts where a logarithm is none

STYLE: Any = {
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "font.family": "DejaVu Sans",
    "pdf.fonttype": 42,
    "axes.linewidth": 0.6,
    "grid.linewidth": 0.4,
    "lines.linewidth": 1.0,
    "lines.markersize": 4,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "legend.borderpad": 0.3,
    "legend.labelspacing": 0.3,
    "legend.handlelength": 1.6,
}


class Look(NamedTuple):
    """How a group of points is drawn."""

    label: str
    colour: str
    marker: str
    size: float
    alpha: float = 0.6


def points(axes: Axes, x: Floats, y: Floats, rows: Rows, look: Look) -> None:
    """The known points of some rows, their number in the legend; where there are many, cells
    shaded by how many they hold, and the points outside of these.

    Set the scales of the axes first: cells are equal on paper.
    """
    rows = rows & np.isfinite(x) & np.isfinite(y)
    label = f"{look.label} ({rows.sum():,})" if look.label else None
    x, y = x[rows], y[rows]
    if len(x) > CROWD:
        inside = _shade(axes, x, y, look)
        x, y = x[~inside], y[~inside]
    scale = _smaller()
    style: dict[str, Any] = {
        "s": look.size * scale**2,
        "c": look.colour,
        "marker": look.marker,
        "alpha": look.alpha,
        "linewidths": scale if look.marker in "x+" else 0,
    }
    axes.scatter(x, y, label=label, **style)


def cells(axes: Axes, x: Floats, y: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """Corners (k, 4, 2) of the cells that hold enough points, equal on the scales of the axes;
    and (n,) which of them a point lies in, -1 for none.
    """
    flat = axes.transScale.transform(np.column_stack([x, y]))
    known = np.all(np.isfinite(flat) & (flat > NO_SCALE), axis=1)
    low, high = np.percentile(flat[known], CENTRAL, axis=0)
    step = np.where(high > low, high - low, 1.0) / CELLS
    inside = known & np.all((flat >= low) & (flat < high), axis=1)
    at = np.full(len(x), -1)
    place = np.floor((flat[inside] - low) / step).astype(int)
    found, number, count = np.unique(place, axis=0, return_inverse=True, return_counts=True)
    kept = count >= FEWEST
    at[inside] = np.where(kept, np.cumsum(kept) - 1, -1)[number]
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
    corners = low + (found[kept][:, None, :] + square) * step
    back = axes.transScale.inverted().transform(corners.reshape(-1, 2))
    return back.reshape(-1, 4, 2), at


def _shade(axes: Axes, x: Floats, y: Floats, look: Look) -> Rows:
    """Draw the cells; (n,) which points these stand for."""
    corners, at = cells(axes, x, y)
    counts = np.bincount(at[at >= 0], minlength=len(corners))
    shades = LinearSegmentedColormap.from_list("", [_mixed(look.colour, 0.55), look.colour,
                                                    _mixed(look.colour, -0.6)])  # fmt: skip
    norm = LogNorm(FEWEST, max(counts.max(initial=0), FEWEST + 1))
    drawn = PolyCollection(list(corners), array=counts, cmap=shades, norm=norm, linewidths=0.1)
    drawn.set(edgecolor="face", gid=f"cells of {look.label}", zorder=0.9)
    axes.add_collection(drawn)
    return at >= 0


def _smaller() -> float:
    """Of marks, in a figure of a journal's size."""
    return mpl.rcParams["lines.markersize"] / mpl.rcParamsDefault["lines.markersize"]


def _mixed(colour: str, white: float) -> Any:
    """A part of the colour towards white, or, below zero, towards black."""
    towards = 1.0 if white > 0 else 0.0
    return tuple(c + abs(white) * (towards - c) for c in to_rgb(colour))


def histogram(axes: Axes, values: Floats, edges: Floats, look: dict[str, Any]) -> None:
    """A step line of counts within the edges."""
    width = 1.8 * mpl.rcParams["lines.linewidth"] / mpl.rcParamsDefault["lines.linewidth"]
    known = values[np.isfinite(values)]
    axes.hist(known, bins=list(edges), histtype="step", linewidth=width, **look)


def box(figure: Figure, why: str) -> None:
    """In place of a figure: what is missing, and why."""
    from textwrap import fill

    axes = figure.add_subplot()
    axes.set_axis_off()
    look = {"boxstyle": "round,pad=1", "facecolor": "#F4F4F4", "edgecolor": "#555555"}
    text = "Not drawn\n\n" + fill(why, 70)
    axes.text(0.5, 0.5, text, ha="center", va="center", bbox=look, transform=axes.transAxes)


def shown(values: Floats, otherwise: tuple[float, float]) -> tuple[float, float]:
    """Limits that hold nearly all known values, with a margin."""
    known = values[np.isfinite(values)]
    if len(known) < 2 or np.ptp(known) == 0:
        return otherwise
    low, high = np.percentile(known, CENTRAL)
    margin = 0.06 * (high - low)
    return float(low - margin), float(high + margin)


def finish(axes: Axes, place: str, *, grid: bool = True) -> None:
    """Legend and grid; a legend ``above`` stands outside, in two columns."""
    above: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0, 1.0), "ncols": 2}
    look = above | {"frameon": False} if place == "above" else {"loc": place}
    drawn = axes.legend(framealpha=0.9, handletextpad=0.3, **look)
    for handle in drawn.legend_handles:
        if isinstance(handle, PathCollection):
            handle.set(sizes=[LEGEND_SIZE * _smaller() ** 2], alpha=1)
    if not grid:
        return
    axes.grid(color="#DDDDDD", linewidth=mpl.rcParams["grid.linewidth"])
    axes.set_axisbelow(True)


HEAD = ("panel", "series", "x", "y", "error", "value")
PanelRows = Iterator[tuple[Any, ...]]  # series, x, y, error, value


def drawn_table(figure: Figure) -> str:
    """CSV of every point, line, step and bar; panels are counted as one reads.

    ``error`` is half of the error bar; ``value`` is what a colour stands for, or the number that
    a box names.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEAD)
    for number, axes in enumerate(_plots(figure), start=1):
        for series, *columns in _series(axes):
            for row in zip(*np.broadcast_arrays(*map(np.atleast_1d, columns)), strict=True):
                writer.writerow([number, plain(series), *map(_printed, row)])
    return out.getvalue()


def panels(figure: Figure) -> list[tuple[int, str, str]]:
    """Number, x and y of each panel, in words."""
    return [
        (number, plain(axes.get_xlabel()), plain(axes.get_ylabel()))
        for number, axes in enumerate(_plots(figure), start=1)
    ]


def plain(text: str) -> str:
    """Words of a label without its mathematics."""
    names = {r"\varpi": "ϖ", r"\sigma": "σ", r"\log": "log"}
    text = text.replace(r"\,", " ")
    text = re.sub(r"\\[a-z]+(?![a-z])\s?", lambda m: names.get(m[0].strip(), ""), text)
    return re.sub(r"\s+", " ", re.sub(r"[${}\\]", "", text)).strip()


def _plots(figure: Figure) -> list[Axes]:
    return [axes for axes in figure.axes if axes.axison or axes.texts]


def _printed(value: Any) -> str:
    return "" if np.isnan(value) else f"{value:.7g}"


def _series(axes: Axes) -> PanelRows:
    barred = {id(line): bars for bars in axes.containers for line in bars.get_children()}
    yield from _boxes(axes)
    yield from _lines(axes, barred)
    yield from _collections(axes)
    yield from _patches(axes, barred)


def _boxes(axes: Axes) -> PanelRows:
    for text in axes.texts:
        if text.get_gid() is not None:
            yield (
                text.get_text().partition("\n")[0],
                *text.get_position(),
                np.nan,
                float(text.get_gid() or 0),
            )


def _name(artist: Any, otherwise: str = "line") -> str:
    label = str(artist.get_label())
    return otherwise if label.startswith("_") or not label.strip() else label


def _lines(axes: Axes, barred: dict[int, Any]) -> PanelRows:
    lines: Iterable[Any] = axes.lines
    for line in lines:
        if line.get_transform() != axes.transData or line.get_gid() == "no data":
            continue
        bars = barred.get(id(line))
        if bars is None:
            yield _name(line), line.get_xdata(), line.get_ydata(), np.nan, np.nan
        elif line is bars.lines[0]:
            yield _name(bars), line.get_xdata(), line.get_ydata(), _half(bars), np.nan


def _half(bars: Any) -> Any:
    """Half of each error bar, along the axis that it has."""
    ends = np.array(bars.lines[2][0].get_segments())
    return np.max(np.abs(ends[:, 1] - ends[:, 0]), axis=1) / 2 if len(ends) else np.nan


def _collections(axes: Axes) -> PanelRows:
    for drawn in axes.collections:
        if isinstance(drawn, PathCollection):
            yield _points(drawn)
        elif isinstance(drawn, QuadContourSet) and not drawn.filled:
            yield from _contour(drawn)
        elif isinstance(drawn, PolyCollection) and drawn.get_gid():
            yield _cells(drawn)


def _points(drawn: Any) -> tuple[Any, ...]:
    x, y = np.ma.filled(drawn.get_offsets(), np.nan).T
    return _name(drawn, "points"), x, y, np.nan, _values(drawn)


def _contour(drawn: Any) -> PanelRows:
    for path in drawn.get_paths():
        if len(path.vertices):
            yield "contour", *path.vertices.T, np.nan, np.nan


def _cells(drawn: Any) -> tuple[Any, ...]:
    """Middles of the cells."""
    corners = np.array([path.vertices[:4] for path in drawn.get_paths()]).reshape(-1, 4, 2)
    return drawn.get_gid(), *corners.mean(axis=1).T, np.nan, _values(drawn)


def _values(drawn: Any) -> Any:
    found = drawn.get_array()
    return np.nan if found is None else np.ma.filled(found.astype(float), np.nan)


def _patches(axes: Axes, barred: Iterable[int]) -> PanelRows:
    """Steps by their left edges, bars by their middles."""
    patches: Iterable[Any] = axes.patches
    for patch in patches:
        if isinstance(patch, Polygon):
            x, y = patch.get_xy()[1:-1:2].T
            yield _name(patch, "steps"), x, y, np.nan, np.nan
        elif isinstance(patch, Rectangle) and id(patch) in barred:
            (x, y), wide, high = patch.get_xy(), patch.get_width(), patch.get_height()
            yield _name(patch, "bars"), x + wide / 2, y + high / 2, np.nan, max(wide, high, key=abs)
