"""Noise: scatter beside stated error, correlation of neighbours, outliers, what is left of sky lines."""

import numpy as np
from numpy.typing import NDArray

from obcat.realism.measured import BRIGHT, FAINT, MIDDLE, PILOT_END, Measured, chosen, robust, within
from obcat.realism.sample import Sample

__all__ = ["SKY_LINES", "noise"]

Array = NDArray[np.float64]
BANDS = ((3800, 4200), (4200, 4800), (4800, 5600), (6000, 6800), (6900, 7500), (7600, 8400), (8400, 8800), (8850, 9050))
ARMS = {"blue": (4200, 5600), "red": (6100, 8400)}
CLIP = 5.0  # robust sigma beyond which a residual is left out of correlations
OUTLIER = 5.0
SKY_LINES = (5578.3, 6302.3, 7915.9, 8348.3, 8433.3, 8830.8, 8922.8)


def noise(sample: Sample, pull: Array, hot: NDArray[np.bool_]) -> list[Measured]:
    """Measures of the residuals (n, 3909) of hot stars, in stated errors."""
    late = sample.lmjd >= PILOT_END
    faint = [*_scatter(pull, sample, late & hot), *_neighbours(pull, sample, late & hot), *_pilot(pull, sample, ~late)]
    return [*faint, *_lines(pull, sample, late & hot), *_outliers(pull, sample, late & hot)]


def _scatter(pull: Array, sample: Sample, among: NDArray[np.bool_]) -> list[Measured]:
    out = []
    for limits in (FAINT, MIDDLE, BRIGHT):
        rows = pull[chosen(sample, limits, among)]
        for low, high in BANDS:
            where = f"S/N {limits[0]:.0f}-{limits[1]:.0f}, {low}-{high}"
            out.append(Measured("scatter / stated error", where, (low + high) / 2, robust(rows[:, within(low, high)])))
    return out


def _correlation(x: Array, lag: int) -> Array:
    x = _clipped(x)
    return np.nanmean(x[:, lag:] * x[:, :-lag], axis=1) / np.nanmean(x**2, axis=1)


def _clipped(x: Array) -> Array:
    return np.where(np.abs(x) > CLIP * robust(x)[:, None], np.nan, x)


def _neighbours(pull: Array, sample: Sample, among: NDArray[np.bool_]) -> list[Measured]:
    rows = pull[chosen(sample, FAINT, among)]
    arms = [
        Measured("autocorrelation", f"{arm} arm, lag {lag}", lag, _correlation(rows[:, within(*limits)], lag))
        for arm, limits in ARMS.items()
        for lag in (1, 2, 3)
    ]
    near = [_correlation(rows[:, within(*band)], 1) for band in BANDS]
    bands = [
        Measured("neighbour correlation", f"{low}-{high}", (low + high) / 2, value)
        for (low, high), value in zip(BANDS, near, strict=True)
    ]
    return arms + bands


def _pilot(pull: Array, sample: Sample, early: NDArray[np.bool_]) -> list[Measured]:
    red = pull[early & (sample.snr > FAINT[0]) & (sample.snr < MIDDLE[1])][:, within(*ARMS["red"])]
    return [
        Measured("scatter / stated error", "nights before autumn 2012, red arm", np.nan, robust(red)),
        Measured("autocorrelation", "nights before autumn 2012, red arm, lag 1", np.nan, _correlation(red, 1)),
    ]


def _lines(pull: Array, sample: Sample, among: NDArray[np.bool_]) -> list[Measured]:
    """Residuals about sky lines, in stated errors."""
    rows = np.abs(pull[chosen(sample, (FAINT[0], MIDDLE[1]), among)])
    near = [rows[:, within(at - 4, at + 4)] for at in SKY_LINES]
    rms = [np.sqrt(np.nanmean(x**2, axis=1)) for x in near]
    return [Measured("sky line, rms residual", f"{at:.0f}", at, x) for at, x in zip(SKY_LINES, rms, strict=True)]


def _outliers(pull: Array, sample: Sample, among: NDArray[np.bool_]) -> list[Measured]:
    rows = pull[chosen(sample, (FAINT[0], MIDDLE[1]), among)]
    out = []
    for arm, limits in ARMS.items():
        x = rows[:, within(*limits)]
        high = np.mean(x > OUTLIER * robust(x)[:, None], axis=1)
        out.append(Measured("share of pixels 5 sigma too bright", f"{arm} arm", np.nan, high, "mean"))
    return out
