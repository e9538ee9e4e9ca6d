"""What a release holds: the rows of catalog.ob_stars, the columns that describe them, and where they come from."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from obcat.reading import CATALOG, NotOurs, open_database
from obcat.schema import Column, columns_of, nearest

__all__ = ["CATALOG", "NOT_REAL", "Published", "ReleaseError", "null_of", "read"]

NOT_REAL = "SIMULATED: no star of this table exists; made to test the method"


class ReleaseError(Exception):
    """A catalog cannot be exported; one line that names the column and the value, or the database."""


@dataclass(frozen=True)
class Published:
    """Rows ordered by specid, one Arrow column for each declared column, in declared order; what made them.

    ``bits`` are (bit, name, meaning) of the column quality; ``parameters`` are the numbers of the method, by name.
    """

    survey: str
    simulated: bool
    columns: tuple[Column, ...]
    rows: pa.Table
    provenance: dict[str, str]
    bits: tuple[tuple[int, str, str], ...] = ()
    parameters: dict[str, Any] = field(default_factory=dict)


def read(database: Path) -> Published:
    """The published table of a finished database.

    Raises ReleaseError where there is no catalog in it, or one of another version of the schema.
    """
    try:
        with open_database(database) as survey:
            con, name, simulated = survey.con, survey.name, survey.simulated
            rows = con.sql("FROM catalog.ob_stars ORDER BY specid").to_arrow_table()
            provenance = dict(con.execute("FROM meta.provenance ORDER BY item").fetchall())
            bits = tuple(con.execute("FROM meta.quality_bits ORDER BY bit").fetchall())
            parameters = con.sql("FROM meta.parameters").to_arrow_table().to_pylist()
    except NotOurs as error:
        raise ReleaseError(str(error)) from error
    except duckdb.Error as error:
        raise ReleaseError(f"{database}: no catalog to export: {str(error).splitlines()[0]}") from error
    columns = columns_of(CATALOG)
    check_plain(name, provenance, database)
    check_names(rows.column_names, [c.column for c in columns], database)
    return Published(name, simulated, columns, rows, provenance, bits, parameters[0] if parameters else {})


def check_plain(survey: str, provenance: dict[str, str], database: Path) -> None:
    """The survey names files, and facts go into headers: letters that every format has."""
    if not re.fullmatch(r"[A-Za-z0-9_-]+", survey):
        raise ReleaseError(f"{database}: {survey!r} is not the name of a survey; use letters, digits, _ and -")
    for item, value in provenance.items():
        if value and not (value.isascii() and value.isprintable()):
            raise ReleaseError(f"{database}: {item}: {value!r} is not plain ASCII, as FITS needs it")


def check_names(found: list[str], declared: list[str], database: Path) -> None:
    if found != declared:
        odd = next(iter([*(n for n in found if n not in declared), *(n for n in declared if n not in found)]), "order")
        hint = nearest(odd, declared)
        raise ReleaseError(
            f"{database}: {CATALOG} is of another version of obcat (column {odd!r}{hint}); build it again"
        )


def null_of(column: Column) -> int | None:
    """The integer that stands for NULL where a format has no other way to say it."""
    return None if column.null in ("yes", "no") else int(column.null)
