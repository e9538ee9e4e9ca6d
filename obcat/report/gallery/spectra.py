"""Figures 2 and 15: spectra, their clean windows, and what the eigenspectra make of them."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from obcat.report.gallery.style import BLUE, ORANGE
from obcat.report.gallery.survey import Columns, Missing, Survey, arrays, columns
from obcat.spectra import WAVELENGTH, reconstruction, windows

__all__ = ["erroneous", "examples"]

SHOWN = (3800.0, 9000.0)
HALPHA = (6430.0, 6700.0)
CUT = 0.7  # of the continuum: sky lines left in a spectrum are higher than the page
STEPS = (0.55, 0.85)  # between spectra of Figures 2 and 15, in units of the continuum


def examples(figure: Figure, survey: Survey) -> None:
    """Figure 2: six spectra over the full range and at Halpha, grey where they are not used for the coefficients."""
    data = columns(survey, "spectra")
    whole, close = figure.subplots(1, 2, width_ratios=(3, 1), sharey=True)
    titles = [f"{'emission' if em else 'no emission'}, {t:,.0f} K, S/N {s:.0f}"
              for em, t, s in zip(data["em_flag"], data["teff"], data["snr_g"], strict=True)]  # fmt: skip
    stack(whole, close, survey, data, titles, STEPS[0], np.inf)
    whole.set_title("white: clean windows; grey: left out; labels: class, $T_{\\rm eff}$, S/N")
    close.set_title("at Hα")


def erroneous(figure: Figure, survey: Survey) -> None:
    """Figure 15: the largest misfits among spectra with the bit erroneous and S/N > 30."""
    data = columns(survey, "erroneous")
    whole, close = figure.subplots(1, 2, width_ratios=(3, 1), sharey=True)
    titles = [f"{name}, S/N {s:.0f}, χ² at Hα {h:.0f}, in clean windows {c:.0f}" for name, s, h, c in zip(
        data["specid"], data["snr_g"], data["halpha_chi2"], data["clean_chi2"], strict=True)]  # fmt: skip
    stack(whole, close, survey, data, titles, STEPS[1], CUT)
    close.set_title("at Hα")


def stack(whole: Axes, close: Axes, survey: Survey, data: Columns, titles: list[str], step: float, cut: float) -> None:
    """A spectrum above the other; what is further from the continuum than ``cut`` is drawn there."""
    if not titles:
        raise Missing("no spectrum of this survey is of the kind drawn here")
    model = np.clip(reconstruction(data["score_clean"], arrays(survey, "pca")), 1 - cut, 1 + cut)
    flux = np.clip(np.where(data["ivar"] > 0, data["flux"], np.nan), 1 - cut, 1 + cut)
    for axes, limits in ((whole, SHOWN), (close, HALPHA)):
        shade(axes, survey)
        for i in range(len(titles)):
            line(axes, flux[i] + i * step, model[i] + i * step, limits)
        axes.set(xlim=limits, xlabel="rest wavelength in vacuum (Å)", ylim=(0.4, 1.5 + step * (len(titles) - 0.5)))
    paper = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1}
    for i, title in enumerate(titles):
        whole.text(SHOWN[1] - 30, 1.14 + i * step, title, ha="right", va="bottom", fontsize=9, bbox=paper)
    whole.set_ylabel("flux / continuum + offset")
    whole.legend(loc="upper left", ncols=2)


def line(axes: Axes, flux: np.ndarray, model: np.ndarray, limits: tuple[float, float]) -> None:
    rows = (limits[0] <= WAVELENGTH) & (limits[1] >= WAVELENGTH)
    first = not axes.lines
    axes.plot(WAVELENGTH[rows], flux[rows], color="black", linewidth=0.7, label="spectrum" if first else None)
    axes.plot(WAVELENGTH[rows], model[rows], color=ORANGE, linewidth=0.9, linestyle="-",
              label="reconstruction from clean windows" if first else None)  # fmt: skip


def shade(axes: Axes, survey: Survey) -> None:
    """Grey where a pixel is not in the clean windows, hatched where it is in neither network."""
    low, high = survey.con.execute("SELECT pca_min_wavelength, pca_max_wavelength FROM meta.parameters").fetchall()[0]
    clean, full = windows(low, high)
    for mask, look in ((~clean, {"color": "#E4E4E4"}), (~full, {"facecolor": "none", "edgecolor": BLUE, "alpha": 0.25,
                                                                "hatch": "//"})):  # fmt: skip
        axes.fill_between(WAVELENGTH, 0, 1, where=list(mask), transform=axes.get_xaxis_transform(), linewidth=0,
                          zorder=0, rasterized=True, **look)  # fmt: skip
