"""Rows as an Arrow table."""

from collections.abc import Sequence

import pyarrow as pa

__all__ = ["from_rows"]


def from_rows(rows: Sequence[tuple], schema: pa.Schema) -> pa.Table:
    """Rows in the order of the schema -> table; NaN becomes NULL."""
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrays = [
        pa.array(values, field.type, from_pandas=True)
        for values, field in zip(columns, schema, strict=True)
    ]
    return pa.table(arrays, schema=schema)
