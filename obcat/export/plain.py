"""Plain tables: CSV, and Parquet with a VOTable inside that describes it (VOParquet 1.0)."""

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from obcat.export import votable
from obcat.export.published import Published
from obcat.schema import Column

__all__ = ["described_rows", "printed", "write_csv", "write_parquet"]

FORMULA = ("=", "+", "-", "@")


def write_csv(path: Path, catalog: Published) -> None:
    """Write the rows as UTF-8 text; the same rows give the same bytes."""
    columns = [
        _harmless(c, printed(c, catalog.rows[c.column].to_pylist())) for c in catalog.columns
    ]
    with path.open("w", newline="", encoding="utf-8") as f:
        writer = csv.writer(f, lineterminator="\n")
        writer.writerow(c.column for c in catalog.columns)
        writer.writerows(zip(*columns, strict=True))


def _harmless(column: Column, texts: list[str]) -> list[str]:
    """Texts, none of which is a formula."""
    if column.type != "VARCHAR":
        return texts
    return [f"'{text}" if text.startswith(FORMULA) else text for text in texts]


def printed(column: Column, values: Iterable[Any]) -> list[str]:
    """Values as text: F10.6 gives six decimals, E10.3 an exponent; integers and strings are exact;
    NULL is blank.
    """
    kind, _, digits = column.format.partition(".")
    if kind[:1] in ("F", "E"):
        spec = f".{digits}{kind[0].lower()}"
        return ["" if v is None else _unsigned_zero(format(v, spec)) for v in values]
    return ["" if v is None else str(v) for v in values]


def _unsigned_zero(text: str) -> str:
    return text[1:] if text[0] == "-" and not text.strip("-0.e+") else text


NULLABLE = {"BIGINT": "Int64", "INTEGER": "Int32", "SMALLINT": "Int16"}
PLACE = '<PARQUET type="Parquet-local-XML"/>\n'


def write_parquet(path: Path, catalog: Published) -> None:
    """Write one file with a checksum on every page; the same catalog gives the same bytes.

    The keys ``table::len`` are for astropy, whose reader stops at a NULL in text without them; the
    key ``pandas`` is for pandas, which makes doubles of integers with NULLs, and rounds them,
    without it.
    """
    pq.write_table(
        described_rows(catalog), path, compression="zstd", write_page_checksum=True,
        row_group_size=65_536,
    )  # fmt: skip


def described_rows(catalog: Published) -> pa.Table:
    """The rows, with what describes each column and the table in the keys of Parquet."""
    fields = [
        pa.field(
            c.column,
            c.arrow_type,
            nullable=not c.required,
            metadata=_described(c.description, c.unit, c.ucd),
        )
        for c in catalog.columns
    ]
    keys = {
        "IVOA.VOTable-Parquet.version": "1.0",
        "IVOA.VOTable-Parquet.content": "".join(votable.document(catalog, PLACE)),
        **{f"table::len::{c.column}": c.format[1:] for c in catalog.columns if c.type == "VARCHAR"},
        **{f"obcat.{name}": value for name, value in votable.facts(catalog).items()},
        "pandas": json.dumps(_for_pandas(catalog.columns)),
    }
    return catalog.rows.cast(pa.schema(fields)).replace_schema_metadata(keys)


def _described(description: str, unit: str, ucd: str) -> dict[str, str]:
    return {
        name: text
        for name, text in (("description", description), ("unit", unit), ("ucd", ucd))
        if text
    }


def _for_pandas(columns: Iterable[Column]) -> dict[str, Any]:
    """What pandas keeps of a frame in a file: here, that an integer that may be NULL stays one.

    The names are those of pandas' developer guide; a reader looks at ``numpy_type``.
    """
    types = {c.column: _pandas_types(c) for c in columns}
    named = [{"name": n, "field_name": n, **kind, "metadata": None} for n, kind in types.items()]
    return {"index_columns": [], "column_indexes": [], "columns": named, "pandas_version": "2.2.0"}


def _pandas_types(column: Column) -> dict[str, str]:
    if column.type == "VARCHAR":
        return {"pandas_type": "unicode", "numpy_type": "object"}
    plain = str(column.arrow_type.to_pandas_dtype()().dtype)
    nullable = NULLABLE.get(column.type) if not column.required else None
    return {"pandas_type": plain, "numpy_type": nullable or plain}
