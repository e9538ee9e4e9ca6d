"""What a figure draws, as numbers: one table a figure, for those who draw it anew."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.contour import QuadContourSet
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle

__all__ = ["HEAD", "drawn_table", "panels", "plain"]

HEAD = ("panel", "series", "x", "y", "error", "value")
Rows = Iterator[tuple[Any, ...]]  # series, x, y, error, value


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
    text = re.sub(r"\\[a-z]+(?![a-z])\s?", lambda m: {r"\varpi": "ϖ", r"\sigma": "σ"}.get(
        m[0].strip(), ""), text)  # fmt: skip
    return re.sub(r"\s+", " ", re.sub(r"[${}\\]", "", text)).strip()


def _plots(figure: Figure) -> list[Axes]:
    return [axes for axes in figure.axes if axes.axison or axes.texts]


def _printed(value: Any) -> str:
    return "" if np.isnan(value) else f"{value:.7g}"


def _series(axes: Axes) -> Rows:
    barred = {id(line): bars for bars in axes.containers for line in bars.get_children()}
    yield from _boxes(axes)
    yield from _lines(axes, barred)
    yield from _collections(axes)
    yield from _patches(axes, barred)


def _boxes(axes: Axes) -> Rows:
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


def _lines(axes: Axes, barred: dict[int, Any]) -> Rows:
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


def _collections(axes: Axes) -> Rows:
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


def _contour(drawn: Any) -> Rows:
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


def _patches(axes: Axes, barred: Iterable[int]) -> Rows:
    """Steps by their left edges, bars by their middles."""
    patches: Iterable[Any] = axes.patches
    for patch in patches:
        if isinstance(patch, Polygon):
            x, y = patch.get_xy()[1:-1:2].T
            yield _name(patch, "steps"), x, y, np.nan, np.nan
        elif isinstance(patch, Rectangle) and id(patch) in barred:
            (x, y), wide, high = patch.get_xy(), patch.get_width(), patch.get_height()
            yield _name(patch, "bars"), x + wide / 2, y + high / 2, np.nan, max(wide, high, key=abs)
