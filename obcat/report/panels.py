"""The four panels of the picture; each draws columns of the catalog, (n,) with NaN for unknown, into its axes."""

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from numpy.typing import NDArray

from obcat.report import statistics as st

__all__ = ["distance_errors", "geometry", "hr_diagram", "sky_map"]

Floats = NDArray[np.float64]
Columns = dict[str, Floats]
Rows = NDArray[np.bool_]

# Okabe & Ito, distinct to colour-blind readers
BLUE, ORANGE, GREEN, PINK = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
DARK_BLUE, DARK_PINK = "#003E66", "#8E3B6B"
MIN_SNR = 50  # of spectra, paper
CENTRAL = (0.3, 99.7)  # per cent of the stars that an axis shows
N_BINS = 12  # bins of the running medians
LEGEND_SIZE = 40
FEWEST = 10  # stars in a bin
PARALLAX_LIMIT = 3.0  # relative error shown
SUN, BEYOND_CENTRE = (-8.122, 0.0), 1.0  # kpc
DISTANCES = (0.2, 30.0)  # kpc shown


class Look(NamedTuple):
    """How a group of points is drawn."""

    label: str
    colour: str
    marker: str
    size: float
    alpha: float = 0.6


def geometry(axes: Axes, data: Columns) -> None:
    """M_spec against M_geo of stars that were kept back from training."""
    test = (data["is_train"] == 0) & (data["snr_g"] > MIN_SNR)
    plain, emission = test & (data["em_flag"] == 0), test & (data["em_flag"] == 1)
    points(axes, data["mk_geo"], data["mk"], plain, Look("no emission", BLUE, "o", 12))
    points(axes, data["mk_geo"], data["mk"], emission, Look("emission", ORANGE, "^", 26))
    limits = shown(np.concatenate([data["mk_geo"][test], data["mk"][test]]), (-4.0, 2.0))
    axes.plot(limits, limits, color="black", linewidth=1)
    off = (data["mk"] - data["mk_geo"])[plain]
    found = f"{st.robust_scatter(off):.2f} mag (paper 0.25)" if np.isfinite(off).any() else "no such stars"
    axes.set(xlim=limits[::-1], ylim=limits[::-1])
    axes.set(xlabel=r"$M_{\rm geo}$ (mag, $K_s$)", ylabel=r"$M_{\rm spec}$ (mag, $K_s$)")
    axes.set_title(f"Test stars, S/N > {MIN_SNR}; scatter without emission: {found}")
    finish(axes, "upper left")


def hr_diagram(axes: Axes, data: Columns) -> None:
    """M_spec against effective temperature."""
    log_teff = np.log10(data["teff"])
    binary = data["binary_flag"] == 1
    points(axes, log_teff, data["mk"], ~binary & (data["em_flag"] != 1), Look("single or unknown", BLUE, "o", 5))
    points(axes, log_teff, data["mk"], ~binary & (data["em_flag"] == 1), Look("emission", GREEN, "^", 16))
    points(axes, log_teff, data["mk"], binary, Look("binary (parallax excess)", ORANGE, "x", 22))
    axes.set(xlim=shown(log_teff, (4.0, 4.6))[::-1], ylim=shown(data["mk"], (-4.0, 2.0))[::-1])
    axes.set(xlabel=r"$\log_{10}\,(T_{\rm eff}\,/\,{\rm K})$", ylabel=r"$M_{\rm spec}$ (mag, $K_s$)")
    axes.set_title("Temperature and absolute magnitude")
    finish(axes, "lower left")


