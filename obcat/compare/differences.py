"""Numbers of both catalogs: bias and scatter of each column, the main ones in bins too; what only one side knows."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from obcat.compare.joined import Joined
from obcat.report import statistics as st
from obcat.report.section import Section, bins, number, percent

__all__ = ["RELATIVE", "by_bins", "difference", "is_flag", "numbers", "unknown"]

RELATIVE = ("dis", "dis_low", "dis_high")  # compared as ours / theirs - 1
COLUMNS = ("unit", "n", "bias", "robust scatter", "scatter / errors", "beyond 5 errors")
FAR = 5.0
BINS: dict[str, dict[str, tuple[str, tuple[float, ...]]]] = {
    "mk": {
        "snr_g": ("S/N", (10, 20, 50, 100, np.inf)),
        "mk": ("M", (-np.inf, -3, -2, -1, 0, 1, np.inf)),
        "em_flag": ("em_flag", (0, 1, 2)),
    },
    "ebv": {"ebv": ("E(B-V)", (-np.inf, 0, 0.25, 0.5, 1, np.inf))},
    "dis": {"dis": ("kpc", (0, 0.5, 1, 2, 4, 8, np.inf)), "binary_flag": ("binary_flag", (0, 1, 2))},
}

Floats = NDArray[np.float64]


def numbers(joined: Joined) -> Section:
    """One row a column of numbers; errors are both sides' in quadrature, where both state one."""
    note = (
        "bias: median; robust scatter: 1.4826 MAD. Distances as ours / theirs - 1. Errors: both in quadrature; two\n"
        "catalogs from the same spectra share most of their errors, so that a scatter well below 1 is to be expected."
    )
    rows = [row(joined, name, name, np.isfinite(joined.ours[name])) for name in joined.columns if not is_flag(name)]
    return Section("numbers", note, COLUMNS, rows)


def by_bins(joined: Joined) -> Iterator[Section]:
    """For the absolute magnitude, reddening and distance: the same in bins of our values."""
    for name, variables in BINS.items():
        if name not in joined.columns:
            continue
        rows = [
            row(joined, name, label, inside)
            for variable, (said, edges) in variables.items()
            if variable in joined.ours
            for label, inside in bins(said, joined.ours[variable], edges)
        ]
        yield Section(f"{name}, in bins", "", COLUMNS, rows)


def row(joined: Joined, name: str, label: str, rows: NDArray[np.bool_]) -> tuple[str, ...]:
    off, pull = difference(joined, name)[rows], _pull(joined, name)[rows]
    n = str(np.isfinite(off).sum())
    if name in RELATIVE:
        return (label, "", n, percent(st.bias(off)), percent(st.robust_scatter(off)), *_pulls(pull))
    unit = joined.columns[name].unit
    return (label, unit, n, number(st.bias(off), 4), number(st.robust_scatter(off), 4), *_pulls(pull))


def _pulls(pull: Floats) -> tuple[str, str]:
    far = np.where(np.isfinite(pull), np.abs(pull) > FAR, np.nan)
    return number(st.robust_scatter(pull), 2), percent(st.fraction(far))


def difference(joined: Joined, name: str) -> Floats:
    """Ours minus theirs (n,), or ours / theirs - 1 for distances; NaN where a side has none."""
    ours, theirs = joined.ours[name], joined.theirs[name]
    if name not in RELATIVE:
        return ours - theirs
    return ours / np.where(theirs > 0, theirs, np.nan) - 1


def _pull(joined: Joined, name: str) -> Floats:
    for error in (f"{name}_err", f"{name}_error"):
        if error in joined.columns:
            both = np.hypot(joined.ours[error], joined.theirs[error])
            return (joined.ours[name] - joined.theirs[name]) / np.where(both > 0, both, np.nan)
    return np.full(len(joined.ours[name]), np.nan)


def unknown(joined: Joined) -> Section:
    """Where one side has a value and the other has NULL."""
    rows = []
    for name in joined.columns:
        mine, other = np.isfinite(joined.ours[name]), np.isfinite(joined.theirs[name])
        counts = ((mine & other).sum(), (mine & ~other).sum(), (~mine & other).sum(), (~mine & ~other).sum())
        rows.append((name, *(f"{n:,}" for n in counts)))
    return Section("known and unknown", "", ("in both", "only ours", "only theirs", "in neither"), rows)


def is_flag(name: str) -> bool:
    return name.endswith("_flag") or name == "erroneous"
