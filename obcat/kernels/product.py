"""A matrix product whose rows do not depend on how many rows come together."""

import numpy as np

__all__ = ["ROWS", "product"]

ROWS = 192
"""BLAS takes other code paths for other shapes; with this many rows in every call, a multiple of
all groups in which its kernels take them, a row always takes the same one."""
COLUMNS, EDGE = 224, 16
"""Kernels for Haswell and Zen sum the outermost columns in an order that depends on the place of
the row. So no column is outermost: each call has so many, between others that are left out."""


def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """``a @ b``, bit for bit the same for a row of ``a`` whatever rows stand beside it.

    Parameters
    ----------
    a, b : (n, p), (p, k)

    Returns
    -------
    (n, k)
    """
    out = np.empty((len(a), b.shape[1]), np.result_type(a, b))
    pieces = [_widened(b[:, at : at + COLUMNS]) for at in range(0, b.shape[1], COLUMNS)]
    for start in range(0, len(a), ROWS):
        rows = a[start : start + ROWS]
        whole = rows if len(rows) == ROWS else _padded(rows)
        for i, piece in enumerate(pieces):
            here = out[start : start + ROWS, i * COLUMNS : (i + 1) * COLUMNS]
            here[:] = (whole @ piece)[: len(rows), EDGE : EDGE + here.shape[1]]
    return out


def _widened(columns: np.ndarray) -> np.ndarray:
    wide = np.zeros((len(columns), columns.shape[1] + 2 * EDGE), columns.dtype)
    wide[:, EDGE : EDGE + columns.shape[1]] = columns
    return wide


def _padded(rows: np.ndarray) -> np.ndarray:
    whole = np.zeros((ROWS, rows.shape[1]), rows.dtype)
    whole[: len(rows)] = rows
    return whole
