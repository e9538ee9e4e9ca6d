"""Section 6 of the paper: binaries, composites, LB-1."""

from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from obcat.evaluate import binaries as mock
from obcat.evaluate.composites import PRIMARIES, SEED, library, survey_mk, within
from obcat.kernels.grid import WAVELENGTH
from obcat.reading import Columns, Missing, Reading, answer_arrays, method_parameters, require_known
from obcat.report import BLUE, GREEN, ORANGE, Look, finish, histogram, points, shown
from obcat.report.magnitudes import gravity_plane, medians

__all__ = ["composites", "examples", "excess", "plane", "visits"]

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
    bottom.set(xlabel="visits in order of date (LMJD)", ylabel="RV (km s$^{-1}$)")
    bottom.set_xticks(number, [f"{d:.0f}" for d in data["lmjd"]], rotation="vertical")


def _bars(
    axes: Axes, x: np.ndarray, y: np.ndarray, error: np.ndarray, look: dict[str, Any]
) -> None:
    known = np.isfinite(y)
    axes.errorbar(x[known], y[known], yerr=np.nan_to_num(error[known]), capsize=2, **look)


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
    axes.plot(data["log_gf"], data["mk"], linestyle="", marker="*", markersize=9, color="black",
              markeredgecolor="white", label=f"LB-1, {len(data['mk'])} visits")  # fmt: skip
    if np.isfinite(data["mk_geo"]).any():
        axes.plot(data["log_gf"][:1], data["mk_geo"][:1], linestyle="", marker="D", markersize=6,
            color="black", markerfacecolor="white", label=r"LB-1, $M_{\rm geo}$")  # fmt: skip
    lowest = np.nanmin([*data["mk"], *data["mk_geo"], min(axes.get_ylim())])
    axes.set_ylim(max(axes.get_ylim()), lowest - 0.3)
    finish(axes, "above")


DIFFERENCES = (0.0, 4.0)  # mag
LOOKS = ((BLUE, "o", "-"), (ORANGE, "^", "--"), (GREEN, "s", ":"))  # of the types of primaries
BLUE_RANGE = (4000.0, 5050.0)  # Angstrom
NO_EXCESS = "The parallax excess needs M_spec, a Ks magnitude and a Gaia parallax."
EXCESS = (-8.0, 12.0)  # sigma shown
EXCESS_EDGES = np.linspace(*EXCESS, 101)


class _Mocks(NamedTuple):
    """Composites, a row each: spectra at one distance, rows of the two stars,
    magnitudes of these and of the sum.
    """

    stars: Columns
    flux: np.ndarray
    total: np.ndarray
    first: NDArray[np.intp]
    second: NDArray[np.intp]
    primary: np.ndarray
    sum: np.ndarray
    difference: np.ndarray


def _made(survey: Reading) -> _Mocks:
    """The same pairs for the same catalog. Missing: no Gaia, too few stars, no network."""
    lib = library(survey)
    first, second = mock.pairs(lib.stars["mk_geo"], SEED)
    total, ivar = mock.composite(lib.flux, lib.ivar, first, second)
    difference = lib.stars["mk_geo"][second] - lib.stars["mk_geo"][first]
    both = survey_mk(survey, total, ivar)
    return _Mocks(lib.stars, lib.flux, total, first, second, lib.alone[first], both, difference)


def composites(figure: Figure, survey: Reading) -> None:
    """Figure 9: M_spec of the sum against that of the primary,
    and their difference against that of the two stars.
    """
    mocks = _made(survey)
    left, right = figure.subplots(1, 2)
    for low, high, look in (
        (0, 0.75, Look("ΔM < 0.75", ORANGE, "^", 20, 0.7)),
        (0.75, 2, Look("0.75 ≤ ΔM < 2", GREEN, "s", 14, 0.7)),
        (2, np.inf, Look("ΔM ≥ 2", BLUE, "o", 14, 0.6)),
    ):
        points(
            left,
            mocks.primary,
            mocks.sum,
            (mocks.difference >= low) & (mocks.difference < high),
            look,
        )
    limits = shown(np.concatenate([mocks.primary, mocks.sum]), (-3.0, 2.0))
    left.plot(limits, limits, color="black", linewidth=1)
    left.set(xlim=limits[::-1], ylim=limits[::-1])
    left.set(
        xlabel=r"$M_{\rm spec}$ of the primary alone (mag)",
        ylabel=r"$M_{\rm spec}$ of the composite (mag)",
    )
    finish(left, "lower right")
    _bias(right, mocks)


def _bias(axes: Axes, mocks: _Mocks) -> None:
    off = mocks.sum - mocks.primary
    teff = mocks.stars["teff"][mocks.first]
    for (name, *kind), (colour, marker, line) in zip(PRIMARIES, LOOKS, strict=True):
        rows = within(teff, kind)
        points(axes, mocks.difference, off, rows, Look(name, colour, marker, 12, 0.45))
        middle = medians(mocks.difference, np.where(rows, off, np.nan), DIFFERENCES)
        axes.plot(
            *middle,
            color=colour,
            marker=marker,
            linestyle=line,
            linewidth=1.4,
            markeredgecolor="black",
        )
    x = np.linspace(*DIFFERENCES, 100)
    axes.plot(
        x,
        -2.5 * np.log10(1 + 10 ** (-0.4 * x)),
        color="black",
        linestyle="--",
        label="light of both stars",
    )
    axes.axhline(0, color="#888888", linewidth=0.8)
    low, high = shown(off, (-1.5, 1.5))
    low = min(low, -0.8)
    axes.set(
        xlim=(0, shown(mocks.difference, DIFFERENCES)[1]), ylim=(low, high + 0.6 * (high - low))
    )
    axes.set_xlabel("ΔM of the two stars (mag, $K_s$)")
    axes.set_ylabel(r"$M_{\rm spec}$(composite) − $M_{\rm spec}$(primary) (mag)")
    finish(axes, "upper right")


