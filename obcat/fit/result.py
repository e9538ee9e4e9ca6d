"""Result: what a fit gives back, the columns it is given, and which of its stars it drops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from obcat.statistics import robust_scatter

__all__ = ["Fit", "from_rows", "snr_dparallax", "spectroscopic_scatter"]


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
