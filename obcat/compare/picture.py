"""The comparison as a picture: each main quantity of ours against theirs, and the differences as histograms."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from obcat import statistics as st
from obcat.compare.differences import difference
from obcat.compare.join import Joined
from obcat.report.style import BLUE, ORANGE, Look, box, finish, histogram, points, shown

__all__ = ["draw_comparison"]

SIZE, DPI = (13, 8), 100
SHOWN = {
    "mk": (r"$M_{K_s}$ from the spectrum (mag)", (-4.0, 3.0), 1.5),
    "ebv": (r"$E(B-V)$ (mag)", (-0.1, 2.0), 0.4),
    "logdis": (r"$\log_{10} d$ (kpc)", (-1.0, 1.5), 0.4),
    "dis": (r"$d$ (kpc)", (0.0, 10.0), 0.8),
    "mk_geo": (r"$M_{K_s}$ from the parallax (mag)", (-4.0, 3.0), 1.5),
    "snr_dparallax": ("parallax excess in errors", (-5.0, 5.0), 3.0),
}
COLUMNS, BINS = 3, 61


def draw_comparison(joined: Joined, name: str) -> Figure:
    """Up to three quantities that both catalogs have; a box says so if there are none."""
    figure = Figure(figsize=SIZE, dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(
        f"{joined.heading} against “{name}”, {joined.counts['in both']:,} in both", fontsize=14
    )
    wanted = [c for c in SHOWN if c in joined.columns and np.isfinite(difference(joined, c)).any()][
        :COLUMNS
    ]
    if not wanted:
        box(figure, f"the catalogs share none of {', '.join(SHOWN)}")
        return figure
    axes = figure.subplots(2, len(wanted), squeeze=False)
    for k, column in enumerate(wanted):
        _against(axes[0, k], joined, column)
        _differences(axes[1, k], joined, column)
    return figure


def _against(axes: Axes, joined: Joined, name: str) -> None:
    said, default, _ = SHOWN[name]
    ours, theirs = joined.ours[name], joined.theirs[name]
    for rows, look in _groups(joined):
        points(axes, theirs, ours, rows, look)
    limits = shown(np.concatenate([ours, theirs]), default)
    axes.plot(limits, limits, color="black", linewidth=1)
    axes.set(xlim=limits, ylim=limits, xlabel=f"theirs: {said}", ylabel=f"ours: {said}")
    finish(axes, "upper left")


def _groups(joined: Joined) -> list[tuple[NDArray[np.bool_], Look]]:
    n = len(next(iter(joined.ours.values())))
    binary = joined.ours.get("binary_flag", np.full(n, np.nan)) == 1
    return [
        (~binary, Look("others", BLUE, "o", 8)),
        (binary, Look("our binary_flag 1", ORANGE, "^", 16)),
    ]


def _differences(axes: Axes, joined: Joined, name: str) -> None:
    said, _, widest = SHOWN[name]
    off = difference(joined, name)
    histogram(
        axes, np.clip(off, -widest, widest), np.linspace(-widest, widest, BINS), {"color": BLUE}
    )
    axes.axvline(0, color="black", linewidth=1)
    kind = "ours / theirs - 1" if name == "dis" else "ours - theirs"
    axes.set(xlabel=f"{kind}: {said}", ylabel="stars", yscale="log")
    axes.set_title(f"median {st.bias(off):+.3f}, robust scatter {st.robust_scatter(off):.3f}")
    axes.grid(color="#DDDDDD", linewidth=0.6)