def examples(figure: Figure, survey: Reading) -> None:
    """Figure 16: three composites with both their stars:
    nearly equal, unequal, very unequal in Ks.
    """
    mocks = _made(survey)
    chosen = [
        int(np.argmin(np.where(np.isfinite(mocks.sum), np.abs(mocks.difference - d), np.inf)))
        for d in (0, 1, 2)
    ]
    for axes, row in zip(figure.subplots(len(chosen), 1, sharex=True), chosen, strict=True):
        _example(axes, mocks, row)
    figure.axes[0].legend(loc="upper right", ncols=3)
    figure.axes[-1].set_xlabel("rest wavelength in vacuum (Å)")


def _example(axes: Axes, mocks: _Mocks, row: int) -> None:
    one, other = mocks.first[row], mocks.second[row]
    rows = (BLUE_RANGE[0] <= WAVELENGTH) & (BLUE_RANGE[1] >= WAVELENGTH)
    level = np.median(mocks.total[row][rows])
    for flux, label, colour, line in (
        (mocks.total[row], "composite", "black", "-"),
        (mocks.flux[one], "primary", BLUE, "-"),
        (mocks.flux[other], "companion", ORANGE, "-"),
    ):
        drawn = np.where(flux[rows] != 0, flux[rows] / level, np.nan)
        axes.plot(WAVELENGTH[rows], drawn, color=colour, linestyle=line, linewidth=0.7, label=label)
    teff = mocks.stars["teff"]
    found = (
        f"ΔM = {mocks.difference[row]:.2f}: $M_{{\\rm spec}}$ {mocks.primary[row]:.2f} → "
        f"{mocks.sum[row]:.2f}"
    )
    text = f"{teff[one]:,.0f} K + {teff[other]:,.0f} K, " + found.replace("-", "−")
    axes.text(0.01, 0.04, text, transform=axes.transAxes, va="bottom")
    drawn = mocks.total[row][rows] / level
    axes.set(xlim=BLUE_RANGE, ylim=(-0.35, 1.35 * np.percentile(drawn, 99)), ylabel="flux (scaled)")


def excess(figure: Figure, survey: Reading) -> None:
    """Histograms by S/N of the parallax with a unit Gaussian, and the excess against RUWE."""
    data = answer_arrays(survey.con, "report/stars")
    require_known(data, ("snr_dparallax",), 5, NO_EXCESS)
    left, right = figure.subplots(1, 2)
    _histograms(left, data)
    nsigma = method_parameters(survey.con)["binary_nsigma"]
    left.axvline(nsigma, color="black", linestyle=":", label=f"binary above {nsigma:g}")
    finish(left, "above")
    right.set_xscale("log")
    for rows, look in (
        (data["binary_flag"] == 0, Look("single", BLUE, "o", 5, 0.35)),
        (data["binary_flag"] == 1, Look("binary", ORANGE, "x", 14, 0.6)),
    ):
        points(right, data["ruwe"], data["snr_dparallax"], rows, look)
    right.axhline(nsigma, color="black", linestyle=":")
    right.axvline(1.4, color="#888888", linewidth=1, label="RUWE 1.4")
    right.set_xticks([0.7, 1, 1.4, 2, 5, 10, 20], ["0.7", "1", "1.4", "2", "5", "10", "20"])
    right.set_xticks([], minor=True)
    right.set(xlim=(0.7, _widest(data["ruwe"])), ylim=EXCESS)
    right.set(xlabel="RUWE", ylabel="parallax excess (σ)")
    finish(right, "above")


def _widest(ruwe: np.ndarray) -> float:
    """What 997 of 1000 stars are below, at least 2."""
    known = ruwe[np.isfinite(ruwe)]
    return max(2.0, 1.1 * float(np.percentile(known, 99.7))) if len(known) else 20.0


def _histograms(axes: Axes, data: Columns) -> None:
    with np.errstate(invalid="ignore"):
        precise = data["parallax"] / data["parallax_error"] > 10
    known = np.isfinite(data["snr_dparallax"])
    for rows, label, colour, line in (
        (known & precise, "ϖ/σ > 10", BLUE, "-"),
        (known & ~precise, "ϖ/σ ≤ 10", GREEN, "--"),
    ):
        look = {"label": f"{label} ({rows.sum():,})", "color": colour, "linestyle": line}
        histogram(axes, data["snr_dparallax"][rows], EXCESS_EDGES, look)
    look = {"label": f"all ({known.sum():,})", "color": "#888888"}
    histogram(axes, data["snr_dparallax"][known], EXCESS_EDGES, look)
    gauss = (
        known.sum() * np.diff(EXCESS_EDGES)[0] * np.exp(-(EXCESS_EDGES**2) / 2) / np.sqrt(2 * np.pi)
    )
    axes.plot(EXCESS_EDGES, gauss, color="black", linewidth=1, label="all, were it noise alone")
    axes.set(
        xlabel=r"parallax excess $(\varpi_{\rm spec} - \varpi)\,/\,\sigma$",
        ylabel="stars",
        yscale="log",
    )
    axes.set(ylim=(0.5, 3 * max(gauss)), xlim=EXCESS)
