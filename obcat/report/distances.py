"""Section 7, Figure 11: distances, their errors, and maps of the Galactic plane: stars by colour,
circles about the Sun, spiral arms; and `obcat figure`, the catalog in one picture.
"""

from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PolyCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from obcat import statistics as st
from obcat.errors import ObcatError
from obcat.evaluate import PAPER_MIN_SNR, STATED, paper_text
from obcat.files import publishing, refusal
from obcat.reading import Columns, NotOurs, Reading, answer_arrays, open_database, require_known
from obcat.report import (
    BLUE,
    CROWD,
    DARK_BLUE,
    DARK_PINK,
    GREEN,
    ORANGE,
    PINK,
    Look,
    cells,
    finish,
    histogram,
    points,
    shown,
)

__all__ = [
    "SUN",
    "FigureError",
    "arm",
    "around",
    "distance_errors",
    "draw_map",
    "draw_overview",
    "errors",
    "geometry",
    "hr_diagram",
    "plane",
    "running_median",
    "sky_map",
    "title",
]

Floats = NDArray[np.float64]


WHY = "A distance needs M_spec with a Ks magnitude, or a Gaia parallax."
SUN = (-8.122, 0.0)  # kpc
BEYOND_CENTRE = 1.0  # kpc
HIGHEST = 1.1  # of a map, over its width
CIRCLES = (2, 4, 6)  # kpc
# Reid et al. 2019, ApJ 885, 131, Table 2: first, last and kink azimuth (deg), radius of the kink
# (kpc), pitch angle before and behind it (deg)
ARMS = {
    "Norma": (5.0, 54.0, 18.0, 4.46, -1.0, 19.5),
    "Sct–Cen": (0.0, 104.0, 23.0, 4.91, 14.1, 12.1),
    "Sgr–Car": (2.0, 97.0, 24.0, 6.04, 17.1, 1.0),
    "Local": (-8.0, 34.0, 9.0, 8.26, 11.4, 11.4),
    "Perseus": (-23.0, 115.0, 40.0, 8.87, 10.3, 8.7),
    "Outer": (-16.0, 71.0, 18.0, 12.24, 3.0, 9.4),
}

