"""Schema: tables, columns and parameters as sql/ declares them."""

import re
from collections.abc import Iterable, Mapping
from csv import DictReader
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

__all__ = [
    "MODES",
    "SQL",
    "UNSAID",
    "Column",
    "Parameter",
    "Table",
    "arrow_schema",
    "column",
    "columns_of",
    "nearest",
    "printed",
    "quoted",
    "read_columns",
    "read_parameters",
    "read_tables",
]

MODES = ("paper", "best")  # in which a catalog is made; the second is built on the first
PARAMETERS = Path(__file__).parent / "sql" / "00_meta" / "parameters.csv"


@dataclass(frozen=True)
class Parameter:
    """One row of parameters.csv: a number of the method, its range, and where it comes from.

    ``status`` is paper or assumed; ``where`` the section, or a remark.
    """

    name: str
    type: str
    value: str
    unit: str
    ucd: str
    min: str
    max: str
    status: str
    where: str
    meaning: str

    @property
    def source(self) -> str:
        """'paper, section 6', 'assumed', 'assumed (the text lost the number)'."""
        if self.status == "paper":
            return f"paper, {self.where}"
        return f"{self.status} ({self.where})" if self.where else self.status

    def said(self, value: float) -> str:
        """Where the value that was used comes from, a colon, and what it is."""
        if value == float(self.value):
            return f"{self.source}: {self.meaning}"
        return f"survey, in place of {printed(float(self.value))}, {self.source}: {self.meaning}"

    def fault(self, value: float) -> str | None:
        """Why it cannot have this value, or None where it can."""
        if self.type == "INTEGER" and value != int(value):
            return f"{value} is not a whole number"
        if not float(self.min) <= value <= float(self.max):
            low, high = (printed(float(end)) for end in (self.min, self.max))
            return f"{value} is not in its range, {low} to {high}"
        return None


@cache
def read_parameters() -> dict[str, Parameter]:
    """The numbers of the method by their names, as sql/00_meta/parameters.csv has them."""
    with PARAMETERS.open(newline="", encoding="utf-8") as f:
        return {row["name"]: Parameter(**row) for row in DictReader(f)}


def printed(value: float) -> str:
    """A number with the digits it was given with: 2, 0.014, 20210822."""
    return f"{value:.12g}"


if TYPE_CHECKING:
    import pyarrow as pa


SQL = Path(__file__).parent / "sql"
NAMED = re.compile(r"\{(\w+)\}")
# words of a description that only a build can say
UNSAID = {
    "gaia": "Gaia",
    "zero_point": "that of the survey, of Lindegren et al. 2021 for DR3, or one constant for DR2",
}

ARROW = {
    "VARCHAR": "string",
    "BIGINT": "int64",
    "INTEGER": "int32",
    "SMALLINT": "int16",
    "BOOLEAN": "bool",
    "DOUBLE": "float64",
    "FLOAT": "float32",
    "BLOB": "binary",
}


@dataclass(frozen=True)
class Column:
    """One row of columns.csv. ``null``: yes, no, or the integer that stands for NULL in a FITS
    file.

    In ``description`` the numbers of the method are those it has of itself; ``template`` has their
    names in braces, for a build that was given others. ``default`` is the value of a parameter.
    """

    table: str
    column: str
    type: str
    unit: str
    ucd: str
    format: str
    null: str
    min: str
    max: str
    description: str
    template: str = ""
    default: str = ""

    def said(self, words: Mapping[str, str]) -> str:
        """The description with ``words`` in place of the names in braces."""
        return NAMED.sub(lambda found: words[found[1]], self.template or self.description)

    @property
    def size(self) -> int:
        """Length of a fixed-size array column, FLOAT[3909] -> 3909; 0 for a list or a scalar."""
        return int(self.type.partition("[")[2].rstrip("]") or 0)

    @property
    def required(self) -> bool:
        return self.null == "no"

    @property
    def arrow_type(self) -> "pa.DataType":
        import pyarrow as pa

        base, bracket, _ = self.type.partition("[")
        scalar = pa.type_for_alias(ARROW[base])
        return pa.list_(scalar, self.size or -1) if bracket else scalar


@cache
def read_columns() -> tuple[Column, ...]:
    """Every declared column; a blank description is that of the first column of the name."""
    words = {name: printed(float(p.value)) for name, p in read_parameters().items()} | UNSAID
    with (SQL / "schema" / "columns.csv").open(newline="", encoding="utf-8") as f:
        declared = [Column(**row) for row in DictReader(f)]
    first = {c.column: c.description for c in reversed(declared) if c.description}
    templates = [c.description or first[c.column] for c in declared]
    columns = [replace(c, template=text) for c, text in zip(declared, templates, strict=True)]
    return (
        *(replace(c, description=c.said(words)) for c in columns),
        *map(_column, read_parameters().values()),
    )


def _column(p: Parameter) -> Column:
    """The column of meta.parameters that holds a parameter."""
    return Column(
        "meta.parameters", p.name, p.type, p.unit, p.ucd, "", "no", p.min, p.max,
        f"{p.source}: {p.meaning}", default=p.value,
    )  # fmt: skip


@dataclass(frozen=True)
class Table:
    """One row of tables.csv. ``kind``: table or view;
    ``key``: columns, separated by blanks, no two rows share.
    """

    table: str
    kind: str
    key: str
    description: str


@cache
def read_tables() -> dict[str, Table]:
    with (SQL / "schema" / "tables.csv").open(newline="", encoding="utf-8") as f:
        return {row["table"]: Table(**row) for row in DictReader(f)}


@cache
def _by_table() -> dict[str, tuple[Column, ...]]:
    tables: dict[str, list[Column]] = {}
    for c in read_columns():
        tables.setdefault(c.table, []).append(c)
    return {name: tuple(columns) for name, columns in tables.items()}


def columns_of(table: str) -> tuple[Column, ...]:
    """The declared columns of 'schema.table', in order;
    KeyError with the nearest name if there is none.
    """
    if table not in _by_table():
        raise KeyError(f"no table {table!r} in columns.csv{nearest(table, _by_table())}")
    return _by_table()[table]


def column(name: str) -> Column:
    """The declared column called 'schema.table.column'."""
    table, _, last = name.rpartition(".")
    for c in columns_of(table):
        if c.column == last:
            return c
    raise KeyError(
        f"no column {last!r} in {table}{nearest(last, [c.column for c in columns_of(table)])}"
    )


def arrow_schema(table: str) -> "pa.Schema":
    """The Arrow schema of a declared table; nullability as declared."""
    import pyarrow as pa

    return pa.schema(
        [pa.field(c.column, c.arrow_type, nullable=not c.required) for c in columns_of(table)]
    )


def quoted(identifier: str) -> str:
    """The one way an identifier enters a SQL text."""
    return '"' + identifier.replace('"', '""') + '"'


def nearest(name: str, known: Iterable[str]) -> str:
    """'; did you mean x?' for an error message, or nothing."""
    close = get_close_matches(name, list(known), n=1, cutoff=0.4)
    return f"; did you mean {close[0]!r}?" if close else ""
