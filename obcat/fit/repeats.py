"""How much of each score is noise, from stars seen twice, and the weight that a network gives it.

Of 100 scores two or three dozen carry the spectrum; a network that takes all alike is led by the
noise of the rest as soon as a star is fainter than those that train.
"""

import numpy as np
from numpy.typing import NDArray

from obcat.statistics import MAD_TO_SIGMA

__all__ = ["score_noise", "score_weights"]

Floats = NDArray[np.floating]


def score_noise(
    score: Floats, again: Floats, snr: Floats, snr_again: Floats, *, fewest: int
) -> Floats:
    """(k,) noise of each score at S/N 1: robust width of the differences of two visits over
    sqrt(1 / snr^2 + 1 / snr_again^2); 0 where fewer than ``fewest`` stars have two.

    Parameters
    ----------
    score, again : (n, k) of the two visits
    snr, snr_again : (n,) their S/N per pixel
    """
    with np.errstate(invalid="ignore"):
        twice = np.isfinite(score + again).all(axis=1) & (snr > 0) & (snr_again > 0)
    if np.count_nonzero(twice) < max(fewest, 1):
        return np.zeros(score.shape[1])
    unit = np.hypot(1 / snr[twice], 1 / snr_again[twice])[:, None]
    return MAD_TO_SIGMA * np.median(np.abs(again[twice] - score[twice]) / unit, axis=0)


def score_weights(score: Floats, snr: Floats, noise: Floats, typical: Floats) -> Floats:
    """(k,) share of signal s^2 / (s^2 + n^2) in each score of a spectrum of S/N ``typical``.

    s^2 is the variance of the scores (n, k) of training stars of S/N ``snr`` (n,), robust, less
    their own noise; n is the ``noise`` (k,) at S/N 1 over ``typical`` (1,). 1 for a score without
    noise.
    """
    if not len(score):
        return np.ones(score.shape[1])
    spread = MAD_TO_SIGMA * np.median(np.abs(score - np.median(score, axis=0)), axis=0)
    own = noise**2 * np.median(1 / snr**2)
    signal, there = np.maximum(spread.astype(float) ** 2 - own, 0), (noise / typical) ** 2
    return np.divide(signal, signal + there, out=np.ones(len(noise)), where=there > 0)
