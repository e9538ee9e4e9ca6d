"""Where the method fails, and by how much: late-B primaries, Be stars, the cut on parallax, bright
stars, binaries; how many of the stars it is not made for carry a warning. And E(B-V) and the
labels it rests on against the truth; errors of what goes into the estimates.

Where the inputs are worse than stated, so is the catalog.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from obcat import statistics as st
from obcat.evaluate import (
    GOOD_PARALLAX,
    MK_EDGES,
    PAPER_MIN_SNR,
    bins,
    distance_error,
    parallax_snr,
)
from obcat.evaluate.accuracy import central, true_ranks
from obcat.evaluate.truth import Compared, is_ob_star, missing_note
from obcat.section import Section, decimals, percent
from obcat.statistics import Rows

__all__ = [
    "failures",
    "has_warning",
    "input_errors",
    "label_errors",
    "reddening_errors",
    "samples",
    "warnings",
]

Floats = NDArray[np.float64]


COLUMNS = (
    "n", "M_spec bias", "scatter", "M_geo bias", "dis bias", "scatter", "inside 68 %",
    "called binary",
)  # fmt: skip
TITLE = "where the method fails, and by how much"
A_STARS, COMPACT = 9500, 4.7  # K, dex; the main sequence ends at 4.5
LATE_B = (10_000, 14_000)  # K: B9 to B7 (Pecaut & Mamajek 2013)
RATIO_EDGES = (0.3, 0.5, 0.7, np.inf)
EXCESS_EDGES = (0, 0.02, 0.1, 0.2, np.inf)  # mag in Ks
WARNED_MK_EDGES = (-np.inf, -6, -4, -3, -2, 2, np.inf)
PLURAL = {"star": "O and B stars", "interloper": "interlopers (late B, A)", "subdwarf": "subdwarfs",
          "white_dwarf": "white dwarfs"}  # fmt: skip


def failures(data: Compared) -> Section:
    note = (
        "Best visits with S/N > 50 that did not train, unless a parallax is what is asked for. "
        "M_spec - M of the "
        "primary alone, mag; M_geo - M of the system, mag, both without the light of discs; dis "
        "/ true - 1; part with "
        "binary_flag 1. A bias is a median, a scatter 1.4826 MAD; the first row is what the "
        "method does where nothing "
        "is wrong. Nothing here is corrected in the catalog."
    ) + missing_note(data, "kind")
    rank = central(true_ranks(data), 0.68)
    return Section(
        TITLE, note, COLUMNS, [_row(label, data, rows, rank) for label, rows in samples(data)]
    )


def samples(data: Compared) -> list[tuple[str, Rows]]:
    every = (data["uniqflag"] == 1) & is_ob_star(data)
    judged = every & (data["snr_g"] > PAPER_MIN_SNR) & (data["is_train"] != 1)
    plain = judged & (data["is_binary"] == 0) & (data["has_emission"] == 0)
    return [
        ("single, no emission", plain),
        *_primaries(data, judged & (data["has_emission"] == 0)),
        *_discs(data, judged & (data["is_binary"] == 0)),
        *_cuts(data, every & (data["is_binary"] == 0) & (data["has_emission"] == 0)),
        *(
            (f"single, {label}", plain & rows)
            for label, rows in bins("M_true", data["true_mk"], (-np.inf, -6, -4, -3, -2))
        ),
        ("binaries, no emission", judged & (data["is_binary"] == 1) & (data["has_emission"] == 0)),
    ]


def _primaries(data: Compared, judged: Rows) -> list[tuple[str, Rows]]:
    """Late-B and hotter primaries: alone, then by mass ratio (paper section 6)."""
    late = (data["true_teff"] >= LATE_B[0]) & (data["true_teff"] < LATE_B[1])
    hotter = data["true_teff"] >= LATE_B[1]
    return [
        (f"{name} primary, {what}", judged & kind & rows)
        for name, kind in (("late-B", late), ("hotter", hotter))
        for what, rows in (
            ("single", data["is_binary"] == 0),
            *bins("q", data["mass_ratio"], RATIO_EDGES),
        )
    ]


def _discs(data: Compared, single: Rows) -> list[tuple[str, Rows]]:
    """Single Be stars by the Ks excess of their disc, which makes them look near;
    nebular emission has none.
    """
    disc = single & (data["has_emission"] == 1) & (data["is_nebular"] == 0) & (data["is_wind"] != 1)
    nebular = single & (data["is_nebular"] == 1)
    by_excess = bins("Ks excess / mag", data["true_excess"], EXCESS_EDGES)
    return [
        ("Be", disc),
        *((f"Be, {label}", disc & rows) for label, rows in by_excess),
        ("nebular emission", nebular),
    ]


def _cuts(data: Compared, plain: Rows) -> list[tuple[str, Rows]]:
    """Stars that pass the cut on measured parallax over error, by M:
    the luminous pass where it is too large.
    """
    good = plain & (parallax_snr(data) > GOOD_PARALLAX)
    return [
        (f"parallax S/N > 10, {label}", good & rows)
        for label, rows in bins("M_true", data["true_mk"], MK_EDGES)
    ]


def _row(label: str, data: Compared, rows: Rows, within: NDArray[np.float64]) -> tuple[str, ...]:
    spectrum, geometry = (
        (data["mk"] - data["true_mk"])[rows],
        (data["mk_geo"] - data["true_mk_system"])[rows],
    )
    off, flag = distance_error(data)[rows], (data["binary_flag"] == 1).astype(float)[rows]
    return (
        label,
        str(rows.sum()),
        decimals(st.bias(spectrum)),
        decimals(st.robust_scatter(spectrum)),
        decimals(st.bias(geometry)),
        percent(st.bias(off)),
        percent(st.robust_scatter(off)),
        percent(st.fraction(within[rows])),
        percent(st.fraction(flag)),
    )


def warnings(data: Compared) -> Section:
    note = (
        "Best visits. Warned: quality has the bit out_of_domain, erroneous or no_mk, that is, "
        "M_spec is missing or not to be trusted; interlopers are told by Teff, subdwarfs with the "
        "log g of B stars (blue horizontal branch) hardly at all."
    ) + missing_note(data, "kind")
    best = data["uniqflag"] == 1
    kinds = [
        (PLURAL.get(kind, kind), best & (data["kind"] == kind))
        for kind in sorted(set(data["kind"]))
        if kind
    ]
    plain = best & is_ob_star(data)
    sound = best & (data["is_erroneous"] != 1)
    compact = (data["kind"] == "subdwarf") & (data["true_logg"] > COMPACT)
    groups = [
        *kinds,
        ("A stars below 9,500 K, sound spectra", sound & (data["true_teff"] < A_STARS)),
        (f"subdwarfs with log g above {COMPACT:g}, sound", sound & compact),
        ("O and B stars, sound spectra", sound & is_ob_star(data)),
        *(
            (f"O and B, {label}", plain & rows)
            for label, rows in bins("M_true", data["true_mk"], WARNED_MK_EDGES)
        ),
        (
            "O and B, single, no emission",
            plain & (data["is_binary"] == 0) & (data["has_emission"] == 0),
        ),
        ("O and B, emission", plain & (data["has_emission"] == 1)),
        ("spectrum spoiled", best & (data["is_erroneous"] == 1)),
    ]
    columns = (
        "n",
        "warned",
        "out_of_domain",
        "erroneous",
        "no M_spec",
        "M_spec - M_true mag",
        "scatter mag",
    )
    return Section("warnings: stars outside the method's domain", note, columns,
                   [_warned_row(label, data, rows) for label, rows in groups])  # fmt: skip


def has_warning(data: Compared) -> Rows:
    return (data["out_of_domain"] > 0) | (data["erroneous"] == 1) | np.isnan(data["mk"])


def _warned_row(label: str, data: Compared, rows: Rows) -> tuple[str, ...]:
    flags = (
        has_warning(data),
        data["out_of_domain"] > 0,
        data["erroneous"] == 1,
        np.isnan(data["mk"]),
    )
    off = (data["mk"] - data["true_mk"])[rows]
    shares = (percent(st.fraction(flag[rows].astype(float))) for flag in flags)
    return (
        label,
        str(rows.sum()),
        *shares,
        decimals(st.bias(off)),
        decimals(st.robust_scatter(off)),
    )


LABELS = {"teff": ("Teff", "relative"), "logg": ("log g", "dex"), "feh": ("[Fe/H]", "dex")}

REDDENING_COLUMNS = (
    "n",
    "bias",
    "robust scatter",
    "std",
    "claimed error",
    "robust scatter of pull",
)


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
    return Section("E(B-V)", note, REDDENING_COLUMNS, rows)


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
    return Section("labels", note, REDDENING_COLUMNS, rows)


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
