"""One column to its declared type: text to numbers, ids without a float on the way, clean text."""

import pyarrow as pa
import pyarrow.compute as pc

from obcat.ingest.errors import IngestError

__all__ = ["cleaned", "integers", "numbers"]

NULLS = ("", "null", "none", "--", "-", "---", "n/a", "nan", "\\n", "...")
CONTROL = r"\p{C}"
FORMULA = r"^[=+@\-\s]+"
WHOLE = r"^[+-]?[0-9]+$"
DECIMAL = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$|^[+-]?(?i:inf|infinity)$"


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
