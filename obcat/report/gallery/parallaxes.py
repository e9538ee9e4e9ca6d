"""Figure 10: the parallax excess that tells binaries, and RUWE."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from obcat.report.gallery.style import BLUE, GREEN, ORANGE, Look, finish, histogram, points
from obcat.report.gallery.survey import Columns, Survey, columns, enough

__all__ = ["excess"]

WHY = "The parallax excess needs M_spec, a Ks magnitude and a Gaia parallax."
EDGES = np.linspace(-6, 12, 91)


def excess(figure: Figure, survey: Survey) -> None:
    """Histograms by S/N of the parallax with a unit Gaussian, and the excess against RUWE."""
    data = columns(survey, "stars")
    enough(data, ("snr_dparallax",), 5, WHY)
    left, right = figure.subplots(1, 2)
    histograms(left, data)
    nsigma = survey.con.execute("SELECT binary_nsigma FROM meta.parameters").fetchall()[0][0]
    left.axvline(nsigma, color="black", linestyle=":", label=f"binary above {nsigma:g}")
    finish(left, "upper right")
    for rows, look in (
        (data["binary_flag"] == 0, Look("single", BLUE, "o", 5, 0.35)),
        (data["binary_flag"] == 1, Look("binary", ORANGE, "x", 14, 0.6)),
    ):
        points(right, data["ruwe"], data["snr_dparallax"], rows, look)
    right.axhline(nsigma, color="black", linestyle=":")
    right.axvline(1.4, color="#888888", linewidth=1, label="RUWE 1.4")
    right.set(xscale="log", xlim=(0.7, 20), ylim=(-6, 12), xlabel="RUWE", ylabel="parallax excess (σ)")
    right.set_xticks([0.7, 1, 1.4, 2, 5, 10, 20], ["0.7", "1", "1.4", "2", "5", "10", "20"])
    finish(right, "upper right")


def histograms(axes: Axes, data: Columns) -> None:
    with np.errstate(invalid="ignore"):
        precise = data["parallax"] / data["parallax_error"] > 10
    known = np.isfinite(data["snr_dparallax"])
    for rows, label, colour, line in (
        (known & precise, "ϖ/σ > 10", BLUE, "-"),
        (known & ~precise, "ϖ/σ ≤ 10", GREEN, "--"),
    ):
        look = {"label": f"{label} ({rows.sum():,})", "color": colour, "linestyle": line}
        histogram(axes, data["snr_dparallax"][rows], EDGES, look)
    look = {"label": f"all ({known.sum():,})", "color": "#888888"}
    histogram(axes, data["snr_dparallax"][known], EDGES, look)
    gauss = known.sum() * np.diff(EDGES)[0] * np.exp(-(EDGES**2) / 2) / np.sqrt(2 * np.pi)
    axes.plot(EDGES, gauss, color="black", linewidth=1, label="all, were it noise alone")
    axes.set(xlabel=r"parallax excess $(\varpi_{\rm spec} - \varpi)\,/\,\sigma$", ylabel="stars", yscale="log")
    axes.set(ylim=(0.5, None), xlim=(-6, 12))
