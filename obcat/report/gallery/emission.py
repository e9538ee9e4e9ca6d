"""Figure 3: the excess at Halpha against chi square, with the threshold of the emission flag."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from obcat.report.gallery.style import BLUE, ORANGE, PINK, Look, finish, points
from obcat.report.gallery.survey import Survey, arrays, columns, enough

__all__ = ["excess"]

LEAST = 0.01  # chi square shown
WHY = "Spectra without a redshift, or with too many masked pixels, have no excess."


def excess(figure: Figure, survey: Survey) -> None:
    """Excess in units of the continuum, and its significance with the threshold, against chi square around Halpha."""
    data = columns(survey, "lines")
    enough(data, ("halpha_excess", "halpha_chi2"), 1, WHY)
    left, right = figure.subplots(1, 2)
    draw(left, data, data["halpha_excess"])
    left.set(ylabel="mean excess at Hα (units of the continuum)", ylim=(-0.6, 2.5))
    left.set_yscale("symlog", linthresh=0.1)
    draw(right, data, data["halpha_significance"])
    threshold = float(arrays(survey, "pca")["excess_calibration"][3])
    right.axhline(threshold, color="black", linestyle="--", label=f"threshold {threshold:.1f}")
    right.set(ylabel="excess at Hα over its error")
    right.set_yscale("symlog", linthresh=5)
    finish(left, "upper left")
    finish(right, "upper left")


def draw(axes: Axes, data: dict[str, np.ndarray], y: np.ndarray) -> None:
    em, bad = data["em_flag"] == 1, data["erroneous"] == 1
    x = np.maximum(data["halpha_chi2"], LEAST)
    points(axes, x, y, ~em & ~bad, Look("no emission", BLUE, "o", 4, 0.35))
    points(axes, x, y, em, Look("emission", ORANGE, "^", 12, 0.5))
    points(axes, x, y, bad, Look("erroneous", PINK, "x", 26, 0.9))
    axes.set(xscale="log", xlabel="reduced χ² around Hα")
