"""What a release holds: the rows of catalog.ob_stars, the columns that describe them, and where they come from."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from obcat.errors import ObcatError
from obcat.parameters import printed
from obcat.reading import CATALOG, NotOurs, open_database
from obcat.schema import Column, column, nearest
from obcat.wording import columns_as_run, parameters_as_run

__all__ = ["CATALOG", "NOT_REAL", "Published", "ReleaseError", "null_of", "own_numbers", "read", "with_unit"]

NOT_REAL = "SIMULATED: no star of this table exists; made to test the method"


class ReleaseError(ObcatError):
    """A catalog cannot be exported; one line that names the column and the value, or the database."""


@dataclass(frozen=True)
class Published:
    """Rows ordered by specid, one Arrow column for each declared column, in declared order; what made them.

    ``bits`` are (bit, name, meaning) of the column quality; ``parameters`` are the numbers of the
    method as they were run, by name; ``notes`` say of each where it comes from, and what it is.
    """

    survey: str
    simulated: bool
    columns: tuple[Column, ...]
    rows: pa.Table
    provenance: dict[str, str]
    bits: tuple[tuple[int, str, str], ...] = ()
    parameters: dict[str, Any] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)

    @property
    def gaia(self) -> str:
        """The release of Gaia that the stars are from, as their names say."""
        named = (name for name in self.rows["gaia_name"].to_pylist() if name)
        found = re.match(r"Gaia DR\d+", next(named, ""))
        return found[0] if found else "Gaia DR2"


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
            columns, notes = columns_as_run(con, CATALOG), parameters_as_run(con)
    except NotOurs as error:
        raise ReleaseError(str(error)) from error
    except duckdb.Error as error:
        raise ReleaseError(f"{database}: no catalog to export: {str(error).splitlines()[0]}") from error
    check_plain(name, provenance, database)
    check_names(rows.column_names, [c.column for c in columns], database)
    values = parameters[0] if parameters else {}
    return Published(name, bool(simulated), columns, rows, provenance, bits, values, notes)


def own_numbers(catalog: Published) -> list[str]:
    """'binary_nsigma = 2.5 (survey, in place of 2, paper, section 6)' for each that a survey chose."""
    status = {name: note.partition(":")[0] for name, note in catalog.notes.items()}
    chosen = [name for name in catalog.parameters if status.get(name, "").startswith("survey")]
    return [f"{name} = {with_unit(catalog, name)} ({status[name]})" for name in chosen]


def with_unit(catalog: Published, name: str) -> str:
    return f"{printed(catalog.parameters[name])} {column(f'meta.parameters.{name}').unit}".strip()


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
