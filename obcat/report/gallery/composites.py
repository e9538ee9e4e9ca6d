"""Figures 9 and 16: mock binaries made of single stars of this survey, measured as if single."""

from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from obcat import mock
from obcat.report.composites import PRIMARIES, SEED, library, measure, within
from obcat.report.gallery.magnitudes import medians
from obcat.report.gallery.style import BLUE, GREEN, ORANGE, Look, finish, points, shown
from obcat.report.gallery.survey import Columns, Survey
from obcat.spectra import WAVELENGTH

__all__ = ["composites", "examples"]

DIFFERENCES = (0.0, 4.0)  # mag
LOOKS = ((BLUE, "o", "-"), (ORANGE, "^", "--"), (GREEN, "s", ":"))  # of the types of primaries
SHOWN = (4000.0, 5050.0)  # Angstrom


class Mocks(NamedTuple):
    """Composites, a row each: spectra at one distance, rows of the two stars, magnitudes of these and of the sum."""

    stars: Columns
    flux: np.ndarray
    total: np.ndarray
    first: NDArray[np.intp]
    second: NDArray[np.intp]
    primary: np.ndarray
    sum: np.ndarray
    difference: np.ndarray


def made(survey: Survey) -> Mocks:
    """The same pairs for the same catalog. Missing: no Gaia, too few stars, no network."""
    lib = library(survey)
    first, second = mock.pairs(lib.stars["mk_geo"], SEED)
    total, ivar = mock.composite(lib.flux, lib.ivar, first, second)
    difference = lib.stars["mk_geo"][second] - lib.stars["mk_geo"][first]
    both = measure(survey, total, ivar)
    return Mocks(lib.stars, lib.flux, total, first, second, lib.alone[first], both, difference)


def composites(figure: Figure, survey: Survey) -> None:
    """Figure 9: M_spec of the sum against that of the primary, and their difference against that of the two stars."""
    mocks = made(survey)
    left, right = figure.subplots(1, 2)
    for low, high, look in (
        (0, 0.75, Look("ΔM < 0.75", ORANGE, "^", 20, 0.7)),
        (0.75, 2, Look("0.75 ≤ ΔM < 2", GREEN, "s", 14, 0.7)),
        (2, np.inf, Look("ΔM ≥ 2", BLUE, "o", 14, 0.6)),
    ):
        points(left, mocks.primary, mocks.sum, (mocks.difference >= low) & (mocks.difference < high), look)
    limits = shown(np.concatenate([mocks.primary, mocks.sum]), (-3.0, 2.0))
    left.plot(limits, limits, color="black", linewidth=1)
    left.set(xlim=limits[::-1], ylim=limits[::-1])
    left.set(xlabel=r"$M_{\rm spec}$ of the primary alone (mag)", ylabel=r"$M_{\rm spec}$ of the composite (mag)")
    left.set_title("ΔM: companion − primary, $M_{\\rm geo}$ in $K_s$")
    finish(left, "upper left")
    bias(right, mocks)


def bias(axes: Axes, mocks: Mocks) -> None:
    off = mocks.sum - mocks.primary
    teff = mocks.stars["teff"][mocks.first]
    for (name, *kind), (colour, marker, line) in zip(PRIMARIES, LOOKS, strict=True):
        rows = within(teff, kind)
        points(axes, mocks.difference, off, rows, Look(name, colour, marker, 12, 0.45))
        middle = medians(mocks.difference, np.where(rows, off, np.nan), DIFFERENCES)
        axes.plot(*middle, color=colour, marker=marker, linestyle=line, linewidth=2, markeredgecolor="black")
    x = np.linspace(*DIFFERENCES, 100)
    axes.plot(x, -2.5 * np.log10(1 + 10 ** (-0.4 * x)), color="black", linestyle="--", label="light of both stars")
    axes.axhline(0, color="#888888", linewidth=0.8)
    axes.set(xlim=DIFFERENCES, ylim=(-1.5, 1.5), xlabel="ΔM of the two stars (mag, $K_s$)")
    axes.set_ylabel(r"$M_{\rm spec}$(composite) − $M_{\rm spec}$(primary) (mag)")
    axes.set_title("by $T_{\\rm eff}$ of the primary; lines are medians")
    finish(axes, "upper right")


def examples(figure: Figure, survey: Survey) -> None:
    """Figure 16: three composites with both their stars: nearly equal, unequal, very unequal in Ks."""
    mocks = made(survey)
    chosen = [int(np.argmin(np.where(np.isfinite(mocks.sum), np.abs(mocks.difference - d), np.inf))) for d in (0, 1, 2)]
    for axes, row in zip(figure.subplots(len(chosen), 1, sharex=True), chosen, strict=True):
        example(axes, mocks, row)
    figure.axes[0].legend(loc="upper right", ncols=3)
    figure.axes[-1].set_xlabel("rest wavelength in vacuum (Å)")


def example(axes: Axes, mocks: Mocks, row: int) -> None:
    one, other = mocks.first[row], mocks.second[row]
    rows = (SHOWN[0] <= WAVELENGTH) & (SHOWN[1] >= WAVELENGTH)
    level = np.median(mocks.total[row][rows])
    for flux, label, colour, line in (
        (mocks.total[row], "composite", "black", "-"),
        (mocks.flux[one], "primary", BLUE, "-"),
        (mocks.flux[other], "companion", ORANGE, "-"),
    ):
        drawn = np.where(flux[rows] != 0, flux[rows] / level, np.nan)
        axes.plot(WAVELENGTH[rows], drawn, color=colour, linestyle=line, linewidth=0.9, label=label)
    teff = mocks.stars["teff"]
    found = f"ΔM = {mocks.difference[row]:.2f}: $M_{{\\rm spec}}$ {mocks.primary[row]:.2f} → {mocks.sum[row]:.2f}"
    axes.set_title(f"{teff[one]:,.0f} K + {teff[other]:,.0f} K, " + found.replace("-", "−"))
    axes.set(xlim=SHOWN, ylim=(0, 1.8), ylabel="flux (scaled)")
