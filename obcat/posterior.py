"""Ranks of given distances in the posteriors of a catalog, from the columns that the build used."""

import numpy as np
from numpy.typing import NDArray

from obcat.kernels.rank import rank

__all__ = ["ranks"]

INPUTS = ("mk", "mk_err", "ks", "ks_err", "a_ks", "a_ks_err", "parallax", "parallax_error")

Floats = NDArray[np.float64]


def ranks(catalog: dict[str, np.ndarray], at: Floats, distance_max: float) -> Floats:
    """P(d < at) (n,) of the catalog's own p(d), NaN where it has no distance.

    ``catalog`` has columns (n,) by name: those of the distance (mag, mas; the zero point taken off the parallax),
    ``binary_flag`` (1: M_spec is left out, paper section 7) and ``dis``. ``at`` and ``distance_max`` are in kpc.
    """
    used = {name: catalog[name] for name in INPUTS}
    used["mk"] = np.where(catalog["binary_flag"] == 1, np.nan, used["mk"])
    found = rank(**used, at=at, distance_max=distance_max)
    return np.where(np.isfinite(catalog["dis"]), found, np.nan)
