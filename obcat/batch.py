"""A kernel as a function of Arrow columns, as DuckDB calls it."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from obcat.arrow import exact_array, whole
from obcat.schema import Column

if TYPE_CHECKING:
    from obcat.udf import Arrays, Udf

__all__ = ["batch_function"]


def batch_function(
    udf: "Udf", models: "Mapping[str, Arrays]", parameters: Mapping[str, Any]
) -> Callable[..., pa.Array]:
    """The UDF as a function of Arrow columns that gives a struct column, one field a column given.

    NULL and NaN out are NULL.
    """
    wanted = signature(udf.kernel).parameters
    takes_all = any(p.kind is Parameter.VAR_KEYWORD for p in wanted.values())
    made = [item for model in udf.models for item in models[model].items()]
    arrays = {name: array for name, array in made if takes_all or name in wanted}
    kernel = partial(udf.kernel, **arrays, **{name: parameters[name] for name in udf.parameters})

    def call(*columns: pa.ChunkedArray | pa.Array) -> pa.StructArray:
        given = [whole(c) for c in columns]
        known = np.ones(len(given[0]), bool)
        for name, c in zip(udf.takes, given, strict=True):
            if name not in udf.optional:
                known &= c.is_valid().to_numpy(zero_copy_only=False)
        rows = np.flatnonzero(known)
        if not len(rows):
            fields = [pa.nulls(len(known), c.arrow_type) for c in udf.given]
            return pa.StructArray.from_arrays(fields, [c.column for c in udf.given])
        taken = [exact_array(c if known.all() else c.take(pa.array(rows))) for c in given]
        out = _in_slices(kernel, taken, udf.rows)
        fields = [_to_arrow(o, known, c) for o, c in zip(out, udf.given, strict=True)]
        return pa.StructArray.from_arrays(fields, [c.column for c in udf.given])

    # DuckDB counts parameters, and counts *columns as one.
    counted: Any = call
    counted.__signature__ = Signature(
        [Parameter(f"x{i}", Parameter.POSITIONAL_ONLY) for i in range(len(udf.takes))]
    )
    return counted


def _in_slices(
    kernel: Callable[..., Any], columns: Sequence[np.ndarray], rows: int
) -> list[np.ndarray]:
    """What a kernel gives for (n, ...) columns, some rows at a time: what it needs for each row is
    many times what it gives. One row alone is doubled: BLAS sums it in another order than several.
    """
    found = []
    for start in range(0, len(columns[0]), rows):
        part = [a[start : start + rows] for a in columns]
        n = len(part[0])
        given = [np.repeat(a, 2, axis=0) for a in part] if n == 1 else part
        found.append([o[:n] for o in kernel(*given)])
    return [np.concatenate(each) for each in zip(*found, strict=True)]


def _to_arrow(values: np.ndarray, known: np.ndarray, c: Column) -> pa.Array:
    """Values of the known rows -> column of all rows; unknown rows and rows with a NaN are NULL."""
    finite = np.isfinite(values) if values.ndim == 1 else np.isfinite(values).all(axis=1)
    valid = known.copy()
    valid[known] = finite
    if values.ndim == 1:
        full = np.zeros(len(known), np.float64)
        full[valid] = values[finite]
        return pa.array(full, mask=~valid).cast(c.arrow_type)
    if valid.all():
        wide = np.ascontiguousarray(values, np.float32)
    else:
        wide = np.zeros((len(known), values.shape[1]), np.float32)
        wide[valid] = values[finite]
    return pa.FixedSizeListArray.from_arrays(pa.array(wide.ravel()), c.size, mask=pa.array(~valid))
