"""Noise of scores from stars seen twice, and the weights that follow, by hand."""

import numpy as np
import pytest

from obcat.fit.luminosity import score_noise, score_weights

SNR, AGAIN = 60.0, 80.0  # 1 / 60^2 + 1 / 80^2 = 1 / 48^2


def twice(differences, fewest=3):
    """Noise at S/N 1 of two scores, the second of which differs ten times as much."""
    n = len(differences)
    score = np.zeros((n, 2))
    again = np.outer(differences, [1.0, 10.0])
    return score_noise(score, again, np.full(n, SNR), np.full(n, AGAIN), fewest=fewest)


def test_noise_is_the_robust_width_of_the_differences():
    """Medians of 1, 1, 2, 3, 900 in size: 2."""
    assert twice([1.0, -1.0, 2.0, -3.0, 900.0]) == pytest.approx(
        [2 * 48 * 1.4826, 20 * 48 * 1.4826]
    )


def test_stars_without_scores_do_not_count():
    assert twice([2.0, np.nan, 2.0, np.nan, 2.0]) == pytest.approx([142.33, 1423.3], rel=1e-3)
    assert not twice([2.0, np.nan, 2.0, np.nan, 2.0], fewest=4).any()
    assert not twice([], fewest=1).any()


def test_the_weight_is_the_share_of_signal():
    """Spread 1.4826 * 2, noise 1.4826 at S/N 100: of the squares 4, 1 is noise of their own. At S/N
    50 the noise is 4: 3 / (3 + 4). A score of as much noise as spread weighs nothing, one without
    noise all.
    """
    score = np.outer([-2.0, -2.0, 0.0, 2.0, 2.0], [1.0, 1.0, 1.0])
    noise = 1.4826 * np.array([100.0, 200.0, 0.0])
    weight = score_weights(score, np.full(5, 100.0), noise, np.array([50.0]))
    assert weight == pytest.approx([3 / 7, 0.0, 1.0])


def test_without_training_stars_nothing_is_weighed():
    assert np.array_equal(score_weights(np.zeros((0, 2)), np.zeros(0), np.ones(2), np.ones(0)),
                          [1, 1])  # fmt: skip
