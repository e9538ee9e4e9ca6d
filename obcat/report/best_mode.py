"""The report's second part: best mode's intervals, companions, zero point, dust and emission, and
both modes beside each other.
"""

import re
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from numpy.typing import NDArray

from obcat import statistics as st
from obcat.evaluate import modes
from obcat.evaluate.truth import Compared, EvaluateError, beside_truth, read_truth
from obcat.reading import Columns, Missing, Reading, answer_arrays, require_known
from obcat.report import BLUE, GREEN, ORANGE, PINK, Look, finish, histogram, points, shown
from obcat.report.distances import draw_map

__all__ = [
    "both_modes",
    "coverage_by_bin",
    "dust_map",
    "emission",
    "reliability",
    "zero_point_by_g",
]

NO_TRUTH = (
    "Whether an interval holds what it says is known where the truth is: of a simulated survey, "
    "with its truth beside the database."
)
WITHIN = 6  # points about 68 per cent that BEST aims at in every bin (assumed)
FEWEST = 30  # stars of a bin
WIDTH_BINS = 16
RATIO, RATIOS = (0.4, 2.5), (0.5, 0.7, 1.0, 1.4, 2.0)
G_EDGES = np.arange(8.0, 18.5, 0.5)  # mag
KINDS = {"disc": (BLUE, "o"), "nebular": (GREEN, "s"), "wind": (ORANGE, "^"), "B[e]": (PINK, "D")}

Floats = NDArray[np.float64]


def _compared(survey: Reading) -> Compared:
    """Both modes beside the truth. Missing: there is none."""
    try:
        if not survey.simulated:
            raise Missing(NO_TRUTH)
        data = beside_truth(survey.con, read_truth(survey.truth), survey.truth)
    except EvaluateError as error:
        raise Missing(NO_TRUTH) from error
    both = modes.with_best(survey.con, data)
    if both is None:
        raise Missing("Best mode gave no magnitude.")
    return both


def coverage_by_bin(figure: Figure, survey: Reading) -> None:
    """How often the truth is inside the intervals of 68 and 95 per cent, bin by bin."""
    rows = [row for row in modes.covered(_compared(survey)) if row[1] >= FEWEST]
    if not rows:
        raise Missing(f"No bin holds {FEWEST} stars.")
    left, right = figure.subplots(1, 2, sharey=True)
    y = np.arange(len(rows), dtype=float)[::-1]
    paper, dis, dis95, mk, mk95 = np.array([row[2:] for row in rows], float).T * 100
    _dots(left, y, ((paper, ORANGE, "^", "paper, 68 %"), (dis, BLUE, "o", "best, 68 %"),
                    (dis95, GREEN, "s", "best, 95 %")))  # fmt: skip
    _dots(right, y, ((mk, BLUE, "o", "best, 68 %"), (mk95, GREEN, "s", "best, 95 %")))
    left.set_yticks(y, [f"{_set(label)} ({n:,})" for label, n, *_ in rows])
    left.set_xlabel("distance inside its interval (%)")
    right.set_xlabel("$M_{K_s}$ inside its interval (%)")


def _set(label: str) -> str:
    """The name of a bin with signs in place of ASCII."""
    return re.sub(r"(?<=[ B])-(?=[V\d])", "−", label.replace("M_true", "true M")).replace(
        "kpc", "distance (kpc)"
    )


def _dots(axes: Axes, y: Floats, columns: tuple[tuple[Floats, str, str, str], ...]) -> None:
    axes.axvspan(68 - WITHIN, 68 + WITHIN, color="#DDDDDD", zorder=0)
    for level in (68, 95):
        axes.axvline(level, color="black", linewidth=0.6, linestyle="--")
    for x, colour, marker, label in columns:
        axes.plot(x, y, linestyle="", color=colour, marker=marker, label=label)
    axes.set(xlim=(20, 100), ylim=(y.min() - 0.7, y.max() + 0.7))
    finish(axes, "above")


