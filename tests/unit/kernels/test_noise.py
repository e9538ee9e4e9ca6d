"""The error of M_spec (METHOD section 5, paper Eq. 8-10)."""

import numpy as np
import pytest

from obcat.kernels.luminosity import mk_error

MODEL = {"sigma_int": np.array([0.25, 0.4]), "sigma_100": np.array([0.10, 0.2])}


def test_numbers_of_the_paper_at_its_reference_snr():
    """0.25 mag intrinsic, 0.10 mag measured at S/N 100: sqrt(0.0725) = 0.269258;
    at S/N 40 sqrt(0.125) = 0.353553.
    """
    error, measured = mk_error([100.0, 40.0], [0, 0], **MODEL)
    np.testing.assert_allclose(error, [0.269258, 0.353553], atol=1e-6)
    np.testing.assert_allclose(measured, [0.10, 0.25])


def test_emission_stars_have_their_own_scatter():
    error, measured = mk_error([50.0], [1], **MODEL)
    np.testing.assert_allclose(error, sqrt_sum(0.4, 0.4))
    np.testing.assert_allclose(measured, 0.4)


def sqrt_sum(a, b):
    return (a**2 + b**2) ** 0.5


@pytest.mark.parametrize(
    ("snr", "flag"), [(0.0, 0), (-5.0, 1), (np.nan, 0), (np.inf, 0), (50.0, -9)]
)
def test_unknown_in_unknown_out(snr, flag):
    assert np.isnan(mk_error([snr], [flag], **MODEL)).all()


def test_an_unknown_flag_has_the_error_of_the_network_it_takes():
    assert mk_error([50.0], [np.nan], **MODEL)[0] == mk_error([50.0], [1], **MODEL)[0]


def test_no_model_no_error():
    assert np.isnan(mk_error([50.0], [0], sigma_int=np.empty(0), sigma_100=np.empty(0))).all()
