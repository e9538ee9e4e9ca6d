"""Arrow columns as an astropy Table:
every bit of an integer kept, a NULL masked, units and descriptions attached.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from astropy.table import Column, MaskedColumn, Table

from obcat.arrow import list_array
from obcat.schema import Column as Declared

__all__ = ["astropy_table"]


def astropy_table(rows: pa.Table, declared: Mapping[str, Declared]) -> Table:
    """The rows as an astropy Table; unit, description and UCD (meta["ucd"]) for the columns that
    are declared.

    Raises ValueError where two columns have the same name.
    """
    if len(set(rows.column_names)) < len(rows.column_names):
        raise ValueError(f"two columns have the same name: {', '.join(rows.column_names)}")
    return Table([_described(name, rows[name], declared.get(name)) for name in rows.column_names])


def _described(
    name: str, values: pa.ChunkedArray, declared: Declared | None
) -> Column | MaskedColumn:
    array, mask = _values_and_mask(values)
    given: dict[str, Any] = {"name": name}
    if declared:
        given |= {
            "unit": declared.unit or None,
            "description": declared.description,
            "meta": {"ucd": declared.ucd},
        }
    if not mask.any():
        return Column(array, **given)
    column = MaskedColumn(
        array,
        mask=mask if array.ndim == 1 else np.broadcast_to(mask[:, None], array.shape),
        **given,
    )
    if array.dtype.kind == "i":
        column.fill_value = _unused(array)
    return column


def _unused(array: np.ndarray) -> int:
    """An integer that stands for NULL: the least of its type that no row has."""
    least = int(np.iinfo(array.dtype).min)
    present = set(array[array < least + len(array) + 1].tolist())
    return next(v for v in range(least, least + len(array) + 1) if v not in present)


def _values_and_mask(values: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """Values, with something in the place of a NULL, and which are NULL."""
    kind = values.type
    mask = values.is_null().to_numpy()
    if pa.types.is_fixed_size_list(kind):
        return list_array(values), mask
    if pa.types.is_floating(kind):
        return values.fill_null(np.nan).to_numpy(), mask
    if pa.types.is_boolean(kind):
        return values.cast(pa.int16()).fill_null(0).to_numpy(), mask
    if pa.types.is_decimal(kind):
        return values.cast(pa.int64() if kind.scale == 0 else pa.float64()).fill_null(
            0
        ).to_numpy(), mask
    if pa.types.is_integer(kind):
        return values.fill_null(0).to_numpy(), mask
    return np.array(["" if v is None else str(v) for v in values.to_pylist()], dtype=np.str_), mask
