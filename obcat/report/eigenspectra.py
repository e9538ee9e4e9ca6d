"""Section 3 of the paper: the method at a glance, eigenspectra, emission."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from obcat.kernels.grid import WAVELENGTH, clean_pixels, full_pixels
from obcat.kernels.pca import reconstruct
from obcat.reading import (
    Columns,
    Missing,
    Reading,
    answer_arrays,
    fitted_arrays,
    method_parameters,
    require_known,
)
from obcat.report import BLUE, ORANGE, PINK, Look, finish, points

__all__ = ["erroneous", "examples", "excess", "flow"]

# name, x, y, title, count, what is counted
FLOW_STEPS = (
    ("files", 0.5, 0.92, "LAMOST spectra", "files", "files"),
    ("frame", 0.5, 0.76, "rest frame, divided by continuum", "spectra", "spectra"),
    ("pca", 0.5, 0.60, "PCA, emission lines (§3)", "emission", "spectra with emission"),
    ("ebv", 0.16, 0.60, "labels and colours: E(B−V) (§4)", "reddened", "stars"),
    ("gaia", 0.84, 0.60, "Gaia parallax: $M_{\\rm geo}$ (§5)", "training", "training stars"),
    ("outside", 0.84, 0.76, "luminous stars from outside (§5.1)", "supplement", "more of them"),
    ("mk", 0.5, 0.42, "two networks: $M_{\\rm spec}$ (§5)", "magnitudes", "spectra"),
    ("noise", 0.84, 0.42, "noise model by MCMC (§5.3)", "test", "test stars"),
    ("binary", 0.5, 0.25, "parallax excess: binaries (§6)", "classified", "spectra classified"),
    ("distance", 0.16, 0.25, "distance from both (§7)", "distances", "spectra"),
    ("end", 0.5, 0.08, "the catalog (Table 1)", "catalog", "rows"),
)
ARROWS = (
    ("files", "frame"), ("frame", "pca"), ("pca", "mk"), ("ebv", "mk"), ("gaia", "mk"),
    ("outside", "gaia"),
    ("gaia", "noise"), ("mk", "noise"), ("mk", "binary"), ("noise", "binary"),
    ("binary", "distance"), ("ebv", "distance"), ("distance", "end"), ("binary", "end"),
)  # fmt: skip
BOX = {
    "boxstyle": "round,pad=0.5",
    "facecolor": "#EAF2F8",
    "edgecolor": "#0072B2",
    "linewidth": 0.8,
}


def flow(figure: Figure, survey: Reading) -> None:
    """Boxes with counts of this survey, arrows between them."""
    counts = answer_arrays(survey.con, "report/flow")
    axes = figure.add_subplot()
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.set_axis_off()
    drawn = {name: _step(axes, x, y, f"{title}\n{int(counts[count][0]):,} {what}", counts[count][0])
             for name, x, y, title, count, what in FLOW_STEPS}  # fmt: skip
    for start, end in ARROWS:
        _arrow(axes, drawn[start], drawn[end])


def _step(axes: Axes, x: float, y: float, text: str, count: float) -> Any:
    return axes.annotate(text, (x, y), ha="center", va="center", bbox=BOX, gid=count)


def _arrow(axes: Axes, start: Any, end: Any) -> None:
    look = {"arrowstyle": "-|>", "color": "#333333", "linewidth": 0.8, "shrinkA": 0, "shrinkB": 2}
    look |= {"patchA": start.get_bbox_patch(), "patchB": end.get_bbox_patch(), "mutation_scale": 9}
    axes.annotate("", xy=end.xy, xytext=start.xy, arrowprops=look, zorder=0)


SHOWN = (3800.0, 9000.0)
HALPHA = (6430.0, 6700.0)
CUT = 0.7  # of the continuum: sky lines left in a spectrum are higher than the page
GAPS = (0.9, 1.9)  # between spectra of Figures 2 and 15, in units of the continuum
NAMED = 0.13  # above the continuum, or above the cut
LEAST = 0.01  # chi square shown
WHY = "Spectra without a redshift, or with too many masked pixels, have no excess."


def examples(figure: Figure, survey: Reading) -> None:
    """Figure 2: six spectra over the full range and at Halpha,
    grey where they are not used for the coefficients.
    """
    data = answer_arrays(survey.con, "report/spectra")
    whole, close = figure.subplots(1, 2, width_ratios=(3, 1), sharey=True)
    titles = [
        f"{'emission' if em else 'no emission'}, {t:,.0f} K, S/N {s:.0f}"
        for em, t, s in zip(data["em_flag"], data["teff"], data["snr_g"], strict=True)
    ]
    _stack(whole, close, survey, data, titles, GAPS[0], np.inf)
    close.set_title("at Hα")


def erroneous(figure: Figure, survey: Reading) -> None:
    """Figure 15: the largest misfits among spectra with the bit erroneous and S/N > 30."""
    data = answer_arrays(survey.con, "report/erroneous")
    whole, close = figure.subplots(1, 2, width_ratios=(3, 1), sharey=True)
    titles = [
        f"{name}, S/N {s:.0f}, χ² at Hα {h:.0f}, in clean windows {c:.0f}"
        for name, s, h, c in zip(
            data["specid"], data["snr_g"], data["halpha_chi2"], data["clean_chi2"], strict=True
        )
    ]
    _stack(whole, close, survey, data, titles, GAPS[1], CUT)
    close.set_title("at Hα")


def _stack(
    whole: Axes,
    close: Axes,
    survey: Reading,
    data: Columns,
    titles: list[str],
    step: float,
    cut: float,
) -> None:
    """A spectrum above the other; what is further from the continuum than ``cut`` is drawn
    there.
    """
    if not data["flux"].size:
        raise Missing("no spectrum of this survey is of the kind drawn here")
    pca = fitted_arrays(survey.con, "pca")
    basis = {name: pca[name] for name in ("mean", "scale", "full_from_clean")}
    model = np.clip(reconstruct(data["score_clean"], **basis), 1 - cut, 1 + cut)
    flux = np.clip(np.where(data["ivar"] > 0, data["flux"], np.nan), 1 - cut, 1 + cut)
    for axes, limits in ((whole, SHOWN), (close, HALPHA)):
        _shade(axes, survey)
        for i in range(len(titles)):
            _line(axes, flux[i] + i * step, model[i] + i * step, limits)
        axes.set(
            xlim=limits,
            xlabel="rest wavelength in vacuum (Å)",
            ylim=_height(np.stack([flux, model]), step),
        )
    base = 1 + NAMED + (cut if np.isfinite(cut) else 0)
    paper = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.5}
    for i, title in enumerate(titles):
        whole.text(SHOWN[1] - 40, base + i * step, title, ha="right", va="bottom", bbox=paper)
    whole.set_ylabel("flux / continuum + offset")
    finish(whole, "above", grid=False)


def _height(drawn: np.ndarray, step: float) -> tuple[float, float]:
    """Below the deepest line, and above the highest and the name of the last spectrum.

    drawn : (2, n, 3909) spectra and their models
    """
    rows = (SHOWN[0] <= WAVELENGTH) & (SHOWN[1] >= WAVELENGTH)
    shifted = drawn[:, :, rows] + step * np.arange(drawn.shape[1])[:, None]
    name = 1 + step * (drawn.shape[1] - 0.4)
    return float(np.nanmin(shifted)) - 0.1, max(float(np.nanmax(shifted)), name) + 0.1


def _line(axes: Axes, flux: np.ndarray, model: np.ndarray, limits: tuple[float, float]) -> None:
    rows = (limits[0] <= WAVELENGTH) & (limits[1] >= WAVELENGTH)
    first = not axes.lines
    axes.plot(
        WAVELENGTH[rows],
        flux[rows],
        color="black",
        linewidth=0.5,
        label="spectrum" if first else None,
    )
    axes.plot(WAVELENGTH[rows], model[rows], color=ORANGE, linewidth=0.5, linestyle="-",
              label="reconstruction from clean windows" if first else None)  # fmt: skip


def _shade(axes: Axes, survey: Reading) -> None:
    """Grey where a pixel is not in the clean windows, hatched where it is in neither network."""
    given = method_parameters(survey.con)
    limits = given["pca_min_wavelength"], given["pca_max_wavelength"]
    clean, full = clean_pixels(*limits), full_pixels(*limits)
    hatched = {"facecolor": "none", "edgecolor": BLUE, "alpha": 0.25, "hatch": "//"}
    for mask, look in ((~clean, {"color": "#E4E4E4"}), (~full, hatched)):
        axes.fill_between(WAVELENGTH, 0, 1, where=list(mask), transform=axes.get_xaxis_transform(),
            linewidth=0, zorder=0, **look)  # fmt: skip


def excess(figure: Figure, survey: Reading) -> None:
    """Excess in units of the continuum, and its significance with the threshold,
    against chi square around Halpha.
    """
    data = answer_arrays(survey.con, "report/lines")
    require_known(data, ("halpha_excess", "halpha_chi2"), 1, WHY)
    left, right = figure.subplots(1, 2)
    left.set_yscale("symlog", linthresh=0.1)
    _draw(left, data, data["halpha_excess"])
    left.set(ylabel="mean excess at Hα (units of the continuum)")
    _ticks(left, (-1, -0.1, 0, 0.1, 1, 10))
    right.set_yscale("symlog", linthresh=5)
    _draw(right, data, data["halpha_significance"])
    threshold = float(fitted_arrays(survey.con, "pca")["excess_calibration"][3])
    right.axhline(threshold, color="black", linestyle="--", label=f"threshold {threshold:.1f}")
    right.set(ylabel="excess at Hα over its error")
    _ticks(right, (-100, -10, -5, 0, 5, 10, 100, 1000))
    finish(left, "upper left")
    finish(right, "upper left")


def _ticks(axes: Axes, at: tuple[float, ...]) -> None:
    from matplotlib.ticker import FixedLocator, StrMethodFormatter

    axes.yaxis.set_major_locator(FixedLocator(at))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))


def _draw(axes: Axes, data: dict[str, np.ndarray], y: np.ndarray) -> None:
    em, bad = data["em_flag"] == 1, data["erroneous"] == 1
    x = np.maximum(data["halpha_chi2"], LEAST)
    axes.set_xscale("log")
    points(axes, x, y, ~em & ~bad, Look("no emission", BLUE, "o", 4, 0.35))
    points(axes, x, y, em, Look("emission", ORANGE, "^", 12, 0.5))
    points(axes, x, y, bad, Look("erroneous", PINK, "x", 26, 0.9))
    axes.set(xlabel="reduced χ² around Hα")
