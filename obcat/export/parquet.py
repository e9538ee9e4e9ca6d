"""Parquet: the columns as the database has them, described by a VOTable in the file (VOParquet 1.0)."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from obcat.export import vo
from obcat.export.published import Published
from obcat.schema import Column

__all__ = ["write"]

NULLABLE = {"BIGINT": "Int64", "INTEGER": "Int32", "SMALLINT": "Int16"}
PLACE = '<PARQUET type="Parquet-local-XML"/>\n'


def write(path: Path, catalog: Published) -> None:
    """Write one file with a checksum on every page; the same catalog gives the same bytes.

    The keys ``table::len`` are for astropy, whose reader stops at a NULL in text without them; the
    key ``pandas`` is for pandas, which makes doubles of integers with NULLs, and rounds them,
    without it.
    """
    fields = [
        pa.field(
            c.column,
            c.arrow_type,
            nullable=not c.required,
            metadata=described(c.description, c.unit, c.ucd),
        )
        for c in catalog.columns
    ]
    keys = {
        "IVOA.VOTable-Parquet.version": "1.0",
        "IVOA.VOTable-Parquet.content": "".join(vo.document(catalog, PLACE)),
        **{f"table::len::{c.column}": c.format[1:] for c in catalog.columns if c.type == "VARCHAR"},
        **{f"obcat.{name}": value for name, value in vo.facts(catalog).items()},
        "pandas": json.dumps(for_pandas(catalog.columns)),
    }
    table = catalog.rows.cast(pa.schema(fields)).replace_schema_metadata(keys)
    pq.write_table(table, path, compression="zstd", write_page_checksum=True, row_group_size=65_536)


def described(description: str, unit: str, ucd: str) -> dict[str, str]:
    return {
        name: text
        for name, text in (("description", description), ("unit", unit), ("ucd", ucd))
        if text
    }


def for_pandas(columns: Iterable[Column]) -> dict[str, Any]:
    """What pandas keeps of a frame in a file: here, that an integer that may be NULL stays one.

    The names are those of pandas' developer guide; a reader looks at ``numpy_type``.
    """
    types = {c.column: pandas_types(c) for c in columns}
    named = [{"name": n, "field_name": n, **kind, "metadata": None} for n, kind in types.items()]
    return {"index_columns": [], "column_indexes": [], "columns": named, "pandas_version": "2.2.0"}


def pandas_types(column: Column) -> dict[str, str]:
    if column.type == "VARCHAR":
        return {"pandas_type": "unicode", "numpy_type": "object"}
    plain = str(column.arrow_type.to_pandas_dtype()().dtype)
    nullable = NULLABLE.get(column.type) if not column.required else None
    return {"pandas_type": plain, "numpy_type": nullable or plain}
