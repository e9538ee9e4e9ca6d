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
NO_REFERENCE = "No reference for E(B−V): no dust map is part of a build, and no truth is beside it."
SPREAD = np.linspace(-0.3, 0.3, 61)  # mag


def draw_reddening(figure: Figure, survey: Reading) -> None:
    """Against the truth where there is one; and against distance."""
    data = answer_arrays(survey.con, "report/reddening")
    require_known(data, ("ebv",), 1, WHY)
    truth = _reference(survey)
    if truth is None:
        right = figure.subplots()
        right.set_title(NO_REFERENCE)
    else:
        left, middle, right = figure.subplots(1, 3)
        _against(left, truth)
        _residuals(middle, truth)
    right.set(xscale="log", xlim=(0.1, 30), ylim=shown(data["ebv"], (-0.1, 2.0)))
    points(
        right, data["dis"], data["ebv"], np.isfinite(data["ebv"]), Look("stars", BLUE, "o", 4, 0.35)
    )
    right.set(xlabel="distance (kpc)", ylabel="E(B−V) (mag)")
    right.set_xticks([0.1, 0.3, 1, 3, 10, 30], ["0.1", "0.3", "1", "3", "10", "30"])
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
    axes.set(xlabel="measured − true E(B−V) (mag)", ylabel="density")
    axes.set_ylim(0, 1.35 * axes.get_ylim()[1])
    finish(axes, "upper left")
