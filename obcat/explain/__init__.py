"""Why this number? Everything that made one row of the catalog, as text or as a page; which star
is meant, what each quality bit says, and why a flag is set.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import numpy as np

from obcat import models
from obcat.errors import ObcatError
from obcat.kernels.extinction import BANDS, Colours, measured, parts
from obcat.reading import Reading, has_best, open_database, query_text
from obcat.schema import SQL
from obcat.section import Section, star_text

__all__ = [
    "Found",
    "StarNotFound",
    "bits",
    "colours",
    "conditions",
    "em_reason",
    "explain",
    "find",
    "position_of",
    "resolved",
    "star_ids",
    "star_summary",
]

RADIUS = 10.0  # arcsec: a position typed from a paper has few digits
POSITION = re.compile(r"\s*([+-]?\d+(?:\.\d*)?)[\s,]+([+-]?\d+(?:\.\d*)?)\s*")
SEXAGESIMAL = re.compile(r"[\d\s:.,+hmsd°'\"′″-]*\d[\d\s:.,+hmsd°'\"′″-]*")
LIKE = 0.8  # of 1: a name less like the one given is no help
IS_BUILD = """SELECT 1 FROM duckdb_tables() WHERE database_name = current_database()
    AND schema_name || '.' || table_name = 'sample.visits'"""
GAIA = re.compile(r"\s*(?:gaia\s*dr2\s*)?(\d{6,19})\s*", re.IGNORECASE)
BY_GAIA = (
    "SELECT specid, star_id, 'Gaia DR2 id' FROM sample.stars WHERE source_id = $id ORDER "
    "BY star_id LIMIT 1"
)
BY_POSITION = """SELECT specid, star_id, 'position', meta.separation_arcsec(ra, dec, $ra, $dec) AS arcsec
    FROM sample.stars ORDER BY arcsec, star_id LIMIT 1"""


class StarNotFound(ObcatError, KeyError):
    """No star is called so, or none is there; one line that names the nearest."""

    __str__ = Exception.__str__  # a KeyError would put it in quotes


class Found(NamedTuple):
    """Parameters for the queries, and a line that says which star was found, and how."""

    names: dict[str, str]
    heading: str


def find(survey: Reading, star: str, *, resolve: bool = False) -> Found:
    """The spectrum named, or the best spectrum of the star that is meant; with ``resolve`` also of
    a name that only the network knows. Raises StarNotFound.
    """
    con = survey.con
    rows = con.execute(query_text("explain/by_name"), {"text": star.strip()}).fetchall()
    if not rows and (gaia := GAIA.fullmatch(star)):
        rows = con.execute(BY_GAIA, {"id": int(gaia.group(1))}).fetchall()
    if not rows and (position := position_of(star)):
        rows = [_near(con, *position)]
    if not rows and resolve and star.strip():
        rows = [_near(con, *resolved(star))]
    if not rows:
        raise StarNotFound(
            f"no star {star!r}: give a specid, a star_id, a Gaia DR2 id, the name of a target "
            "or 'ra dec' in degrees"
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


def resolved(name: str) -> tuple[float, float]:
    """Right ascension and declination in degrees of a name in SIMBAD, NED or VizieR; asks Sesame of
    the CDS over the network. Raises StarNotFound where there is no such name, or no network.
    """
    from astropy.coordinates import SkyCoord
    from astropy.coordinates.name_resolve import NameResolveError

    try:
        place = SkyCoord.from_name(name)
    except (NameResolveError, OSError) as error:
        if isinstance(error, NameResolveError) and "queries failed" not in str(error):
            raise StarNotFound(
                f"no star {name!r}, neither in this catalog nor in SIMBAD, NED or VizieR"
            ) from error
        raise StarNotFound(
            f"no star {name!r} in this catalog, and Sesame of the CDS does not answer: is there a "
            "network? Give a position, or try again"
        ) from error
    return float(place.ra.deg), float(place.dec.deg)


def position_of(text: str) -> tuple[float, float] | None:
    """Right ascension and declination in degrees of "92.954 22.826", "06 11 49 +22 49 33" or
    "6h11m49s 22d49m33s".

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


