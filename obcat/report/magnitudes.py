"""Section 4, Figure 4: E(B-V) against a reference; a simulated survey has its truth, a real one
needs a map. Section 5, Figures 5 to 8: M_spec against M_geo, gravity and the labels; the noise
model.
"""

from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from obcat import statistics as st
from obcat.evaluate import PAPER_MIN_SNR, STATED, paper_text
from obcat.evaluate.truth import EvaluateError, beside_truth, read_truth
from obcat.reading import Columns, Missing, Reading, answer_arrays, require_known
from obcat.report import BLUE, ORANGE, Look, finish, histogram, points, shown

__all__ = [
    "against_geometry",
    "against_labels",
    "corner_plot",
    "draw_reddening",
    "gravity",
    "gravity_plane",
    "medians",
]

Floats = NDArray[np.float64]
Rows = NDArray[np.bool_]


NO_GAIA = "M_geo needs a Gaia parallax that is good and a Ks magnitude, and test stars need both."
RESIDUAL = np.linspace(-2, 2, 41)  # mag
LABELS = (
    ("teff", "$T_{\\rm eff}$ (K)", (9000.0, 36000.0)),
    ("logg", "log $g$", (2.5, 4.7)),
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
        "label": f"not flagged binary: σ = {st.robust_scatter(single):.2f} mag",
    }
    histogram(axes, single, RESIDUAL, look)
    axes.axvline(0, color="#888888", linewidth=0.8)
    axes.set(xlabel=r"$M_{\rm spec} - M_{\rm geo}$ (mag)", ylabel="stars")
    axes.set_ylim(0, 1.6 * axes.get_ylim()[1])
    finish(axes, "upper left")


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
    points(axes, data["log_gf"], data[name], binary, Look("binary", ORANGE, ".", 10, 0.7))
    axes.set(xlim=shown(data["log_gf"], (1.5, 4.5)), ylim=shown(data["mk"], (-4.0, 2.0))[::-1])
    axes.set(xlabel=r"log $g_F$ = log $g$ − 4 log ($T_{\rm eff}$ / 10$^4$ K)", ylabel=label)
    finish(axes, "above")


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
    height = shown(off[test], (-1.8, 2.4))
    for axes, (name, label, usual) in zip(figure.subplots(1, 3, sharey=True), LABELS, strict=True):
        limits = shown(data[name][test], usual)
        for flag, look in (
            (0, Look("no emission", BLUE, "o", 8, 0.4)),
            (1, Look("emission", ORANGE, "^", 14, 0.6)),
        ):
            points(axes, data[name], off, test & (data["em_flag"] == flag), look)
        axes.plot(*medians(data[name], np.where(test, off, np.nan), limits), color="black",
            marker="s", label="median")  # fmt: skip
        axes.axhline(0, color="#888888", linewidth=0.8)
        axes.set(xlim=limits, ylim=(height[0], height[1] + 0.35 * np.ptp(height)), xlabel=label)
        axes.locator_params(axis="x", nbins=5)
        finish(axes, "upper left")
        if axes is not figure.axes[0]:
            axes.legend([]).remove()
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
    import corner

    data = answer_arrays(survey.con, "report/chain")
    if len(data["alpha"]) < 100:
        raise Missing(NO_CHAIN)
    figure.set_layout_engine(None)  # corner puts its panels itself
    corner.corner(
        np.column_stack([data[name] for name in NAMES]),
        fig=figure,
        bins=CORNER_BINS,
        labels=list(NAMES.values()),
        quantiles=(0.16, 0.5, 0.84),
        levels=ENCLOSED,
        truths=[_near(name, data[name]) for name in NAMES],
        truth_color=ORANGE,
        color=BLUE,
        max_n_ticks=3,
        labelpad=0.0,
        smooth=1.0,
        data_kwargs={"ms": 1.5},
        contour_kwargs={"linewidths": 0.8},
        hist_kwargs={"linewidth": 1},
    )
    for axes, name in zip(figure.axes[:: len(NAMES) + 1], NAMES, strict=True):
        _name(axes, data[name], name)
    figure.subplots_adjust(left=0.11, bottom=0.13, right=0.98, top=0.9)


def _near(name: str, samples: Floats) -> float | None:
    """The paper's value where the panel reaches so far; None elsewhere."""
    if name not in STATED:
        return None
    value = STATED[name].value
    return value if np.min(samples) - NEAR < value < np.max(samples) + NEAR else None


def _name(axes: Axes, samples: Floats, name: str) -> None:
    """Middle, and the way to 16 and 84 per cent, above the panel; the paper's number below."""
    low, middle, high = np.percentile(samples, (16, 50, 84))
    paper = f"\npaper {paper_text(name)}" if name in STATED else ""
    found = f"{middle:.3f}".replace("-", "−")
    axes.set_title(f"{NAMES[name]}\n{found} +{high - middle:.3f} −{middle - low:.3f}{paper}")


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
