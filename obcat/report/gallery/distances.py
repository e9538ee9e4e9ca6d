"""Figures 11 and 12: distances, their errors, and the map."""

import numpy as np
from matplotlib.figure import Figure

from obcat.report.gallery.style import BLUE, ORANGE, histogram
from obcat.report.gallery.survey import Survey, columns, enough
from obcat.report.panels import distance_errors, sky_map

__all__ = ["errors", "plane"]

WHY = "A distance needs M_spec with a Ks magnitude, or a Gaia parallax."
EDGES = np.geomspace(0.1, 100, 61)  # kpc


def errors(figure: Figure, survey: Survey) -> None:
    """Figure 11: how many stars at which distance; relative errors with and without M_spec."""
    data = columns(survey, "stars")
    enough(data, ("dis",), 1, WHY)
    left, right = figure.subplots(1, 2)
    histogram(left, data["dis"], EDGES, {"color": BLUE, "label": "all"})
    binary = data["dis"][data["binary_flag"] == 1]
    histogram(left, binary, EDGES, {"color": ORANGE, "linestyle": "--", "label": "binary_flag 1"})
    left.set(xscale="log", yscale="log", xlabel="distance (kpc)", ylabel="stars")
    left.set_xticks([0.1, 1, 10, 100], ["0.1", "1", "10", "100"])
    left.legend(loc="upper left")
    distance_errors(right, {name: column for name, column in data.items() if name != "specid"})
    for points in right.collections:
        points.set_rasterized(True)


def plane(figure: Figure, survey: Survey) -> None:
    """Figure 12: positions in the Galactic plane."""
    data = columns(survey, "stars")
    enough(data, ("x", "y"), 1, WHY)
    axes = figure.add_subplot()
    sky_map(axes, {name: column for name, column in data.items() if name != "specid"})
    for points in axes.collections:
        points.set_rasterized(True)
