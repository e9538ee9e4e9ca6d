"""Absolute Ks magnitude that a star of a spectral type should have, from a small table."""

import csv
import re
from functools import cache
from typing import NamedTuple

import numpy as np

from obcat.data import REFERENCE

__all__ = ["SpectralType", "expected_mk", "parse_type"]

TABLE = "expected_magnitudes.csv"
LETTERS = "OBAFGKM"
TYPE = re.compile(r"([OBAFGKM])(\d(?:\.\d+)?)")
LUMINOSITY = re.compile(r"Iab|Ia|Ib|III|II|IV|V")
ALSO = {"167771": "O7III", "188001": "O7.5Iab"}  # what the name does not say (as remembered)


class SpectralType(NamedTuple):
    """``number``: 10 a letter from O0; ``classes``: one luminosity class, or two of which it is
    between, or none that is known.
    """

    number: float
    classes: tuple[str, ...]

    @property
    def is_luminous(self) -> bool:
        """Whether it is of class I or II."""
        return bool(self.classes) and self.classes[0] in ("Ia", "Iab", "Ib", "II")


def parse_type(name: str) -> SpectralType:
    """Type of a template by its name, as ``B3Ib/II (51309)``; number NaN where it has none."""
    said, _, star = name.partition("(")
    said = ALSO.get(star.rstrip(")"), said)
    found = TYPE.match(said.strip())
    if not found:
        return SpectralType(np.nan, ())
    number = 10 * LETTERS.index(found[1]) + float(found[2])
    return SpectralType(number, tuple(LUMINOSITY.findall(said[found.end() :])))


def expected_mk(star: SpectralType) -> float:
    """M_Ks of a star of this type, mag; NaN off O7 to F0, or without a luminosity class.

    Dwarfs from the sequence of Pecaut & Mamajek (2013), others from M_V of Schmidt-Kaler (1982)
    and V - Ks; assumed, and uncertain by some 0.7 mag, 0.3 on the main sequence.
    """
    values = [_of_class(name, star.number) for name in star.classes]
    return float(np.mean(values)) if values else np.nan


def _of_class(name: str, number: float) -> float:
    """Linear between the types of the table; subgiants are half-way from dwarfs to giants."""
    if name == "IV":
        return (_of_class("III", number) + _of_class("V", number)) / 2
    types, magnitudes = _table()[name]
    return float(np.interp(number, types, magnitudes, left=np.nan, right=np.nan))


@cache
def _table() -> dict[str, tuple[list[float], list[float]]]:
    """Luminosity class -> numbers of types, their M_Ks."""
    found: dict[str, tuple[list[float], list[float]]] = {}
    with (REFERENCE / TABLE).open(newline="", encoding="utf-8") as f:
        for row in csv.DictReader(f):
            types, magnitudes = found.setdefault(row["class"], ([], []))
            types.append(parse_type(row["type"]).number)
            magnitudes.append(float(row["m_v"]) - float(row["v_ks"]))
    return found
