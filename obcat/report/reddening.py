"""E(B-V) and the labels it rests on against the truth."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from obcat.report import statistics as st
from obcat.report.section import Section, number
from obcat.report.truth import Compared

__all__ = ["labels", "reddening"]

LABELS = {"teff": ("Teff", "relative"), "logg": ("log g", "dex"), "feh": ("[Fe/H]", "dex")}

Floats = NDArray[np.float64]
Rows = NDArray[np.bool_]


def reddening(data: Compared) -> Section:
    note = "E(B-V) - true of best visits, mag, by where the labels come from; the pull is the difference over ebv_err."
    columns = ("n", "bias", "robust scatter", "std", "claimed error", "robust scatter of pull")
    best = data["uniqflag"] == 1
    groups = [("all", best), *((f"{source}, {what}", best & rows) for source, what, rows in classes(data))]
    rows = [error_row(label, data["ebv"] - data["true_ebv"], data["ebv_err"], rows) for label, rows in groups]
    return Section("E(B-V)", note, columns, rows)


def labels(data: Compared) -> Section:
    """Errors of the labels used, of single stars without emission, by source."""
    note = "Labels used - true of best visits, single stars without emission; Teff as (label - true) / true."
    columns = ("n", "bias", "robust scatter", "std", "claimed error", "robust scatter of pull")
    best = (data["uniqflag"] == 1) & (data["is_binary"] == 0) & (data["has_emission"] == 0)
    rows = [
        error_row(f"{title} ({unit}), {source}", *label_error(name, data), best & (data["label_source"] == source))
        for name, (title, unit) in LABELS.items()
        for source in sources(data)
    ]
    return Section("labels", note, columns, rows)


def label_error(name: str, data: Compared) -> tuple[Floats, Floats]:
    size = data["true_teff"] if name == "teff" else 1.0
    return (data[name] - data[f"true_{name}"]) / size, data[f"{name}_err"] / size


def sources(data: Compared) -> list[str]:
    return sorted(set(data["label_source"].tolist()) - {""})


def classes(data: Compared) -> Iterator[tuple[str, str, Rows]]:
    for source in sources(data):
        for what, emission, binary in (("single", 0, 0), ("binary", 0, 1), ("emission", 1, None)):
            rows = (data["label_source"] == source) & (data["has_emission"] == emission)
            yield source, what, rows if binary is None else rows & (data["is_binary"] == binary)


def error_row(label: str, off: Floats, error: Floats, rows: Rows) -> tuple[str, ...]:
    off, error = off[rows], error[rows]
    values = (st.bias(off), st.robust_scatter(off), st.standard_deviation(off), st.median(error))
    return (label, str(np.isfinite(off).sum()), *map(number, (*values, st.robust_scatter(off / error))))
