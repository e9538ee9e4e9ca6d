"""The declared columns of a source, from a file's: converted, checked, computed or null."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from obcat.ingest import plausible, rows, units, values
from obcat.ingest.mapping import Match, recipe
from obcat.ingest.rows import ROW
from obcat.ingest.source import Source
from obcat.ingest.tabular import Tabular
from obcat.schema import Column

__all__ = ["declared"]


def declared(given: Tabular, source: Source, matches: Mapping[str, Match], file: str) -> tuple[pa.Table, int]:
    """The declared columns, in order and type, with the number of every row; and how many texts were changed."""
    table, changed = {}, 0
    for column in source.columns:
        match = matches.get(column.column)
        if match is None:
            table[column.column] = _absent(given, source, column, file)
        elif column.type == "VARCHAR":
            table[column.column], n = values.cleaned(given.table[match.theirs], _where(file, match.theirs))
            changed += n
        else:
            table[column.column] = _number(given, column, match, file)
    table[ROW] = pa.chunked_array([np.arange(given.table.num_rows)])
    result = pa.table(table)
    if "ra" in table and not any(_unit(given, matches[c]) for c in ("ra", "dec") if c in matches):
        rows.check_degrees(result, f"{file}: ra, dec")
    return result, changed


def _number(given: Tabular, column: Column, match: Match, file: str) -> pa.ChunkedArray:
    where = _where(file, match.theirs)
    if column.type == "BIGINT":
        return values.integers(given.table[match.theirs], where)
    unit = _unit(given, match)
    read = _scaled(values.numbers(given.table[match.theirs], where), unit, column, where)
    if column.column not in ("ra", "dec"):
        plausible.check(column, read, bool(unit), where)
    return rows.wrapped(read) if column.column == "ra" else read


def _scaled(read: pa.ChunkedArray, unit: str, column: Column, where: str) -> pa.ChunkedArray:
    """In the declared unit; sentinels are no quantities and stay as they are."""
    factor = units.factor(unit, column.unit, where)
    if factor == 1.0:
        return read
    missing = pc.is_in(read, pa.array(plausible.sentinels(column), pa.float64()))
    return pc.if_else(missing, read, pc.multiply(read, factor))


def _unit(given: Tabular, match: Match) -> str:
    return match.unit or given.units.get(match.theirs, "")


def _where(file: str, column: str) -> str:
    return f"{file}: column {column!r}"


def _absent(given: Tabular, source: Source, column: Column, file: str) -> pa.ChunkedArray:
    """A column the file does not have: computed, or its default, or null."""
    found = recipe(source.recipes.get(column.column, ()), given.table.column_names, file)
    if found is not None:
        one, inputs = found
        units_of = [unit for _, unit in one.inputs]
        return one.function(*[_input(given, n, u, file) for n, u in zip(inputs, units_of, strict=True)])
    default = file.partition(".")[0] if column.column == "label_source" else source.defaults.get(column.column)
    return pa.chunked_array([pa.repeat(pa.scalar(default, column.arrow_type), given.table.num_rows)])


def _input(given: Tabular, theirs: str, unit: str, file: str) -> pa.ChunkedArray:
    """A column that another is computed from, in ``unit`` unless that is ''."""
    where = _where(file, theirs)
    scale = units.factor(given.units.get(theirs, ""), unit, where) if unit else 1.0
    return pc.multiply(values.numbers(given.table[theirs], where), scale)
