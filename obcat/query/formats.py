"""The answer to a query as a table for the eye, CSV, JSON, Parquet or FITS."""

import csv
import io
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["BINARY", "TEXT", "as_csv", "as_json", "as_table", "text_of", "write"]

TEXT = ("table", "csv", "json")
BINARY = ("parquet", "fits")
SHOWN = 500  # rows of a table for the eye


def text_of(table: "pa.Table", form: str) -> str:
    return {"table": as_table, "csv": as_csv, "json": as_json}[form](table)


def write(table: "pa.Table", form: str, path: Path) -> None:
    """Write a file; it appears whole or not at all. Raises ValueError, in one line, where FITS cannot hold a column."""
    partial = path.with_name(f"{path.name}.partial")
    try:
        write_part(table, form, partial)
        partial.replace(path)
    except UnicodeEncodeError as error:
        raise ValueError(
            f"FITS holds ASCII text only, not {str(error.object)!r}; take parquet or csv"
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def write_part(table: "pa.Table", form: str, path: Path) -> None:
    if form in TEXT:
        path.write_text(text_of(table, form), encoding="utf-8")
    elif form == "parquet":
        import pyarrow.parquet as pq

        pq.write_table(table, path)
    else:
        from obcat.astro_table import astropy_table

        astropy_table(table, {}).write(path, format="fits", overwrite=True)


def rows_of(table: "pa.Table") -> Iterator[tuple[Any, ...]]:
    """Rows as Python values, block by block; integers of any size stay whole."""
    for batch in table.to_batches(4096):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def as_csv(table: "pa.Table") -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.column_names)
    writer.writerows([in_words(v) for v in row] for row in rows_of(table))
    return text.getvalue()


def in_words(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def as_json(table: "pa.Table") -> str:
    """A list of objects, one a row; NaN and NULL are null."""
    lines = (
        json.dumps(
            dict(zip(table.column_names, map(finite, row), strict=True)), default=number_or_text
        )
        for row in rows_of(table)
    )
    return "[" + ",\n ".join(lines) + "]\n"


def finite(value: Any) -> Any:
    if isinstance(value, list):
        return [finite(v) for v in value]
    if isinstance(value, dict):
        return {k: finite(v) for k, v in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def number_or_text(value: Any) -> Any:
    """Sums of integers come as decimals without a fraction; what JSON has no word for is text."""
    from decimal import Decimal

    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return str(value)


def as_table(table: "pa.Table") -> str:
    """Columns in line for the eye, numbers to the right, at most 500 rows; the last line says how many there are."""
    import pyarrow as pa
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=None, pad_edge=False)
    for field in table.schema:
        number = (
            pa.types.is_integer(field.type)
            or pa.types.is_floating(field.type)
            or pa.types.is_decimal(field.type)
        )
        shown.add_column(Text(field.name), justify="right" if number else "left", no_wrap=True)
    for row in rows_of(table.slice(0, SHOWN)):
        shown.add_row(*(Text(shown_value(v)) for v in row))
    more = f", {SHOWN} shown" if table.num_rows > SHOWN else ""
    console = Console(file=io.StringIO(), width=100_000, color_system=None)
    console.print(shown)
    assert isinstance(console.file, io.StringIO)
    lines = [line.rstrip() for line in console.file.getvalue().splitlines()]
    rows = "row" if table.num_rows == 1 else "rows"
    return "\n".join([*lines, f"({table.num_rows:,} {rows}{more})"]) + "\n"


def shown_value(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.7g}" if isinstance(value, float) else str(in_words(value))
