"""Errors of what goes into the estimates: where they are larger than stated, so are those of the catalog."""

import numpy as np

from obcat.report.reddening import error_row
from obcat.report.section import Section
from obcat.report.truth import Compared, absent

__all__ = ["measured"]


def measured(data: Compared) -> Section:
    """Parallax (zero point taken off), Ks and A_Ks against the truth."""
    note = (
        "Measured - true of best visits; the pull is the difference over the stated error, the only one a build knows."
    ) + absent(data, "parallax_offset_true", "wobble")
    columns = ("n", "bias", "robust scatter", "std", "stated error", "robust scatter of pull")
    best, binary, emission = data["uniqflag"] == 1, data["is_binary"] == 1, data["has_emission"] == 1
    parallax = data["parallax"] - 1 / data["true_distance"], data["parallax_error"]
    ks = data["ks"] - data["true_ks"], data["ks_err"]
    a_ks = data["a_ks"] - data["true_a_ks"], data["a_ks_err"]
    zero_point = data["parallax_offset"] - data["parallax_offset_true"], np.full(len(best), np.nan)
    excess = data["true_excess"], np.full(len(best), np.nan)
    rows = [
        error_row("parallax (mas), single", *parallax, best & ~binary),
        error_row("parallax (mas), binary", *parallax, best & binary),
        error_row(
            "parallax (mas), wobble above its error", *parallax, best & (data["wobble"] > data["parallax_error"])
        ),
        error_row("zero point of the parallax (mas)", *zero_point, best),
        error_row("Ks (mag)", *ks, best),
        error_row("A_Ks (mag), no emission", *a_ks, best & ~emission),
        error_row("A_Ks (mag), emission", *a_ks, best & emission),
        error_row("Ks excess of the disc (mag), emission", *excess, best & emission),
    ]
    return Section("what is measured", note, columns, rows)
