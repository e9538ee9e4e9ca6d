"""What networks say of spectra they never saw, and how far it is to be believed."""

import numpy as np
import pytest
from scipy.special import ndtr

from obcat.kernels.luminosity import (
    DRAWN,
    LAYERS,
    LN_SIGMA,
    MEAN,
    apart,
    calibrated,
    freed_of_noise,
    out_of_fold,
)
from obcat.kernels.posterior import by_spectrum, spectral_magnitude

SHAPES = {
    "w0": (2, 1), "b0": (1,), "w1": (1, 1), "b1": (1,), "w2": (1,), "linear": (2,), "b2": (),
    "v0": (3, 1), "c0": (1,), "v1": (1, 2), "c1": (2,),
}  # fmt: skip


def model(**layers: np.ndarray) -> dict[str, np.ndarray]:
    """Two folds of networks that say the same whatever they see, but for the layers given."""
    given = {name: np.zeros((2, *SHAPES[name]), np.float32) for name in LAYERS}
    known = {"centre": np.zeros(2), "width": np.ones(2), "ln_scale": np.log(1.5)}
    known |= {"ln_emission": np.log(2.0)}
    known |= {"ln_least": np.log(0.05), "shift": np.array(0.1), "shift_emission": np.array(-0.3)}
    known |= {"bend": np.array([0.0, 0.0, 0.2, -0.1, 0.0, 0.0]), "sample_shift": np.zeros(2)}
    known |= {"noise_m": np.array([-3.0, 3.0]), "noise_at": np.array([4.0, 4.0])}
    known |= {"noise_slope": np.zeros(2), "network_at": np.zeros(2)}
    known |= {"shift_logit": np.array(-0.2), "likelihood_m": np.array([-3.0, 3.0])}
    return given | known | {"likelihood_slope": np.array([0.5, 0.5])} | layers


def test_a_star_is_judged_by_the_network_of_its_own_fold():
    """And of none where a score or S/N is not known."""
    networks = model(b2=np.array([1.0, 2.0], np.float32))
    score = np.zeros((5, 4))
    score[3, 1], score[4, 3] = np.nan, np.nan  # the last is none of the two that lead
    snr = np.array([50.0, 50.0, 0.0, 50.0, 50.0])
    mean, ln_sigma, _ = out_of_fold(score, snr, np.array([0, 1, 0, 1, 1]), networks)
    np.testing.assert_array_equal(mean, [1, 2, np.nan, np.nan, 2])
    np.testing.assert_array_equal(np.isnan(ln_sigma), np.isnan(mean))


def test_signal_reaches_the_scatter_and_not_the_mean():
    """ln sigma is ln(S/N / 50) of silu(x) = x / (1 + exp(-x)), within its limits."""
    v0 = np.zeros((2, 3, 1), np.float32)
    v0[:, 2] = 1
    v1 = np.tile(np.array([[2.0, 0.0]], np.float32), (2, 1, 1))
    score, fold = np.ones((3, 2)), np.zeros(3)
    snr = np.array([50.0, 100.0, 1e9])
    mean, ln_sigma, logit = out_of_fold(score, snr, fold, model(v0=v0, v1=v1))
    x = np.log(2)
    assert mean.tolist() == logit.tolist() == [0, 0, 0]
    assert ln_sigma == pytest.approx([0, 2 * x / (1 + np.exp(-x)), LN_SIGMA[1]], rel=1e-6)


def test_a_spectrum_like_no_other_is_given_no_magnitude_beyond_what_was_learnt():
    linear = np.ones((2, 2), np.float32)
    score = np.array([[-40.0, 1.0], [1.0, 1.5], [40.0, 1.0]])
    mean, _, _ = out_of_fold(score, np.full(3, 50.0), np.zeros(3), model(linear=linear))
    assert mean.tolist() == [MEAN[0], 2.5, MEAN[1]]


def test_errors_are_those_of_the_network_of_the_survey_and_of_the_noise():
    """The mean is bent by so much as lies between -1 and 0, and between 0 and 1."""
    said = np.array([1.0]), np.log([0.2]), np.array([0.5])
    found = calibrated(said, np.array([40.0]), np.zeros(1), model())
    assert found.mean == pytest.approx(1.1)
    assert found.sigma**2 == pytest.approx((1.5 * 0.2) ** 2 + 0.05**2 + (4 / 40) ** 2)
    assert found.logit == pytest.approx(0.3)
    found = calibrated(said, np.array([40.0]), np.ones(1), model())  # lines in emission
    assert found.mean == pytest.approx(0.8)
    assert found.sigma**2 == pytest.approx((2 * 1.5 * 0.2) ** 2 + 0.05**2 + (4 / 40) ** 2)
    mean = np.array([-9.0, -1.75, -0.5, 0.25, 9.0])
    found = calibrated((mean, mean, mean), np.full(5, 40.0), np.zeros(5), model())
    assert found.mean - mean == pytest.approx([0.1, 0.15, 0.15, 0.025, 0.1])


