"""The report: figures and numbers beside the paper's, as one page; and for a printer: a page of
numbers, a page a figure at its size in a journal, and what `obcat evaluate` says.
"""

import base64
import csv
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any, NamedTuple

import jinja2
import matplotlib as mpl
import numpy as np
from markupsafe import Markup, escape
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure

from obcat import reading
from obcat.errors import ObcatError
from obcat.evaluate import STARS, STATED, Number, from_catalog
from obcat.evaluate.evaluation import EvaluateError, Evaluation, evaluation
from obcat.files import publishing_folder, refusal
from obcat.reading import Missing, NotOurs, Reading, open_database, query_text
from obcat.report import STYLE, WIDTH, box, plain
from obcat.report.figures import PDF, Drawing, Rendered, figures_of, render
from obcat.section import Section, as_text, decimals, percent

__all__ = [
    "Judged",
    "ReportError",
    "count_row",
    "fraction_row",
    "judgements",
    "report",
    "report_html",
    "report_tables",
    "size_row",
    "value_row",
    "verdict",
    "write_pages",
]

SHEET = (8.27, 11.69)  # inches, A4
EDGE = (SHEET[0] - WIDTH) / 2
TOP = 1.0  # inches, where a figure begins
LINES, WORDS = 88, 112  # of a page; characters of a line of a caption
SMALL: Any = {"family": "DejaVu Sans Mono", "fontsize": 6.2, "va": "top", "linespacing": 1.15}


def write_pages(
    path: Path, survey: Reading, drawings: Sequence[Drawing], sections: Sequence[Section]
) -> None:
    """Write the report as one PDF of A4 pages; the same catalog gives the same bytes."""
    with mpl.rc_context(STYLE), PdfPages(path, metadata=dict(PDF)) as pages:
        texts = as_text(sections, survey.heading).splitlines()
        for page in (*_text_pages(texts, survey), *(_sheet(d, survey) for d in drawings)):
            page.savefig(pages, format="pdf")


def _blank(survey: Reading) -> Figure:
    figure = Figure(figsize=SHEET)
    FigureCanvasAgg(figure)
    kind = "SIMULATED" if survey.simulated else "Real"
    said = f"obcat report: {kind} survey “{survey.name}”"
    figure.text(EDGE / SHEET[0], 1 - 0.5 / SHEET[1], said, fontweight="bold")
    return figure


def _text_pages(lines: list[str], survey: Reading) -> Iterator[Figure]:
    for first in range(0, len(lines), LINES):
        figure = _blank(survey)
        text = "\n".join(lines[first : first + LINES])
        figure.text(EDGE / SHEET[0], 1 - 0.8 / SHEET[1], text, parse_math=False, **SMALL)
        yield figure


def _sheet(drawing: Drawing, survey: Reading) -> Figure:
    """A figure at its own size, its caption below."""
    wide, high = drawing.size
    figure = _blank(survey)
    left, bottom = (SHEET[0] - wide) / 2 / SHEET[0], 1 - (TOP + high) / SHEET[1]
    place = (left, bottom, wide / SHEET[0], high / SHEET[1])
    figure.set_layout_engine("constrained", rect=place)
    try:
        drawing.draw(figure, survey)
    except Missing as missing:
        box(figure, str(missing))
    if figure.get_layout_engine() is None:
        _moved(figure, place)
    words = f"Figure {drawing.number}: {plain(drawing.title)}. {drawing.caption}"
    said = re.sub(r"\b([Mασ])_(\w+)", r"$\1_{\\rm \2}$", "\n".join(wrap(words, WORDS)))
    figure.text(EDGE / SHEET[0], bottom - 0.2 / SHEET[1], said, va="top")
    return figure


def _moved(figure: Figure, place: tuple[float, float, float, float]) -> None:
    """Axes that were put by hand on the whole page, into their place."""
    left, bottom, wide, high = place
    for axes in figure.axes:
        x, y, w, h = axes.get_position().bounds
        axes.set_position((left + x * wide, bottom + y * high, w * wide, h * high))


