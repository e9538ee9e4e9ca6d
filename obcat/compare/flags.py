"""Flags of both catalogs: how many stars have which pair of values."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from obcat.compare.differences import is_flag
from obcat.compare.joined import Joined
from obcat.report.section import Section, number, percent

__all__ = ["flags", "kappa"]

VALUES = {"0": 0.0, "1": 1.0, "unknown": np.nan}


def flags(joined: Joined) -> Iterator[Section]:
    """A cross table of each flag, with the share that agrees and Cohen's kappa of the stars both sides know."""
    for name in joined.columns:
        if is_flag(name):
            yield _table(name, joined.ours[name], joined.theirs[name])


def _table(name: str, ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> Section:
    cells = np.array([[(_is(ours, a) & _is(theirs, b)).sum() for b in VALUES.values()] for a in VALUES.values()])
    rows = [(f"ours {a}", *(f"{n:,}" for n in cells[k])) for k, a in enumerate(VALUES)]
    known = cells[:2, :2]
    agree = known.trace() / known.sum() if known.sum() else np.nan
    note = f"Both known: {percent(agree)} agree, Cohen's kappa {number(kappa(known), 2)}."
    return Section(name, note, [f"theirs {b}" for b in VALUES], rows)


def kappa(cells: NDArray[np.int64]) -> float:
    """Agreement beyond chance of a (2, 2) table of counts (Cohen 1960); NaN where chance alone explains all of it."""
    n = cells.sum()
    if not n:
        return np.nan
    chance = (cells.sum(0) * cells.sum(1)).sum() / n**2
    return float((cells.trace() / n - chance) / (1 - chance)) if chance < 1 else np.nan


def _is(values: NDArray[np.float64], value: float) -> NDArray[np.bool_]:
    return np.isnan(values) if np.isnan(value) else values == value
