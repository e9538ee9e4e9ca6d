"""Columns of an Arrow table as numpy arrays."""

import numpy as np
import pyarrow as pa

__all__ = ["matrix", "vector"]


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
