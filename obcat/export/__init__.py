"""Writers of published files; names, units and descriptions come from the schema.

What a release holds: the rows of the catalog of a mode, the columns that describe them,
and where they come from.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from obcat.db import columns_as_run, parameters_as_run
from obcat.errors import ObcatError
from obcat.reading import CATALOG, CATALOGS, NotOurs, has_best, open_database, table_of
from obcat.schema import Column, column, columns_of, nearest, printed

__all__ = [
    "CATALOG",
    "NOT_REAL",
    "TABLES",
    "Published",
    "ReleaseError",
    "ascii_of",
    "check_tables",
    "modes_in",
    "null_of",
    "offset_papers",
    "opened",
    "own_numbers",
    "read",
    "read_from",
    "status_of",
    "with_unit",
]

TABLES = (CATALOG, "meta.survey", "meta.parameters", "meta.quality_bits", "meta.provenance")
OURS = "FROM system.main.duckdb_tables() WHERE database_name = 'obcat'"
NOT_REAL = "SIMULATED: no star of this table exists; made to test the method"


class ReleaseError(ObcatError):
    """A catalog cannot be exported; one line that names the column and the value,
    or the database.
    """


MEMORY = "800MB"  # of the engine: rows pass through it once, and more would be kept, not used
JOINED = 4  # batches that are put together
BATCH = 20_000  # rows written at once: their texts take some 200 MB


@dataclass(frozen=True)
class Published:
    """Rows ordered by specid, one Arrow column for each declared column, in declared order; what
    made them.

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
    table: str = CATALOG

    def pieces(self) -> "Iterator[Published]":
        """The table in pieces, in order: no more than one of them is text in memory."""
        for start in range(0, self.rows.num_rows, BATCH):
            yield replace(self, rows=self.rows.slice(start, BATCH))

    @property
    def status(self) -> str:
        """paper: by the paper's method; obcat: best mode, which goes beyond it."""
        return "paper" if self.table == CATALOG else "obcat"

    @property
    def file(self) -> str:
        """The name of its files, without an ending."""
        return self.survey if self.table == CATALOG else f"{self.survey}_best"

    @property
    def lent(self) -> str | None:
        """Whose models made the estimates, a sentence; None where they learnt from these stars."""
        lender = self.provenance.get("models_from")
        return (
            f"Models lent by the {lender}: no star of this table taught them." if lender else None
        )

    @property
    def gaia(self) -> str:
        """The release of Gaia that the stars are from, as their names say."""
        named = (str(name) for name in self.rows["gaia_name"] if name.as_py())
        found = re.match(r"Gaia DR\d+", next(named, ""))
        return found[0] if found else "Gaia DR2"


def read(database: Path) -> Published:
    """The published table of a finished database; see ``read_from``."""
    with opened(database) as con:
        return read_from(con, database)


@contextmanager
def opened(database: Path, writes: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """One connection, and so one state of the database, whatever is published over it meanwhile.

    ``writes`` names the one other database that may be written over it. Raises ReleaseError, in one
    line, for any error of DuckDB.
    """
    try:
        # one thread: rows that are streamed keep their order
        with open_database(database, writes=writes, threads=1, memory_limit=MEMORY) as survey:
            yield survey.con
    except NotOurs as error:
        raise ReleaseError(str(error)) from error
    except duckdb.Error as error:
        raise ReleaseError(
            f"{database}: no catalog to export: {str(error).splitlines()[0]}"
        ) from error


def modes_in(con: duckdb.DuckDBPyConnection, mode: str, database: Path) -> tuple[str, ...]:
    """The modes that are meant by paper, best or both; both is what there is.

    Raises obcat.Missing where best mode is asked for and the build has none.
    """
    if mode == "both":
        return tuple(CATALOGS) if has_best(con) else ("paper",)
    table_of(con, mode, database)
    return (mode,)


def read_from(con: duckdb.DuckDBPyConnection, database: Path, table: str = CATALOG) -> Published:
    """The published table; control characters of any text are escaped, blanks around it taken off.

    Text columns are as wide as their longest text. Raises ReleaseError where the table is of
    another version of the schema, or the survey has a name that no file could have.
    """
    check_tables(con, database, (table, *TABLES))
    _check_names(con.sql(f"FROM {table}").columns, columns_as_run(con, table), database)
    rows = _ordered(_rows(con.sql(f"FROM {table}").to_arrow_reader(BATCH)))
    survey = con.execute("SELECT name, simulated FROM meta.survey").fetchall()
    facts = con.execute("FROM meta.provenance ORDER BY item").fetchall()
    bits = con.execute("FROM meta.quality_bits ORDER BY bit").fetchall()
    parameters = con.sql("FROM meta.parameters").to_arrow_table().to_pylist()
    columns, notes = columns_as_run(con, table), parameters_as_run(con)
    name, simulated = survey[0] if survey else ("", 0)
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        raise ReleaseError(
            f"{database}: {name!r} is not the name of a survey; use letters, digits, _ and -"
        )
    return Published(
        name,
        bool(simulated),
        tuple(_widened(c, rows[c.column]) for c in columns),
        rows,
        {item: _in_ascii(value) for item, value in facts if value is not None},
        tuple((bit, _plain(word), _plain(meaning)) for bit, word, meaning in bits),
        parameters[0] if parameters else {},
        {name: _in_ascii(note) for name, note in notes.items()},
        table,
    )


def _rows(reader: pa.RecordBatchReader) -> pa.Table:
    """All rows, with plain text, of no more memory than they need: DuckDB gives a batch at a
    time in buffers of its own, which all columns keep.
    """
    parts = [reader.schema.empty_table()]
    while some := list(islice(reader, JOINED)):
        parts.append(_cleaned(pa.Table.from_batches(some)).combine_chunks())
    return pa.concat_tables(parts)


def _ordered(rows: pa.Table) -> pa.Table:
    """The rows by specid, as a build has them: DuckDB would sort them in memory of its own."""
    names = rows["specid"].combine_chunks()
    if pc.all(pc.less_equal(names[:-1], names[1:])).as_py() is not False:
        return rows
    return rows.take(pc.sort_indices(names))


def own_numbers(catalog: Published) -> list[str]:
    """'binary_nsigma = 2.5 (survey, in place of 2, paper,
    section 6)' for each that a survey chose.
    """
    status = {name: note.partition(":")[0] for name, note in catalog.notes.items()}
    chosen = [name for name in catalog.parameters if status.get(name, "").startswith("survey")]
    return [f"{name} = {with_unit(catalog, name)} ({status[name]})" for name in chosen]


def with_unit(catalog: Published, name: str) -> str:
    return f"{printed(catalog.parameters[name])} {column(f'meta.parameters.{name}').unit}".strip()


def check_tables(
    con: duckdb.DuckDBPyConnection, database: Path, names: tuple[str, ...] = TABLES
) -> None:
    """Tables, and not views: a view of somebody else's database could read files of whoever
    exports it.
    """
    found = con.execute(f"SELECT schema_name || '.' || table_name {OURS}").fetchall()
    for name in names:
        if (name,) not in found:
            raise ReleaseError(f"{database}: no catalog to export: {name} is no table of it")


def _plain(text: str) -> str:
    r"""Text without control characters: ESC is \x1b, a mark of direction \u202e;
    no blanks around it.
    """
    if text.isprintable():
        return text.strip()
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii")
        for c in text.strip(" ")
    )


