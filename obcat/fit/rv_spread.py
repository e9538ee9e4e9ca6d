"""The spread of R_V among the stars of a survey, from colours that change with it and colours that
do not.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.optimize import minimize

from obcat.arrow import float_array
from obcat.fit.result import Fit

__all__ = ["rv_spread"]

Read = Callable[[], pa.RecordBatchReader]
Floats = NDArray[np.float64]

FREEDOM = 4.0  # degrees of freedom of Student's t: companions and discs do not rule it
SIGMA = 1.098  # robust standard deviation of Student's t of 4 degrees over its scale
START = (0.0, 0.01, 0.1)
BOUNDS = ((-1.0, 1.0), (0.0, 1.0), (0.0, 2.0))


def rv_spread(read: Read, parameters: Any) -> Fit:
    """How far E(B-V) of red and of blue colours part beyond their errors, growing with dust.

    One offset is for intrinsic colours that are wrong, one scatter for those that are not as they
    should be without dust; what grows with dust beyond the errors is put down to R_V, be it its
    spread or a law that bends otherwise than ours.

    Parameters
    ----------
    read : rows, one a star without emission: star_id, contrast, contrast_err, contrast_rv, see
        ``kernels.dust_contrast``; rows with a NULL are passed over
    parameters : rv_min_stars

    Returns
    -------
    array rv_spread (1,), or (0,) with fewer than rv_min_stars
    """
    table = read().read_all()
    names = ("contrast", "contrast_err", "contrast_rv")
    columns = np.stack([float_array(table[name]) for name in names])
    contrast, error, slope = columns[:, np.isfinite(columns).all(axis=0)]
    if len(contrast) < parameters.rv_min_stars:
        return Fit({"rv_spread": np.zeros(0)})

    def cost(x: Floats) -> float:
        """Minus ln L a star of offset, scatter without dust (mag) and spread of R_V."""
        variance = error**2 + x[1] ** 2 + (x[2] * slope) ** 2
        tail = 0.5 * (FREEDOM + 1) * np.log1p((contrast - x[0]) ** 2 / variance / FREEDOM)
        return float(np.mean(tail + 0.5 * np.log(variance)))

    best = minimize(cost, START, method="L-BFGS-B", bounds=BOUNDS).x
    return Fit({"rv_spread": SIGMA * best[2:]})
