"""Masks: pixels that a file marks as bad, or leaves empty."""

import numpy as np
from numpy.typing import NDArray

from obcat.realism.measured import PILOT_END, Measured
from obcat.realism.sample import Sample

__all__ = ["masks"]


def masks(sample: Sample) -> list[Measured]:
    """Counts of pixels in a file, nights of the pilot survey left out."""
    late: NDArray[np.bool_] = sample.lmjd >= PILOT_END
    bits, inside = sample.ormask[late], sample.inside[late]
    dark, blind = inside & (sample.flux[late] == 0), inside & (sample.ivar[late] <= 0)
    count = {
        "ORMASK not 0": bits > 0,
        "ORMASK bit 1": (bits & 1) > 0,
        "ORMASK bit 2": (bits & 2) > 0,
        "ANDMASK not 0": sample.andmask[late] > 0,
        "ivar 0": blind,
        "flux 0": dark,
        "flux 0 but ivar not": dark & ~blind,
    }
    each = {name: marks.sum(axis=1).astype(float) for name, marks in count.items()}
    share = Measured("files with a mask bit", "share", np.nan, (each["ORMASK not 0"] > 0).astype(float), "mean")
    some = [Measured("pixels a file, if any", name, np.nan, np.where(n > 0, n, np.nan)) for name, n in each.items()]
    total = [Measured("share of pixels", name, np.nan, n / inside.sum(axis=1), "mean") for name, n in each.items()]
    return [share, *(m for m in some if np.isfinite(m.values).any() and "bit 2" not in m.where), *total]
