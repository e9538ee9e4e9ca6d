"""E(B-V) and the labels it rests on against the truth; errors of what goes into the estimates.

Where the inputs are worse than stated, so is the catalog.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from obcat import statistics as st
from obcat.evaluate.truth import Compared, missing_note
from obcat.section import Section, decimals
from obcat.statistics import Rows

__all__ = ["input_errors", "label_errors", "reddening_errors"]

LABELS = {"teff": ("Teff", "relative"), "logg": ("log g", "dex"), "feh": ("[Fe/H]", "dex")}

COLUMNS = ("n", "bias", "robust scatter", "std", "claimed error", "robust scatter of pull")

Floats = NDArray[np.float64]


REDDENING_ERRORS_NOTE = (
    "E(B-V) - true of best visits, mag, by where the labels come from; the pull is the "
    "difference over ebv_err."
)


def reddening_errors(data: Compared) -> Section:
    note = REDDENING_ERRORS_NOTE
    best = data["uniqflag"] == 1
    groups = [
        ("all", best),
        *((f"{source}, {what}", best & rows) for source, what, rows in _classes(data)),
    ]
    rows = [
        _error_row(label, data["ebv"] - data["true_ebv"], data["ebv_err"], rows)
        for label, rows in groups
    ]
    return Section("E(B-V)", note, COLUMNS, rows)


LABEL_ERRORS_NOTE = (
    "Labels used - true of best visits, single stars without emission; Teff as (label - true) "
    "/ true."
)


def label_errors(data: Compared) -> Section:
    """Errors of the labels used, of single stars without emission, by source."""
    note = LABEL_ERRORS_NOTE
    best = (data["uniqflag"] == 1) & (data["is_binary"] == 0) & (data["has_emission"] == 0)
    rows = [
        _error_row(
            f"{title} ({unit}), {source}",
            *_label_error(name, data),
            best & (data["label_source"] == source),
        )
        for name, (title, unit) in LABELS.items()
        for source in _sources(data)
    ]
    return Section("labels", note, COLUMNS, rows)


def _label_error(name: str, data: Compared) -> tuple[Floats, Floats]:
    size = data["true_teff"] if name == "teff" else 1.0
    return (data[name] - data[f"true_{name}"]) / size, data[f"{name}_err"] / size


def _sources(data: Compared) -> list[str]:
    return sorted(set(data["label_source"].tolist()) - {""})


def _classes(data: Compared) -> Iterator[tuple[str, str, Rows]]:
    for source in _sources(data):
        for what, emission, binary in (("single", 0, 0), ("binary", 0, 1), ("emission", 1, None)):
            rows = (data["label_source"] == source) & (data["has_emission"] == emission)
            yield source, what, rows if binary is None else rows & (data["is_binary"] == binary)


def _error_row(label: str, off: Floats, error: Floats, rows: Rows) -> tuple[str, ...]:
    off, error = off[rows], error[rows]
    values = (st.bias(off), st.robust_scatter(off), st.standard_deviation(off), st.median(error))
    return (
        label,
        str(np.isfinite(off).sum()),
        *map(decimals, (*values, st.robust_scatter(off / error))),
    )


def input_errors(data: Compared) -> Section:
    """Parallax (zero point taken off), Ks and A_Ks against the truth."""
    note = (
        "Measured - true of best visits; the pull is the difference over the stated error, the "
        "only one a build knows."
    ) + missing_note(data, "parallax_offset_true", "wobble")
    columns = ("n", "bias", "robust scatter", "std", "stated error", "robust scatter of pull")
    best, binary, emission = (
        data["uniqflag"] == 1,
        data["is_binary"] == 1,
        data["has_emission"] == 1,
    )
    parallax = data["parallax"] - 1 / data["true_distance"], data["parallax_error"]
    ks = data["ks"] - data["true_ks"], data["ks_err"]
    a_ks = data["a_ks"] - data["true_a_ks"], data["a_ks_err"]
    zero_point = data["parallax_offset"] - data["parallax_offset_true"], np.full(len(best), np.nan)
    excess = data["true_excess"], np.full(len(best), np.nan)
    rows = [
        _error_row("parallax (mas), single", *parallax, best & ~binary),
        _error_row("parallax (mas), binary", *parallax, best & binary),
        _error_row(
            "parallax (mas), wobble above its error",
            *parallax,
            best & (data["wobble"] > data["parallax_error"]),
        ),
        _error_row("zero point of the parallax (mas)", *zero_point, best),
        _error_row("Ks (mag)", *ks, best),
        _error_row("A_Ks (mag), no emission", *a_ks, best & ~emission),
        _error_row("A_Ks (mag), emission", *a_ks, best & emission),
        _error_row("Ks excess of the disc (mag), emission", *excess, best & emission),
    ]
    return Section("what is measured", note, columns, rows)