def _in_ascii(text: str) -> str:
    r"""Plain text of a format that has ASCII only: an en dash is \u2013."""
    return _plain(text).encode("ascii", "backslashreplace").decode("ascii")


def ascii_of(column: Column, text: str) -> str:
    """Text of a cell in ASCII. Raises ReleaseError where ``read_from`` has not made it plain."""
    if not text.isprintable() or text != text.strip():
        raise ReleaseError(f"{column.table}.{column.column}: {text!r} is not plain text; rename it")
    return _in_ascii(text)


def _are_plain(texts: pa.ChunkedArray) -> bool:
    """Whether all are ASCII, and as `_plain` makes them: the most, for which this is quicker."""
    good = pc.and_(pc.ascii_is_printable(texts), pc.equal(texts, pc.ascii_trim(texts, " ")))
    return bool(pc.all(good).as_py() is not False)


def _cleaned(rows: pa.Table) -> pa.Table:
    """The rows with plain text."""
    for at, field_ in enumerate(rows.schema):
        if pa.types.is_string(field_.type) and not _are_plain(rows[field_.name]):
            texts = [None if v is None else _plain(v) for v in rows[field_.name].to_pylist()]
            rows = rows.set_column(at, field_, pa.array(texts, field_.type))
    return rows


def _widened(column: Column, values: pa.ChunkedArray) -> Column:
    """A text column with a format that every text fits into;
    A32 is what is expected, not a limit.
    """
    if column.type != "VARCHAR":
        return column
    longest = (
        pc.max(pc.binary_length(values)).as_py() or 0
        if _are_plain(values)
        else max((len(_in_ascii(v)) for v in values.to_pylist() if v), default=0)
    )
    return replace(column, format=f"A{max(longest, int(column.format[1:]))}")


def _check_names(found: list[str], columns: tuple[Column, ...], database: Path) -> None:
    declared = [c.column for c in columns]
    if found != declared:
        odd = next(
            iter(
                [*(n for n in found if n not in declared), *(n for n in declared if n not in found)]
            ),
            "order",
        )
        hint = nearest(odd, declared)
        raise ReleaseError(
            f"{database}: {columns[0].table} is of another version of obcat "
            f"(column {odd!r}{hint}); build it again"
        )


def status_of(column: Column) -> str:
    """paper: the very column of the paper's table; obcat: made anew by best mode, or its alone.

    columns.csv tells: what is the same there is described in the same words.
    """
    paper = {c.column: c.template for c in columns_of(CATALOG)}
    return "paper" if paper.get(column.column) == column.template else "obcat"


def null_of(column: Column) -> int | None:
    """The integer that stands for NULL where a format has no other way to say it."""
    return None if column.null in ("yes", "no") else int(column.null)


LEUNG_BOVY = ("Leung & Bovy 2019, MNRAS 489, 2079", "2019MNRAS.489.2079L")
OFFSETS = {
    "constant": LEUNG_BOVY,
    "leung_bovy_2019": LEUNG_BOVY,
    "zinn_2019": ("Zinn et al. 2019, ApJ 878, 136", "2019ApJ...878..136Z"),
    "lindegren_2021": ("Lindegren et al. 2021, A&A 649, A4", "2021A&A...649A...4L"),
}


def offset_papers(catalog: Published) -> list[tuple[str, str]]:
    """Papers and bibcodes of the parallax zero points that the rows had; of the release of Gaia
    where none had one."""
    had = set(catalog.rows["zero_point"].unique().to_pylist()) & {*OFFSETS, "table"}
    usual = {"Gaia DR2": "constant", "Gaia DR3": "lindegren_2021"}.get(catalog.gaia)
    return sorted({OFFSETS[name] for name in had or {usual} if name in OFFSETS})
