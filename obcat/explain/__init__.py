"""Why this number? Everything that made one row of the catalog, as text or as a page."""

from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb

from obcat.explain.reasons import StarNotFound, bits, colours, em_reason, find
from obcat.reading import Reading, has_best, open_database
from obcat.schema import SQL
from obcat.section import Section, star_text

__all__ = ["StarNotFound", "explain", "star_summary"]

Names = dict[str, str]


def explain(database: Path, star: str, *, html: bool = False, resolve: bool = False) -> str:
    """A summary of one star, as text or as one HTML page with drawings.

    A star is a specid, a star_id, a Gaia id, a name in the list of targets, a LAMOST
    designation, or a position, in degrees or sexagesimal; with ``resolve`` also a name in SIMBAD,
    NED or VizieR, for which the network is asked.

    Raises StarNotFound where there is no such star, obcat.reading.NotOurs where there is no
    database of ours.
    """
    with open_database(database) as survey:
        return star_summary(survey, star, html=html, resolve=resolve)


def star_summary(survey: Reading, star: str, *, html: bool = False, resolve: bool = False) -> str:
    """The same of a database that is open already."""
    con = survey.con
    found = find(survey, star, resolve=resolve)
    answers = [bits(con, found.names["specid"], html), *_sections(con, found.names)]
    if html:
        from obcat.explain.drawing import star_page

        return star_page(con, found.names, found.heading, answers)
    return "\n\n".join([found.heading, *map(star_text, answers)]) + "\n"


def _sections(con: duckdb.DuckDBPyConnection, names: Names) -> Iterator[Section]:
    """The answers to the queries of sql/explain, in the order of the method,
    and what no query can tell; those about best mode only where it was run.
    """
    best = has_best(con)
    for path in sorted((SQL / "explain").glob("[0-9][0-9]_*.sql")):
        text = path.read_text(encoding="utf-8")
        if "-- Mode:    best\n" in text and not best:
            continue
        yield _asked(con, text, names)
        if path.stem in DERIVED:
            yield DERIVED[path.stem](con, names)


def _asked(con: duckdb.DuckDBPyConnection, text: str, names: Names) -> Section:
    """The title of a query and its answer: the names it asks for are those of the star."""
    cursor = con.execute(
        text, {name: value for name, value in names.items() if f"${name}" in text} or None
    )
    columns = [d[0] for d in cursor.description or ()]
    return Section(
        _title(text), "", columns, cursor.fetchall(), alone="-- Grain:   one row.\n" in text
    )


def _title(text: str) -> str:
    return text.partition("\n")[0].removeprefix("-- Title:").strip()


def _colour_section(con: duckdb.DuckDBPyConnection, names: Names) -> Section:
    title = "E(B-V) colour by colour; the weights are (slope / error)^2, their sum 1"
    return Section(title, "", *colours(con, names["star_id"]))


def _emission_section(con: duckdb.DuckDBPyConnection, names: Names) -> Section:
    return Section("What set em_flag and erroneous", note=em_reason(con, names["specid"]))


# what no query can tell, and after which query it comes
DERIVED: dict[str, Callable[[duckdb.DuckDBPyConnection, Names], Section]] = {
    "40_emission": _emission_section,
    "50_reddening": _colour_section,
}
