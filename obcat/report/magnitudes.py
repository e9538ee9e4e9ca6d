"""Section 5, Figures 5 to 8: M_spec against M_geo, gravity and the labels; the noise model."""

from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from obcat import statistics as st
from obcat.evaluate.paper import PAPER_MIN_SNR, STATED, paper_text
from obcat.reading import Columns, Missing, Reading, answer_arrays, require_known
from obcat.report.style import BLUE, ORANGE, Look, finish, histogram, points, shown

__all__ = [
    "against_geometry",
    "against_labels",
    "corner_plot",
    "gravity",
    "gravity_plane",
    "levels",
    "medians",
]

NO_GAIA = "M_geo needs a Gaia parallax that is good and a Ks magnitude, and test stars need both."
RESIDUAL = np.linspace(-2, 2, 41)  # mag
LABELS = (
    ("teff", "$T_{\\rm eff}$ (K)", (9000, 36000)),
    ("logg", "log g", (2.5, 4.7)),
    ("feh", "[Fe/H]", (-1.2, 0.6)),
)
N_BINS, FEWEST = 12, 15
NAMES = {
    "alpha": "α",
    "beta": "β (mag)",
    "sigma_int": "σ$_{\\rm int}$ (mag)",
    "sigma_100": "σ$_{100}$ (mag)",
}
ENCLOSED = (0.68, 0.95)
CORNER_BINS = 24
NEAR = 0.03  # mag: the paper's value is drawn if it is so near to the samples
NO_CHAIN = "The noise model needs test stars with good parallaxes (Gaia); this catalog has too few."

Floats = NDArray[np.float64]
Rows = NDArray[np.bool_]


def _tested(survey: Reading) -> tuple[Columns, Rows]:
    """The stars, and which of them are test stars of S/N > 50."""
    data = answer_arrays(survey.con, "report/stars")
    test = (
        (data["is_train"] == 0)
        & (data["snr_g"] > PAPER_MIN_SNR)
        & np.isfinite(data["mk"])
        & np.isfinite(data["mk_geo"])
    )
    require_known(
        {"mk": data["mk"][test], "mk_geo": data["mk_geo"][test]}, ("mk", "mk_geo"), 5, NO_GAIA
    )
    return data, test


def against_geometry(figure: Figure, survey: Reading) -> None:
    """Figure 5: test stars by emission, residuals as histograms below."""
    data, test = _tested(survey)
    axes = figure.subplots(2, 2, height_ratios=(2.2, 1))
    limits = shown(np.concatenate([data["mk_geo"][test], data["mk"][test]]), (-4.0, 2.0))
    for column, (flag, label, colour, marker) in enumerate(
        ((0, "no emission", BLUE, "o"), (1, "emission", ORANGE, "^"))
    ):
        rows = test & (data["em_flag"] == flag)
        points(
            axes[0, column], data["mk_geo"], data["mk"], rows, Look(label, colour, marker, 12, 0.5)
        )
        axes[0, column].plot(limits, limits, color="black", linewidth=1)
        axes[0, column].set(xlim=limits[::-1], ylim=limits[::-1])
        axes[0, column].set(
            xlabel=r"$M_{\rm geo}$ (mag, $K_s$)", ylabel=r"$M_{\rm spec}$ (mag, $K_s$)"
        )
        finish(axes[0, column], "upper left")
        _spread(axes[1, column], data, rows, colour)


def _spread(axes: Axes, data: Columns, rows: Rows, colour: str) -> None:
    off = (data["mk"] - data["mk_geo"])[rows]
    histogram(
        axes,
        off,
        RESIDUAL,
        {"color": colour, "label": f"all: σ = {st.robust_scatter(off):.2f} mag"},
    )
    single = (data["mk"] - data["mk_geo"])[rows & (data["binary_flag"] == 0)]
    look = {
        "color": "black",
        "linestyle": "--",
        "label": f"binary_flag 0: σ = {st.robust_scatter(single):.2f} mag",
    }
    histogram(axes, single, RESIDUAL, look)
    axes.axvline(0, color="#888888", linewidth=0.8)
    axes.set(xlabel=r"$M_{\rm spec} - M_{\rm geo}$ (mag)", ylabel="stars")
    axes.set_ylim(0, 1.5 * axes.get_ylim()[1])
    axes.legend(loc="upper left", fontsize=9)


def gravity(figure: Figure, survey: Reading) -> None:
    """Figure 6: flux-weighted gravity against both magnitudes."""
    data = answer_arrays(survey.con, "report/stars")
    require_known(
        data, ("log_gf", "mk"), 1, "Gravity comes from the labels, M_spec from a trained network."
    )
    left, right = figure.subplots(1, 2, sharey=True)
    gravity_plane(left, data, "mk", r"$M_{\rm spec}$ (mag, $K_s$)")
    good = {name: np.where(np.isfinite(data["is_train"]), column,
        np.nan) if name == "mk_geo" else column
            for name, column in data.items() if name != "specid"}  # fmt: skip
    gravity_plane(right, good, "mk_geo", r"$M_{\rm geo}$ (mag, $K_s$), good parallaxes")


