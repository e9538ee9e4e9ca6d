"""The column guide: what every column means, in plain words, made from columns.csv."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from obcat.export.cds.labels import label
from obcat.export.published import CATALOG, NOT_REAL, Published, with_unit
from obcat.schema import Column, read_tables

__all__ = ["NULLS", "bit_rows", "cell", "column_rows", "write"]

KINDS = {"VARCHAR": "text", "DOUBLE": "number", "FLOAT": "number"}
NULLS = """\
A value that is not known is NULL: an empty cell in CSV, VOTable and the CDS table, NULL in Parquet and DuckDB, NaN or
an empty text in FITS. For integers in FITS and VOTable it is the number in the column *if unknown*.
Read `gaia_id` as a 64-bit integer. pandas (CSV) and astropy (Parquet) make a decimal number of it where some are NULL,
and round it: tell them the type, or use `gaia_name`, the same identifier as text.
"""


def write(path: Path, catalog: Published) -> None:
    """Write the guide as Markdown."""
    path.write_text("\n".join(lines(catalog)) + "\n", encoding="utf-8")


def lines(catalog: Published) -> Iterator[str]:
    yield f"# Columns of the catalog of {catalog.survey}\n"
    if catalog.simulated:
        yield f"**{NOT_REAL}.**\n"
    yield f"{read_tables()[CATALOG].description}. {catalog.rows.num_rows} rows, one a spectrum.\n"
    yield NULLS
    yield from column_rows(catalog.columns)
    if catalog.bits:
        yield "\n## Bits of `quality`\n"
        yield from bit_rows(catalog.bits)
    if catalog.notes:
        yield "\n## Parameters\n"
        yield from parameter_rows(catalog)


def parameter_rows(catalog: Published) -> Iterator[str]:
    """The numbers of the method as a table in Markdown: paper, assumed, or the survey's own."""
    yield "| parameter | value | source | meaning |"
    yield "| --- | --- | --- | --- |"
    for name, note in catalog.notes.items():
        source, _, meaning = note.partition(": ")
        yield f"| `{name}` | {with_unit(catalog, name)} | {cell(source)} | {cell(meaning)} |"


def column_rows(columns: Iterable[Column]) -> Iterator[str]:
    """The columns as a table in Markdown."""
    yield "| column | in the CDS table | unit | kind | range | if unknown | meaning |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    yield from map(row, columns)


def bit_rows(bits: Iterable[tuple[int, str, str]]) -> Iterator[str]:
    """(bit, name, meaning) as a table in Markdown, with how to ask for one."""
    yield "`quality` is a sum of these; 0 where none is set. In SQL: `quality & 64 > 0`, or, in"
    yield "the DuckDB file, `has_bit(quality, 'no_gaia')`.\n"
    yield "| bit | name | what is the matter |"
    yield "| --- | --- | --- |"
    yield from (f"| {bit} | {name} | {cell(meaning)} |" for bit, name, meaning in bits)


def row(column: Column) -> str:
    cells = [
        f"`{column.column}`",
        f"`{label(column.column)}`",
        column.unit or "-",
        KINDS.get(column.type, "integer"),
    ]
    return f"| {' | '.join([*cells, limits(column), unknown(column), cell(column.description)])} |"


def limits(column: Column) -> str:
    if column.min and column.max:
        return f"{column.min} to {column.max}"
    return f"from {column.min}" if column.min else f"to {column.max}" if column.max else "-"


def unknown(column: Column) -> str:
    return {"yes": "NULL", "no": "never"}.get(column.null, f"NULL ({column.null})")


def cell(text: str) -> str:
    return text.replace("|", "\\|")
