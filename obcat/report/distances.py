"""Section 7, Figure 11: distances, their errors, and a map;
their panels are those of the overview too.
"""

from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from obcat import statistics as st
from obcat.evaluate.paper import STATED
from obcat.reading import Columns, Reading, answer_arrays, require_known
from obcat.report.galactic_map import around
from obcat.report.style import (
    BLUE,
    DARK_BLUE,
    DARK_PINK,
    ORANGE,
    PINK,
    Look,
    finish,
    histogram,
    points,
    shown,
)

__all__ = ["distance_errors", "errors", "running_median", "sky_map"]

WHY = "A distance needs M_spec with a Ks magnitude, or a Gaia parallax."
EDGES = np.geomspace(0.1, 100, 61)  # kpc
N_BINS = 12  # bins of the running medians
FEWEST = 10  # stars in a bin
PARALLAX_LIMIT, BEYOND = 3.0, 9.0  # relative error shown; what a larger one counts as
BEYOND_CENTRE = 1.0  # kpc
DISTANCES = (0.2, 30.0)  # kpc shown
TICKS = ([0.3, 1, 3, 10, 30], ["0.3", "1", "3", "10", "30"])

Floats = NDArray[np.float64]


def errors(figure: Figure, survey: Reading) -> None:
    """Figure 11: how many stars at which distance; relative errors with and without M_spec."""
    data = answer_arrays(survey.con, "report/stars")
    require_known(data, ("dis",), 1, WHY)
    left, right = figure.subplots(1, 2)
    histogram(left, data["dis"], EDGES, {"color": BLUE, "label": "all"})
    binary = data["dis"][data["binary_flag"] == 1]
    histogram(left, binary, EDGES, {"color": ORANGE, "linestyle": "--", "label": "binaries"})
    left.set(xscale="log", yscale="log", xlabel="distance (kpc)", ylabel="stars")
    left.set(xlim=DISTANCES, ylim=(0.7, 6 * left.get_ylim()[1]))
    left.set_xticks(*TICKS)
    finish(left, "upper left")
    distance_errors(right, {name: column for name, column in data.items() if name != "specid"})


def sky_map(axes: Axes, data: Columns) -> None:
    """Positions in the Galactic plane; distances that the largest allowed one cuts are left out."""
    safe = ~(data["distance_edge"] > 0)
    points(axes, data["x"], data["y"], safe, Look("stars", BLUE, "o", 4, 0.4))
    x, y = data["x"][safe], data["y"][safe]
    west, east = shown(x, (-16.0, 1.0))
    axes.set(xlim=(west, max(east, BEYOND_CENTRE)), ylim=shown(y, (-6.0, 6.0)), aspect="equal")
    axes.set(xlabel="X (kpc)", ylabel="Y (kpc)")
    axes.set_title("Seen from the north Galactic pole")
    around(axes)
    finish(axes, "lower right")


def distance_errors(axes: Axes, data: Columns) -> None:
    """Relative distance error with M_spec, and of the parallax alone, against distance."""
    d, safe = data["dis"], ~(data["distance_edge"] > 0) & (data["binary_flag"] == 0)
    joint = (data["dis_high"] - data["dis_low"]) / 2 / d
    alone = np.where(data["parallax"] > 0, data["parallax_error"] / data["parallax"], np.inf)
    alone = np.where(np.isfinite(data["parallax_error"]), np.minimum(alone, BEYOND), np.nan)
    axes.set(xscale="log", yscale="log", xlim=DISTANCES, ylim=(0.01, PARALLAX_LIMIT))
    points(
        axes, d, alone, safe & (alone < PARALLAX_LIMIT), Look("parallax alone", PINK, "o", 4, 0.35)
    )
    points(axes, d, joint, safe, Look("spectrum and parallax", BLUE, "o", 4, 0.35))
    for error, colour, line in ((alone, DARK_PINK, "--"), (joint, DARK_BLUE, "-")):
        axes.plot(*running_median(d[safe], error[safe]), color=colour, linewidth=2, linestyle=line)
    paper: Any = {
        "marker": "D",
        "color": "black",
        "linestyle": "",
        "markersize": 5,
        "label": "paper at 15 kpc",
    }
    axes.plot([15], [STATED["dis_error_15"].value], **paper)
    axes.set(xlabel="distance (kpc)", ylabel="relative distance error")
    axes.set_xticks(*TICKS)
    axes.set_yticks([0.01, 0.03, 0.1, 0.3, 1, 3], ["1 %", "3 %", "10 %", "30 %", "100 %", "300 %"])
    finish(axes, "upper left")


def running_median(x: Floats, y: Floats) -> tuple[list[float], list[float]]:
    """Medians of x and y in bins of log x that hold enough stars."""
    edges = np.geomspace(*DISTANCES, N_BINS + 1)
    bins = [(x >= low) & (x < high) & np.isfinite(y) for low, high in pairwise(edges)]
    kept = [rows for rows in bins if rows.sum() >= FEWEST]
    return [st.median(x[rows]) for rows in kept], [st.median(y[rows]) for rows in kept]
