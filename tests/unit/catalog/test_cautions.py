"""What limits a spectrum, in words: each reason by itself, none for an ordinary star."""

import numpy as np
import pytest

from obcat.steps import NOTHING, UNCHECKED, in_words

ORDINARY = {
    "z": 0.0, "snr_g": 80.0, "mk": -1.0, "em_flag": 0.0, "erroneous": 0.0, "is_other": np.nan,
    "cool": 0.0, "compact": 0.0, "misfit": 0.0, "far": 0.0, "beyond_training": 0.0,
}  # fmt: skip


def said(**changed):
    found = {name: np.array([value]) for name, value in {**ORDINARY, **changed}.items()}
    return in_words(found, limit=2.0, teff=9700.0)[0]


@pytest.mark.parametrize(
    ("changed", "part"),
    [
        ({"z": np.nan, "mk": np.nan, "em_flag": np.nan, "beyond_training": np.nan}, "no redshift"),
        ({"mk": np.nan, "em_flag": np.nan, "beyond_training": np.nan}, "masked"),
        ({"mk": np.nan, "beyond_training": np.nan}, "no network"),
        ({"erroneous": 1.0}, "cannot be reconstructed"),
        ({"is_other": 1.0}, "header"),
        ({"cool": 1.0}, "below 9700 K"),
        ({"compact": 1.0}, "subdwarf"),
        ({"misfit": 1.0}, "fitted worse"),
        ({"beyond_training": 1.0, "mk": -9.0}, "brighter than"),
        ({"beyond_training": 1.0, "mk": 3.0}, "fainter than M = 2"),
        ({"far": 1.0}, "unlike the stars that trained"),
        ({"snr_g": np.nan}, "S/N unknown"),
    ],
)
def test_each_reason_is_said_and_nothing_else(changed, part):
    assert part in said(**changed)
    assert ";" not in said(**changed)


def test_an_ordinary_star_has_no_caution_and_two_reasons_are_both_said():
    assert said() == NOTHING
    assert said(cool=1.0, misfit=1.0).count(";") == 1


@pytest.mark.parametrize(
    "changed", [{"beyond_training": 1.0}, {"beyond_training": 1.0, "mk": 3.0}, {"far": 1.0}]
)
def test_a_star_beyond_what_was_checked_is_not_called_wrong(changed):
    assert UNCHECKED in said(**changed)
    assert "wrong" not in said(**changed)


def test_rows_keep_their_order():
    found = {name: np.full(3, value) for name, value in ORDINARY.items()}
    found["cool"] = np.array([0.0, 1.0, 0.0])
    assert [bool(text) for text in in_words(found, limit=2.0, teff=9700.0)] == [False, True, False]
