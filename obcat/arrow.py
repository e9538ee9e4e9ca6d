"""Columns of Arrow as numpy arrays; NULL is NaN, and "" in text."""

import numpy as np
import pyarrow as pa

__all__ = ["column_array", "exact_array", "float_array", "list_array", "table_arrays", "whole"]


def float_array(column: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """(n,) column of numbers or booleans -> (n,) float64, an array of its own; NULL is NaN."""
    values = whole(column)
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.int8())
    return np.array(values.cast(pa.float64()).fill_null(np.nan).to_numpy(zero_copy_only=False))


def list_array(column: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """(n,) column of FLOAT[k] -> (n, k) float32; a NULL row is a row of NaN. Of FLOAT[], as which
    spectra are NULL that were left out, (n, 0).
    """
    rows = whole(column)
    if not pa.types.is_fixed_size_list(rows.type):
        return np.empty((len(rows), 0), np.float32)
    size = rows.type.list_size
    known = rows.is_valid().to_numpy(zero_copy_only=False)
    out = np.full((len(rows), size), np.nan, dtype=np.float32)
    out[known] = rows.drop_null().flatten().to_numpy(zero_copy_only=False).reshape(-1, size)
    return out


def exact_array(column: pa.Array) -> np.ndarray:
    """(n,) column -> (n,) array of its own type, of float64 with NaN where there is a NULL;
    FLOAT[k] -> (n, k).

    Lists must be without NULL. Shares memory with the column where it can.
    """
    if pa.types.is_fixed_size_list(column.type):
        return (
            column.flatten()
            .to_numpy(zero_copy_only=False)
            .reshape(len(column), column.type.list_size)
        )
    if column.null_count:
        return column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return column.to_numpy(zero_copy_only=False)


def column_array(column: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """Numbers (n,) float64, lists (n, k) float32, text (n,) str."""
    if pa.types.is_string(column.type):
        return np.array(column.fill_null("").to_pylist(), dtype=str)
    if pa.types.is_fixed_size_list(column.type) or pa.types.is_list(column.type):
        return list_array(column)
    return float_array(column)


def table_arrays(table: pa.Table) -> dict[str, np.ndarray]:
    """Every column of a table, by name, as ``column_array`` gives it."""
    return {name: column_array(table[name]) for name in table.column_names}


def whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The column in one piece; copied only where it is in several."""
    if isinstance(column, pa.Array):
        return column
    if column.num_chunks == 1:
        return column.chunk(0)
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
