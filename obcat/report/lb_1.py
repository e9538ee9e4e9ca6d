"""Section 8, Figures 13 and 14: one system over its visits, LB-1."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from obcat.reading import Columns, Missing, Reading, answer_arrays, require_known
from obcat.report.magnitudes import gravity_plane
from obcat.report.style import BLUE, ORANGE, finish

__all__ = ["plane", "visits"]

WHY = "No spectrum of this survey lies within 3 arcsec of LB-1 (RA 92.95450, Dec +22.82575)."


def _visited(survey: Reading) -> Columns:
    data = answer_arrays(survey.con, "report/lb_1")
    if not len(data["mk"]):
        raise Missing(WHY)
    return data


def visits(figure: Figure, survey: Reading) -> None:
    """Figure 13: M_spec of each visit with M_geo of the star, and the radial velocity below."""
    data = _visited(survey)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    number = np.arange(1, len(data["mk"]) + 1)
    _bars(
        top,
        number,
        data["mk"],
        data["mk_err"],
        {"color": BLUE, "fmt": "o", "label": r"$M_{\rm spec}$"},
    )
    _geometric(top, data)
    top.invert_yaxis()
    top.set_ylabel("absolute magnitude (mag, $K_s$)")
    top.legend(loc="best")
    _bars(bottom, number, data["rv"], data["rv_err"], {"color": BLUE, "fmt": "s"})
    bottom.set(xlabel="visit, in order of date (LMJD below)", ylabel="RV (km/s)")
    bottom.set_xticks(
        number, [f"{i}\n{d:.0f}" for i, d in zip(number, data["lmjd"], strict=True)], fontsize=8
    )


def _bars(
    axes: Axes, x: np.ndarray, y: np.ndarray, error: np.ndarray, look: dict[str, Any]
) -> None:
    known = np.isfinite(y)
    axes.errorbar(x[known], y[known], yerr=np.nan_to_num(error[known]), capsize=3, **look)


def _geometric(axes: Axes, data: Columns) -> None:
    """Band of M_geo and its error; a note where there is none."""
    known = np.flatnonzero(np.isfinite(data["mk_geo"]))
    if not len(known):
        axes.plot([], [], " ", label=r"no $M_{\rm geo}$: no parallax or no Ks")
        return
    middle, error = data["mk_geo"][known[0]], data["mk_geo_err"][known[0]]
    axes.axhline(middle, color=ORANGE, linestyle="--", label=r"$M_{\rm geo}$ and its error")
    axes.axhspan(middle - error, middle + error, color=ORANGE, alpha=0.2)


def plane(figure: Figure, survey: Reading) -> None:
    """Figure 14: the system among all stars in the plane of Figure 6."""
    data, stars = _visited(survey), answer_arrays(survey.con, "report/stars")
    require_known(
        stars, ("log_gf", "mk"), 1, "Gravity comes from the labels, M_spec from a trained network."
    )
    axes = figure.add_subplot()
    gravity_plane(axes, stars, "mk", r"$M_{\rm spec}$ (mag, $K_s$)")
    axes.plot(data["log_gf"], data["mk"], linestyle="", marker="*", markersize=15, color="black",
              markeredgecolor="white", label=f"LB-1, {len(data['mk'])} visits")  # fmt: skip
    if np.isfinite(data["mk_geo"]).any():
        axes.plot(data["log_gf"][:1], data["mk_geo"][:1], linestyle="", marker="D", markersize=9, color="black",
                  markerfacecolor="white", label=r"LB-1, $M_{\rm geo}$")  # fmt: skip
    lowest = np.nanmin([*data["mk"], *data["mk_geo"], min(axes.get_ylim())])
    axes.set_ylim(max(axes.get_ylim()), lowest - 0.3)
    finish(axes, "upper right")