def reliability(figure: Figure, survey: Reading) -> None:
    """P(companion) as it is said, and the share that truly has one."""
    rows = [row for row in modes.reliability(_compared(survey)) if row[1] > 0]
    if not rows:
        raise Missing("No star has a P(companion).")
    n, said, true = np.array([row[1:] for row in rows], float).T
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    error = np.sqrt(true * (1 - true) / n)
    above.plot([0, 1], [0, 1], color="black", linewidth=0.8, label="as said", gid="no data")
    above.errorbar(said, true, yerr=error, fmt="o", color=BLUE, capsize=2, label="tenths")
    above.set(ylabel=f"share with > {modes.LIGHT:g} mag of it", xlim=(0, 1), ylim=(0, 1))
    finish(above, "upper left")
    below.bar(said, n, width=0.06, color=BLUE)
    below.set(
        xlabel="$P$(light of a companion), as said",
        ylabel="stars",
        yscale="log",
        ylim=(n.min() / 2, n.max() * 2),
    )
    below.yaxis.set_major_locator(LogLocator(numticks=4))
    below.yaxis.set_minor_formatter(NullFormatter())


def zero_point_by_g(figure: Figure, survey: Reading) -> None:
    """Zero point of the parallaxes of either mode against G; with the truth, where there is one."""
    data = answer_arrays(survey.con, "report/both_modes")
    require_known(data, ("g_gaia", "best_offset"), FEWEST, "It needs Gaia's G and parallaxes.")
    axes = figure.add_subplot()
    for name, label, colour, line in (
        ("published_offset", "published", PINK, ":"),
        ("parallax_offset", "paper", ORANGE, "--"),
        ("best_offset", "best", BLUE, "-"),
    ):
        _means(
            axes, data["g_gaia"], data[name], {"label": label, "color": colour, "linestyle": line}
        )
    try:
        true = _compared(survey)
        best = true["uniqflag"] == 1
        look: dict[str, Any] = {"label": "truth", "color": "black", "marker": "D", "linestyle": ""}
        _means(axes, true["g_gaia"][best], true["parallax_offset_true"][best], look)
    except Missing:
        pass
    axes.set(xlabel="$G$ (mag)", ylabel="zero point of the parallax (mas)")
    finish(axes, "above")


def _means(axes: Axes, g: Floats, offset: Floats, look: dict[str, Any]) -> None:
    known = np.isfinite(g) & np.isfinite(offset)
    bins = [known & (g >= low) & (g < high) for low, high in pairwise(G_EDGES)]
    kept = [(i, rows) for i, rows in enumerate(bins) if rows.sum() >= FEWEST]
    axes.plot(
        [G_EDGES[i : i + 2].mean() for i, _ in kept], [offset[r].mean() for _, r in kept], **look
    )


def dust_map(figure: Figure, survey: Reading) -> None:
    """R_V over the Galactic plane, of stars that are reddened enough to tell it."""
    data = answer_arrays(survey.con, "report/both_modes")
    require_known(data, ("x", "y", "r_v"), 1, "R_V needs dust and magnitudes in many bands.")
    told = (data["best_ebv"] > modes.REDDENED) & np.isfinite(data["r_v"])
    if not told.any():
        raise Missing(f"No star has E(B−V) > {modes.REDDENED:g}, above which R_V is told.")
    kept = {name: data[name][told] for name in ("x", "y", "z", "r_v")}
    draw_map(figure, kept, "r_v", "$R_V$")


def emission(figure: Figure, survey: Reading) -> None:
    """Stars with emission by kind: in the HR diagram, and how many there are."""
    data = answer_arrays(survey.con, "report/both_modes")
    found = {kind: data["emission_kind"] == kind for kind in KINDS}
    if not any(rows.any() for rows in found.values()):
        raise Missing("No star has a kind of emission.")
    left, right = figure.subplots(1, 2, width_ratios=(1.6, 1))
    log_teff = np.log10(data["teff"])
    none = np.all([~rows for rows in found.values()], axis=0)
    points(left, log_teff, data["best_mk"], none, Look("none", "#888888", "o", 3, 0.4))
    for kind, rows in found.items():
        points(left, log_teff, data["best_mk"], rows, Look(kind, *KINDS[kind], 8, 0.7))
    left.set(xlim=shown(log_teff, (4.0, 4.6))[::-1], ylim=shown(data["best_mk"], (-6.0, 2.0))[::-1])
    left.set(xlabel=r"$\log_{10}\,(T_{\rm eff}\,/\,{\rm K})$", ylabel="$M_{K_s}$ (mag)")
    finish(left, "lower left")
    _widths(right, data, found)


