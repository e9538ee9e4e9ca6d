"""The sixteen figures of the paper in order, and each as PNG and as PDF.

The same catalog gives the same bytes; what is missing is said in a box.
"""

import io
from collections.abc import Callable, Mapping
from typing import NamedTuple

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from obcat.reading import Missing, Reading
from obcat.report import binaries, distances, eigenspectra, magnitudes, reddening
from obcat.report.eigenspectra import flow
from obcat.report.style import STYLE, box

__all__ = ["FIGURES", "PDF", "Drawing", "Rendered", "draw_or_box", "image_of", "render"]

DPI = 110
BOX_SIZE = (9, 2.6)
PDF = {"Creator": None, "Producer": None, "CreationDate": None}


class Rendered(NamedTuple):
    """``missing`` says why the figure could not be drawn, or is empty."""

    png: bytes
    pdf: bytes
    missing: str


class Drawing(NamedTuple):
    """``queries`` are the files below sql/ that its numbers come from, ``size`` is in inches."""

    number: int
    title: str
    caption: str
    queries: tuple[str, ...]
    draw: Callable[[Figure, Reading], None]
    size: tuple[float, float] = (12, 5.5)


FIGURES = (
    Drawing(
        1,
        "Flow of the method",
        "Each step with the number of files, spectra or stars that it gave.",
        ("report/flow",),
        flow,
        (11, 7),
    ),
    Drawing(
        2,
        "Spectra, clean windows and reconstructions",
        "Normalised spectra of the best S/N in quarters of temperature (black) and what the "
        "coefficients of their "
        "clean windows make of them (orange); emission lines stand out. Hatched: in "
        "neither network.",
        ("report/spectra",),
        eigenspectra.examples,
        (13, 7.5),
    ),
    Drawing(
        3,
        "Flux excess at Hα against χ²",
        "Every spectrum. Left: mean residual over the core of Hα; right: the "
        "same over its error, the scatter of ordinary stars included, with the threshold of "
        "em_flag. χ² below "
        "0.01 is drawn there.",
        ("report/lines",),
        eigenspectra.excess,
    ),
    Drawing(
        4,
        "E(B−V) against a reference",
        "Reddening from colours against the truth (simulated surveys only; no "
        "dust map is part of a build; the truth is read from the folder beside it), and "
        "against distance.",
        ("report/reddening",),
        reddening.draw_reddening,
        (14, 4.8),
    ),
    Drawing(
        5,
        "M_spec against M_geo",
        "Test stars (held out of training) with S/N > 50 and good parallaxes; σ is "
        "1.4826 MAD. The paper states 0.25 mag for stars without emission.",
        ("report/stars",),
        magnitudes.against_geometry,
        (11, 8),
    ),
    Drawing(
        6,
        "Flux-weighted gravity against absolute magnitude",
        "All stars with labels; a diagnostic, no part of the estimate.",
        ("report/stars",),
        magnitudes.gravity,
    ),
    Drawing(
        7,
        "Residual against the labels",
        "M_spec − M_geo of test stars with S/N > 50 against effective "
        "temperature, gravity and metallicity; squares are medians in bins.",
        ("report/stars",),
        magnitudes.against_labels,
        (13, 4.8),
    ),
    Drawing(
        8,
        "Noise model",
        "MCMC samples, contours hold 68 and 95 %; dashed: 16, 50 and 84 %; orange: the paper's "
        "value, where it is near. Stars without emission.",
        ("report/chain",),
        magnitudes.corner_plot,
        (9, 9),
    ),
    Drawing(
        9,
        "M_spec of composites",
        "Spectra of pairs of single stars of this survey, at one distance and added, "
        "measured as if single; left by difference, right by type of the primary. Companions "
        "are other stars of "
        "the survey; obcat evaluate --companions adds real A, F and G dwarfs.",
        ("evaluate/singles", "evaluate/coefficients"),
        binaries.composites,
    ),
    Drawing(
        10,
        "Parallax excess",
        "Left: by precision of the parallax, with a unit Gaussian. Right: against RUWE, "
        "which orbits raise.",
        ("report/stars",),
        binaries.excess,
    ),
    Drawing(
        11,
        "Distances and their errors",
        "Left: number of stars. Right: half of the interval from dis_low to "
        "dis_high over the distance (binary_flag 0), beside the parallax alone. A star "
        "whose PDF the largest distance allowed (distance_max) decides has no distance.",
        ("report/stars",),
        distances.errors,
    ),
    Drawing(
        12,
        "The Galactic plane",
        "Positions seen from the north Galactic pole.",
        ("report/stars",),
        distances.plane,
        (9, 6.8),
    ),
    Drawing(
        13,
        "LB-1 over its visits",
        "M_spec of each visit, M_geo of the star, and radial velocity. The published "
        "paper holds LB-1 to be two stars of comparable brightness; no number here is a "
        "golden result.",
        ("report/lb_1",),
        binaries.visits,
        (10, 7),
    ),
    Drawing(
        14,
        "LB-1 among all stars",
        "The plane of Figure 6.",
        ("report/lb_1", "report/stars"),
        binaries.plane,
        (9, 7),
    ),
    Drawing(
        15,
        "Erroneous spectra",
        "The largest misfits at Hα and in the clean windows among spectra with the bit "
        "erroneous and S/N > 30: large χ² without an excess. Beyond 70 % from the continuum "
        "they are cut.",
        ("report/erroneous",),
        eigenspectra.erroneous,
        (13, 6),
    ),
    Drawing(
        16,
        "Mock composite spectra",
        "Three of the composites of Figure 9 with their stars, dereddened and at one distance.",
        ("evaluate/singles", "evaluate/coefficients"),
        binaries.examples,
        (11, 8),
    ),
)


def render(drawing: Drawing, survey: Reading) -> Rendered:
    """Draw a figure; every picture says whether its survey is simulated."""
    with mpl.rc_context(STYLE):
        figure, missing = draw_or_box(drawing, survey)
        kind = "SIMULATED" if survey.simulated else "Real"
        figure.suptitle(
            f"Fig. {drawing.number}: {drawing.title} ({kind} survey “{survey.name}”)", fontsize=13
        )
        png = image_of(figure, "png", {"Software": None})
        figure.set_layout_engine("none")  # the places found for the PNG are those of the PDF
        return Rendered(png, image_of(figure, "pdf", PDF), missing)


def draw_or_box(drawing: Drawing, survey: Reading) -> tuple[Figure, str]:
    try:
        figure = _blank(drawing.size)
        drawing.draw(figure, survey)
        return figure, ""
    except Missing as missing:
        figure = _blank(BOX_SIZE)
        box(figure, str(missing))
        return figure, str(missing)


def _blank(size: tuple[float, float]) -> Figure:
    figure = Figure(figsize=size, dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def image_of(figure: Figure, form: str, metadata: Mapping[str, str | None]) -> bytes:
    out = io.BytesIO()
    figure.savefig(out, format=form, metadata=metadata)
    return out.getvalue()
