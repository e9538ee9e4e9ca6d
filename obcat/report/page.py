"""`obcat report`: one page that holds everything, and its figures as PDF and PNG."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import jinja2

from obcat import db
from obcat.errors import ObcatError
from obcat.report.evaluate import EvaluateError, Evaluation
from obcat.report.evaluate import evaluation as evaluated
from obcat.report.gallery.listing import FIGURES, Drawing
from obcat.report.gallery.render import Rendered, render
from obcat.report.gallery.survey import Survey, text_of
from obcat.report.published import compare

__all__ = ["ReportError", "report"]

TEMPLATES = Path(__file__).parent / "templates"
TABLES = ("quarantine", "rejected", "quality", "provenance", "models")


class ReportError(ObcatError, ValueError):
    """There is nothing to report on, or nowhere to write; one line."""


def report(database: Path, out: Path) -> list[Path]:
    """Write ``out``/index.html and figures; the same database gives the same bytes.

    Raises ReportError if ``database`` is not one of obcat build or ``out`` cannot be written.
    """
    with db.connect(database, read_only=True, memory_limit="800MB") as con:
        survey = opened(con, database)
        with writing(out):
            out.mkdir(parents=True, exist_ok=True)
        drawn = [(drawing, render(drawing, survey)) for drawing in FIGURES]
        tables = filled(survey)
    html = page(survey, drawn, tables | {"evaluation": evaluation(survey, database)})
    with writing(out):
        return list(written(out, drawn, html))


@contextmanager
def writing(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ReportError(f"{out}: {error.strerror or error}; choose a folder that can be written") from error


def evaluation(survey: Survey, database: Path) -> Evaluation | None:
    """What `obcat evaluate` says, where the truth of a simulated survey stands beside the database; else nothing."""
    if not survey.simulated:
        return None
    try:
        return evaluated(database, survey.truth)
    except EvaluateError:
        return None


def opened(con: duckdb.DuckDBPyConnection, database: Path) -> Survey:
    try:
        name, simulated = con.execute("SELECT name, simulated FROM meta.survey").fetchall()[0]
        con.execute("SELECT count(*) FROM catalog.ob_stars").fetchall()
    except (duckdb.Error, IndexError) as error:
        raise ReportError(f"{database}: is no database of obcat build, or it has no catalog") from error
    return Survey(con, name, simulated == 1, database.parent / "truth")


def written(out: Path, drawn: list[tuple[Drawing, Rendered]], html: str) -> Iterator[Path]:
    for drawing, rendered in drawn:
        for form, content in (("png", rendered.png), ("pdf", rendered.pdf)):
            path = out / f"figure_{drawing.number:02d}.{form}"
            path.write_bytes(content)
            yield path
    index = out / "index.html"
    index.write_text(html, encoding="utf-8")
    yield index


def filled(survey: Survey) -> dict[str, Any]:
    """The tables of the page, by the names that its template knows them by."""
    return {
        "compared": compare(survey),
        "tables": {name: table(survey, name) for name in TABLES},
        "parameters": parameters(survey),
    }


def page(survey: Survey, drawn: list[tuple[Drawing, Rendered]], tables: dict[str, Any]) -> str:
    """The page as text; every value is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template("report.html").render(
        survey=survey,
        kind="SIMULATED" if survey.simulated else "real",
        figures=[figure(drawing, rendered) for drawing, rendered in drawn],
        **tables,
    )


def figure(drawing: Drawing, rendered: Rendered) -> dict[str, Any]:
    return {
        "number": drawing.number,
        "title": drawing.title,
        "caption": drawing.caption,
        "missing": rendered.missing,
        "queries": [(name, text_of(name)) for name in drawing.queries],
        "source": "data:image/png;base64," + base64.b64encode(rendered.png).decode("ascii"),
    }


def table(survey: Survey, query: str) -> dict[str, Any]:
    relation = survey.con.sql(text_of(query))
    return {"columns": relation.columns, "rows": relation.fetchall()}


def parameters(survey: Survey) -> list[tuple[str, str, str, str]]:
    """Name, value, paper or assumed, and what it is."""
    notes = survey.con.sql(text_of("parameters")).fetchall()
    values = survey.con.sql("FROM meta.parameters").fetchall()[0]
    split = [(name, value, *note.partition(":")[::2]) for (name, note), value in zip(notes, values, strict=True)]
    return [(name, f"{value:.9g}", status.strip(), note.strip()) for name, value, status, note in split]