def gravity_plane(axes: Axes, data: Columns, name: str, label: str) -> None:
    binary = data["binary_flag"] == 1
    points(axes, data["log_gf"], data[name], ~binary, Look("single or unknown", BLUE, "o", 5, 0.35))
    points(axes, data["log_gf"], data[name], binary, Look("binary", ORANGE, "x", 14, 0.6))
    axes.set(xlim=shown(data["log_gf"], (1.5, 4.5)), ylim=shown(data["mk"], (-4.0, 2.0))[::-1])
    axes.set(xlabel=r"log $g_F$ = log $g$ − 4 log ($T_{\rm eff}$ / 10$^4$ K)", ylabel=label)
    finish(axes, "upper left")


def against_labels(figure: Figure, survey: Reading) -> None:
    """Figure 7: residuals of test stars against the labels, with medians in bins."""
    data, test = _tested(survey)
    require_known(
        {name: data[name][test] for name in ("teff", "logg")},
        ("teff", "logg"),
        5,
        "Labels are missing.",
    )
    off = data["mk"] - data["mk_geo"]
    for axes, (name, label, limits) in zip(figure.subplots(1, 3, sharey=True), LABELS, strict=True):
        for flag, look in (
            (0, Look("no emission", BLUE, "o", 8, 0.4)),
            (1, Look("emission", ORANGE, "^", 14, 0.6)),
        ):
            points(axes, data[name], off, test & (data["em_flag"] == flag), look)
        axes.plot(*medians(data[name], np.where(test, off, np.nan), limits), color="black",
            linewidth=2, marker="s", markersize=4, label="median")  # fmt: skip
        axes.axhline(0, color="#888888", linewidth=0.8)
        axes.set(xlim=limits, ylim=(-1.8, 2.4), xlabel=label)
        axes.locator_params(axis="x", nbins=5)
        finish(axes, "upper left")
    figure.axes[0].set_ylabel(r"$M_{\rm spec} - M_{\rm geo}$ (mag)")


def medians(x: Floats, y: Floats, limits: tuple[float, float]) -> tuple[list[float], list[float]]:
    """Median of y in bins of x that hold enough known values: centres, medians."""
    edges = np.linspace(*limits, N_BINS + 1)
    bins = [(x >= low) & (x < high) & np.isfinite(y) for low, high in pairwise(edges)]
    kept = [(i, rows) for i, rows in enumerate(bins) if rows.sum() >= FEWEST]
    return [float(edges[i : i + 2].mean()) for i, _ in kept], [
        st.median(y[rows]) for _, rows in kept
    ]


def corner_plot(figure: Figure, survey: Reading) -> None:
    """Samples of alpha, beta, sigma_int and sigma_100 against each other,
    of stars without emission.
    """
    data = answer_arrays(survey.con, "report/chain")
    if len(data["alpha"]) < 100:
        raise Missing(NO_CHAIN)
    axes: Any = figure.subplots(len(NAMES), len(NAMES), squeeze=False)
    for i, low in enumerate(NAMES):
        for j, across in enumerate(NAMES):
            _panel(axes[i, j], data, across, low, i, j)


def _panel(axes: Axes, data: Columns, across: str, up: str, i: int, j: int) -> None:
    if j > i:
        axes.set_axis_off()
    elif i == j:
        _alone(axes, data[up], up)
    else:
        _together(axes, data[across], data[up])
    axes.tick_params(labelsize=8, labelbottom=i == len(NAMES) - 1, labelleft=j == 0 and i > 0)
    axes.locator_params(nbins=4)
    axes.set_xlabel(NAMES[across] if i == len(NAMES) - 1 else "")
    axes.set_ylabel(NAMES[up] if j == 0 and i > 0 else "")


def _alone(axes: Axes, samples: np.ndarray, name: str) -> None:
    low, middle, high = np.percentile(samples, (16, 50, 84))
    axes.hist(samples, bins=CORNER_BINS, histtype="step", color=BLUE, linewidth=1.5)
    for value in (low, middle, high):
        axes.axvline(value, color="black", linestyle="--", linewidth=0.9)
    paper = ""
    if name in STATED:
        paper = f"\npaper {paper_text(name)}"
        if np.min(samples) - NEAR < STATED[name].value < np.max(samples) + NEAR:
            axes.axvline(STATED[name].value, color=ORANGE, linewidth=2)
    found = f"{middle:.3f}".replace("-", "−")
    axes.set_title(
        f"{NAMES[name]}\n{found} +{high - middle:.3f} −{middle - low:.3f}{paper}", fontsize=9
    )
    axes.set_yticks([])


def _together(axes: Axes, x: np.ndarray, y: np.ndarray) -> None:
    counts, x_edges, y_edges = np.histogram2d(x, y, bins=CORNER_BINS)
    axes.plot(x, y, ",", color=BLUE, alpha=0.3, rasterized=True)
    centres = (x_edges[1:] + x_edges[:-1]) / 2, (y_edges[1:] + y_edges[:-1]) / 2
    axes.contour(*centres, counts.T, levels=levels(counts), colors="black", linewidths=1)


def levels(counts: np.ndarray) -> list[float]:
    """Counts above which 95 and 68 per cent of all samples lie, rising."""
    ordered = np.sort(counts.ravel())[::-1]
    share = np.cumsum(ordered) / ordered.sum()
    found = [float(ordered[np.searchsorted(share, part)]) for part in ENCLOSED]
    return sorted({found[0], max(min(found[1], found[0] - 0.5), 0.5)})
