"""Which star is meant: by spectrum, name, Gaia identifier or position."""

import re
from typing import NamedTuple

import duckdb

from obcat.errors import ObcatError
from obcat.reading import Reading, query_text

__all__ = ["Found", "StarNotFound", "find", "position_of", "star_ids"]

RADIUS = 10.0  # arcsec: a position typed from a paper has few digits
POSITION = re.compile(r"\s*([+-]?\d+(?:\.\d*)?)[\s,]+([+-]?\d+(?:\.\d*)?)\s*")
SEXAGESIMAL = re.compile(r"[\d\s:.,+hmsd°'\"′″-]*\d[\d\s:.,+hmsd°'\"′″-]*")
LIKE = 0.8  # of 1: a name less like the one given is no help
IS_BUILD = """SELECT 1 FROM duckdb_tables() WHERE database_name = current_database()
    AND schema_name || '.' || table_name = 'sample.visits'"""
GAIA = re.compile(r"\s*(?:gaia\s*dr2\s*)?(\d{6,19})\s*", re.IGNORECASE)
BY_GAIA = "SELECT specid, star_id, 'Gaia DR2 id' FROM sample.stars WHERE source_id = $id ORDER BY star_id LIMIT 1"
BY_POSITION = """SELECT specid, star_id, 'position', meta.separation_arcsec(ra, dec, $ra, $dec) AS arcsec
    FROM sample.stars ORDER BY arcsec, star_id LIMIT 1"""


class StarNotFound(ObcatError, KeyError):
    """No star is called so, or none is there; one line that names the nearest."""

    __str__ = Exception.__str__  # a KeyError would put it in quotes


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
    if not rows and (position := position_of(star)):
        rows = [_near(con, *position)]
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


def position_of(text: str) -> tuple[float, float] | None:
    """Right ascension and declination in degrees of "92.954 22.826", "06 11 49 +22 49 33" or "6h11m49s 22d49m33s".

    None where the text is no position: it has letters other than units, or is not in range.
    """
    if found := POSITION.fullmatch(text):
        ra, dec = float(found.group(1)), float(found.group(2))
        return (ra, dec) if 0 <= ra <= 360 and abs(dec) <= 90 else None
    if not SEXAGESIMAL.fullmatch(text):
        return None
    from astropy.coordinates import SkyCoord

    try:
        place = SkyCoord(text.strip(), unit=("hourangle", "deg"))
    except ValueError:
        return None
    return float(place.ra.deg), float(place.dec.deg)


def star_ids(con: duckdb.DuckDBPyConnection, name: str) -> list[str]:
    """The star_id of every star that has this name, or the one nearest to this position.

    More than one only where a list of targets, or Gaia's identifier, names several. Raises
    StarNotFound, with the nearest name or star.
    """
    name = " ".join(name.split())
    whole = con.execute(IS_BUILD).fetchall() != []
    for query in ("by_catalog", "by_target")[: 1 + whole]:
        if rows := con.execute(query_text(f"star/{query}"), {"name": name}).fetchall():
            return [star_id for (star_id,) in rows]
    if position := position_of(name):
        return [_nearest_star(con, *position)]
    raise StarNotFound(f"no star {name!r}{_nearest_name(con, name, whole)}")


def _nearest_star(con: duckdb.DuckDBPyConnection, ra: float, dec: float) -> str:
    rows = con.execute(query_text("star/by_position"), {"ra": ra, "dec": dec}).fetchall()
    if rows and rows[0][1] <= RADIUS:
        return str(rows[0][0])
    raise StarNotFound(
        f"no star within {RADIUS:g} arcsec of {ra:.6f} {dec:.6f}"
        + (f"; the nearest, {rows[0][0]}, is {rows[0][1]:.1f} arcsec away" if rows else "")
    )


def _nearest_name(con: duckdb.DuckDBPyConnection, name: str, whole: bool) -> str:
    """'; did you mean x?', or nothing where no name is like it."""
    queries = ("nearest_name", "nearest_target")[: 1 + whole]
    found = [
        row
        for query in queries
        for row in con.execute(query_text(f"star/{query}"), {"name": name}).fetchall()
    ]
    like = [(likeness, text) for text, likeness in found if likeness >= LIKE]
    return f"; did you mean {max(like)[1]!r}?" if like else ""
