"""Drawings of one star: its spectrum against the eigenspectra, and the terms of its distance."""

import io

import duckdb
import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from obcat.explain.arrays import model_arrays
from obcat.kernels.grid import WAVELENGTH
from obcat.kernels.pca import reconstruct
from obcat.kernels.windows import clean_pixels

__all__ = ["distance_drawing", "distance_terms", "spectrum_drawing"]

SPECTRUM_CAPTION = (
    "Spectrum, its reconstruction without emission, and the residual. The clean windows, from which the coefficients "
    "of the reconstruction come, are shaded; right: the window at Halpha in which the excess is taken."
)
DISTANCE_CAPTION = (
    "Distance: the term of the spectrum, that of the parallax, and what was used, each over its maximum; "
    "lines at 16 per cent, the mode and 84 per cent."
)
SPECTRUM = """SELECT s.flux, s.ivar, c.score_clean, p.pca_min_wavelength, p.pca_max_wavelength
    , p.halpha, p.halpha_halfwidth
    FROM emission.spectra AS s CROSS JOIN meta.parameters AS p LEFT JOIN emission.scores AS c USING (specid)
    WHERE specid = $specid"""
DISTANCE = """SELECT c.mk, c.mk_err, c.ks, c.ks_err, c.a_ks, c.a_ks_err, c.parallax_corrected AS parallax
    , c.parallax_error, c.dis, c.dis_low, c.dis_high, c.binary_flag
    FROM catalog.ob_stars AS c WHERE specid = $specid AND dis IS NOT NULL"""


def spectrum_drawing(con: duckdb.DuckDBPyConnection, specid: str) -> tuple[str, str]:
    """A caption, and as SVG the normalised spectrum, its reconstruction, the residual, the windows; Halpha enlarged."""
    rows = con.execute(SPECTRUM, {"specid": specid}).fetchall()
    if not rows:
        return "No spectrum at rest.", ""
    flux, ivar, score, *limits, halpha, halfwidth = rows[0]
    seen = np.where(np.array(ivar) > 0, np.array(flux), np.nan)
    pca = model_arrays(con, "pca", "mean", "scale", "full_from_clean")
    known = bool(pca) and score is not None
    model = reconstruct(np.array([score]), **pca)[0] if known else np.full(seen.shape, np.nan)
    figure = Figure(figsize=(12, 5), layout="constrained")
    (above, near), (below, near_below) = figure.subplots(2, 2, sharex="col", height_ratios=(3, 1), width_ratios=(4, 1))
    for top, bottom in ((above, below), (near, near_below)):
        panels(top, bottom, seen, model, clean_pixels(*limits))
    zoom(near, near_below, seen, model, halpha, halfwidth)
    above.legend(loc="lower right", fontsize=8)
    above.set(ylabel="flux / pseudo-continuum")
    below.set(xlabel="wavelength at rest (Angstrom, vacuum)", ylabel="residual")
    return SPECTRUM_CAPTION, svg(figure, SPECTRUM_CAPTION)


def panels(top: Axes, bottom: Axes, seen: np.ndarray, model: np.ndarray, clean: np.ndarray) -> None:
    """Spectrum and reconstruction above, their difference below, the clean windows shaded in both."""
    top.plot(WAVELENGTH, seen, lw=0.5, color="k", label="spectrum")
    top.plot(WAVELENGTH, model, lw=0.7, color="C1", label="reconstruction without emission")
    bottom.plot(WAVELENGTH, seen - model, lw=0.5, color="k")
    for axes in (top, bottom):
        shade(axes, clean, "C0", "clean windows")


def shade(axes: Axes, where: np.ndarray, colour: str, label: str) -> None:
    across = axes.get_xaxis_transform()
    axes.fill_between(WAVELENGTH, 0, 1, where=where, color=colour, alpha=0.12, lw=0, transform=across, label=label)


def zoom(top: Axes, bottom: Axes, seen: np.ndarray, model: np.ndarray, halpha: float, halfwidth: float) -> None:
    """Halpha, with the window in which the excess is taken."""
    inside = np.abs(WAVELENGTH - halpha) < 6 * halfwidth
    for axes, values in ((top, np.concatenate([seen[inside], model[inside]])), (bottom, (seen - model)[inside])):
        shade(axes, np.abs(WAVELENGTH - halpha) < halfwidth, "C3", "")
        good = values[np.isfinite(values)]
        if len(good):
            margin = 0.1 * (np.ptp(good) or 1)
            axes.set_ylim(good.min() - margin, good.max() + margin)
    top.set(xlim=(halpha - 6 * halfwidth, halpha + 6 * halfwidth), title="Halpha")


def distance_drawing(con: duckdb.DuckDBPyConnection, specid: str) -> tuple[str, str]:
    """A caption, and as SVG both terms and what was used, each to its own maximum."""
    cursor = con.execute(DISTANCE, {"specid": specid})
    names = [d[0] for d in cursor.description or ()]
    rows = cursor.fetchall()
    if not rows:
        return "No distance.", ""
    star = {name: np.nan if v is None else float(v) for name, v in zip(names, rows[0], strict=True)}
    d = np.geomspace(star["dis_low"] / 3, star["dis_high"] * 3, 800)
    figure = Figure(figsize=(12, 3.2), layout="constrained")
    axes = figure.subplots()
    for (name, density), (colour, width) in zip(
        distance_terms(d, star).items(), (("C0", 1.5), ("C2", 1.5), ("k", 4.0)), strict=True
    ):
        if np.isfinite(density).all():
            axes.plot(d, density, color=colour, lw=width, alpha=1.5 / width, label=name)
    for value in (star["dis_low"], star["dis"], star["dis_high"]):
        axes.axvline(value, color="0.7", lw=0.8)
    axes.set(xscale="log", xlabel="distance (kpc)", ylabel="density / maximum")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("{x:g}")
    axes.legend(fontsize=8)
    return DISTANCE_CAPTION, svg(figure, DISTANCE_CAPTION)


def distance_terms(d: np.ndarray, star: dict[str, float]) -> dict[str, np.ndarray]:
    """METHOD section 7 at distances d (kpc): the spectroscopic term, that of the parallax, and what was used."""
    modulus = star["ks"] - star["a_ks"] - star["mk"]
    sigma = np.sqrt(star["mk_err"] ** 2 + star["ks_err"] ** 2 + star["a_ks_err"] ** 2)
    spectrum = -0.5 * ((modulus - 5 * np.log10(d) - 10) / sigma) ** 2
    parallax = -0.5 * ((star["parallax"] - 1 / d) / star["parallax_error"]) ** 2
    used = np.zeros_like(d)
    if np.isfinite(spectrum).all() and star["binary_flag"] != 1:
        used = used + spectrum
    if np.isfinite(parallax).all():
        used = used + parallax
    terms = {"spectrum": spectrum, "parallax": parallax, "used": used}
    return {name: np.exp(term - term.max()) for name, term in terms.items()}


def svg(figure: Figure, title: str) -> str:
    text = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "obcat"}):
        figure.savefig(text, format="svg", metadata={"Date": None})
    return f'<svg role="img" aria-label="{title}"' + text.getvalue().partition("<svg")[2]