Drawn = list[tuple[Drawing, Rendered]]

COUNT = 0.05  # tolerance of a count, relative: assumed
UNKNOWN, WITHIN, OUTSIDE, UNJUDGED = "not known", "within", "outside", "not judged"


class Judged(NamedTuple):
    """A row of the table, as text; ``verdict`` is within, outside, not known or not judged."""

    what: str
    paper: str
    here: str
    tolerance: str
    verdict: str


def judgements(survey: Reading) -> list[Judged]:
    """Counts as they are for a real survey, as fractions of all stars for a simulated one;
    then the other numbers.
    """
    found = from_catalog(survey.con)
    as_count = fraction_row if survey.simulated else count_row
    return [
        size_row(found["stars"], survey.simulated),
        *(as_count(n, found[n.name], found["stars"]) for n in STATED.values() if n.kind == "stars"),
        *(value_row(n, found[n.name]) for n in STATED.values() if n.kind != "stars"),
    ]


def size_row(n: float, simulated: bool) -> Judged:
    if simulated:
        return Judged(
            "stars",
            f"{STARS:,}",
            f"{n:,.0f}",
            "the size of a simulated survey is an option",
            UNJUDGED,
        )
    return count_row(Number("stars", "stars", STARS, "stars", COUNT, "Table 1"), n, n)


def count_row(of: Number, here: float, _stars: float) -> Judged:
    judgement = verdict(here / of.value, 1, COUNT)
    return Judged(of.what, f"{of.value:,}", f"{here:,.0f}", f"± {percent(COUNT, 0)}", judgement)


def fraction_row(of: Number, here: float, stars: float) -> Judged:
    expected, part = of.value / STARS, here / stars if stars else np.nan
    shown = f"{percent(part)} ({here:,.0f} of {stars:,.0f})"
    return Judged(f"{of.what}, as a fraction of all stars",
        f"{percent(expected)} ({of.value:,} of {STARS:,})", shown,
        f"± {100 * of.tolerance:.0f} points", verdict(part, expected, of.tolerance))  # fmt: skip


def value_row(of: Number, here: float) -> Judged:
    if of.kind == "part":
        shown = (percent(of.value, 0), percent(here), f"± {100 * of.tolerance:.0f} points")
    else:
        shown = (decimals(of.value, 2), decimals(here), f"± {of.tolerance:.2f}")
    return Judged(of.what, *shown, verdict(here, of.value, of.tolerance))


def verdict(here: float, paper: float, tolerance: float) -> str:
    if not np.isfinite(here):
        return UNKNOWN
    return WITHIN if abs(here - paper) <= tolerance else OUTSIDE


TEMPLATES = Path(__file__).parent / "templates"
KIND = "report"
LAST = 16  # figure of the paper; those beyond are of best mode
TABLES = ("quarantine", "rejected", "quality", "provenance", "models")


class ReportError(ObcatError, ValueError):
    """There is nothing to report on, or nowhere to write; one line."""


def report(database: Path, out: Path, form: str = "html") -> list[Path]:
    """Write the folder ``out``: index.html, or report.pdf where ``form`` is pdf, and the figures
    with what they draw as CSV; the same database gives the same bytes.

    It appears by one rename, in place of an earlier report. Raises ReportError if ``database`` is
    not one of obcat build, or ``out`` cannot be written or holds what is not of a report.
    """
    try:
        with (
            open_database(database, memory_limit="2GB") as survey,
            publishing_folder(out, KIND) as partial,
        ):
            drawn = [(drawing, render(drawing, survey)) for drawing in figures_of(survey)]
            names = _write(partial, drawn)
            (_write_pdf if form == "pdf" else _write_html)(partial, survey, drawn)
    except NotOurs as error:
        raise ReportError(str(error)) from error
    except OSError as error:
        raise ReportError(refusal(out, error)) from error
    return [out / name for name in (f"{'report' if form == 'pdf' else 'index'}.{form}", *names)]


