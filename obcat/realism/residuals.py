"""What is left of spectra when continuum and stellar lines are taken off:
noise beside stated errors; and the masks.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from obcat.kernels.grid import LOG_STEP, N_PIXEL
from obcat.realism.measures import (
    BRIGHT,
    FAINT,
    MIDDLE,
    PILOT_END,
    Measured,
    Sample,
    pixels_within,
    rows_by_snr,
    scatter_about_zero,
)
from obcat.statistics import Array

__all__ = ["SKY_LINES", "continuum", "masks", "noise", "residuals", "smooth"]

WIDTH = 22  # pixels, sigma of the continuum: 1,500 km/s
BASIS_SNR = 60.0  # S/N from which spectra serve to find eigenspectra
EIGENSPECTRA, PER_SPECTRUM = 30, 4  # at most, and one in so many of the spectra they come from
HEAVIEST = 5.0  # weight over the median of a spectrum
BEST_ERROR = 0.003  # of the normalised flux: no pixel weighs more
RIDGE = 1e-3
FEWEST = 2000  # good pixels
PIXEL = np.arange(N_PIXEL)
BANDS = (
    (3800, 4200), (4200, 4800), (4800, 5600), (6000, 6800), (6900, 7500), (7600, 8400),
    (8400, 8800), (8850, 9050),
)  # fmt: skip
ARMS = {"blue": (4200, 5600), "red": (6100, 8400)}
CLIP = 5.0  # robust sigma beyond which a residual is left out of correlations
OUTLIER = 5.0
TENTH = 0.1  # of the pixels of a file
SKY_LINES = (5578.3, 6302.3, 7915.9, 8348.3, 8433.3, 8830.8, 8922.8)


def smooth(values: NDArray[np.floating], weight: NDArray[np.floating], width: float) -> Array:
    """(n, 3909) weighted Gaussian mean."""
    total = gaussian_filter1d(weight.astype(float), width, axis=-1, truncate=3)
    return gaussian_filter1d(
        values * weight.astype(float), width, axis=-1, truncate=3
    ) / np.maximum(total, 1e-6)


def continuum(sample: Sample) -> Array:
    """(n, 3909) flux smoothed with the inverse variance as weight."""
    ivar = np.where(sample.good, sample.ivar, 0).astype(float)
    middle = np.array([np.median(row[row > 0]) if (row > 0).any() else 1.0 for row in ivar])
    return smooth(sample.flux, np.minimum(ivar / middle[:, None], HEAVIEST), WIDTH)


def residuals(sample: Sample, level: Array) -> Array:
    """(n, 3909) in stated errors, NaN where masked;
    lines are a fit of eigenspectra of the sample's bright stars.
    """
    good = sample.good & (level > 0)
    safe = np.where(good, level, 1)
    lines = np.where(good, sample.flux / safe - 1, 0)
    error = np.where(good, 1 / np.sqrt(np.where(good, sample.ivar, 1)) / safe, np.inf)
    shift = np.log10(1 + np.where(np.abs(sample.z) < 0.01, sample.z, 0)) / LOG_STEP
    basis = _basis(lines, shift, sample.snr > BASIS_SNR)
    out = np.full(lines.shape, np.nan)
    for k in np.flatnonzero(good.sum(axis=1) > FEWEST):
        moved = np.array([np.interp(PIXEL - shift[k], PIXEL, row) for row in basis])
        weighted = moved / np.maximum(error[k], BEST_ERROR) ** 2
        fit = np.linalg.solve(weighted @ moved.T + RIDGE * np.eye(len(basis)), weighted @ lines[k])
        out[k, good[k]] = ((lines[k] - fit @ moved) / error[k])[good[k]]
    return out


def _basis(lines: Array, shift: Array, bright: NDArray[np.bool_]) -> Array:
    """Mean and eigenspectra at rest."""
    rows = np.flatnonzero(bright)
    if len(rows) < 2 * PER_SPECTRUM:
        return np.zeros((1, N_PIXEL))
    rest = np.array([np.interp(PIXEL + shift[k], PIXEL, lines[k]) for k in rows]).clip(-0.9, 0.5)
    mean = rest.mean(axis=0)
    _, _, vectors = np.linalg.svd(rest - mean, full_matrices=False)
    return np.vstack([mean, vectors[: min(EIGENSPECTRA, len(rows) // PER_SPECTRUM)]])


def noise(sample: Sample, pull: Array, hot: NDArray[np.bool_]) -> list[Measured]:
    """Measures of the residuals (n, 3909) of hot stars, in stated errors."""
    late = sample.lmjd >= PILOT_END
    faint = [
        *_scatter(pull, sample, late & hot),
        *_neighbours(pull, sample, late & hot),
        *_pilot(pull, sample, ~late),
    ]
    return [*faint, *_lines(pull, sample, late & hot), *_outliers(pull, sample, late & hot)]


def _scatter(pull: Array, sample: Sample, among: NDArray[np.bool_]) -> list[Measured]:
    out = []
    for limits in (FAINT, MIDDLE, BRIGHT):
        rows = pull[rows_by_snr(sample, limits, among)]
        for low, high in BANDS:
            where = f"S/N {limits[0]:.0f}-{limits[1]:.0f}, {low}-{high}"
            out.append(
                Measured(
                    "scatter / stated error",
                    where,
                    (low + high) / 2,
                    scatter_about_zero(rows[:, pixels_within(low, high)]),
                )
            )
    return out


def _correlation(x: Array, lag: int) -> Array:
    x = _clipped(x)
    return np.nanmean(x[:, lag:] * x[:, :-lag], axis=1) / np.nanmean(x**2, axis=1)


def _clipped(x: Array) -> Array:
    return np.where(np.abs(x) > CLIP * scatter_about_zero(x)[:, None], np.nan, x)


def _neighbours(pull: Array, sample: Sample, among: NDArray[np.bool_]) -> list[Measured]:
    rows = pull[rows_by_snr(sample, FAINT, among)]
    arms = [
        Measured(
            "autocorrelation",
            f"{arm} arm, lag {lag}",
            lag,
            _correlation(rows[:, pixels_within(*limits)], lag),
        )
        for arm, limits in ARMS.items()
        for lag in (1, 2, 3)
    ]
    near = [_correlation(rows[:, pixels_within(*band)], 1) for band in BANDS]
    bands = [
        Measured("neighbour correlation", f"{low}-{high}", (low + high) / 2, value)
        for (low, high), value in zip(BANDS, near, strict=True)
    ]
    return arms + bands


def _pilot(pull: Array, sample: Sample, early: NDArray[np.bool_]) -> list[Measured]:
    red = pull[early & (sample.snr > FAINT[0]) & (sample.snr < MIDDLE[1])][
        :, pixels_within(*ARMS["red"])
    ]
    return [
        Measured(
            "scatter / stated error",
            "nights before autumn 2012, red arm",
            np.nan,
            scatter_about_zero(red),
        ),
        Measured(
            "autocorrelation",
            "nights before autumn 2012, red arm, lag 1",
            np.nan,
            _correlation(red, 1),
        ),
    ]


def _lines(pull: Array, sample: Sample, among: NDArray[np.bool_]) -> list[Measured]:
    """Residuals about sky lines, in stated errors."""
    rows = np.abs(pull[rows_by_snr(sample, (FAINT[0], MIDDLE[1]), among)])
    near = [rows[:, pixels_within(at - 4, at + 4)] for at in SKY_LINES]
    rms = [np.sqrt(np.nanmean(x**2, axis=1)) for x in near]
    return [
        Measured("sky line, rms residual", f"{at:.0f}", at, x)
        for at, x in zip(SKY_LINES, rms, strict=True)
    ]


def _outliers(pull: Array, sample: Sample, among: NDArray[np.bool_]) -> list[Measured]:
    rows = pull[rows_by_snr(sample, (FAINT[0], MIDDLE[1]), among)]
    out = []
    for arm, limits in ARMS.items():
        x = rows[:, pixels_within(*limits)]
        high = np.mean(x > OUTLIER * scatter_about_zero(x)[:, None], axis=1)
        out.append(
            Measured("share of pixels 5 sigma too bright", f"{arm} arm", np.nan, high, "mean")
        )
    return out


def masks(sample: Sample) -> list[Measured]:
    """Counts of pixels in a file, nights of the pilot survey left out."""
    late: NDArray[np.bool_] = sample.lmjd >= PILOT_END
    bits, inside = sample.ormask[late], sample.inside[late]
    dark, blind = inside & (sample.flux[late] == 0), inside & (sample.ivar[late] <= 0)
    count = {
        "ORMASK not 0": bits > 0,
        "ORMASK bit 1": (bits & 1) > 0,
        "ORMASK bit 2": (bits & 2) > 0,
        "ANDMASK not 0": sample.andmask[late] > 0,
        "ivar 0": blind,
        "flux 0": dark,
        "flux 0 but ivar not": dark & ~blind,
    }
    each = {name: marks.sum(axis=1).astype(float) for name, marks in count.items()}
    share = [
        Measured("files with a mask bit", where, np.nan, found.astype(float), "mean")
        for where, found in (
            ("share", each["ORMASK not 0"] > 0),
            ("ivar 0 in a tenth of the pixels", each["ivar 0"] > TENTH * inside.sum(axis=1)),
        )
    ]
    some = [
        Measured("pixels a file, if any", name, np.nan, np.where(n > 0, n, np.nan))
        for name, n in each.items()
    ]
    total = [
        Measured("share of pixels", name, np.nan, n / inside.sum(axis=1), "mean")
        for name, n in each.items()
    ]
    return [
        *share,
        *(m for m in some if np.isfinite(m.values).any() and "bit 2" not in m.where),
        *total,
    ]
