"""Rows: tuples of arrays, and of such tuples, handled as one table."""

from collections.abc import Sequence
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

__all__ = ["joined", "replaced", "taken"]

Table = TypeVar("Table", bound=tuple[Any, ...])
Rows = slice | NDArray[np.bool_] | NDArray[np.int64]


def taken(table: Table, rows: Rows) -> Table:
    """The table with these rows only."""
    return _made(table, [taken(c, rows) if isinstance(c, tuple) else c[rows] for c in table])


def joined(tables: Sequence[Table]) -> Table:
    """One table after the other."""
    columns = zip(*tables, strict=True)
    return _made(tables[0], [joined(c) if isinstance(c[0], tuple) else np.concatenate(c) for c in columns])


def replaced(table: Table, rows: NDArray[np.int64], by: Table) -> Table:
    """The table with these rows, in order, taken from another one."""
    return _made(table, [_replaced(*pair, rows) for pair in zip(table, by, strict=True)])


def _replaced(column: Any, by: Any, rows: NDArray[np.int64]) -> Any:
    if isinstance(column, tuple):
        return replaced(column, rows, by)
    out = column.astype(np.result_type(column, by))
    out[rows] = by
    return out


def _made(like: Table, columns: list[Any]) -> Table:
    return cast(Table, type(like)(*columns))
