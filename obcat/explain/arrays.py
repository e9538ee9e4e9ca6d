"""Arrays of a model, read over a connection that is open and locked down."""

import duckdb
import numpy as np

__all__ = ["model_arrays"]


def model_arrays(con: duckdb.DuckDBPyConnection, model: str, *names: str) -> dict[str, np.ndarray]:
    """The arrays of a model by name, all without names; empty where the database has no such model."""
    rows = con.execute(
        """SELECT "array", dtype, shape, data FROM model.arrays
        WHERE model = $model AND (len($names) = 0 OR list_contains($names, "array"))""",
        {"model": model, "names": list(names)},
    ).fetchall()
    return {name: np.frombuffer(data, dtype).reshape(shape) for name, dtype, shape, data in rows}
