"""Figures 5, 6 and 7: M_spec against M_geo, gravity and the labels."""

from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from obcat.report import statistics as st
from obcat.report.gallery.style import BLUE, ORANGE, Look, finish, histogram, points, shown
from obcat.report.gallery.survey import Columns, Survey, columns, enough

__all__ = ["MIN_SNR", "against_geometry", "against_labels", "gravity", "gravity_plane", "medians"]

MIN_SNR = 50  # paper
NO_GAIA = "M_geo needs a Gaia parallax that is good and a Ks magnitude, and test stars need both."
RESIDUAL = np.linspace(-2, 2, 41)  # mag
LABELS = (
    ("teff", "$T_{\\rm eff}$ (K)", (9000, 36000)),
    ("logg", "log g", (2.5, 4.7)),
    ("feh", "[Fe/H]", (-1.2, 0.6)),
)
N_BINS, FEWEST = 12, 15

Floats = NDArray[np.float64]
Rows = NDArray[np.bool_]


def tested(survey: Survey) -> tuple[Columns, Rows]:
    """The stars, and which of them are test stars of S/N > 50."""
    data = columns(survey, "stars")
    test = (data["is_train"] == 0) & (data["snr_g"] > MIN_SNR) & np.isfinite(data["mk"]) & np.isfinite(data["mk_geo"])
    enough({"mk": data["mk"][test], "mk_geo": data["mk_geo"][test]}, ("mk", "mk_geo"), 5, NO_GAIA)
    return data, test


def against_geometry(figure: Figure, survey: Survey) -> None:
    """Figure 5: test stars by emission, residuals as histograms below."""
    data, test = tested(survey)
    axes = figure.subplots(2, 2, height_ratios=(2.2, 1))
    limits = shown(np.concatenate([data["mk_geo"][test], data["mk"][test]]), (-4.0, 2.0))
    for column, (flag, label, colour, marker) in enumerate(
        ((0, "no emission", BLUE, "o"), (1, "emission", ORANGE, "^"))
    ):
        rows = test & (data["em_flag"] == flag)
        points(axes[0, column], data["mk_geo"], data["mk"], rows, Look(label, colour, marker, 12, 0.5))
        axes[0, column].plot(limits, limits, color="black", linewidth=1)
        axes[0, column].set(xlim=limits[::-1], ylim=limits[::-1])
        axes[0, column].set(xlabel=r"$M_{\rm geo}$ (mag, $K_s$)", ylabel=r"$M_{\rm spec}$ (mag, $K_s$)")
        finish(axes[0, column], "upper left")
        spread(axes[1, column], data, rows, colour)


def spread(axes: Axes, data: Columns, rows: Rows, colour: str) -> None:
    off = (data["mk"] - data["mk_geo"])[rows]
    histogram(axes, off, RESIDUAL, {"color": colour, "label": f"all: σ = {st.robust_scatter(off):.2f} mag"})
    single = (data["mk"] - data["mk_geo"])[rows & (data["binary_flag"] == 0)]
    look = {"color": "black", "linestyle": "--", "label": f"binary_flag 0: σ = {st.robust_scatter(single):.2f} mag"}
    histogram(axes, single, RESIDUAL, look)
    axes.axvline(0, color="#888888", linewidth=0.8)
    axes.set(xlabel=r"$M_{\rm spec} - M_{\rm geo}$ (mag)", ylabel="stars")
    axes.set_ylim(0, 1.5 * axes.get_ylim()[1])
    axes.legend(loc="upper left", fontsize=9)


def gravity(figure: Figure, survey: Survey) -> None:
    """Figure 6: flux-weighted gravity against both magnitudes."""
    data = columns(survey, "stars")
    enough(data, ("log_gf", "mk"), 1, "Gravity comes from the labels, M_spec from a trained network.")
    left, right = figure.subplots(1, 2, sharey=True)
    gravity_plane(left, data, "mk", r"$M_{\rm spec}$ (mag, $K_s$)")
    good = {name: np.where(np.isfinite(data["is_train"]), column, np.nan) if name == "mk_geo" else column
            for name, column in data.items() if name != "specid"}  # fmt: skip
    gravity_plane(right, good, "mk_geo", r"$M_{\rm geo}$ (mag, $K_s$), good parallaxes")


def gravity_plane(axes: Axes, data: Columns, name: str, label: str) -> None:
    binary = data["binary_flag"] == 1
    points(axes, data["log_gf"], data[name], ~binary, Look("single or unknown", BLUE, "o", 5, 0.35))
    points(axes, data["log_gf"], data[name], binary, Look("binary", ORANGE, "x", 14, 0.6))
    axes.set(xlim=shown(data["log_gf"], (1.5, 4.5)), ylim=shown(data["mk"], (-4.0, 2.0))[::-1])
    axes.set(xlabel=r"log $g_F$ = log $g$ − 4 log ($T_{\rm eff}$ / 10$^4$ K)", ylabel=label)
    finish(axes, "upper left")


def against_labels(figure: Figure, survey: Survey) -> None:
    """Figure 7: residuals of test stars against the labels, with medians in bins."""
    data, test = tested(survey)
    enough({name: data[name][test] for name in ("teff", "logg")}, ("teff", "logg"), 5, "Labels are missing.")
    off = data["mk"] - data["mk_geo"]
    for axes, (name, label, limits) in zip(figure.subplots(1, 3, sharey=True), LABELS, strict=True):
        points(axes, data[name], off, test & (data["em_flag"] == 0), Look("no emission", BLUE, "o", 8, 0.4))
        points(axes, data[name], off, test & (data["em_flag"] == 1), Look("emission", ORANGE, "^", 14, 0.6))
        axes.plot(*medians(data[name], np.where(test, off, np.nan), limits), color="black", linewidth=2,
                  marker="s", markersize=4, label="median")  # fmt: skip
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
    return [float(edges[i : i + 2].mean()) for i, _ in kept], [st.median(y[rows]) for _, rows in kept]
