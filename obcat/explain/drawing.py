"""Drawings of one star: its spectrum against the eigenspectra, and the terms of its distance."""

import io

import duckdb
import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from obcat.explain.arrays import model_arrays
from obcat.kernels.grid import WAVELENGTH
from obcat.kernels.pca import reconstruct
from obcat.kernels.windows import clean_pixels

__all__ = ["distance_drawing", "distance_terms", "spectrum_drawing"]

SPECTRUM = """SELECT s.flux, s.ivar, c.score_clean, p.pca_min_wavelength, p.pca_max_wavelength
    FROM emission.spectra AS s CROSS JOIN meta.parameters AS p LEFT JOIN emission.scores AS c USING (specid)
    WHERE specid = $specid"""
DISTANCE = """SELECT c.mk, c.mk_err, c.ks, c.ks_err, c.a_ks, c.a_ks_err, c.parallax - c.parallax_offset AS parallax
    , c.parallax_error, c.dis, c.dis_low, c.dis_high, c.binary_flag
    FROM catalog.ob_stars AS c WHERE specid = $specid AND dis IS NOT NULL"""


def spectrum_drawing(con: duckdb.DuckDBPyConnection, specid: str) -> str:
    """Normalised spectrum, reconstruction without emission, residual; clean windows shaded. SVG, or a line of text."""
    rows = con.execute(SPECTRUM, {"specid": specid}).fetchall()
    if not rows:
        return "<p>No spectrum at rest.</p>"
    flux, ivar = (np.array(v) for v in rows[0][:2])
    figure = Figure(figsize=(11, 5), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    seen = np.where(ivar > 0, flux, np.nan)
    above.plot(WAVELENGTH, seen, lw=0.5, color="k", label="spectrum over its pseudo-continuum")
    pca = model_arrays(con, "pca", "mean", "scale", "full_from_clean")
    if pca and rows[0][2] is not None:
        model = reconstruct(np.array([rows[0][2]]), **pca)[0]
        above.plot(WAVELENGTH, model, lw=0.7, color="C1", label="without emission, from the clean windows")
        below.plot(WAVELENGTH, seen - model, lw=0.5, color="k")
    for axes in (above, below):
        axes.fill_between(
            WAVELENGTH,
            0,
            1,
            where=clean_pixels(*rows[0][3:]),
            color="C0",
            alpha=0.1,
            transform=axes.get_xaxis_transform(),
        )
    above.legend(loc="lower right", fontsize=8)
    above.set(ylabel="flux / continuum")
    below.set(xlabel="wavelength at rest (Angstrom, vacuum)", ylabel="residual")
    return svg(figure, "Spectrum, its reconstruction without emission, and the residual")


def distance_drawing(con: duckdb.DuckDBPyConnection, specid: str) -> str:
    """Both terms and what was used, each to its own maximum. SVG, or a line of text."""
    cursor = con.execute(DISTANCE, {"specid": specid})
    names = [d[0] for d in cursor.description or ()]
    rows = cursor.fetchall()
    if not rows:
        return "<p>No distance.</p>"
    star = {name: np.nan if v is None else float(v) for name, v in zip(names, rows[0], strict=True)}
    d = np.geomspace(star["dis_low"] / 3, star["dis_high"] * 3, 800)
    figure = Figure(figsize=(11, 3.2), layout="constrained")
    axes = figure.subplots()
    for (name, density), (colour, width) in zip(
        distance_terms(d, star).items(), (("C0", 1.5), ("C2", 1.5), ("k", 4.0)), strict=True
    ):
        if np.isfinite(density).all():
            axes.plot(d, density, color=colour, lw=width, alpha=1.5 / width, label=name)
    for value in (star["dis_low"], star["dis"], star["dis_high"]):
        axes.axvline(value, color="0.7", lw=0.8)
    axes.set(xscale="log", xlabel="distance (kpc); lines: 16 per cent, mode, 84 per cent", ylabel="density / maximum")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("{x:g}")
    axes.legend(fontsize=8)
    return svg(figure, "Distance: the term of the spectrum, that of the parallax, and what was used")


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
