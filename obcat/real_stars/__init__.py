"""Real stars beside the models of a build: templates of known type, spectra of LAMOST, repeat
visits.

Spectra of LAMOST themselves: how many are warned of by class, how far visits of one star are
apart; and every section on real stars, with what stands in its place where they are not there.
"""

import csv
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat import section
from obcat import statistics as st
from obcat.real_stars import standards
from obcat.real_stars.standards import (
    DWARFS,
    LIBRARY,
    LUMINOUS,
    OFF,
    Found,
    NoStars,
    in_doubt,
    judged,
    kinds_of,
    predicted,
    rms,
)
from obcat.section import Section, as_text, decimals, percent

__all__ = [
    "GOOD",
    "MANIFEST",
    "ORDER",
    "Observed",
    "classes",
    "observed",
    "pairs_of_visits",
    "read_manifest",
    "real_aims",
    "real_stars",
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


PARTS = ((LIBRARY, standards.standards), (MANIFEST, observed))


def real_stars(models: Path, folder: Path, *, as_json: bool = False) -> str:
    """Plain text, or JSON: templates of known type, spectra of LAMOST by class, repeat visits.

    ``models``: a database of a build, or models.safetensors. A part whose file is not in
    ``folder`` is named and left out. NoStars (one line): none of them is there.
    """
    there = [part for part in PARTS if (folder / part[0]).is_file()]
    if not there:
        wanted = " nor ".join(name for name, _ in PARTS)
        raise NoStars(f"{folder}: no real stars there, neither {wanted}; give the folder of both")
    sections = [found for _, measure in there for found in measure(models, folder)]
    missing = [
        Section("real stars: left out", f"{folder} has no {name}: nothing is said of it.")
        for name, _ in PARTS
        if not (folder / name).is_file()
    ]
    layout = section.as_json if as_json else as_text
    return layout([*sections, *missing], f"Real stars by the models of {models.parent.name}")


def real_aims(
    models: Path, folder: Path, *, with_header: bool = True
) -> list[tuple[str, str, str]]:
    """What models are judged by on real stars: number, aim, value as text.

    NoStars (one line): the templates or the spectra are not there. ``with_header``: as in
    `predicted`, of the spectra.
    """
    return [*_template_aims(models, folder), *_spectrum_aims(models, folder, with_header)]


def _template_aims(models: Path, folder: Path) -> list[tuple[str, str, str]]:
    stars = judged(models, folder)
    kinds, off, doubt = kinds_of(stars), stars.off, in_doubt(stars.found)
    known, far = np.isfinite(off), np.abs(off) > OFF
    bright = kinds == LUMINOUS
    return [
        *(
            (
                f"real templates, {kind}: rms; of the unwarned",
                "<= 0.8 mag",
                f"{decimals(rms(off[rows]), 2)} mag; {decimals(rms(off[rows & ~doubt]), 2)} mag",
            )
            for kind in (LUMINOUS, DWARFS)
            for rows in [known & (kinds == kind)]
        ),
        (
            f"real templates, {LUMINOUS}: off by more than 1 mag",
            "<= 1",
            f"{np.count_nonzero(bright & far)} of {np.count_nonzero(bright & known)}",
        ),
        (
            f"real templates, {LUMINOUS}: the same, unwarned",
            "0",
            str(np.count_nonzero(bright & far & ~doubt)),
        ),
    ]


def _spectrum_aims(models: Path, folder: Path, with_header: bool) -> list[tuple[str, str, str]]:
    stars = read_manifest(folder)
    alone = ~in_doubt(predicted(models, stars.files))
    free = ~in_doubt(predicted(models, stars.files, with_header=True)) if with_header else alone
    late, hot = np.isin(stars.kind, list("FGKM")), stars.kind == ORDER[0]
    return [
        (
            "real spectra of F to M stars unwarned; by the spectrum alone",
            "< 2 %",
            f"{share(free[late])}; {share(alone[late])}",
        ),
        (
            "real spectra of A stars below 9,500 K unwarned",
            "<= 10 %",
            share(free[stars.kind == ORDER[2]]),
        ),
        ("real spectra of B stars with He I unwarned", "> 90 %", share(free[hot])),
    ]
