"""The sixteen figures of the paper in order, those of best mode, and each as PNG and as PDF.

The same catalog gives the same bytes; what is missing is said in a box.
"""

import io
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from obcat.evaluate import paper_text
from obcat.reading import Missing, Reading, has_best
from obcat.report import (
    COLUMN,
    STYLE,
    WIDTH,
    best_mode,
    binaries,
    box,
    distances,
    drawn_table,
    eigenspectra,
    magnitudes,
    panels,
)
from obcat.report.eigenspectra import flow

__all__ = [
    "BEST_FIGURES",
    "FIGURES",
    "PDF",
    "Drawing",
    "Rendered",
    "draw_or_box",
    "figures_of",
    "image_of",
    "mark_simulated",
    "render",
]

DPI = 200
BOX_HEIGHT = 1.8
PDF = {"Creator": None, "Producer": None, "CreationDate": None}


class Rendered(NamedTuple):
    """``missing`` says why the figure could not be drawn, or is empty; ``data`` is CSV of what is
    drawn, ``panels`` number, x and y of each panel.
    """

    png: bytes
    pdf: bytes
    missing: str
    data: str = ""
    panels: tuple[tuple[int, str, str], ...] = ()


class Drawing(NamedTuple):
    """``queries`` are the files below sql/ that its numbers come from, ``size`` is in inches:
    a column of a journal wide, or its page.
    """

    number: int
    title: str
    caption: str
    queries: tuple[str, ...]
    draw: Callable[[Figure, Reading], None]
    size: tuple[float, float] = (WIDTH, 3.1)


