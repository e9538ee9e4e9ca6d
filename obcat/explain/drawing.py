"""One star drawn: its spectrum against the eigenspectra, the terms of its distance; and the page
that holds both.

The page is one HTML file that loads nothing and runs nothing.
"""

import io
from collections.abc import Iterable
from html import escape

import duckdb
import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from obcat import models
from obcat.kernels.distance import Terms, terms_of
from obcat.kernels.grid import WAVELENGTH, clean_pixels
from obcat.kernels.pca import reconstruct
from obcat.reading import query_text
from obcat.section import Section, as_html

__all__ = ["distance_drawing", "distance_terms", "spectrum_drawing", "star_page"]

TERMS = ("mk", "mk_err", "ks", "ks_err", "a_ks", "a_ks_err", "parallax", "parallax_error")
LINES = {"spectrum": ("C0", 1.5), "parallax": ("C2", 1.5), "used": ("k", 4.0)}
SPECTRUM_CAPTION = (
    "Spectrum, its reconstruction without emission, and the residual. The clean windows, from "
    "which the coefficients "
    "of the reconstruction come, are shaded; right: the window at Halpha in which the "
    "excess is taken."
)
DISTANCE_CAPTION = (
    "Distance: the term of the spectrum, that of the parallax, and what was used, each over "
    "its maximum; "
    "lines at the 16th percentile, the mode and the 84th percentile."
)
HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 15px/1.45 system-ui, sans-serif; max-width: 72em; margin: 1em auto; padding: 0 1em }}
h1 {{ font-size: 1.3em }} h2 {{ font-size: 1.05em; margin: 1.8em 0 0.4em }}
.wide {{ overflow-x: auto }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums }}
th, td {{ text-align: left; vertical-align: top; padding: 0.15em 1.2em 0.15em 0; border-bottom: 1px solid #8884 }}
th, td {{ white-space: nowrap }} .long {{ white-space: normal; min-width: 16em }} .lines .long {{ color: #777 }}
svg {{ max-width: 100%; height: auto; background: white }} figure {{ margin: 1em 0 }}
</style></head><body>
"""


def spectrum_drawing(con: duckdb.DuckDBPyConnection, specid: str) -> tuple[str, str]:
    """A caption, and as SVG the normalised spectrum, its reconstruction, the residual,
    the windows; Halpha enlarged.
    """
    rows = con.execute(query_text("explain/spectrum"), {"specid": specid}).fetchall()
    if not rows or rows[0][0] is None:
        return "No spectrum at rest.", ""
    flux, ivar, score, *limits, halpha, halfwidth = rows[0]
    seen = np.where(np.array(ivar) > 0, np.array(flux), np.nan)
    pca = models.arrays(con, "pca", "mean", "scale", "full_from_clean")
    known = bool(pca) and score is not None
    model = reconstruct(np.array([score]), **pca)[0] if known else np.full(seen.shape, np.nan)
    figure = Figure(figsize=(12, 5), layout="constrained")
    (above, near), (below, near_below) = figure.subplots(
        2, 2, sharex="col", height_ratios=(3, 1), width_ratios=(4, 1)
    )
    for top, bottom in ((above, below), (near, near_below)):
        _panels(top, bottom, seen, model, clean_pixels(*limits))
    _zoom(near, near_below, seen, model, halpha, halfwidth)
    above.legend(loc="lower right", fontsize=8)
    above.set(ylabel="flux / pseudo-continuum")
    below.set(xlabel="wavelength at rest (Angstrom, vacuum)", ylabel="residual")
    return SPECTRUM_CAPTION, _svg(figure, SPECTRUM_CAPTION)


def _panels(
    top: Axes, bottom: Axes, seen: np.ndarray, model: np.ndarray, clean: np.ndarray
) -> None:
    """Spectrum and reconstruction above, their difference below,
    the clean windows shaded in both.
    """
    top.plot(WAVELENGTH, seen, lw=0.5, color="k", label="spectrum")
    top.plot(WAVELENGTH, model, lw=0.7, color="C1", label="reconstruction without emission")
    bottom.plot(WAVELENGTH, seen - model, lw=0.5, color="k")
    for axes in (top, bottom):
        _shade(axes, clean, "C0", "clean windows")


def _shade(axes: Axes, where: np.ndarray, colour: str, label: str) -> None:
    across = axes.get_xaxis_transform()
    axes.fill_between(
        WAVELENGTH, 0, 1, where=where, color=colour, alpha=0.12, lw=0, transform=across, label=label
    )


def _zoom(
    top: Axes, bottom: Axes, seen: np.ndarray, model: np.ndarray, halpha: float, halfwidth: float
) -> None:
    """Halpha, with the window in which the excess is taken."""
    inside = np.abs(WAVELENGTH - halpha) < 6 * halfwidth
    for axes, values in (
        (top, np.concatenate([seen[inside], model[inside]])),
        (bottom, (seen - model)[inside]),
    ):
        _shade(axes, np.abs(WAVELENGTH - halpha) < halfwidth, "C3", "")
        good = values[np.isfinite(values)]
        if len(good):
            margin = 0.1 * (np.ptp(good) or 1)
            axes.set_ylim(good.min() - margin, good.max() + margin)
    top.set(xlim=(halpha - 6 * halfwidth, halpha + 6 * halfwidth), title="Halpha")


def distance_drawing(con: duckdb.DuckDBPyConnection, specid: str) -> tuple[str, str]:
    """A caption, and as SVG both terms and what was used, each to its own maximum."""
    rows = (
        con.sql(query_text("explain/distance_terms"), params={"specid": specid})
        .to_arrow_table()
        .to_pylist()
    )
    if not rows:
        return "No distance.", ""
    star = {name: np.nan if v is None else float(v) for name, v in rows[0].items()}
    d = np.geomspace(star["dis_low"] / 3, star["dis_high"] * 3, 800)
    figure = Figure(figsize=(12, 3.2), layout="constrained")
    axes = figure.subplots()
    terms = {
        name: density
        for name, density in distance_terms(d, star).items()
        if np.isfinite(density).all()
    }
    for name, density in terms.items():
        colour, width = LINES[name]
        axes.plot(d, density, color=colour, lw=width, alpha=1.5 / width, label=name)
    for value in (star["dis_low"], star["dis"], star["dis_high"]):
        axes.axvline(value, color="0.7", lw=0.8)
    axes.set(xscale="log", xlabel="distance (kpc)", ylabel="density / maximum")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("{x:g}")
    if terms:
        axes.legend(fontsize=8)
    return DISTANCE_CAPTION, _svg(figure, DISTANCE_CAPTION)


def distance_terms(d: np.ndarray, star: dict[str, float]) -> dict[str, np.ndarray]:
    """METHOD section 7 at distances d (kpc): the spectroscopic term, that of the parallax, and what
    was used.

    Each is over its maximum, and NaN where it is missing.
    """
    left_out = {
        "spectrum": ("parallax",),
        "parallax": ("mk",),
        "used": ("mk",) if star["binary_flag"] == 1 else (),
    }
    return {name: _density(d, star, without) for name, without in left_out.items()}


def _density(d: np.ndarray, star: dict[str, float], without: tuple[str, ...]) -> np.ndarray:
    columns = (np.array([np.nan if name in without else star[name]]) for name in TERMS)
    terms, known = terms_of(*columns)
    if not known[0]:
        return np.full_like(d, np.nan)
    log_density = Terms(*(t[:, None] for t in terms)).f(np.log(d)[None], 1 / d[None])[0]
    return np.exp(log_density - log_density.max())


def _svg(figure: Figure, title: str) -> str:
    text = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "obcat"}):
        figure.savefig(text, format="svg", metadata={"Date": None})
    return f'<svg role="img" aria-label="{title}"' + text.getvalue().partition("<svg")[2]


def star_page(
    con: duckdb.DuckDBPyConnection, names: dict[str, str], heading: str, sections: Iterable[Section]
) -> str:
    """The heading, the drawings and the sections of a star as HTML; every value is escaped."""
    drawings = (spectrum_drawing(con, names["specid"]), distance_drawing(con, names["specid"]))
    body = [f"<h1>{escape(heading)}</h1>"]
    body += [
        f"<figure>{drawing}<figcaption>{escape(caption)}</figcaption></figure>"
        for caption, drawing in drawings
    ]
    body += [as_html(section) for section in sections]
    return HEAD.format(title=escape(names["star_id"])) + "\n".join(body) + "\n</body></html>\n"
