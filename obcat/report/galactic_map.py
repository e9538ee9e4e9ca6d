"""Maps of the Galactic plane: stars by colour, circles about the Sun, spiral arms."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PolyCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from obcat import statistics as st
from obcat.reading import Columns, Reading, answer_arrays, require_known
from obcat.report.style import CROWD, ORANGE, cells, finish, shown

__all__ = ["SUN", "arm", "around", "draw_map", "plane"]

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

Floats = NDArray[np.float64]


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
