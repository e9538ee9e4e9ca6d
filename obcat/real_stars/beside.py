"""Every section on real stars, and what stands in its place where they are not there."""

from pathlib import Path

import numpy as np

from obcat import section
from obcat.real_stars.observed import MANIFEST, ORDER, observed, read_manifest, share
from obcat.real_stars.predicted import NoStars, in_doubt, predicted
from obcat.real_stars.standards import (
    DWARFS,
    LIBRARY,
    LUMINOUS,
    OFF,
    judged,
    kinds_of,
    rms,
    standards,
)
from obcat.section import Section, as_text, decimals

__all__ = ["real_aims", "real_stars"]

PARTS = ((LIBRARY, standards), (MANIFEST, observed))


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
