"""Figure 1: the flow of the method, with what goes through each step."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from obcat.reading import Reading, answer_arrays

__all__ = ["flow"]

# name, x, y, title, count, what is counted
STEPS = (
    ("files", 0.5, 0.92, "LAMOST spectra", "files", "files"),
    ("frame", 0.5, 0.76, "rest frame, divided by continuum", "spectra", "spectra"),
    ("pca", 0.5, 0.60, "PCA, emission lines (§3)", "emission", "spectra with emission"),
    ("ebv", 0.16, 0.60, "labels and colours: E(B−V) (§4)", "reddened", "stars"),
    ("gaia", 0.84, 0.60, "Gaia parallax: $M_{\\rm geo}$ (§5)", "training", "training stars"),
    ("mk", 0.5, 0.42, "two networks: $M_{\\rm spec}$ (§5)", "magnitudes", "spectra"),
    ("noise", 0.84, 0.42, "noise model by MCMC (§5.3)", "test", "test stars"),
    ("binary", 0.5, 0.25, "parallax excess: binaries (§6)", "classified", "spectra classified"),
    ("distance", 0.16, 0.25, "distance from both (§7)", "distances", "spectra"),
    ("end", 0.5, 0.08, "the catalog (Table 1)", "catalog", "rows"),
)
ARROWS = (
    ("files", "frame"), ("frame", "pca"), ("pca", "mk"), ("ebv", "mk"), ("gaia", "mk"), ("gaia", "noise"),
    ("mk", "noise"), ("mk", "binary"), ("noise", "binary"), ("binary", "distance"), ("ebv", "distance"),
    ("distance", "end"), ("binary", "end"),
)  # fmt: skip
BOX = {
    "boxstyle": "round,pad=0.55",
    "facecolor": "#EAF2F8",
    "edgecolor": "#0072B2",
    "linewidth": 1.4,
}


def flow(figure: Figure, survey: Reading) -> None:
    """Boxes with counts of this survey, arrows between them."""
    counts = answer_arrays(survey.con, "report/flow")
    axes = figure.add_subplot()
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.set_axis_off()
    drawn = {name: _step(axes, x, y, f"{title}\n{int(counts[count][0]):,} {what}")
             for name, x, y, title, count, what in STEPS}  # fmt: skip
    for start, end in ARROWS:
        _arrow(axes, drawn[start], drawn[end])


def _step(axes: Axes, x: float, y: float, text: str) -> Any:
    return axes.annotate(text, (x, y), ha="center", va="center", fontsize=11, bbox=BOX)


def _arrow(axes: Axes, start: Any, end: Any) -> None:
    look = {"arrowstyle": "-|>", "color": "#333333", "linewidth": 1.3, "shrinkA": 0, "shrinkB": 2}
    look |= {"patchA": start.get_bbox_patch(), "patchB": end.get_bbox_patch(), "mutation_scale": 14}
    axes.annotate("", xy=end.xy, xytext=start.xy, arrowprops=look, zorder=0)