def _widths(axes: Axes, data: Columns, found: dict[str, NDArray[np.bool_]]) -> None:
    """How strong H alpha of each kind is, in emission positive."""
    widths = {kind: data["halpha_ew"][rows] for kind, rows in found.items() if rows.any()}
    known = {kind: w[np.isfinite(w)] for kind, w in widths.items()}
    _, high = shown(np.concatenate(list(known.values())), (-5.0, 40.0))
    edges = np.sinh(np.linspace(0, np.arcsinh(max(high, 5.0)), WIDTH_BINS + 1))
    for kind, values in known.items():
        histogram(axes, values, edges, {"color": KINDS[kind][0], "label": kind})
    axes.set(xlabel="width of Hα, emission positive (Å)", ylabel="stars", xscale="asinh")
    axes.set(xlim=(0, edges[-1]), ylim=(0.5, 2 * axes.get_ylim()[1]), yscale="log")
    ticks = [w for w in (0, 1, 3, 10, 30, 100) if w < edges[-1]]
    axes.set_xticks(ticks, [f"{w}" for w in ticks])
    finish(axes, "upper right")


def both_modes(figure: Figure, survey: Reading) -> None:
    """M, E(B-V) and distance of either mode: what changes."""
    data = answer_arrays(survey.con, "report/both_modes")
    require_known(data, ("mk", "best_mk"), 1, "Neither mode gave magnitudes to compare.")
    left, middle, right = figure.subplots(1, 3)
    right.set(xscale="log", yscale="log")
    ratio = data["best_dis"] / data["dis"]
    for axes, x, y, label in (
        (left, data["mk"], data["best_mk"] - data["mk"], "$M_{K_s}$: best − paper (mag)"),
        (middle, data["ebv"], data["best_ebv"] - data["ebv"], "E(B−V): best − paper (mag)"),
        (right, data["dis"], ratio, "distance: best / paper"),
    ):
        points(axes, x, y, np.isfinite(y), Look("stars", BLUE, "o", 4, 0.4))
        axes.plot(
            *_running(x, y, right is axes), color="black", marker="s", markersize=3, label="median"
        )
        axes.axhline(float(right is axes), color="#888888", linewidth=0.8)
        axes.set(ylabel=label, ylim=shown(y, (-1.0, 1.0)) if axes is not right else RATIO)
        finish(axes, "above")
    left.set_xlim(shown(data["mk"], (-6.0, 2.0)))
    middle.set_xlim(shown(data["ebv"], (0.0, 2.0)))
    left.set_xlabel(r"paper's $M_{\rm spec}$ (mag)")
    middle.set_xlabel("paper's E(B−V) (mag)")
    right.set_xlabel("paper's distance (kpc)")
    right.set_xticks([0.3, 1, 3, 10], ["0.3", "1", "3", "10"])
    right.set_xlim(0.2, 15)
    right.set_yticks(RATIOS, [f"{r:g}" for r in RATIOS])
    right.set_yticks([], minor=True)


def _running(x: Floats, y: Floats, log: bool) -> tuple[list[float], list[float]]:
    """Medians of y in bins of x that hold enough stars."""
    known = np.isfinite(x) & np.isfinite(y)
    if not known.any():
        return [], []
    ends = [float(end) for end in np.percentile(x[known], (0.5, 99.5))]
    edges = (np.geomspace if log else np.linspace)(ends[0], ends[1], 13)
    bins = [known & (x >= low) & (x < high) for low, high in pairwise(edges)]
    kept = [rows for rows in bins if rows.sum() >= FEWEST]
    return [st.median(x[rows]) for rows in kept], [st.median(y[rows]) for rows in kept]
