"""Columns of an Arrow table as numpy arrays, and rows as an Arrow table."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

__all__ = ["from_rows", "matrix", "vector"]


def vector(column: pa.ChunkedArray) -> np.ndarray:
    """(n,) column of numbers -> (n,) float64; NULL is NaN."""
    return column.cast(pa.float64()).to_numpy().astype(float)


def matrix(column: pa.ChunkedArray) -> np.ndarray:
    """(n,) column of FLOAT[k] -> (n, k) float32; a NULL row is a row of NaN."""
    rows = column.combine_chunks()
    known = rows.is_valid().to_numpy(zero_copy_only=False)
    out = np.full((len(rows), rows.type.list_size), np.nan, dtype=np.float32)
    out[known] = rows.drop_null().flatten().to_numpy(zero_copy_only=False).reshape(-1, rows.type.list_size)
    return out


def from_rows(rows: Sequence[tuple], schema: pa.Schema) -> pa.Table:
    """Rows in the order of the schema -> table; NaN becomes NULL."""
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrays = [pa.array(values, field.type, from_pandas=True) for values, field in zip(columns, schema, strict=True)]
    return pa.table(arrays, schema=schema)
