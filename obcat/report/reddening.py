"""Section 4, Figure 4: E(B-V) against a reference;
a simulated survey has its truth, a real one needs a map.
"""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from obcat import statistics as st
from obcat.evaluate.truth import EvaluateError, beside_truth, read_truth
from obcat.reading import Columns, Reading, answer_arrays, require_known
from obcat.report.style import BLUE, ORANGE, Look, finish, histogram, points, shown

__all__ = ["draw_reddening"]

WHY = "E(B−V) needs magnitudes in at least two neighbouring bands and an effective temperature."
NO_REFERENCE = (
    "No reference for E(B−V) in this catalog: no dust map is part of a build, and "
    "there is no truth beside it."
)
SPREAD = np.linspace(-0.3, 0.3, 61)  # mag


def draw_reddening(figure: Figure, survey: Reading) -> None:
    """Against the truth where there is one; and against distance."""
    data = answer_arrays(survey.con, "report/reddening")
    require_known(data, ("ebv",), 1, WHY)
    left, middle, right = figure.subplots(1, 3)
    truth = _reference(survey)
    if truth is None:
        for axes in (left, middle):
            _nothing(axes)
    else:
        _against(left, truth)
        _residuals(middle, truth)
    points(
        right, data["dis"], data["ebv"], np.isfinite(data["ebv"]), Look("stars", BLUE, "o", 4, 0.35)
    )
    right.set(xscale="log", xlim=(0.1, 30), ylim=shown(data["ebv"], (-0.1, 2.0)))
    right.set(xlabel="distance (kpc)", ylabel="E(B−V) (mag)", title="against distance")
    finish(right, "upper left")


def _reference(survey: Reading) -> Columns | None:
    """Best visits beside their truth, if the survey is simulated and the truth is where it was
    written.
    """
    if not survey.simulated:
        return None
    try:
        data = beside_truth(survey.con, read_truth(survey.truth), survey.truth)
    except EvaluateError:
        return None
    best = data["uniqflag"] == 1
    return {name: column[best] for name, column in data.items()}


def _against(axes: Axes, data: Columns) -> None:
    emission = data["em_flag"] == 1
    points(axes, data["true_ebv"], data["ebv"], ~emission, Look("no emission", BLUE, "o", 4, 0.35))
    points(axes, data["true_ebv"], data["ebv"], emission, Look("emission", ORANGE, "^", 10, 0.5))
    limits = shown(data["true_ebv"], (0.0, 2.0))
    axes.plot(limits, limits, color="black", linewidth=1)
    axes.set(
        xlim=limits, ylim=limits, xlabel="true E(B−V) (mag)", ylabel="E(B−V) from colours (mag)"
    )
    axes.set_title("against the simulation's truth")
    finish(axes, "upper left")


def _residuals(axes: Axes, data: Columns) -> None:
    off = data["ebv"] - data["true_ebv"]
    for rows, label, colour, line in (
        (data["em_flag"] == 0, "no emission", BLUE, "-"),
        (data["em_flag"] == 1, "emission", ORANGE, "--"),
    ):
        found = f"{label}: {st.median(off[rows]):+.3f} ± {st.robust_scatter(off[rows]):.3f}"
        histogram(
            axes,
            off[rows],
            SPREAD,
            {"label": found, "color": colour, "linestyle": line, "density": True},
        )
    axes.set(
        xlabel="measured − true E(B−V) (mag)", ylabel="density", title="median ± robust scatter"
    )
    axes.set_ylim(0, 1.25 * axes.get_ylim()[1])
    axes.legend(loc="upper left", fontsize=9)


def _nothing(axes: Axes) -> None:
    from textwrap import fill

    axes.set_axis_off()
    axes.text(0.5, 0.5, fill(NO_REFERENCE, 32), ha="center", va="center", transform=axes.transAxes)
