"""Binaries found among the true ones, by mass ratio, parallax and S/N."""

import numpy as np

from obcat import statistics as st
from obcat.evaluate.paper import BRIGHT_COMPANION, GOOD_PARALLAX, SNR_EDGES, bins, parallax_snr
from obcat.evaluate.truth import Compared, missing_note
from obcat.section import Section, percent
from obcat.statistics import Rows

__all__ = ["by_mass_ratio", "by_parallax", "by_snr"]

RATIO_EDGES = (0.1, 0.3, 0.5, 0.7, 0.9, np.inf)
PARALLAX_EDGES = (-np.inf, 3, 5, 10, 20, np.inf)
COLUMNS = ("n", "binary", "flagged", "recall", "recall above q 0.7", "purity", "false alarms")


def by_mass_ratio(data: Compared) -> Section:
    """Recall in each bin of mass ratio, and what the flagged stars are."""
    note = (
        "Best visits. Recall: flagged of all (unknown counts as missed); share: of all stars "
        "flagged, so that the\n"
        "rows of binaries add up to the purity. Triples and SB2 (both sets of lines in the "
        "spectrum) are binaries too."
    ) + missing_note(data, "is_triple", "is_sb2")
    groups = [
        ("all binaries", data["is_binary"] == 1),
        *bins("mass ratio", data["mass_ratio"], RATIO_EDGES),
        ("triple", data["is_triple"] == 1),
        ("SB2", data["is_sb2"] == 1),
        ("single", data["is_binary"] == 0),
        ("single, no emission", (data["is_binary"] == 0) & (data["has_emission"] == 0)),
    ]
    columns = ("n", "unknown", "flagged", "recall", "share", "n parallax S/N > 10", "recall there")
    rows = [_ratio_row(label, data, rows) for label, rows in groups]
    return Section("binaries: binary_flag by mass ratio", note, columns, rows)


def _ratio_row(label: str, data: Compared, rows: Rows) -> tuple[str, ...]:
    best = data["uniqflag"] == 1
    flag, near = data["binary_flag"], parallax_snr(data) > GOOD_PARALLAX
    flagged = best & (flag == 1)
    return (
        label,
        str((best & rows).sum()),
        str((best & rows & np.isnan(flag)).sum()),
        str((rows & flagged).sum()),
        percent(_share(rows & flagged, best & rows)),
        percent(_share(rows & flagged, flagged)),
        str((best & rows & near).sum()),
        percent(_share(rows & flagged & near, best & rows & near)),
    )


BY_PARALLAX_NOTE = (
    "Best visits with a parallax; purity: true binaries of those flagged; false alarms: "
    "flagged of single stars."
)


def by_parallax(data: Compared) -> Section:
    note = BY_PARALLAX_NOTE
    groups = [
        ("all", np.isfinite(data["parallax"])),
        *bins("parallax S/N", parallax_snr(data), PARALLAX_EDGES),
    ]
    return Section(
        "binaries: binary_flag by parallax S/N", note, COLUMNS, _parallax_rows(data, groups)
    )


def by_snr(data: Compared) -> Section:
    note = "As above, by S/N of the spectrum; then those with a parallax above ten times its error."
    near = parallax_snr(data) > GOOD_PARALLAX
    groups = [
        *bins("S/N", np.where(np.isfinite(data["parallax"]), data["snr_g"], np.nan), SNR_EDGES)
    ]
    groups += [(f"{label}, parallax S/N > {GOOD_PARALLAX}", rows & near) for label, rows in groups]
    return Section("binaries: binary_flag by S/N", note, COLUMNS, _parallax_rows(data, groups))


def _parallax_rows(data: Compared, groups: list[tuple[str, Rows]]) -> list[tuple[str, ...]]:
    return [_parallax_row(label, data, (data["uniqflag"] == 1) & rows) for label, rows in groups]


def _parallax_row(label: str, data: Compared, rows: Rows) -> tuple[str, ...]:
    flag, true, bright = (
        data["binary_flag"],
        data["is_binary"],
        rows & (data["mass_ratio"] > BRIGHT_COMPANION),
    )
    return (
        label,
        str(rows.sum()),
        percent(st.fraction(true[rows])),
        percent(st.fraction(flag[rows])),
        percent(st.recall(flag[rows], true[rows])),
        percent(st.recall(flag[bright], true[bright])),
        percent(st.purity(flag[rows], true[rows])),
        percent(st.false_alarms(flag[rows], true[rows])),
    )


def _share(part: Rows, whole: Rows) -> float:
    return st.fraction(part[whole].astype(float))