PAPER: Any = {"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 0.5}


def plane(figure: Figure, survey: Reading) -> None:
    """Figure 12: positions in the Galactic plane by E(B-V), and their heights above it."""
    data = answer_arrays(survey.con, "report/stars")
    require_known(data, ("x", "y"), 1, WHY)
    safe = ~(data["distance_edge"] > 0)
    kept = {name: data[name][safe] for name in ("x", "y", "z", "ebv")}
    draw_map(figure, kept, "ebv", "E(B−V) (mag)")


def draw_map(figure: Figure, data: Columns, colour: str, label: str) -> None:
    """Stars from above and from the side; the colour is that of a column, its medians where
    points would hide each other.
    """
    above, side = figure.subplots(2, 1, height_ratios=(4, 1), sharex=True)
    ends = np.nanpercentile(data[colour], (2, 98)) if np.isfinite(data[colour]).any() else (0, 1)
    norm = Normalize(float(ends[0]), float(ends[1]))
    _coloured(above, data["x"], data["y"], data[colour], norm)
    _coloured(side, data["x"], data["z"], data[colour], norm)
    _frame(above, data)
    around(above)
    above.set_ylabel("Y (kpc)")
    finish(above, "lower right")
    side.axhline(0, color="black", linewidth=0.6)
    side.set(xlabel="X (kpc)", ylabel="Z (kpc)", ylim=shown(data["z"], (-1.0, 1.0)))
    side.grid(color="#DDDDDD")
    side.set_axisbelow(True)
    figure.colorbar(ScalarMappable(norm, "viridis"), ax=[above, side], label=label,
                    location="top", aspect=40)  # fmt: skip


def _frame(axes: Axes, data: Columns) -> None:
    """The stars and the centre, a kpc as long on both axes, never much higher than wide."""
    (west, east), (south, north) = shown(data["x"], (-16.0, 1.0)), shown(data["y"], (-6.0, 6.0))
    east = max(east, BEYOND_CENTRE)
    west = min(west, east - (north - south) / HIGHEST)
    axes.set(xlim=(west, east), ylim=(south, north))
    axes.set_box_aspect((north - south) / (east - west))


def _coloured(axes: Axes, x: Floats, y: Floats, colour: Floats, norm: Normalize) -> None:
    """Points, or cells with the median of their stars where there are many."""
    known = np.isfinite(x) & np.isfinite(y)
    label = f"stars ({known.sum():,})"
    x, y, colour = x[known], y[known], colour[known]
    look: dict[str, Any] = {"cmap": "viridis", "norm": norm}
    if len(x) > CROWD:
        corners, at = cells(axes, x, y)
        middle = np.array([st.median(colour[at == i]) for i in range(len(corners))])
        drawn = PolyCollection(list(corners), array=middle, linewidths=0.1, **look)
        drawn.set(edgecolor="face", gid="cells of stars", zorder=0.9)
        axes.add_collection(drawn)
        x, y, colour = x[at < 0], y[at < 0], colour[at < 0]
    axes.scatter(x, y, c=colour, s=3, linewidths=0, label=label, plotnonfinite=True, **look)


def around(axes: Axes) -> None:
    """Sun, Galactic centre, circles about the Sun, and the arms that are inside the axes."""
    for radius in CIRCLES:
        turn = np.linspace(0, 2 * np.pi, 181)
        axes.plot(SUN[0] + radius * np.cos(turn), radius * np.sin(turn), color="#666666",
                  linestyle=":", linewidth=0.7, gid="no data")  # fmt: skip
        axes.text(SUN[0], radius, f"{radius} kpc", ha="center", va="bottom", clip_on=True,
                  fontsize="small", bbox=PAPER)  # fmt: skip
    for name in ARMS:
        _arm(axes, name)
    star: dict[str, Any] = {"linestyle": "", "markeredgecolor": "white", "gid": "no data"}
    axes.plot(*SUN, marker="*", color=ORANGE, markersize=9, label="Sun", **star)
    axes.plot(0, 0, marker="X", color="black", markersize=7, label="Galactic centre", **star)


def arm(name: str) -> tuple[Floats, Floats]:
    """X and Y in kpc of the middle of an arm; azimuth is about the centre, from the Sun with the
    rotation of the Galaxy.
    """
    first, last, kink, radius, before, behind = ARMS[name]
    azimuth = np.linspace(first, last, 200)
    pitch = np.tan(np.radians(np.where(azimuth < kink, before, behind)))
    r = radius * np.exp(-np.radians(azimuth - kink) * pitch)
    return -r * np.cos(np.radians(azimuth)), r * np.sin(np.radians(azimuth))


def _arm(axes: Axes, name: str) -> None:
    x, y = arm(name)
    (west, east), (south, north) = axes.get_xlim(), axes.get_ylim()
    inside = np.flatnonzero((x > west) & (x < east) & (y > south) & (y < north))
    if not len(inside):
        return
    axes.plot(x[inside], y[inside], color="black", linewidth=0.8, alpha=0.7, gid="no data")
    at = inside[int(0.75 * (len(inside) - 1))]
    axes.text(
        x[at], y[at], name, ha="center", va="center", fontsize="small", clip_on=True, bbox=PAPER
    )


EDGES = np.geomspace(0.1, 100, 61)  # kpc
N_BINS = 12  # bins of the running medians
FEWEST = 10  # stars in a bin
PARALLAX_LIMIT, BEYOND = 3.0, 9.0  # relative error shown; what a larger one counts as
# kpc
DISTANCES = (0.2, 30.0)  # kpc shown
TICKS = ([0.3, 1, 3, 10, 30], ["0.3", "1", "3", "10", "30"])


def errors(figure: Figure, survey: Reading) -> None:
    """Figure 11: how many stars at which distance; relative errors with and without M_spec."""
    data = answer_arrays(survey.con, "report/stars")
    require_known(data, ("dis",), 1, WHY)
    left, right = figure.subplots(1, 2)
    histogram(left, data["dis"], EDGES, {"color": BLUE, "label": "all"})
    binary = data["dis"][data["binary_flag"] == 1]
    histogram(left, binary, EDGES, {"color": ORANGE, "linestyle": "--", "label": "binaries"})
    left.set(xscale="log", yscale="log", xlabel="distance (kpc)", ylabel="stars")
    left.set(xlim=DISTANCES, ylim=(0.7, 6 * left.get_ylim()[1]))
    left.set_xticks(*TICKS)
    finish(left, "upper left")
    distance_errors(right, {name: column for name, column in data.items() if name != "specid"})


def sky_map(axes: Axes, data: Columns) -> None:
    """Positions in the Galactic plane; distances that the largest allowed one cuts are left out."""
    safe = ~(data["distance_edge"] > 0)
    points(axes, data["x"], data["y"], safe, Look("stars", BLUE, "o", 4, 0.4))
    x, y = data["x"][safe], data["y"][safe]
    west, east = shown(x, (-16.0, 1.0))
    axes.set(xlim=(west, max(east, BEYOND_CENTRE)), ylim=shown(y, (-6.0, 6.0)), aspect="equal")
    axes.set(xlabel="X (kpc)", ylabel="Y (kpc)")
    axes.set_title("Seen from the north Galactic pole")
    around(axes)
    finish(axes, "lower right")


def distance_errors(axes: Axes, data: Columns) -> None:
    """Relative distance error with M_spec, and of the parallax alone, against distance."""
    d, safe = data["dis"], ~(data["distance_edge"] > 0) & (data["binary_flag"] == 0)
    joint = (data["dis_high"] - data["dis_low"]) / 2 / d
    alone = np.where(data["parallax"] > 0, data["parallax_error"] / data["parallax"], np.inf)
    alone = np.where(np.isfinite(data["parallax_error"]), np.minimum(alone, BEYOND), np.nan)
    axes.set(xscale="log", yscale="log", xlim=DISTANCES, ylim=(0.01, PARALLAX_LIMIT))
    points(
        axes, d, alone, safe & (alone < PARALLAX_LIMIT), Look("parallax alone", PINK, "o", 4, 0.35)
    )
    points(axes, d, joint, safe, Look("spectrum and parallax", BLUE, "o", 4, 0.35))
    for error, colour, line in ((alone, DARK_PINK, "--"), (joint, DARK_BLUE, "-")):
        axes.plot(*running_median(d[safe], error[safe]), color=colour, linewidth=2, linestyle=line)
    paper: Any = {
        "marker": "D",
        "color": "black",
        "linestyle": "",
        "markersize": 5,
        "label": "paper at 15 kpc",
    }
    axes.plot([15], [STATED["dis_error_15"].value], **paper)
    axes.set(xlabel="distance (kpc)", ylabel="relative distance error")
    axes.set_xticks(*TICKS)
    axes.set_yticks([0.01, 0.03, 0.1, 0.3, 1, 3], ["1 %", "3 %", "10 %", "30 %", "100 %", "300 %"])
    finish(axes, "upper left")


def running_median(x: Floats, y: Floats) -> tuple[list[float], list[float]]:
    """Medians of x and y in bins of log x that hold enough stars."""
    edges = np.geomspace(*DISTANCES, N_BINS + 1)
    bins = [(x >= low) & (x < high) & np.isfinite(y) for low, high in pairwise(edges)]
    kept = [rows for rows in bins if rows.sum() >= FEWEST]
    return [st.median(x[rows]) for rows in kept], [st.median(y[rows]) for rows in kept]


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
