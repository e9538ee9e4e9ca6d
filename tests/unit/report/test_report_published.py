"""The paper's numbers beside ours:
what is within and what is outside, fractions on a simulated survey only.
"""

from pathlib import Path

import numpy as np
import pytest

from obcat.evaluate import STARS, STATED
from obcat.reading import Reading
from obcat.report.page import count_row, fraction_row, judgements, size_row, value_row, verdict


@pytest.mark.parametrize(
    ("here", "expected"),
    [
        (0.25, "within"),
        (0.279, "within"),
        (0.29, "outside"),
        (0.2, "outside"),
        (np.nan, "not known"),
    ],
)
def test_verdict(here, expected):
    assert verdict(here, 0.25, 0.03) == expected


def test_fraction_of_a_small_simulated_survey():
    row = fraction_row(STATED["binary"], 10, 100)
    assert row.paper == "10.0 % (1,597 of 16,002)"
    assert row.here == "10.0 % (10 of 100)"
    assert row.verdict == "within"
    assert "fraction" in row.what
    assert fraction_row(STATED["binary"], 13, 100).verdict == "outside"
    assert fraction_row(STATED["binary"], 0, 0).verdict == "not known"


def test_count_of_a_real_survey():
    assert count_row(STATED["binary"], 1600, STARS).verdict == "within"
    assert count_row(STATED["binary"], 160, 1600).verdict == "outside"


def test_size_is_judged_of_a_real_survey_only():
    assert size_row(100, True).verdict == "not judged"
    assert size_row(100, False).verdict == "outside"
    assert size_row(STARS, False).verdict == "within"


def test_a_part_is_shown_as_per_cent():
    assert value_row(STATED["dis_error"], 0.0961)[1:] == ("8 %", "9.6 %", "± 2 points", "within")
    assert value_row(STATED["scatter"], 0.33)[1:] == ("0.25", "0.330", "± 0.03", "outside")


def test_numbers_come_from_the_catalog(con, fill):
    flags = [1] * 2 + [0] * 7 + [None]
    fill(con, "catalog.ob_stars", [
        {"specid": f"s{i}", "uniqflag": 1, "binary_flag": flag, "em_flag": i % 2, "dis": 1.0,
        "dis_low": 0.9, "dis_high": 1.1 + 0.2 * i} for i, flag in enumerate(flags)
    ] + [{"specid": "again", "uniqflag": 2}])  # fmt: skip
    rows = {
        row.what: row for row in judgements(Reading(con, "few", True, Path("none"), Path("none")))
    }
    assert rows["stars"].here == "10"
    assert rows["binary stars, as a fraction of all stars"].here == "20.0 % (2 of 10)"
    assert (
        rows["stars that cannot be classified, as a fraction of all stars"].here
        == "10.0 % (1 of 10)"
    )
    assert rows["stars with emission, as a fraction of all stars"].here == "50.0 % (5 of 10)"
    assert rows["median relative distance error"].here == "55.0 %"  # (1.1 + 0.2 * 4.5 - 0.9) / 2
    assert rows["σ_int of the noise model, em_flag 0 (mag)"].verdict == "not known"
