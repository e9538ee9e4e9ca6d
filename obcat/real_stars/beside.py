"""Every section on real stars, and what stands in its place where they are not there."""

from pathlib import Path

from obcat import section
from obcat.real_stars.observed import MANIFEST, observed
from obcat.real_stars.predicted import NoStars
from obcat.real_stars.standards import LIBRARY, standards
from obcat.section import Section, as_text

__all__ = ["real_stars"]

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