FIGURES = (
    Drawing(
        1,
        "Flow of the method",
        "Each step of the method with the number of files, spectra or stars that came out of "
        "it in this survey. Where a number falls from one box to the next, spectra or stars "
        "were lost: no photometry, no parallax, no good spectrum; the columns that are NULL "
        "for them say which.",
        ("report/flow",),
        flow,
        (WIDTH, 4.4),
    ),
    Drawing(
        2,
        "Spectra, clean windows and reconstructions",
        "Normalised spectra of the best S/N (black) in quarters of temperature, and above "
        "them two stars that do show emission at Hα; orange is what the coefficients of their "
        "clean windows make of them. Where black and orange agree, the windows without strong "
        "lines tell the whole spectrum; emission lines are what stands above the orange line. "
        "Grey is left out of the clean windows, hatched is in neither network; on the right "
        "the same spectra at Hα.",
        ("report/spectra",),
        eigenspectra.examples,
        (WIDTH, 5.2),
    ),
    Drawing(
        3,
        "Flux excess at Hα against χ²",
        "Every spectrum of the survey; shades are the number of spectra in a cell. Left: mean "
        "residual over the core of Hα; right: the same over its error, the scatter of "
        "ordinary stars included, with the threshold above which a spectrum counts as one "
        "with emission. Ordinary stars lie about zero at χ² of 1, stars with emission rise to "
        "the upper right, and erroneous spectra are misfits without an excess. χ² below 0.01 "
        "is drawn there.",
        ("report/lines",),
        eigenspectra.excess,
        (WIDTH, 3.2),
    ),
    Drawing(
        4,
        "E(B−V) against a reference",
        "Reddening from colours against the truth, which only simulated surveys have (it is "
        "read from the folder beside the catalog; no dust map is part of a build), the "
        "difference with its median and robust scatter, and E(B−V) against distance. A real "
        "survey has the last panel only. Stars with emission lie off where the light of their "
        "discs is taken for dust.",
        ("report/reddening",),
        magnitudes.draw_reddening,
        (WIDTH, 2.5),
    ),
    Drawing(
        5,
        "M_spec against M_geo",
        "Test stars, held out of training, with S/N > 50 and good parallaxes: the magnitude "
        "from the spectrum against that from parallax, brightness and extinction, for stars "
        "without and with emission, and the difference below. σ is 1.4826 MAD; the paper "
        f"states {paper_text('scatter')} mag for stars without emission. Points "
        "below the line are brighter by parallax than by spectrum, as unresolved binaries are; "
        "without those flagged as binaries the wing on the right is gone.",
        ("report/stars",),
        magnitudes.against_geometry,
        (WIDTH, 5.0),
    ),
    Drawing(
        6,
        "Flux-weighted gravity against absolute magnitude",
        "All stars with labels, shades are the number of stars in a cell. Hot stars of one "
        "mass keep their flux-weighted gravity while they evolve, so that it goes along with "
        "luminosity; that M_spec does so too, though gravity is no part of its estimate, is a "
        "check from outside. Left by spectrum, right by parallax for those with a good one.",
        ("report/stars",),
        magnitudes.gravity,
        (WIDTH, 3.3),
    ),
    Drawing(
        7,
        "Residual against the labels",
        "M_spec − M_geo of test stars with S/N > 50 against effective temperature, gravity "
        "and metallicity; squares are medians in bins. A slope would be a luminosity that the "
        "network gives wrong for stars of a kind; most of the scatter upwards is binaries, "
        "whose parallax magnitude holds the light of two stars.",
        ("report/stars",),
        magnitudes.against_labels,
        (WIDTH, 2.7),
    ),
    Drawing(
        8,
        "Noise model",
        "Samples of the chain that fits the scatter of M_spec − M_geo: α and β, how the error "
        "of a spectrum grows as its S/N falls, the scatter σ_int that no S/N takes away, and "
        "the error σ_100 at S/N 100. Contours hold 68 and 95 % of the samples, dashed lines "
        "are 16, 50 and 84 %; the paper's value stands above the panel, and is orange in it where "
        "it is near. Stars without emission.",
        ("report/chain",),
        magnitudes.corner_plot,
        (WIDTH, 6.6),
    ),
    Drawing(
        9,
        "M_spec of composites",
        "Spectra of pairs of single stars of this survey, put at one distance and added, "
        "measured as if single. Left: by how much fainter the companion is; right: what "
        "M_spec is off by, for three kinds of primaries, with medians. Were M_spec that of "
        "the light of both, points would lie on the dashed line; near zero it is that of the "
        "primary, which is why binaries show as too close by parallax. Companions are other "
        "stars of the survey; obcat evaluate --companions adds real A, F and G dwarfs.",
        ("evaluate/singles", "evaluate/coefficients"),
        binaries.composites,
        (WIDTH, 3.4),
    ),
    Drawing(
        10,
        "Parallax excess",
        "How much larger the parallax of the spectrum is than that of Gaia, in units of both "
        "errors. Left: by precision of the parallax, with what noise alone would give; right: "
        "against RUWE, which orbits raise. Stars beyond the dotted line are flagged as "
        "binaries: two stars are brighter than the one that the spectrum tells, so that the "
        "spectrum puts them too near.",
        ("report/stars",),
        binaries.excess,
        (WIDTH, 3.1),
    ),
    Drawing(
        11,
        "Distances and their errors",
        "Left: number of stars by distance, and that of the binaries among them. Right: half "
        "of the interval of 68 % over the distance, for stars not flagged as binaries, beside "
        "the parallax alone; lines are medians. Near the Sun the parallax does it all; beyond "
        "a few kpc the spectrum keeps the error flat where that of the parallax goes on "
        "rising. Parallaxes worse than 300 %, and those below zero, count in the median and "
        "are not drawn. A star whose PDF the largest distance allowed decides has no "
        "distance.",
        ("report/stars",),
        distances.errors,
        (WIDTH, 3.1),
    ),
    Drawing(
        12,
        "The Galactic plane",
        "Stars seen from the north Galactic pole, and their heights above the plane, coloured "
        "by E(B−V): medians in cells where points would hide each other. Dotted circles are "
        "2, 4 and 6 kpc about the Sun; lines are the middles of spiral arms from masers (Reid "
        "et al. 2019). Rays that point at the Sun are fields of the survey and dust before "
        "it, not structure of the Galaxy.",
        ("report/stars",),
        distances.plane,
        (COLUMN, 4.9),
    ),
    Drawing(
        13,
        "LB-1 over its visits",
        "M_spec of each visit with its error, M_geo of the star with its own (band), and the "
        "radial velocity below. M_spec of one star should not change from visit to visit by "
        "more than its errors; the velocity of a binary does. The published paper holds LB-1 "
        "to be two stars of comparable brightness; no number here is a golden result.",
        ("report/lb_1",),
        binaries.visits,
        (COLUMN, 4.0),
    ),
    Drawing(
        14,
        "LB-1 among all stars",
        "The plane of Figure 6 with the visits of LB-1. Its spectrum puts it among stars of "
        "its gravity, its parallax where the open mark is.",
        ("report/lb_1", "report/stars"),
        binaries.plane,
        (COLUMN, 3.4),
    ),
    Drawing(
        15,
        "Erroneous spectra",
        "The largest misfits at Hα and in the clean windows among spectra with the bit "
        "erroneous and S/N > 30: large χ² without an excess, so that no emission line "
        "explains them. Beyond 70 % from the continuum both lines are cut.",
        ("report/erroneous",),
        eigenspectra.erroneous,
        (WIDTH, 5.2),
    ),
    Drawing(
        16,
        "Mock composite spectra",
        "Three of the composites of Figure 9 with their stars, dereddened and at one "
        "distance: nearly equal, unequal, very unequal in the light of the two. Lines of the "
        "companion are hard to see even where it adds half of the light; M_spec of the "
        "primary alone, and of the sum, stand in each panel.",
        ("evaluate/singles", "evaluate/coefficients"),
        binaries.examples,
        (WIDTH, 5.2),
    ),
)


