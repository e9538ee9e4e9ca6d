"""Robust statistics, and those of flags; a NaN is a value that is not known, an empty sample gives
NaN. And types of arrays, by what they hold: for annotations.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "MAD_TO_SIGMA",
    "Array",
    "Complex",
    "Float32",
    "Floats",
    "Integers",
    "Rows",
    "bias",
    "coverage",
    "false_alarms",
    "fraction",
    "median",
    "purity",
    "recall",
    "robust_scatter",
    "standard_deviation",
]

Array = NDArray[np.float64]
Float32 = NDArray[np.float32]
Floats = NDArray[np.floating]  # either of the two
Complex = NDArray[np.complexfloating]
Integers = NDArray[np.int64]
Rows = NDArray[np.bool_]  # which rows, or pixels, are meant
MAD_TO_SIGMA = (
    1.4826  # standard deviation of a normal distribution over its median absolute deviation
)


def median(x: Floats) -> float:
    """Median of the known values (n,)."""
    x = x[np.isfinite(x)]
    return float(np.median(x)) if len(x) else np.nan


bias = median


def robust_scatter(x: Floats) -> float:
    """1.4826 times the median absolute deviation from the median of the known values (n,)."""
    return MAD_TO_SIGMA * median(np.abs(x - median(x)))


def standard_deviation(x: Floats) -> float:
    """Root mean square deviation from the mean of the known values (n,); NaN for fewer than two."""
    x = x[np.isfinite(x)]
    return float(np.std(x, ddof=1)) if len(x) > 1 else np.nan


def fraction(is_so: Floats) -> float:
    """Share of ones among zeros and ones (n,), unknown ones left out."""
    known = is_so[np.isfinite(is_so)]
    return float(np.mean(known > 0)) if len(known) else np.nan


def coverage(true: Floats, low: Floats, high: Floats) -> float:
    """Share of the true values (n,) from low to high, of those rows where all three are known."""
    known = np.isfinite(true) & np.isfinite(low) & np.isfinite(high)
    inside = (low <= true) & (true <= high)
    return fraction(np.where(known, inside, np.nan))


def recall(flag: Floats, true: Floats) -> float:
    """Share flagged of the rows that truly are (n,); a flag not known counts as a miss."""
    return fraction(np.where(true == 1, flag == 1, np.nan))


def purity(flag: Floats, true: Floats) -> float:
    """Share that truly are of the rows flagged (n,)."""
    return fraction(np.where((flag == 1) & np.isfinite(true), true == 1, np.nan))


def false_alarms(flag: Floats, true: Floats) -> float:
    """Share flagged of the rows that truly are not (n,); rows without a known flag are left out."""
    return fraction(np.where((true == 0) & np.isfinite(flag), flag == 1, np.nan))
