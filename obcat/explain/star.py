"""Which star is meant: by spectrum, name, Gaia identifier or position."""

import re
from typing import NamedTuple

import duckdb

from obcat.errors import ObcatError
from obcat.reading import Reading, query_text

__all__ = ["Found", "StarNotFound", "find"]

RADIUS = 10.0  # arcsec: a position typed from a paper has few digits
POSITION = re.compile(r"\s*([+-]?\d+(?:\.\d*)?)[\s,]+([+-]?\d+(?:\.\d*)?)\s*")
GAIA = re.compile(r"\s*(?:gaia\s*dr2\s*)?(\d{6,19})\s*", re.IGNORECASE)
BY_GAIA = "SELECT specid, star_id, 'Gaia DR2 id' FROM sample.stars WHERE source_id = $id ORDER BY star_id LIMIT 1"
BY_POSITION = """SELECT specid, star_id, 'position', meta.separation_arcsec(ra, dec, $ra, $dec) AS arcsec
    FROM sample.stars ORDER BY arcsec, star_id LIMIT 1"""


class StarNotFound(ObcatError):
    """No star is called so, or none is there; one line."""


class Found(NamedTuple):
    """Parameters for the queries, and a line that says which star was found, and how."""

    names: dict[str, str]
    heading: str


def find(survey: Reading, star: str) -> Found:
    """The spectrum named, or the best spectrum of the star that is meant. Raises StarNotFound."""
    con = survey.con
    rows = con.execute(query_text("explain/by_name"), {"text": star.strip()}).fetchall()
    if not rows and (gaia := GAIA.fullmatch(star)):
        rows = con.execute(BY_GAIA, {"id": int(gaia.group(1))}).fetchall()
    if not rows and (position := POSITION.fullmatch(star)):
        rows = [_near(con, float(position.group(1)), float(position.group(2)))]
    if not rows:
        raise StarNotFound(
            f"no star {star!r}: give a specid, a star_id, a Gaia DR2 id, the name of a target or 'ra dec' in degrees"
        )
    specid, star_id, way = rows[0]
    note = " (SIMULATED: this star does not exist)" if survey.simulated else ""
    return Found(
        {"specid": specid, "star_id": star_id},
        f"{star_id}, spectrum {specid}, found by {way}{note}",
    )


def _near(con: duckdb.DuckDBPyConnection, ra: float, dec: float) -> tuple[str, str, str]:
    rows = con.execute(BY_POSITION, {"ra": ra, "dec": dec}).fetchall()
    if not rows or rows[0][3] > RADIUS:
        nearest = f"; the nearest, {rows[0][1]}, is {rows[0][3]:.1f} arcsec away" if rows else ""
        raise StarNotFound(f"no star within {RADIUS:g} arcsec of {ra} {dec}{nearest}")
    return rows[0][0], rows[0][1], f"position, {rows[0][3]:.2f} arcsec away"
