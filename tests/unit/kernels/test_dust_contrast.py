"""Red colours against blue ones, by hand."""

import numpy as np
import pytest

from obcat.kernels.extinction import BANDS, R_V_SLOPES, dust_contrast
from tests.unit.kernels.test_extinction import COEFFICIENTS, model


def contrast(magnitudes, error=0.02, labels=(2e4, 4.0, 0.0), label_errors=(0.0, 0.0, 0.0), **given):
    photometry = []
    for band in BANDS:
        there = band in magnitudes
        photometry += [[magnitudes.get(band, np.nan)], [error if there else np.nan]]
    columns = [[x] for x in (*labels, *label_errors)]
    return [float(x[0]) for x in dust_contrast(*columns, *photometry, **(given or model()))]


def dusty(ebv, extra=0.0):
    """Bands of a star behind dust, R_V off by ``extra``."""
    law = COEFFICIENTS[:-1] + extra * R_V_SLOPES
    return {band: 10 + ebv * law[BANDS.index(band)] for band in ("bp", "r", "j")}


def test_colours_that_agree_have_no_contrast():
    assert contrast(dusty(0.8))[0] == pytest.approx(0, abs=1e-12)


def test_one_colour_on_each_side_by_hand():
    """BP - r: slope 1.0; r - J: slope 1.77. J 0.177 mag too faint makes E of r - J 0.1 smaller.

    The contrast is (r - J) / 1.77 - (BP - r): slopes -1 with BP, 1.77 / 1.77 * (1 / 1.77 + 1) with
    r and -1 / 1.77 with J, of errors 0.02 each.
    """
    star = dusty(0.5) | {"j": dusty(0.5)["j"] + 0.177}
    value, error, _ = contrast(star)
    assert value == pytest.approx(-0.1)
    slopes = np.array([-1.0, 1 / 1.77 + 1, -1 / 1.77])
    assert error == pytest.approx(0.02 * np.sqrt(np.sum(slopes**2)))


def test_its_change_with_r_v_is_that_of_dust_of_other_r_v():
    one, other = contrast(dusty(0.8)), contrast(dusty(0.8, 0.1))
    assert one[2] == pytest.approx((0.987 - 0.260) / 1.77 * 0.8 - (0.998 - 0.987) * 0.8)
    assert other[0] - one[0] == pytest.approx(0.1 * one[2])


def test_an_error_of_the_labels_counts_as_it_moves_the_colours():
    """Corrections of J fall by 0.4 mag from log g 3 to 4: 0.1 of error is 0.04 mag in r - J."""
    bc = np.zeros((3, 2, 3, len(BANDS)))
    bc[:, 1, :, BANDS.index("j")] = -0.4
    given = model(bc)
    star = (2e4, 3.5, 0.0)
    without = contrast(dusty(0.5), labels=star, **given)[1]
    withit = contrast(dusty(0.5), labels=star, label_errors=(0.0, 0.1, 0.0), **given)[1]
    assert withit**2 - without**2 == pytest.approx((0.04 / 1.77) ** 2)


def test_colours_on_one_side_alone_and_a_survey_without_a_model_tell_nothing():
    assert np.isnan(contrast({"bp": 12.0, "r": 11.0})[:2]).all()
    empty = model() | {"coefficients": np.zeros(0)}
    assert np.isnan(contrast(dusty(0.5), **empty)).all()
