"""The fixed-width table: every column at its bytes, a blank for NULL."""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from obcat.export.cds.column import cds_unit, label
from obcat.export.plain import printed
from obcat.export.published import Published, ReleaseError, ascii_of
from obcat.schema import Column

__all__ = ["Field", "fields_of", "records"]


@dataclass(frozen=True)
class Field:
    """A column of the table; ``first`` and ``last`` are its bytes, counted from 1."""

    column: Column
    first: int
    last: int
    format: str
    range: str
    texts: list[str]

    @property
    def label(self) -> str:
        return label(self.column.column)

    @property
    def unit(self) -> str:
        return cds_unit(self.column)


def fields_of(catalog: Published) -> list[Field]:
    """Columns side by side, one blank between two.

    Raises ReleaseError where a value is wider than the format of its column, or no plain text.
    """
    fields: list[Field] = []
    for column in catalog.columns:
        first = fields[-1].last + 2 if fields else 1
        fields.append(_field(column, catalog.rows[column.column], first))
    return fields


def _field(column: Column, values: pa.ChunkedArray, first: int) -> Field:
    texts = printed(column, values.to_pylist())
    if column.type == "VARCHAR":
        texts = [ascii_of(column, text) for text in texts]
    declared = int(column.format[1:].partition(".")[0])
    widest = max(texts, key=len, default="")
    if len(widest) > declared:
        raise ReleaseError(
            f"{column.table}.{column.column}: {widest!r} is wider than its format {column.format}"
        )
    width = declared if column.type != "VARCHAR" else max(1, len(widest))
    form = column.format if column.type != "VARCHAR" else f"A{width}"
    return Field(column, first, first + width - 1, form, _range_of(column, values), texts)


def _range_of(column: Column, values: pa.ChunkedArray) -> str:
    """``[0/1]``: the declared range where both ends are, else that of the values;
    identifiers have none.
    """
    if column.type == "VARCHAR" or column.ucd.startswith("meta.id"):
        return ""
    if column.min and column.max:
        return f"[{column.min}/{column.max}]"
    ends = pc.min_max(values).as_py()
    return (
        ""
        if ends["min"] is None
        else "[{}/{}]".format(*printed(column, [ends["min"], ends["max"]]))
    )


def records(fields: list[Field]) -> list[str]:
    """The lines of the table; text to the left of its bytes, numbers to the right."""
    return [" ".join(row) for row in zip(*(_padded(f) for f in fields), strict=True)]


def _padded(field: Field) -> list[str]:
    width = field.last - field.first + 1
    pad = str.ljust if field.column.type == "VARCHAR" else str.rjust
    return [pad(text, width) for text in field.texts]
