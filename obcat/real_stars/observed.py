"""Spectra of LAMOST themselves: how many are warned of by class, and how far visits of one star
are apart.
"""

import csv
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat import statistics as st
from obcat.real_stars.predicted import Found, NoStars, in_doubt, predicted
from obcat.section import Section, decimals, percent

__all__ = [
    "GOOD",
    "MANIFEST",
    "ORDER",
    "Observed",
    "classes",
    "observed",
    "pairs_of_visits",
    "read_manifest",
    "share",
    "visits",
]

MANIFEST = "manifest.csv"
SAME = 3.0  # arcsec within which two spectra are of one star, as in a catalog
HOT_A = 9500.0  # K of the pipeline's label, above which A stars are near the B stars
GOOD = 30.0  # S/N
SNR_EDGES = ((0, 30), (30, 50), (50, 100), (100, np.inf))
CLASS = re.compile(r"(?:d|g|sd|esd|usd)?([OBAFGKM])(?:\d|$)")
ORDER = (
    "B with He I", "A > 9,500 K", "A < 9,500 K", "A, no label", "F", "G", "K", "M", "no star",
)  # fmt: skip
CLASSES_NOTE = (
    "Class by the header; LAMOST calls its B stars A, so those with He I 4471 in absorption stand "
    "apart. A by Teff of LAMOST's own pipeline.\nWarned: no M, out_of_domain or erroneous. With "
    "the header: its class F to M, galaxy or quasar counts too, as in a catalog. Median M: of the "
    "unwarned."
)
VISITS_NOTE = (
    "M_spec of one visit less that of the next, both with an M. Scatter: 1.4826 MAD of the "
    "difference over sqrt 2; mk_err holds the\nscatter from star to star, which visits share: its "
    "ratio should be below 1; that of sigma_mea, the part of the noise alone, 1. S/N of the worse."
)


class Observed(NamedTuple):
    """(n,) each: ``kind`` one of ORDER; ``spectrum`` is the same for copies of one spectrum."""

    files: list[Path]
    kind: NDArray[np.str_]
    spectrum: NDArray[np.str_]
    place: NDArray[np.float64]
    snr: NDArray[np.float64]


def read_manifest(folder: Path) -> Observed:
    """Rows of the manifest whose files are there. NoStars: no manifest, or a column is missing."""
    path = folder / MANIFEST
    try:
        with path.open(newline="", encoding="utf-8") as f:
            rows = [row for row in csv.DictReader(f) if (folder / row["file"]).is_file()]
        place = np.radians([(float(row["ra"]), float(row["dec"])) for row in rows])
        keys = ("lmjd", "planid", "spid", "fiberid")
        return Observed(
            [folder / row["file"] for row in rows],
            np.array([_kind(row) for row in rows], str),
            np.array([" ".join(row[key] for key in keys) for row in rows], str),
            place.reshape(-1, 2),
            np.array([_number(row["snrg"]) for row in rows], float),
        )
    except (OSError, KeyError, ValueError) as error:
        raise NoStars(f"{path}: no list of real spectra ({error})") from error


def _number(cell: str) -> float:
    return float(cell) if cell else np.nan


def _kind(row: dict[str, str]) -> str:
    letter = CLASS.match(row["subclass"])
    if row["cls"] != "STAR" or not letter:
        return ORDER[-1]
    if row["flag_HeI"] == "1" and row["flag_Ha_emission"] == "0":
        return ORDER[0]
    if letter[1] != "A":
        return letter[1]
    teff = _number(row["lasp_teff"])
    return ORDER[3] if np.isnan(teff) else ORDER[1] if teff >= HOT_A else ORDER[2]


def observed(models: Path, folder: Path) -> list[Section]:
    """Warnings by class, and repeat visits. NoStars as `read_manifest`."""
    stars = read_manifest(folder)
    found, headed = (
        predicted(models, stars.files, with_header=is_used) for is_used in (False, True)
    )
    return [classes(stars, found, headed), visits(stars, found)]


def classes(stars: Observed, found: Found, headed: Found) -> Section:
    columns = (
        "n", "no M", "cool", "misfit", "far", "unwarned", "with header", "n S/N > 30", "unwarned",
        "with header", "median M",
    )  # fmt: skip
    rows = [
        (kind, *_class_cells(stars.kind == kind, stars.snr > GOOD, found, headed))
        for kind in ORDER
        if (stars.kind == kind).any()
    ]
    return Section("real stars: spectra of LAMOST by class", CLASSES_NOTE, columns, rows)


def _class_cells(
    here: NDArray[np.bool_], good: NDArray[np.bool_], found: Found, headed: Found
) -> tuple[str, ...]:
    free, also = ~in_doubt(found), ~in_doubt(headed)
    flags = np.isnan(found["mk"]), *(found[name] == 1 for name in ("cool", "misfit", "far"))
    return (
        str(np.count_nonzero(here)),
        *(share(flag[here]) for flag in flags),
        *(share(part[here]) for part in (free, also)),
        str(np.count_nonzero(here & good)),
        *(share(part[here & good]) for part in (free, also)),
        decimals(st.median(found["mk"][here & free]), 2),
    )


def share(is_so: NDArray[np.bool_]) -> str:
    """Per cent of rows (n,)."""
    return percent(st.fraction(is_so.astype(float)))


def visits(stars: Observed, found: Found) -> Section:
    first, second = pairs_of_visits(stars)
    known = np.isfinite(found["mk"][first]) & np.isfinite(found["mk"][second])
    first, second = first[known], second[known]
    worse = np.fmin(stars.snr[first], stars.snr[second])
    free = ~(in_doubt(found)[first] | in_doubt(found)[second])
    groups = [
        ("all", np.ones(len(first), bool)),
        ("neither warned of", free),
        *((f"S/N {_label(low, high)}", (worse >= low) & (worse < high)) for low, high in SNR_EDGES),
    ]
    columns = ("n", "scatter", "claimed", "over mk_err", "over sigma_mea")
    rows = [(label, *_visit_cells(found, first[here], second[here])) for label, here in groups]
    return Section("real stars: visits of one star", VISITS_NOTE, columns, rows)


def _label(low: float, high: float) -> str:
    return f"from {low:g}" if np.isinf(high) else f"{low:g} to {high:g}"


def _visit_cells(found: Found, first: NDArray[np.int_], second: NDArray[np.int_]) -> list[str]:
    apart = found["mk"][second] - found["mk"][first]
    errors = [np.hypot(found[name][first], found[name][second]) for name in ("mk_err", "sigma_mea")]
    return [
        str(len(apart)),
        decimals(st.robust_scatter(apart) / np.sqrt(2)),
        decimals(st.median(errors[0]) / np.sqrt(2)),
        *(decimals(st.robust_scatter(apart / error), 2) for error in errors),
    ]


def pairs_of_visits(stars: Observed) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """Rows of each spectrum that has an earlier one of its star, and of that one; copies of one
    spectrum count once.
    """
    _, once = np.unique(stars.spectrum, return_index=True)
    ra, dec = stars.place[once].T
    unit = np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=1)
    near = unit @ unit.T > np.cos(np.radians(SAME / 3600))
    later, earlier = [], []
    for row, others in enumerate(near):
        before = np.flatnonzero(others[:row])
        if len(before):
            later.append(once[row])
            earlier.append(once[before[-1]])
    return np.array(earlier, int), np.array(later, int)
