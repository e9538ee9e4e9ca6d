"""The numbers the paper states beside those of a catalog, and whether they are within the tolerance of each."""

from typing import NamedTuple

import numpy as np

from obcat.evaluate.paper import STARS, STATED, Number, from_catalog
from obcat.reading import Reading
from obcat.section import decimals, percent

__all__ = ["Judged", "count_row", "fraction_row", "judgements", "size_row", "value_row", "verdict"]

COUNT = 0.05  # tolerance of a count, relative: assumed
UNKNOWN, WITHIN, OUTSIDE, UNJUDGED = "not known", "within", "outside", "not judged"


class Judged(NamedTuple):
    """A row of the table, as text; ``verdict`` is within, outside, not known or not judged."""

    what: str
    paper: str
    here: str
    tolerance: str
    verdict: str


def judgements(survey: Reading) -> list[Judged]:
    """Counts as they are for a real survey, as fractions of all stars for a simulated one; then the other numbers."""
    found = from_catalog(survey.con)
    as_count = fraction_row if survey.simulated else count_row
    return [
        size_row(found["stars"], survey.simulated),
        *(as_count(n, found[n.name], found["stars"]) for n in STATED.values() if n.kind == "stars"),
        *(value_row(n, found[n.name]) for n in STATED.values() if n.kind != "stars"),
    ]


def size_row(n: float, simulated: bool) -> Judged:
    if simulated:
        return Judged(
            "stars",
            f"{STARS:,}",
            f"{n:,.0f}",
            "the size of a simulated survey is an option",
            UNJUDGED,
        )
    return count_row(Number("stars", "stars", STARS, "stars", COUNT, "Table 1"), n, n)


def count_row(of: Number, here: float, _stars: float) -> Judged:
    judgement = verdict(here / of.value, 1, COUNT)
    return Judged(of.what, f"{of.value:,}", f"{here:,.0f}", f"± {percent(COUNT, 0)}", judgement)


def fraction_row(of: Number, here: float, stars: float) -> Judged:
    expected, part = of.value / STARS, here / stars if stars else np.nan
    shown = f"{percent(part)} ({here:,.0f} of {stars:,.0f})"
    return Judged(f"{of.what}, as a fraction of all stars", f"{percent(expected)} ({of.value:,} of {STARS:,})", shown,
                  f"± {100 * of.tolerance:.0f} points", verdict(part, expected, of.tolerance))  # fmt: skip


def value_row(of: Number, here: float) -> Judged:
    if of.kind == "part":
        shown = (percent(of.value, 0), percent(here), f"± {100 * of.tolerance:.0f} points")
    else:
        shown = (decimals(of.value, 2), decimals(here), f"± {of.tolerance:.2f}")
    return Judged(of.what, *shown, verdict(here, of.value, of.tolerance))


def verdict(here: float, paper: float, tolerance: float) -> str:
    if not np.isfinite(here):
        return UNKNOWN
    return WITHIN if abs(here - paper) <= tolerance else OUTSIDE
