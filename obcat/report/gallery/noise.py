"""Figure 8: corner plot of the noise model."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from obcat.report.gallery.style import BLUE, ORANGE
from obcat.report.gallery.survey import Columns, Missing, Survey, columns

__all__ = ["corner_plot", "levels"]

NAMES = {"alpha": "α", "beta": "β (mag)", "sigma_int": "σ$_{\\rm int}$ (mag)", "sigma_100": "σ$_{100}$ (mag)"}
PAPER = {"sigma_int": 0.25, "sigma_100": 0.10}
ENCLOSED = (0.68, 0.95)
N_BINS = 24
WHY = "The noise model needs test stars with good parallaxes (Gaia); this catalog has too few."


def corner_plot(figure: Figure, survey: Survey) -> None:
    """Samples of alpha, beta, sigma_int and sigma_100 against each other, of stars without emission."""
    data = columns(survey, "chain")
    if len(data["alpha"]) < 100:
        raise Missing(WHY)
    axes: Any = figure.subplots(len(NAMES), len(NAMES), squeeze=False)
    for i, low in enumerate(NAMES):
        for j, across in enumerate(NAMES):
            panel(axes[i, j], data, across, low, i, j)


def panel(axes: Axes, data: Columns, across: str, up: str, i: int, j: int) -> None:
    if j > i:
        axes.set_axis_off()
    elif i == j:
        alone(axes, data[up], up)
    else:
        together(axes, data[across], data[up])
    axes.tick_params(labelsize=8, labelbottom=i == len(NAMES) - 1, labelleft=j == 0 and i > 0)
    axes.locator_params(nbins=4)
    axes.set_xlabel(NAMES[across] if i == len(NAMES) - 1 else "")
    axes.set_ylabel(NAMES[up] if j == 0 and i > 0 else "")


def alone(axes: Axes, samples: np.ndarray, name: str) -> None:
    low, middle, high = np.percentile(samples, (16, 50, 84))
    axes.hist(samples, bins=N_BINS, histtype="step", color=BLUE, linewidth=1.5)
    for value in (low, middle, high):
        axes.axvline(value, color="black", linestyle="--", linewidth=0.9)
    paper = ""
    if name in PAPER and np.min(samples) - 0.03 < PAPER[name] < np.max(samples) + 0.03:
        axes.axvline(PAPER[name], color=ORANGE, linewidth=2)
    if name in PAPER:
        paper = f"\npaper {PAPER[name]:.2f}"
    found = f"{middle:.3f}".replace("-", "−")
    axes.set_title(f"{NAMES[name]}\n{found} +{high - middle:.3f} −{middle - low:.3f}{paper}", fontsize=9)
    axes.set_yticks([])


def together(axes: Axes, x: np.ndarray, y: np.ndarray) -> None:
    counts, x_edges, y_edges = np.histogram2d(x, y, bins=N_BINS)
    axes.plot(x, y, ",", color=BLUE, alpha=0.3, rasterized=True)
    centres = (x_edges[1:] + x_edges[:-1]) / 2, (y_edges[1:] + y_edges[:-1]) / 2
    axes.contour(*centres, counts.T, levels=levels(counts), colors="black", linewidths=1)


def levels(counts: np.ndarray) -> list[float]:
    """Counts above which 95 and 68 per cent of all samples lie, rising."""
    ordered = np.sort(counts.ravel())[::-1]
    share = np.cumsum(ordered) / ordered.sum()
    found = [float(ordered[np.searchsorted(share, part)]) for part in ENCLOSED]
    return sorted({found[0], max(min(found[1], found[0] - 0.5), 0.5)})