def test_noise_draws_a_star_back_to_where_many_are():
    """Of stars as common as N(1, 0.5^2), seen with noise of 0.6 mag, the mean is that of Bayes."""
    m = np.linspace(-2, 4, 601)
    variance = 0.5**2 + 0.6**2
    known = {"noise_m": m, "noise_at": np.full(601, 24.0), "noise_slope": -(m - 1) / variance}
    known |= {"network_at": np.zeros(601)}
    seen = np.array([-0.5, 1.0, 2.0])
    mean, ln_sigma, logit = freed_of_noise((seen, seen, seen), np.full(3, 40.0), known)
    assert mean == pytest.approx((0.5**2 * seen + 0.6**2 * 1.0) / variance, abs=1e-6)
    assert ln_sigma is seen
    assert logit is seen
    strong, _, _ = freed_of_noise((seen, seen, seen), np.full(3, 1e9), known)
    assert strong == pytest.approx(seen)


def test_networks_of_folds_tell_how_far_each_is_off():
    """Each says the mean of the numbers that are not of its fold: off by 1 / sqrt(0.8 n)."""
    rng, n, found = np.random.default_rng(2), 200, []
    blank = {name: np.zeros((5, *SHAPES[name]), np.float32) for name in LAYERS}
    star = np.zeros((5, 2)), np.full(5, 50.0), np.arange(5)
    for _ in range(400):
        numbers = rng.normal(size=(5, n // 5))
        told = (numbers.sum() - numbers.sum(axis=1)) / (0.8 * n)
        mean, square = apart(*star, model(**{**blank, "b2": told.astype(np.float32)}))
        assert mean == pytest.approx(told, abs=1e-6)
        found.append(square)
    assert np.mean(found) == pytest.approx(1 / (0.8 * n), rel=0.1)


def test_what_a_network_learnt_from_counts_as_noise_that_no_signal_removes():
    known = {"noise_m": np.array([-2.0, 2.0]), "noise_at": np.array([3.0, 3.0])}
    known |= {"noise_slope": np.array([2.0, 2.0]), "network_at": np.array([0.3, 0.1])}
    seen, snr = np.array([-2.0, 0.0, 2.0]), np.array([30.0, 60.0, 1e9])
    mean, _, _ = freed_of_noise((seen, seen, seen), snr, known)
    assert mean - seen == pytest.approx(
        [2 * (0.01 + DRAWN * 0.09), 2 * (0.0025 + DRAWN * 0.04), 2 * DRAWN * 0.01]
    )
    found = calibrated((seen, np.full(3, -9.0), seen), snr, np.zeros(3), model(**known))
    known_variance = 0.05**2 + np.array([0.01 + 0.09, 0.0025 + 0.04, 0.01])
    assert found.sigma**2 == pytest.approx(known_variance, abs=1e-6)


def test_everything_together():
    shifted = {"sample_shift": np.array([0.0, 0.05])}
    networks = model(b2=np.array([1.0, 2.0], np.float32), **shifted)
    m, sigma, logit, median, likely = spectral_magnitude(
        np.zeros((1, 3)),
        np.array([20.0]),
        np.array([1]),
        *np.full((3, 1), np.nan),
        imprint=np.zeros((3, 3)),
        imprint_ebv=np.zeros(4),
        logit_wide=np.array(-40.0),
        **networks,
    )
    variance = 1.5**2 + 0.05**2 + 0.2**2  # sigma 1 of a network that says 0
    assert (m[0], logit[0]) == (pytest.approx(2.1), pytest.approx(-0.2))
    moved = 0.05 * 5.1 / 6  # what single stars of the survey are fainter by there
    assert sigma[0] ** 2 == pytest.approx(variance)
    # 85 in 100 are a little fainter than the mean, 15 are 0.22 mag brighter
    fainter = 0.22 * 0.15 / 0.85
    within = np.sqrt(variance - 0.22 * fainter)
    below = np.array([median[0] - moved - 2.1 - fainter, median[0] - moved - 2.1 + 0.22]) / within
    assert ndtr(below) @ [0.85, 0.15] == pytest.approx(0.5, abs=1e-4)
    assert likely[0] == pytest.approx(median[0] - 0.5 * variance)


def test_half_of_the_stars_are_fainter_than_the_median():
    networks = model(ln_scale=np.array(-3.0), ln_least=np.log(0.02))
    imprint = {"imprint": np.zeros((3, 3)), "imprint_ebv": np.zeros(4)}
    unknown = np.full((3, 1), np.nan)
    for wide in (-40.0, 0.0):
        known = {**networks, **imprint, "logit_wide": np.array(wide)}
        score, one = np.zeros((1, 3)), np.ones(1)
        mean, sigma, _, median, _ = spectral_magnitude(score, 1e3 * one, one, *unknown, **known)
        off = np.linspace(-4, 4, 200_001)[None]
        density = by_spectrum(off, sigma[:, None] ** 2, known)
        fainter = density[off > median - mean].sum() / density.sum()
        assert fainter == pytest.approx(0.5, abs=2e-3)
        assert 0 < median[0] - mean[0] < 0.1 * sigma[0]
