"""What learns from a table: each fit takes the rows of a SELECT and gives arrays.

Result: what a fit gives back, the columns it is given, and which of its stars it drops.

Means, deviations and covariances of spectra that arrive in batches, in float64;
each is one pass over the data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from obcat.kernels.grid import N_PIXEL
from obcat.statistics import robust_scatter

__all__ = [
    "Batch",
    "Fit",
    "Reader",
    "batches",
    "correlation",
    "from_rows",
    "moments",
    "snr_dparallax",
    "spectroscopic_scatter",
]


@dataclass(frozen=True)
class Fit:
    """Arrays go by keyword to the kernels of the model; tables become tables of the database."""

    arrays: dict[str, np.ndarray]
    tables: dict[str, pa.Table] = field(default_factory=dict)


def from_rows(rows: Sequence[tuple], schema: pa.Schema) -> pa.Table:
    """Rows in the order of the schema -> table; NaN becomes NULL."""
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrays = [
        pa.array(values, field.type, from_pandas=True)
        for values, field in zip(columns, schema, strict=True)
    ]
    return pa.table(arrays, schema=schema)


def snr_dparallax(
    mk: np.ndarray,
    mk_err: float,
    *,
    ks: np.ndarray,
    ks_err: np.ndarray,
    a_ks: np.ndarray,
    a_ks_err: np.ndarray,
    parallax: np.ndarray,
    parallax_error: np.ndarray,
) -> np.ndarray:
    """Excess of the spectro-photometric over the Gaia parallax in standard errors (Eq.
    15-17); mag, mas; (n,).
    """
    parallax_spec = 10 ** (0.2 * (mk - ks + a_ks + 10))
    parallax_spec_err = (
        0.2 * np.log(10) * parallax_spec * np.sqrt(mk_err**2 + ks_err**2 + a_ks_err**2)
    )
    return (parallax_spec - parallax) / np.hypot(parallax_spec_err, parallax_error)


def spectroscopic_scatter(residual: np.ndarray, mk_geo_err: np.ndarray) -> float:
    """σ of M_spec alone, mag: the robust scatter of M_spec - M_geo less the typical error of
    M_geo, in squares.
    """
    return float(np.sqrt(max(robust_scatter(residual) ** 2 - np.median(mk_geo_err) ** 2, 0.0)))


Reader = Callable[[], pa.RecordBatchReader]


class Batch(NamedTuple):
    """Rows of the training set: their places in it, flux and inverse variance (n, 3909)."""

    rows: slice
    norm: np.ndarray
    ivar: np.ndarray


def batches(read: Reader) -> Iterator[Batch]:
    start = 0
    for batch in read():
        rows = slice(start, start + batch.num_rows)
        start = rows.stop
        yield Batch(rows, _matrix(batch.column("flux")), _matrix(batch.column("ivar")))


def _matrix(column: pa.Array) -> np.ndarray:
    return column.flatten().to_numpy(zero_copy_only=False).reshape(-1, N_PIXEL)


def moments(read: Reader, used: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of the good pixels, (3909,);
    NaN and 0 in pixels not used or never good.
    """
    total = np.zeros((3, N_PIXEL))
    for batch in batches(read):
        good = batch.ivar > 0
        shifted = np.where(
            good, batch.norm - 1.0, 0.0
        )  # about 1, the level of a normalised spectrum: no cancellation
        total += good.sum(axis=0), shifted.sum(axis=0), np.einsum("ij,ij->j", shifted, shifted)
    known = used & (total[0] > 0)
    first, second = np.divide(total[1:], total[0], out=np.zeros((2, N_PIXEL)), where=known)
    scale = np.sqrt(np.maximum(second - first**2, 0))
    flat = scale <= np.finfo(np.float32).eps
    return np.where(known, 1 + first, np.nan), np.where(known & ~flat, scale, 0)


def correlation(rows: Iterable[np.ndarray], size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, deviation and correlation matrix of rows that are standardised already, if only
    provisionally.

    Parameters
    ----------
    rows : batches of (m, p)

    Returns
    -------
    (p,), (p,), (p, p); a column without deviation has correlation 0 with every other and with
    itself
    """
    count, total, gram = 0, np.zeros(size), np.zeros((size, size))
    for batch in rows:
        x = batch.astype(np.float64)
        count += len(x)
        total += x.sum(axis=0)
        gram += x.T @ x
    mean = total / max(count, 1)
    gram /= max(count, 1)
    gram -= np.outer(mean, mean)
    deviation = np.sqrt(np.maximum(np.diag(gram), 0))
    inverse = np.divide(1, deviation, out=np.zeros(size), where=deviation > 0)
    gram *= inverse
    gram *= inverse[:, None]
    return mean, deviation, gram
