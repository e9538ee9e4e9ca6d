"""Figure: real and simulated statistics as curves over wavelength."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from obcat.realism.measures import Row

__all__ = ["draw_curves"]

REAL, SIMULATED = ("#0072B2", "o", "real"), ("#D55E00", "s", "simulated")  # Okabe & Ito
STYLE: Any = {
    "font.size": 11,
    "axes.titlesize": 11.5,
    "font.family": "DejaVu Sans",
    "legend.fontsize": 10,
}
SIZE, DPI = (16, 15), 90
PANELS: tuple[tuple[str, str, str, bool], ...] = (  # title, name, beginning of where, logarithmic
    ("Scatter over stated error, S/N 8 to 40", "scatter / stated error", "S/N 8-40", False),
    ("Scatter over stated error, S/N 80 to 150", "scatter / stated error", "S/N 80-150", False),
    ("Correlation of neighbouring pixels, S/N 8 to 40", "neighbour correlation", "", False),
    ("Stated variance over flux, S/N 8 to 40", "stated variance / flux", "S/N 8-40", True),
    ("Residual in sky lines (stated errors, rms)", "sky line, rms residual", "", False),
    ("Telluric bands: depth left (16 to 84 per cent)", "telluric band, depth left", "", False),
    (
        "Continua of two visits, ln ratio (16 to 84 %)",
        "continuum, ratio of two visits (ln)",
        "",
        False,
    ),
)
MASKS = ("ORMASK not 0", "ANDMASK not 0", "ivar 0", "flux 0", "flux 0 but ivar not")


def draw_curves(real: list[Row], simulated: list[Row], picture: Path) -> None:
    """Write a PNG of eight panels; the same rows give the same bytes."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=SIZE, dpi=DPI, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(4, 2).flat
        for ax, panel in zip(axes, PANELS, strict=False):
            _curves(ax, real, simulated, panel)
        _masked(axes[len(PANELS)], real, simulated)
        figure.suptitle(
            "Spectra: SIMULATED survey against real LAMOST files of DR5 to DR10", fontsize=16
        )
        figure.savefig(picture, format="png", metadata={"Software": None})


def _curves(
    ax: Axes, real: list[Row], simulated: list[Row], panel: tuple[str, str, str, bool]
) -> None:
    title, name, begin, logarithmic = panel
    for rows, (colour, marker, label), side in ((real, REAL, -8), (simulated, SIMULATED, 8)):
        points = sorted(
            (r for r in rows if r.name == name and r.where.startswith(begin)), key=lambda r: r.at
        )
        points = [r for r in points if np.isfinite(r.at)]
        x, low, middle, high = np.array([(r.at + side, r.low, r.median, r.high) for r in points]).T
        bars = np.stack([middle - low, high - middle])
        n = f"{label} (n up to {max(r.n for r in points)})"
        ax.errorbar(
            x,
            middle,
            bars,
            fmt=marker,
            color=colour,
            markersize=5,
            linewidth=1.2,
            capsize=2,
            label=n,
        )
    ax.set(title=title, xlabel="vacuum wavelength (Å)", xlim=(3600, 9200))
    if logarithmic:
        ax.set_yscale("log")
    ax.grid(color="#DDDDDD", linewidth=0.6)
    ax.legend()


def _masked(ax: Axes, real: list[Row], simulated: list[Row]) -> None:
    for rows, (colour, marker, label), side in ((real, REAL, -0.1), (simulated, SIMULATED, 0.1)):
        found = {r.where: r for r in rows if r.name == "pixels a file, if any"}
        points = [(k + side, found[m]) for k, m in enumerate(MASKS) if m in found]
        x, low, middle, high = np.array([(x, r.low, r.median, r.high) for x, r in points]).T
        bars = np.stack([middle - low, high - middle])
        ax.errorbar(
            x,
            middle,
            bars,
            fmt=marker,
            color=colour,
            markersize=6,
            linewidth=1.4,
            capsize=3,
            label=label,
        )
    ax.set_yscale("log")
    ax.set_xticks(range(len(MASKS)), MASKS)
    ax.set(title="Marked pixels a file, of files that have any", ylabel="pixels")
    ax.grid(color="#DDDDDD", linewidth=0.6)
    ax.legend()
