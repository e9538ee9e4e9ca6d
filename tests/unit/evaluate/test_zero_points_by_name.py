"""Rows of the zero points by name, worked out by hand."""

import numpy as np
import pytest

from obcat.evaluate.magnitudes import _changes, _moved, against_true_parallaxes, zero_points

# G, source, parallax, used offset -0.05
STARS = {
    "parallax": np.array([0.95, 0.45, -0.2, 0.95]),
    "used": np.full(4, -0.05),
    "is_train": np.array([1.0, 0, 0, 0]),
    "binary_flag": np.array([0.0, 1, 1, np.nan]),
}


def test_a_larger_offset_makes_near_and_faint():
    """Parallax 1 becomes 1.05 where 0.05 more is taken off: M + 5 log10 1.05 = 0.106."""
    moved = _moved(STARS, np.full(4, -0.10))
    assert moved[[0, 3]] == pytest.approx([0.10594650, 0.10594650])
    assert moved[1] == pytest.approx(5 * np.log10(0.55 / 0.50))
    assert np.isnan(moved[2])


def test_medians_and_distances():
    """Learnt: 0.106 mag, so d by M x 10^(-0.2 x 0.106) = 1 / 1.05; alone: 0.50 / 0.55."""
    assert _changes(STARS, np.full(4, -0.10)) == (
        "4", "-0.1000", "0.106", "0.106", "-4.8 %", "-9.1 %",
    )  # fmt: skip
    assert _changes(STARS, STARS["used"]) == ("4", "-0.0500", "0.000", "0.000", "0.0 %", "0.0 %")


@pytest.fixture
def survey(con, fill):
    fill(con, "meta.survey", [{"name": "x", "simulated": 1}])
    gaia = {"parallax": 1.0, "parallax_error": 0.1, "phot_g_mean_mag": 12.2}
    fill(con, "raw.gaia_dr2", [{"source_id": 1, **gaia}])
    star = {"star_id": "A", "specid": "a", "source_id": 1, "g_gaia": 12.2, "parallax": 1.0}
    fill(con, "sample.stars", [star | {"parallax_offset": -0.0523}])
    return con


def test_rows_are_those_that_the_release_can_have(survey):
    rows = {row[0]: row[1:] for row in zero_points(survey).rows}
    assert list(rows) == ["used", "constant", "leung_bovy_2019", "zinn_2019"]
    assert rows["zinn_2019"][:3] == ("1", "-0.0528", "0.001")
    ours = {"parallax": np.array([1.0]), "parallax_offset": np.array([-0.0523])}
    theirs = {"parallax": np.array([1.0]), "parallax_offset": np.array([0.0])}
    last = zero_points(survey, ours, theirs).rows[-1]
    assert last[:4] == ("theirs, rows in both", "1", "0.0000", "-0.111")


def test_beside_the_truth(survey):
    """Zinn's -0.0528 less the true -0.06; M_geo of a star that trains, 1 + 0.001 - 0.8."""
    survey.execute("INSERT INTO luminosity.good_parallax VALUES ('A', 'a', 90, 0, 1)")
    data = {
        "specid": np.array(["b", "a"]),
        "parallax_offset_true": np.array([9.0, -0.06]),
        "mk_geo": np.array([9.0, 1.0]),
        "true_mk_system": np.array([0.0, 0.8]),
    }
    rows = {row[0]: row[-2:] for row in against_true_parallaxes(survey, data).rows}
    assert rows["zinn_2019"] == ("0.0072", "0.201")
