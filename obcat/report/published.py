"""The numbers the paper publishes beside those of a catalog, with a tolerance for each."""

from typing import NamedTuple

import numpy as np

from obcat.report.gallery.survey import Survey, columns
from obcat.report.section import number, percent

__all__ = ["STARS", "Compared", "compare"]

STARS = 16002  # of the paper
COUNT = 0.05  # tolerance of a count, relative: assumed
UNKNOWN, WITHIN, OUTSIDE, UNJUDGED = "not known", "within", "outside", "not judged"

# name of the column, what it is, the paper's count, tolerance of its fraction of all stars (assumed)
COUNTS = (
    ("emission", "stars with emission", 2074, 0.02),
    ("binary", "binary stars", 1597, 0.02),
    ("single", "stars not found to be binary", 13257, 0.03),
    ("unknown", "stars that cannot be classified", 1148, 0.02),
    ("training", "training stars of the network without emission", 6861, 0.05),
    ("training_emission", "training stars of the network with emission", 7161, 0.05),
)
# the same for numbers that do not depend on the size of the survey; a fraction is shown as per cent
VALUES = (
    ("scatter", "scatter of M_spec − M_geo, test stars without emission, S/N > 50 (mag)", 0.25, 0.03, False),
    ("sigma_int", "σ_int of the noise model, em_flag 0 (mag)", 0.25, 0.03, False),
    ("sigma_100", "σ_100 of the noise model, em_flag 0 (mag)", 0.10, 0.02, False),
    ("dis_error", "median relative distance error", 0.08, 0.02, True),
    ("dis_error_15", "the same from 13 to 17 kpc, binary_flag 0", 0.14, 0.03, True),
)


class Compared(NamedTuple):
    """A row of the table, as text; ``verdict`` is within, outside, not known or not judged."""

    what: str
    paper: str
    here: str
    tolerance: str
    verdict: str


def compare(survey: Survey) -> list[Compared]:
    """Counts as they are for a real survey, as fractions of all stars for a simulated one; then the other numbers."""
    found = {name: float(column[0]) for name, column in columns(survey, "paper").items()}
    as_count = fraction_row if survey.simulated else count_row
    return [
        size_row(found["stars"], survey.simulated),
        *(as_count(what, paper, found[name], found["stars"], tolerance) for name, what, paper, tolerance in COUNTS),
        *(value_row(what, paper, found[name], tolerance, part) for name, what, paper, tolerance, part in VALUES),
    ]


def size_row(n: float, simulated: bool) -> Compared:
    if simulated:
        return Compared("stars", f"{STARS:,}", f"{n:,.0f}", "the size of a simulated survey is an option", UNJUDGED)
    return count_row("stars", STARS, n, n, COUNT)


def count_row(what: str, paper: int, here: float, _stars: float, _tolerance: float) -> Compared:
    return Compared(what, f"{paper:,}", f"{here:,.0f}", f"± {percent(COUNT, 0)}", verdict(here / paper, 1, COUNT))


def fraction_row(what: str, paper: int, here: float, stars: float, tolerance: float) -> Compared:
    expected, part = paper / STARS, here / stars if stars else np.nan
    shown = f"{percent(part)} ({here:,.0f} of {stars:,.0f})"
    return Compared(f"{what}, as a fraction of all stars", f"{percent(expected)} ({paper:,} of {STARS:,})", shown,
                    f"± {100 * tolerance:.0f} points", verdict(part, expected, tolerance))  # fmt: skip


def value_row(what: str, paper: float, here: float, tolerance: float, part: bool) -> Compared:
    if part:
        shown = (percent(paper, 0), percent(here), f"± {100 * tolerance:.0f} points")
    else:
        shown = (number(paper, 2), number(here), f"± {tolerance:.2f}")
    return Compared(what, *shown, verdict(here, paper, tolerance))


def verdict(here: float, paper: float, tolerance: float) -> str:
    if not np.isfinite(here):
        return UNKNOWN
    return WITHIN if abs(here - paper) <= tolerance else OUTSIDE
