"""What a figure is drawn from: answers of the SQL files of the report, arrays of the models, the truth if there is."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

__all__ = ["Columns", "Missing", "Survey", "arrays", "columns", "enough", "text_of"]

SQL = Path(__file__).parents[1] / "sql"

Columns = dict[str, np.ndarray]


class Missing(ValueError):
    """What a figure needs is not in this catalog; says what, and why."""


@dataclass(frozen=True)
class Survey:
    """A database that is open, what it says of itself, and the folder where a truth would be."""

    con: duckdb.DuckDBPyConnection
    name: str
    simulated: bool
    truth: Path


def text_of(query: str) -> str:
    """Text of the SQL file of that name."""
    return (SQL / f"{query}.sql").read_text(encoding="utf-8")


def columns(survey: Survey, query: str) -> Columns:
    """Answer to a SQL file: numbers as float64 (n,) with NaN for NULL, lists as (n, k), text as str with ""."""
    table = survey.con.sql(text_of(query)).to_arrow_table()
    return {name: values(table[name].combine_chunks()) for name in table.column_names}


def values(column: pa.Array | pa.ChunkedArray) -> np.ndarray:
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    if pa.types.is_string(column.type):
        return np.array(column.fill_null("").to_pylist(), dtype=str)
    if pa.types.is_fixed_size_list(column.type):
        flat = column.flatten().to_numpy(zero_copy_only=False)
        return flat.reshape(len(column), column.type.list_size)
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    return column.cast(pa.float64()).fill_null(np.nan).to_numpy(zero_copy_only=False)


def arrays(survey: Survey, model: str) -> dict[str, np.ndarray]:
    """Arrays of a model. Missing: it was not fitted."""
    query = 'SELECT "array", dtype, shape, data FROM model.arrays WHERE model = $model ORDER BY "array"'
    rows = survey.con.execute(query, {"model": model}).fetchall()
    if not rows or not any(len(data) for *_, data in rows):
        raise Missing(f"the model {model} was not fitted: there were too few stars to train it")
    return {name: np.frombuffer(data, dtype).reshape(shape) for name, dtype, shape, data in rows}


def enough(data: Columns, names: Sequence[str], n: int, why: str) -> None:
    """Missing unless at least ``n`` rows know all of the columns."""
    known = np.logical_and.reduce([np.isfinite(data[name]) for name in names])
    if known.sum() < n:
        raise Missing(f"{known.sum()} stars have {', '.join(names)}; {n} are needed. {why}")
