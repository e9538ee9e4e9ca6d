"""What a database says of itself: its survey, its parameters, and what it has not; and a cone on
the sky in degrees, from numbers, Quantities or a SkyCoord.
"""

from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import duckdb

from obcat.db import columns_as_run
from obcat.query.isolated import Bounds, asked
from obcat.reading import CATALOG, Missing
from obcat.schema import quoted

if TYPE_CHECKING:
    from astropy.coordinates import SkyCoord
    from astropy.units import Quantity
if TYPE_CHECKING:
    import pyarrow as pa
    from astropy.table import Table

__all__ = [
    "ParameterUsed",
    "answer_apart",
    "astropy_of",
    "cone_in_degrees",
    "declared_rows",
    "require_table",
    "survey_of",
]

TABLES = "SELECT schema_name || '.' || table_name FROM duckdb_tables()"


class ParameterUsed(NamedTuple):
    """A number of the method as it was used: value, unit, where it comes from, and what it is."""

    value: float
    unit: str
    status: str
    meaning: str


def survey_of(con: duckdb.DuckDBPyConnection, path: Path) -> tuple[str, bool]:
    """The name of the survey, that of the file where none is said, and whether it is simulated."""
    try:
        rows = con.execute("SELECT name, simulated FROM meta.survey").fetchall()
    except duckdb.Error:
        rows = []
    return (rows[0][0], rows[0][1] == 1) if rows else (path.name, False)


def require_table(con: duckdb.DuckDBPyConnection, path: Path, table: str, what: str) -> None:
    """Missing, which names ``what`` cannot be had, where the database lacks a table."""
    if (table,) not in con.execute(TABLES).fetchall():
        raise Missing(
            f"{path.name}: no {what} here, for it has no {table}; "
            "open the database of a build, a release has the catalog alone"
        )


def answer_apart(database: Path, query: str, bounds: Bounds) -> "pa.Table":
    """The answer to a query that runs in a process of its own."""
    import pyarrow as pa

    with asked(database, query, "arrow", bounds) as reply:
        return pa.ipc.open_stream(reply.body).read_all()


def astropy_of(con: duckdb.DuckDBPyConnection, rows: "pa.Table", name: str = CATALOG) -> "Table":
    """Rows of a table as astropy has them, with the units and descriptions of its columns."""
    from obcat.query.origin import astropy_table

    return astropy_table(rows, {c.column: c for c in columns_as_run(con, name)})


def declared_rows(
    con: duckdb.DuckDBPyConnection,
    name: str,
    *,
    extra: str = "",
    rest: str = "",
    parameters: Mapping[str, Any] | None = None,
) -> "Table":
    """The declared columns of a table and ``extra``, with what ``rest`` says of rows and order."""
    schema, _, table = name.partition(".")
    listed = ", ".join(quoted(c.column) for c in columns_as_run(con, name))
    query = f"SELECT {listed}{extra} FROM {quoted(schema)}.{quoted(table)} {rest}"
    return astropy_of(con, con.sql(query, params=parameters).to_arrow_table(), name)


def cone_in_degrees(
    ra: "float | Quantity | SkyCoord",
    dec: "float | Quantity",
    radius: "float | Quantity | None" = None,
) -> tuple[float, float, float]:
    """Right ascension, declination and radius; of a SkyCoord, ``dec`` is the radius.

    Raises ValueError where the position is none, or the radius not from 0 to 180 degrees.
    """
    from astropy.coordinates import SkyCoord

    if isinstance(ra, SkyCoord):
        given = [radius, dec] if radius is not None else [dec]
        if len(given) != 1 or not ra.isscalar:
            raise ValueError("give one position and a radius: cone(place, radius)")
        place = ra.icrs
        found = place.ra.deg, place.dec.deg, _degrees("radius", dec)
    elif radius is None:
        raise ValueError("give cone(ra, dec, radius), or cone(place, radius) of a SkyCoord")
    else:
        found = _degrees("ra", ra), _degrees("dec", dec), _degrees("radius", radius)
    return _in_range(*map(float, found))


def _degrees(name: str, angle: Any) -> float:
    """A number is in degrees already."""
    from astropy.units import Quantity, UnitConversionError

    try:
        return float(angle.to_value("deg") if isinstance(angle, Quantity) else angle)
    except (TypeError, ValueError, UnitConversionError) as error:
        raise ValueError(f"{name}: {angle!r} is no angle; give degrees or a Quantity") from error


def _in_range(ra: float, dec: float, radius: float) -> tuple[float, float, float]:
    if not isfinite(ra):
        raise ValueError(f"ra is {ra}; it must be a number of degrees")
    if not -90 <= dec <= 90:
        raise ValueError(f"dec is {dec}; it must be from -90 to 90 degrees")
    if not 0 <= radius <= 180:
        raise ValueError(f"radius is {radius}; it must be from 0 to 180 degrees")
    return ra, dec, radius