def sky_map(axes: Axes, data: Columns) -> None:
    """Positions in the Galactic plane; distances that the largest allowed one cuts are left out."""
    safe = ~(data["distance_edge"] > 0)
    points(axes, data["x"], data["y"], safe, Look("stars", BLUE, "o", 4, 0.4))
    axes.plot(*SUN, marker="*", color=ORANGE, markersize=16, linestyle="", label="Sun", markeredgecolor="white")
    axes.plot(0, 0, marker="X", color="black", markersize=11, linestyle="", label="Galactic centre")
    x, y = data["x"][safe], data["y"][safe]
    west, east = shown(x, (-16.0, 1.0))
    axes.set(xlim=(west, max(east, BEYOND_CENTRE)), ylim=shown(y, (-6.0, 6.0)), aspect="equal")
    axes.set(xlabel="X (kpc)", ylabel="Y (kpc)")
    axes.set_title("Seen from the north Galactic pole")
    finish(axes, "lower right")


def distance_errors(axes: Axes, data: Columns) -> None:
    """Relative distance error with M_spec, and of the parallax alone, against distance."""
    d, safe = data["dis"], ~(data["distance_edge"] > 0) & (data["binary_flag"] == 0)
    joint = (data["dis_high"] - data["dis_low"]) / 2 / d
    alone = np.where(data["parallax"] > 0, data["parallax_error"] / data["parallax"], np.inf)
    alone = np.where(np.isfinite(data["parallax_error"]), np.minimum(alone, PARALLAX_LIMIT), np.nan)
    points(axes, d, alone, safe, Look("parallax alone", PINK, "o", 4, 0.35))
    points(axes, d, joint, safe, Look("spectrum and parallax", BLUE, "o", 4, 0.35))
    for error, colour, line in ((alone, DARK_PINK, "--"), (joint, DARK_BLUE, "-")):
        axes.plot(*running_median(d[safe], error[safe]), color=colour, linewidth=2.5, linestyle=line)
    axes.plot([15], [0.14], marker="D", color="black", linestyle="", markersize=8, label="paper at 15 kpc")
    axes.set(xscale="log", yscale="log", xlim=DISTANCES, ylim=(0.01, PARALLAX_LIMIT))
    axes.set(xlabel="distance (kpc)", ylabel="relative distance error")
    axes.set_xticks([0.3, 1, 3, 10, 30], ["0.3", "1", "3", "10", "30"])
    axes.set_yticks([0.01, 0.03, 0.1, 0.3, 1, 3], ["1 %", "3 %", "10 %", "30 %", "100 %", "300 %"])
    axes.set_title("Distance errors, lines are medians")
    finish(axes, "upper left")


def points(axes: Axes, x: Floats, y: Floats, rows: Rows, look: Look) -> None:
    """The known points of some rows, with their number in the legend."""
    rows = rows & np.isfinite(x) & np.isfinite(y)
    label, width = f"{look.label} ({rows.sum():,})", 1 if look.marker == "x" else 0
    style: Any = {"s": look.size, "c": look.colour, "marker": look.marker, "alpha": look.alpha}
    axes.scatter(x[rows], y[rows], linewidths=width, label=label, **style)


def shown(values: Floats, otherwise: tuple[float, float]) -> tuple[float, float]:
    """Limits that hold nearly all known values, with a margin."""
    known = values[np.isfinite(values)]
    if len(known) < 2 or np.ptp(known) == 0:
        return otherwise
    low, high = np.percentile(known, CENTRAL)
    margin = 0.06 * (high - low)
    return float(low - margin), float(high + margin)


def running_median(x: Floats, y: Floats) -> tuple[list[float], list[float]]:
    """Medians of x and y in bins of log x that hold enough stars."""
    edges = np.geomspace(*DISTANCES, N_BINS + 1)
    bins = [(x >= low) & (x < high) & np.isfinite(y) for low, high in pairwise(edges)]
    kept = [rows for rows in bins if rows.sum() >= FEWEST]
    return [st.median(x[rows]) for rows in kept], [st.median(y[rows]) for rows in kept]


def finish(axes: Axes, place: Any) -> None:
    drawn = axes.legend(loc=place, framealpha=0.9, handletextpad=0.3)
    for handle in drawn.legend_handles:
        if isinstance(handle, PathCollection):
            handle.set(sizes=[LEGEND_SIZE], alpha=1)
    axes.grid(color="#DDDDDD", linewidth=0.6)
    axes.set_axisbelow(True)