def _write_html(out: Path, survey: Reading, drawn: Drawn) -> None:
    filled = report_tables(survey) | {"evaluation": _evaluated(survey)}
    (out / "index.html").write_text(report_html(survey, drawn, filled), encoding="utf-8")


def _write_pdf(out: Path, survey: Reading, drawn: Drawn) -> None:

    columns = ("paper", "here", "tolerance", "")
    compared = Section("the paper's numbers", "", columns, judgements(survey))
    found = _evaluated(survey)
    sections = [compared, *(found.sections if found else [])]
    write_pages(out / "report.pdf", survey, [drawing for drawing, _ in drawn], sections)


def _evaluated(survey: Reading) -> Evaluation | None:
    """What `obcat evaluate` says, where the truth of a simulated survey stands beside the
    database; else nothing.
    """
    try:
        return evaluation(survey) if survey.simulated else None
    except EvaluateError:
        return None


def _write(out: Path, drawn: Drawn) -> list[str]:
    """The figures as PNG and PDF, what each draws as CSV, and what its panels show."""
    axes = [(d.number, *panel) for d, r in drawn for panel in r.panels]
    contents = {"figures.csv": _csv(("figure", "panel", "x", "y"), axes)}
    for drawing, rendered in drawn:
        contents[f"figure_{drawing.number:02d}.png"] = rendered.png
        contents[f"figure_{drawing.number:02d}.pdf"] = rendered.pdf
        contents[f"figure_{drawing.number:02d}.csv"] = rendered.data.encode()
    for name, content in contents.items():
        (out / name).write_bytes(content)
    return sorted(contents)


def _csv(head: tuple[str, ...], rows: Sequence[tuple[int | str, ...]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([head, *rows])
    return out.getvalue().encode()


def report_tables(survey: Reading) -> dict[str, Any]:
    """The tables of the page, by the names that its template knows them by."""
    return {
        "compared": judgements(survey),
        "tables": {name: _table(survey, name) for name in TABLES},
        "parameters": _parameters(survey),
    }


def report_html(survey: Reading, drawn: Drawn, filled: dict[str, Any]) -> str:
    """The page as text; every value is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True,
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["symbols"] = _symbols
    return environment.get_template("report.html").render(
        survey=survey,
        kind="SIMULATED" if survey.simulated else "real",
        figures=[_figure(drawing, rendered) for drawing, rendered in drawn],
        **filled,
    )


def _symbols(text: str) -> Markup:
    """M_spec and R_V as one writes them."""
    return Markup(re.sub(r"\b([MRTασ])_(\w+)", r"<i>\1</i><sub>\2</sub>", str(escape(text))))


def _figure(drawing: Drawing, rendered: Rendered) -> dict[str, Any]:
    return {
        "number": drawing.number,
        "title": drawing.title,
        "best": drawing.number > LAST,
        "caption": drawing.caption,
        "missing": rendered.missing,
        "queries": [(name, query_text(name)) for name in drawing.queries],
        "inches": drawing.size[0],
        "source": "data:image/png;base64," + base64.b64encode(rendered.png).decode("ascii"),
    }


def _table(survey: Reading, query: str) -> dict[str, Any]:
    relation = survey.con.sql(query_text(f"report/{query}"))
    return {"columns": relation.columns, "rows": relation.fetchall()}


def _parameters(survey: Reading) -> list[tuple[str, str, str, str]]:
    """Name, value, paper or assumed, and what it is."""
    notes = survey.con.sql(query_text("report/parameters")).fetchall()
    values = reading.method_parameters(survey.con).values()
    split = [
        (name, value, *note.partition(":")[::2])
        for (name, note), value in zip(notes, values, strict=True)
    ]
    return [
        (name, f"{value:.9g}", status.strip(), note.strip()) for name, value, status, note in split
    ]