BEST_FIGURES = (
    Drawing(
        17,
        "Coverage by bin",
        "How often the truth lies inside the intervals that either mode states, for the "
        "distance (left) and for the magnitude (right), in bins of what one knows of a star. "
        "Dashed: what is said, 68 and 95 %; grey: within 6 points of 68 %. A bin to the left "
        "of it has intervals that are too narrow. Of simulated surveys only: a real one has "
        "no truth.",
        ("evaluate/modes", "evaluate/pairs"),
        best_mode.coverage_by_bin,
        (WIDTH, 5.6),
    ),
    Drawing(
        18,
        "Reliability of the probability of a companion",
        "Best mode says of every star how probable the light of a companion is; here is, "
        "tenth by tenth, how many truly have one that adds more than 0.05 mag, with the error "
        "of counting. On the line, 30 % means 30 of 100. Below: how many stars are in each "
        "tenth. Of simulated surveys only.",
        ("evaluate/modes", "evaluate/pairs"),
        best_mode.reliability,
        (COLUMN, 3.6),
    ),
    Drawing(
        19,
        "Zero point of the parallax against G",
        "Means in bins of half a magnitude: the zero point that paper mode takes off all "
        "parallaxes, the one published for stars of this brightness, and the one that best "
        "mode fits with the luminosities of the survey's own stars. Where there is a truth, "
        "it is what the simulation put in. A zero point that is off by 0.02 mas makes a star "
        "at 3 kpc 6 % too near or too far.",
        ("report/both_modes", "evaluate/modes", "evaluate/pairs"),
        best_mode.zero_point_by_g,
        (COLUMN, 3.0),
    ),
    Drawing(
        20,
        "R_V over the Galactic plane",
        "The ratio of total to selective extinction that best mode fits to each star's "
        "magnitudes, for stars with E(B−V) > 0.3, above which there is dust enough to tell "
        "it: medians in cells. Single stars scatter by their error; neighbours that agree are "
        "dust.",
        ("report/both_modes",),
        best_mode.dust_map,
        (COLUMN, 5.3),
    ),
    Drawing(
        21,
        "Kinds of emission",
        "Stars whose emission best mode tells apart: discs of Be stars, winds of supergiants, "
        "nebulae in front or behind, and B[e] stars. Left: where they lie in the HR diagram, "
        "with the stars without emission in grey; winds belong to the brightest, discs to the "
        "main sequence. Right: the width of Hα of each kind.",
        ("report/both_modes",),
        best_mode.emission,
        (WIDTH, 3.3),
    ),
    Drawing(
        22,
        "Paper mode and best mode",
        "What changes from one mode to the other, star by star: magnitude, reddening and "
        "distance, with medians in bins. Best mode uses the parallax and the chance of a "
        "companion for the magnitude, so that single stars and binaries part; "
        "catalog.catalog_diff says for each star why it differs.",
        ("report/both_modes",),
        best_mode.both_modes,
        (WIDTH, 2.8),
    ),
)


def figures_of(survey: Reading) -> tuple[Drawing, ...]:
    """The paper's figures, and those of best mode where the catalog has it."""
    return (*FIGURES, *(BEST_FIGURES if has_best(survey.con) else ()))


def render(drawing: Drawing, survey: Reading) -> Rendered:
    """Draw a figure; every picture of a simulated survey says so."""
    with mpl.rc_context(STYLE):
        figure, missing = draw_or_box(drawing, survey)
        mark_simulated(figure, survey)
        data, found = drawn_table(figure), tuple(panels(figure))
        png = image_of(figure, "png", {"Software": None})
        figure.set_layout_engine("none")  # the places found for the PNG are those of the PDF
        return Rendered(png, image_of(figure, "pdf", PDF), missing, data, found)


def mark_simulated(figure: Figure, survey: Reading) -> None:
    if survey.simulated:
        look: Any = {"ha": "right", "fontsize": 7, "color": "#8B1A00"}
        figure.suptitle(f"SIMULATED survey “{survey.name}”", x=0.995, **look)


def draw_or_box(drawing: Drawing, survey: Reading) -> tuple[Figure, str]:
    try:
        figure = _blank(drawing.size)
        drawing.draw(figure, survey)
        return figure, ""
    except Missing as missing:
        figure = _blank((WIDTH, BOX_HEIGHT))
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