def star_ids(con: duckdb.DuckDBPyConnection, name: str, *, resolve: bool = False) -> list[str]:
    """The star_id of every star that has this name, or the one nearest to this position, which with
    ``resolve`` the network may give.

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
    if resolve:
        return [_nearest_star(con, *resolved(name))]
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


TITLE = "Quality: the bits set, and where sql/90_catalog/10_quality.sql sets them"


@cache
def conditions() -> dict[str, str]:
    """Name of a bit -> its condition: the list of (name,
    condition) of sql/90_catalog/10_quality.sql.
    """
    text = query_text("90_catalog/10_quality")
    listed = text.partition("unnest([")[2].partition("\n    ])")[0]
    pairs = [pair.strip()[1:-1].partition(", ") for pair in listed.split("\n        , ")]
    return {name.strip("'"): " ".join(condition.split()) for name, _, condition in pairs}


def bits(con: duckdb.DuckDBPyConnection, specid: str, everything: bool) -> Section:
    """The bits that are set, and the names of those that are not;
    or all of them, each with its condition.
    """
    found = con.execute(query_text("explain/bits"), {"specid": specid}).fetchall()
    rows = [
        [bit, name, words, conditions().get(name, "")]
        for bit, name, words, is_set in found
        if is_set
    ]
    names = ["bit", "name", "meaning", "set where"]
    unset = [name for _, name, _, is_set in found if not is_set]
    if everything:
        answer = [
            ["yes" if r[3] else "no", *r[:3], conditions().get(r[1], "")]
            for r in sorted(found, key=_is_unset)
        ]
        return Section(TITLE.replace("the bits set", "every bit"), "", ["set", *names], answer)
    return Section(TITLE, f"not set: {', '.join(unset)}", names, rows)


def _is_unset(row: tuple[int, str, str, bool]) -> bool:
    return not row[3]


NAMES = ["colour", "observed", "intrinsic", "ebv", "ebv_err", "weight"]
PHOTOMETRY = "FROM extinction.photometry WHERE star_id = $star_id"
LABELS = "SELECT teff, logg, feh FROM extinction.labels WHERE star_id = $star_id"
FLOOR = "SELECT colour_error_floor FROM meta.parameters"
LINE = "SELECT halpha_significance, em_flag, erroneous FROM emission.lines WHERE specid = $specid"


def colours(con: duckdb.DuckDBPyConnection, star_id: str) -> tuple[list[str], list[list[Any]]]:
    """A row for each colour of neighbouring bands:
    observed, intrinsic (mag), E(B-V), error, share of the mean.
    """
    photometry = con.sql(PHOTOMETRY, params={"star_id": star_id}).to_arrow_table().to_pylist()
    labels = con.execute(LABELS, {"star_id": star_id}).fetchall()
    model, law = models.arrays(con, "colours"), models.arrays(con, "coefficients")
    if not photometry or not labels or None in labels[0][:2] or not model or not law:
        return NAMES, []
    bands = tuple(
        np.array([photometry[0][band + ending]], float) for band in BANDS for ending in ("", "_err")
    )
    (floor,) = con.execute(FLOOR).fetchall()[0]
    teff, logg, feh = (np.array([x], float) for x in labels[0])
    whole = parts(model | law | models.arrays(con, "bends"))
    found = measured((teff, logg, feh), bands, floor, *whole)
    return NAMES, _rows(np.stack(bands[::2], axis=1), found)


def _rows(magnitude: np.ndarray, found: Colours) -> list[list[Any]]:
    present = found.present
    excess, slope, sigma = (
        a[0, : max(present.sum() - 1, 0)] for a in (found.excess, found.slope, found.sigma)
    )
    bands = np.flatnonzero(present[0])
    observed = -np.diff(magnitude[0, bands])
    weight = (slope / sigma) ** 2
    names = [f"{BANDS[a]} - {BANDS[b]}" for a, b in pairwise(bands)]
    numbers = (
        observed,
        observed - excess,
        excess / slope,
        sigma / np.abs(slope),
        weight / weight.sum(),
    )
    return [[name, *row] for name, row in zip(names, np.array(numbers).T.tolist(), strict=True)]


def em_reason(con: duckdb.DuckDBPyConnection, specid: str) -> str:
    """One line: why em_flag and erroneous are what they are."""
    rows = con.execute(LINE, {"specid": specid}).fetchall()
    calibration = models.arrays(con, "pca", "excess_calibration").get("excess_calibration")
    if not rows or rows[0][0] is None or calibration is None or not calibration.size:
        return (
            "em_flag is unknown: no estimate from the spectrum, or too few stars to set a threshold"
        )
    significance, em_flag, erroneous = rows[0]
    sign = ">" if significance > calibration[3] else "<="
    flags = (
        f"em_flag = {em_flag}: halpha_significance {significance:.2f} {sign} threshold "
        f"{calibration[3]:.2f}"
    )
    moved = (
        " but the residuals beside the line cancel it (a moved line)"
        if sign == ">" and not em_flag
        else ""
    )
    large = "; erroneous: a chi square above the one allowed, without emission" if erroneous else ""
    return f"{flags}{moved}{large}"


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
