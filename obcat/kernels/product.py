"""A matrix product whose rows do not depend on how many rows come together."""

import numpy as np

__all__ = ["ROWS", "product"]

ROWS = 256
"""BLAS takes other code paths for other shapes; with this many rows in every call a row always takes the same one."""


def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """``a @ b``, bit for bit the same for a row of ``a`` whatever rows stand beside it.

    Parameters
    ----------
    a, b : (n, p), (p, k), k > 1 (a product with one column takes yet another path)

    Returns
    -------
    (n, k)
    """
    out = np.empty((len(a), b.shape[1]), np.result_type(a, b))
    for start in range(0, len(a), ROWS):
        rows = a[start : start + ROWS]
        whole = rows if len(rows) == ROWS else padded(rows)
        out[start : start + ROWS] = (whole @ b)[: len(rows)]
    return out


def padded(rows: np.ndarray) -> np.ndarray:
    whole = np.zeros((ROWS, rows.shape[1]), rows.dtype)
    whole[: len(rows)] = rows
    return whole
