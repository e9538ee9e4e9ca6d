"""`obcat report`: one page that holds everything, and its figures as PDF and PNG."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jinja2

from obcat import reading
from obcat.errors import ObcatError
from obcat.evaluate.evaluation import EvaluateError, Evaluation, evaluation
from obcat.reading import NotOurs, Reading, open_database, query_text
from obcat.report.beside_paper import judgements
from obcat.report.figures import FIGURES, Drawing, Rendered, render

__all__ = ["ReportError", "report", "report_html", "report_tables"]

TEMPLATES = Path(__file__).parent / "templates"
TABLES = ("quarantine", "rejected", "quality", "provenance", "models")


class ReportError(ObcatError, ValueError):
    """There is nothing to report on, or nowhere to write; one line."""


def report(database: Path, out: Path) -> list[Path]:
    """Write ``out``/index.html and figures; the same database gives the same bytes.

    Raises ReportError if ``database`` is not one of obcat build or ``out`` cannot be written.
    """
    try:
        with open_database(database, memory_limit="800MB") as survey:
            with _one_line_errors(out):
                out.mkdir(parents=True, exist_ok=True)
            drawn = [(drawing, render(drawing, survey)) for drawing in FIGURES]
            html = report_html(
                survey, drawn, report_tables(survey) | {"evaluation": _evaluated(survey)}
            )
    except NotOurs as error:
        raise ReportError(str(error)) from error
    with _one_line_errors(out):
        return list(_write(out, drawn, html))


@contextmanager
def _one_line_errors(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ReportError(
            f"{out}: {error.strerror or error}; choose a folder that can be written"
        ) from error


def _evaluated(survey: Reading) -> Evaluation | None:
    """What `obcat evaluate` says, where the truth of a simulated survey stands beside the database; else nothing."""
    try:
        return evaluation(survey) if survey.simulated else None
    except EvaluateError:
        return None


def _write(out: Path, drawn: list[tuple[Drawing, Rendered]], html: str) -> Iterator[Path]:
    for drawing, rendered in drawn:
        for form, content in (("png", rendered.png), ("pdf", rendered.pdf)):
            path = out / f"figure_{drawing.number:02d}.{form}"
            path.write_bytes(content)
            yield path
    index = out / "index.html"
    index.write_text(html, encoding="utf-8")
    yield index


def report_tables(survey: Reading) -> dict[str, Any]:
    """The tables of the page, by the names that its template knows them by."""
    return {
        "compared": judgements(survey),
        "tables": {name: _table(survey, name) for name in TABLES},
        "parameters": _parameters(survey),
    }


def report_html(
    survey: Reading, drawn: list[tuple[Drawing, Rendered]], filled: dict[str, Any]
) -> str:
    """The page as text; every value is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template("report.html").render(
        survey=survey,
        kind="SIMULATED" if survey.simulated else "real",
        figures=[_figure(drawing, rendered) for drawing, rendered in drawn],
        **filled,
    )


def _figure(drawing: Drawing, rendered: Rendered) -> dict[str, Any]:
    return {
        "number": drawing.number,
        "title": drawing.title,
        "caption": drawing.caption,
        "missing": rendered.missing,
        "queries": [(name, query_text(name)) for name in drawing.queries],
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
