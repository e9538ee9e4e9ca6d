"""`obcat figure`: the catalog in one picture of four panels."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from obcat import statistics as st
from obcat.errors import ObcatError
from obcat.evaluate.paper import PAPER_MIN_SNR, paper_text
from obcat.files import publishing, refusal
from obcat.reading import Columns, NotOurs, answer_arrays, open_database
from obcat.report.distances import distance_errors, sky_map
from obcat.report.style import BLUE, GREEN, ORANGE, Look, finish, points, shown

__all__ = ["FigureError", "draw_overview", "geometry", "hr_diagram", "title"]

SIZE, DPI = (16, 10), 100  # inches, pixels an inch
STYLE: Any = {
    "font.size": 12,
    "axes.titlesize": 13,
    "axes.labelsize": 13,
    "legend.fontsize": 11,
    "font.family": "DejaVu Sans",
}


class FigureError(ObcatError, ValueError):
    """The database has no catalog to draw; one line."""


def draw_overview(database: Path, picture: Path) -> None:
    """Write ``picture``, a PNG of 1600 x 1000 pixels; the same catalog gives the same bytes.

    Raises FigureError if ``database`` is not one of obcat build or ``picture`` cannot be written.
    """
    try:
        with open_database(database) as survey:
            stars = answer_arrays(survey.con, "report/overview")
    except NotOurs as error:
        raise FigureError(str(error)) from error
    panels = (geometry, hr_diagram, sky_map, distance_errors)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=SIZE, dpi=DPI, layout="constrained")
        FigureCanvasAgg(figure)
        for axes, panel in zip(figure.subplots(2, 2).flat, panels, strict=True):
            panel(axes, stars)
        figure.suptitle(
            title(survey.name, survey.simulated, len(stars["mk"])), fontsize=17, fontweight="bold"
        )
        _save(figure, picture)


def title(name: str, simulated: bool, n: int) -> str:
    return f"{'SIMULATED' if simulated else 'Real'} survey “{name}”, n = {n:,} stars"


def _save(figure: Figure, picture: Path) -> None:
    try:
        picture.parent.mkdir(parents=True, exist_ok=True)
        with publishing(picture) as partial:
            figure.savefig(partial, format="png", metadata={"Software": None})
    except OSError as error:
        raise FigureError(refusal(picture, error)) from error


def geometry(axes: Axes, data: Columns) -> None:
    """M_spec against M_geo of stars that were kept back from training."""
    test = (data["is_train"] == 0) & (data["snr_g"] > PAPER_MIN_SNR)
    plain, emission = test & (data["em_flag"] == 0), test & (data["em_flag"] == 1)
    points(axes, data["mk_geo"], data["mk"], plain, Look("no emission", BLUE, "o", 12))
    points(axes, data["mk_geo"], data["mk"], emission, Look("emission", ORANGE, "^", 26))
    limits = shown(np.concatenate([data["mk_geo"][test], data["mk"][test]]), (-4.0, 2.0))
    axes.plot(limits, limits, color="black", linewidth=1)
    off = (data["mk"] - data["mk_geo"])[plain]
    found = (
        f"{st.robust_scatter(off):.2f} mag (paper {paper_text('scatter')})"
        if np.isfinite(off).any()
        else "no such stars"
    )
    axes.set(xlim=limits[::-1], ylim=limits[::-1])
    axes.set(xlabel=r"$M_{\rm geo}$ (mag, $K_s$)", ylabel=r"$M_{\rm spec}$ (mag, $K_s$)")
    axes.set_title(f"Test stars, S/N > {PAPER_MIN_SNR}; scatter without emission: {found}")
    finish(axes, "upper left")


def hr_diagram(axes: Axes, data: Columns) -> None:
    """M_spec against effective temperature."""
    log_teff = np.log10(data["teff"])
    binary = data["binary_flag"] == 1
    points(
        axes,
        log_teff,
        data["mk"],
        ~binary & (data["em_flag"] != 1),
        Look("single or unknown", BLUE, "o", 5),
    )
    points(
        axes,
        log_teff,
        data["mk"],
        ~binary & (data["em_flag"] == 1),
        Look("emission", GREEN, "^", 16),
    )
    points(axes, log_teff, data["mk"], binary, Look("binary (parallax excess)", ORANGE, "x", 22))
    axes.set(xlim=shown(log_teff, (4.0, 4.6))[::-1], ylim=shown(data["mk"], (-4.0, 2.0))[::-1])
    axes.set(
        xlabel=r"$\log_{10}\,(T_{\rm eff}\,/\,{\rm K})$", ylabel=r"$M_{\rm spec}$ (mag, $K_s$)"
    )
    axes.set_title("Temperature and absolute magnitude")
    finish(axes, "lower left")
