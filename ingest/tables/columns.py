"""The declared columns of a source, from those of a file: converted, checked, computed or null; ids exact."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from obcat.ingest.errors import IngestError
from obcat.ingest.sources import Source
from obcat.ingest.tables import rows, units
from obcat.ingest.tables.names import Match, recipe
from obcat.ingest.tables.read import Tabular
from obcat.ingest.tables.rows import ROW
from obcat.schema import Column

__all__ = ["cleaned", "declared", "integers", "numbers"]

NULLS = ("", "null", "none", "--", "-", "---", "n/a", "nan", "\\n", "...")
CONTROL = r"\p{C}"
FORMULA = r"^[=+@\-\s]+"
WHOLE = r"^[+-]?[0-9]+$"
DECIMAL = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$|^[+-]?(?i:inf|infinity)$"


def declared(given: Tabular, source: Source, matches: Mapping[str, Match], file: str) -> tuple[pa.Table, int]:
    """The declared columns, in order and type, with the number of every row; and how many texts were changed."""
    table, changed = {}, 0
    for column in source.columns:
        match = matches.get(column.column)
        if match is None:
            table[column.column] = _absent(given, source, column, file)
        elif column.type == "VARCHAR":
            table[column.column], n = cleaned(given.table[match.theirs], _where(file, match.theirs))
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
        return integers(given.table[match.theirs], where)
    unit = _unit(given, match)
    read = _scaled(numbers(given.table[match.theirs], where), unit, column, where)
    if column.column not in ("ra", "dec"):
        rows.check_values(column, read, bool(unit), where)
    return rows.wrapped(read) if column.column == "ra" else read


def _scaled(read: pa.ChunkedArray, unit: str, column: Column, where: str) -> pa.ChunkedArray:
    """In the declared unit; sentinels are no quantities and stay as they are."""
    factor = units.factor(unit, column.unit, where)
    if factor == 1.0:
        return read
    missing = pc.is_in(read, pa.array(rows.sentinels(column), pa.float64()))
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
    return pc.multiply(numbers(given.table[theirs], where), scale)


def numbers(column: pa.ChunkedArray, where: str) -> pa.ChunkedArray:
    """As float64; text that says NULL ('', NULL, --, nan, …) is null, other text stops."""
    if _is_text(column.type):
        column = _numeric_text(column, DECIMAL, "a number", where)
    elif not (
        pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_decimal(column.type)
    ):
        raise IngestError(f"{where}: holds {column.type}, not numbers; name the right column")
    return column.cast(pa.float64(), safe=False)


def integers(column: pa.ChunkedArray, where: str) -> pa.ChunkedArray:
    """As int64, exact. An id that comes as a float, or as text with a point or an exponent, stops: it is rounded."""
    if pa.types.is_floating(column.type) or pa.types.is_decimal(column.type):
        raise IngestError(
            f"{where}: an id must not be a float ({column.type}), its digits are lost; fetch it as integer"
        )
    if _is_text(column.type):
        column = _numeric_text(column, WHOLE, "an integer id", where)
    elif not pa.types.is_integer(column.type):
        raise IngestError(f"{where}: holds {column.type}, not integers; name the right column")
    try:
        return column.cast(pa.int64())
    except pa.ArrowInvalid as error:
        raise IngestError(f"{where}: holds an id that does not fit in 64 bits; fetch the file again") from error


def cleaned(column: pa.ChunkedArray, where: str) -> tuple[pa.ChunkedArray, int]:
    """As text, and how many values were changed by more than blanks at the ends.

    Control characters go, and so do =, +, -, @ at the beginning (a spreadsheet would take the value for a formula).
    What says NULL is null.
    """
    if not _is_text(column.type) and not pa.types.is_integer(column.type):
        raise IngestError(f"{where}: holds {column.type}, not text; name the right column")
    given = pc.utf8_trim_whitespace(_plain(column))
    named = _without_nulls(pc.utf8_trim_whitespace(pc.replace_substring_regex(given, CONTROL, "")))
    clean = pc.replace_substring_regex(named, FORMULA, "")
    changed = pc.and_kleene(pc.not_equal(given, clean), pc.is_valid(named))
    return _without_nulls(clean), pc.sum(changed).as_py() or 0


def _is_text(kind: pa.DataType) -> bool:
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    return pa.types.is_string(value) or pa.types.is_large_string(value) or pa.types.is_null(value)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.string())


def _without_nulls(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.if_else(pc.is_in(pc.utf8_lower(column), pa.array(NULLS)), None, column)


def _numeric_text(column: pa.ChunkedArray, pattern: str, what: str, where: str) -> pa.ChunkedArray:
    column = _without_nulls(pc.utf8_trim_whitespace(_plain(column)))
    wrong = pc.filter(column, pc.invert(pc.match_substring_regex(column, pattern)))
    if len(wrong):
        raise IngestError(f"{where}: {wrong[0].as_py()[:40]!r} is not {what} ({len(wrong)} such rows); mend the file")
    return pc.replace_substring_regex(column, r"^\+", "")
