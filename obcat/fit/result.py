"""What a fit hands back: arrays for the kernels and tables for the database."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa


@dataclass(frozen=True)
class Fit:
    """Arrays go by keyword to the kernels of the model; tables become tables of the database."""

    arrays: dict[str, np.ndarray]
    tables: dict[str, pa.Table] = field(default_factory=dict)
