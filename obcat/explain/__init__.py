"""Why this number? Everything that made one row of the catalog, as text."""

from pathlib import Path

import duckdb

from obcat.explain.colours import colours
from obcat.explain.limits import em_reason
from obcat.explain.quality import bits_set
from obcat.explain.star import StarNotFound, find
from obcat.explain.text import as_lines, as_table
from obcat.query import lock_down, opened
from obcat.schema import SQL

__all__ = ["StarNotFound", "explain"]


def explain(database: Path, star: str, *, html: bool = False) -> str:
    """A summary of one star, as text or as one HTML page with drawings.

    A star is a specid, a star_id, a Gaia DR2 id, a name in the list of targets, or "ra dec" in degrees.

    Raises StarNotFound where there is no such star, obcat.query.QueryRefused where there is no database.
    """
    with opened(database) as con:
        lock_down(con)
        found = find(con, star)
        quality = as_table(*bits_set(con, found.names["specid"]))
        parts = [found.heading, f"Quality: the bits set, and where sql/90_catalog/10_quality.sql sets them\n{quality}"]
        for path in sorted((SQL / "explain").glob("*.sql")):
            parts.append(section(con, path.read_text(encoding="utf-8"), found.names))
            if path.stem in DERIVED:
                parts.append(DERIVED[path.stem](con, found.names))
        if html:
            from obcat.explain.page import page

            return page(con, found.names, parts)
    return "\n\n".join(parts) + "\n"


def section(con: duckdb.DuckDBPyConnection, text: str, names: dict[str, str]) -> str:
    """The title of a query and its answer: the names it asks for are those of the star."""
    cursor = con.execute(text, {name: value for name, value in names.items() if f"${name}" in text} or None)
    columns = [d[0] for d in cursor.description or ()]
    show = as_lines if "-- Grain:   one row.\n" in text else as_table
    return f"{title(text)}\n{show(columns, cursor.fetchall())}"


def colour_section(con: duckdb.DuckDBPyConnection, names: dict[str, str]) -> str:
    return f"Colours; the weights are (slope / error)^2, their sum 1\n{as_table(*colours(con, names['star_id']))}"


def emission_section(con: duckdb.DuckDBPyConnection, names: dict[str, str]) -> str:
    return em_reason(con, names["specid"])


def title(text: str) -> str:
    return text.partition("\n")[0].removeprefix("-- Title:").strip()


# what no query can tell, and after which query it comes
DERIVED = {"40_emission": emission_section, "50_reddening": colour_section}
