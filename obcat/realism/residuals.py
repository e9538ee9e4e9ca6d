"""What is left of spectra when continuum and stellar lines are taken off: noise beside stated
errors; the masks. Response: sensitivity with wavelength, telluric bands, the join of the arms,
the continua of repeated visits.
"""

from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from obcat.kernels.grid import LOG_STEP, N_PIXEL, WAVELENGTH
from obcat.realism import (
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

__all__ = ["SKY_LINES", "continuum", "masks", "noise", "residuals", "response", "smooth"]

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


POINTS = (
    3750, 3800, 3900, 4000, 4250, 4500, 4750, 5000, 5500, 5800, 6000, 6500, 7000, 7450, 8100,
    8650,
)  # fmt: skip
TELLURIC = {  # core, side bands
    "O2 B": ((6870, 6900), (6820, 6860), (6960, 7000)),
    "O2 A": ((7595, 7630), (7540, 7585), (7710, 7750)),
    "H2O 7200": ((7170, 7320), (7120, 7160), (7340, 7380)),
    "H2O 8200": ((8150, 8340), (8060, 8110), (8370, 8410)),
    "H2O 9000": ((8950, 9060), (8700, 8740), (8780, 8820)),
    "none, 6700": ((6680, 6740), (6630, 6660), (6760, 6790)),
}
SHARED = {  # core, side bands: what the calibration of all spectrographs leaves
    "wave, 6165": ((6140, 6190), (6070, 6110), (6200, 6240)),
    "edge, 8345": ((8285, 8338), (8200, 8265), (8352, 8385)),
}
IMAGE_END = 8  # the last release in the image layout, that of the simulated files
JOIN, REACH, SPARED = 5850.0, 180.0, 60.0  # Angstrom: lines fitted on both sides, the middle spared
SODIUM, SODIUM_WIDTH = 5893.0, 12.0
RATIO_WIDTH, RATIO_AT = 40, (3750, 3900, 4250, 4750, 5250, 5650, 6250, 6750, 7250, 7750, 8250, 8750)
SAME_PLACE = 3600.0 / 3  # cells of 3 arcsec a degree


def response(sample: Sample, level: Array, hot: NDArray[np.bool_]) -> list[Measured]:
    """Measures of the continuum (n, 3909), of its stated error and of its bands."""
    late = sample.lmjd >= PILOT_END
    return [
        *_shape(sample, level, late & hot),
        *_tellurics(sample, late),
        *_shared(sample, late & hot),
        *_step(sample),
        *_visits(sample),
    ]


def _shape(sample: Sample, level: Array, among: NDArray[np.bool_]) -> list[Measured]:
    """Stated variance over flux, 1 in the median of 4,000 to 5,500 Angstrom:
    the response, not the star, shapes it.
    """
    good = sample.good & (level > 0)
    ratio = np.where(good, 1 / np.where(good, sample.ivar, 1) / np.where(good, level, 1), np.nan)
    with np.errstate(invalid="ignore"):
        ratio /= np.nanmedian(ratio[:, pixels_within(4000, 5500)], axis=1, keepdims=True)
    out = []
    for limits, points in ((FAINT, (*POINTS, *SKY_LINES)), (BRIGHT, POINTS)):
        rows = ratio[rows_by_snr(sample, limits, among)]
        for at in points:
            near = (
                rows[:, pixels_within(at - 3, at + 3)]
                if at in SKY_LINES
                else rows[:, pixels_within(at - 15, at + 15)]
            )
            value = (
                np.nanmax(near, axis=1, initial=0)
                if at in SKY_LINES
                else np.nanmedian(near, axis=1)
            )
            name = "stated variance / flux"
            out.append(
                Measured(name, f"S/N {limits[0]:.0f}-{limits[1]:.0f}, {at:.0f}", float(at), value)
            )
    return out


def _tellurics(sample: Sample, late: NDArray[np.bool_]) -> list[Measured]:
    bright = rows_by_snr(sample, (MIDDLE[0], np.inf), late)
    flux = np.where(sample.good, sample.flux, np.nan)[bright]
    return [
        Measured(
            "telluric band, depth left",
            name,
            float(np.mean(core)),
            _depth(flux, core, left, right),
            "spread",
        )
        for name, (core, left, right) in TELLURIC.items()
    ]


def _shared(sample: Sample, among: NDArray[np.bool_]) -> list[Measured]:
    bright = rows_by_snr(sample, (MIDDLE[0], np.inf), among)
    flux = np.where(sample.good, sample.flux, np.nan)[bright]
    name = "response of all, depth left"
    return [
        Measured(name, where, float(np.mean(bands[0])), _depth(flux, *bands))
        for where, bands in SHARED.items()
    ]


def _depth(flux: Array, *bands: tuple[float, float]) -> Array:
    core, left, right = (np.nanmedian(flux[:, pixels_within(*band)], axis=1) for band in bands)
    middle, low, high = (np.mean(band) for band in bands)
    return 1 - core / (left + (right - left) * (middle - low) / (high - low))


def _step(sample: Sample) -> list[Measured]:
    away = np.abs(WAVELENGTH - JOIN)
    near = (away > SPARED) & (away < REACH + SPARED) & (np.abs(WAVELENGTH - SODIUM) > SODIUM_WIDTH)
    rows = sample.snr > MIDDLE[0]
    sides = [
        _edge(sample, rows, near & (WAVELENGTH < JOIN)),
        _edge(sample, rows, near & (WAVELENGTH > JOIN)),
    ]
    ratio = np.log(
        np.where(sides[0] > 0, sides[0], np.nan) / np.where(sides[1] > 0, sides[1], np.nan)
    )
    image = np.where(sample.release[rows] <= IMAGE_END, ratio, np.nan)
    return [
        Measured("step between the arms (ln)", where, JOIN, value, "spread")
        for where, value in (("DR5 to DR8", image), ("all", ratio))
    ]


def _edge(sample: Sample, rows: NDArray[np.bool_], pixels: NDArray[np.bool_]) -> Array:
    """Value at the join of a straight line through the pixels of one side."""
    x, y = WAVELENGTH[pixels] - JOIN, sample.flux[rows][:, pixels].astype(float)
    w = sample.good[rows][:, pixels].astype(float)
    s0, s1, s2 = w.sum(1), (w * x).sum(1), (w * x * x).sum(1)
    det = s0 * s2 - s1**2
    return np.where(
        det > 0, (s2 * (w * y).sum(1) - s1 * (w * x * y).sum(1)) / np.where(det > 0, det, 1), np.nan
    )


def _visits(sample: Sample) -> list[Measured]:
    """Ratios of the continua of two visits on different nights:
    twice the variance of the calibration's error.
    """
    pairs = _pairs(sample)
    if not pairs:
        return []
    kept = sample.good.astype(float)
    one, other = np.array(pairs).T
    used = np.unique(np.array(pairs))
    level = np.zeros(sample.flux.shape)
    level[used] = np.maximum(smooth(sample.flux[used], kept[used], RATIO_WIDTH), 1e-3)
    ratio = np.log(level[one] / level[other])
    middle = pixels_within(4000, 8900)
    ratio -= np.median(ratio[:, middle], axis=1, keepdims=True)
    total = Measured(
        "continuum, ratio of two visits (ln), rms",
        "4000-8900",
        np.nan,
        np.std(ratio[:, middle], axis=1),
    )
    near = [np.median(ratio[:, pixels_within(at - 40, at + 40)], axis=1) for at in RATIO_AT]
    name = "continuum, ratio of two visits (ln)"
    return [
        total,
        *(
            Measured(name, f"{at}", float(at), v, "spread")
            for at, v in zip(RATIO_AT, near, strict=True)
        ),
    ]


def _pairs(sample: Sample) -> list[tuple[int, int]]:
    cells: dict[tuple[int, int], list[int]] = {}
    for k in np.flatnonzero(sample.snr > FAINT[0]).tolist():
        cells.setdefault(
            (round(sample.ra[k] * SAME_PLACE), round(sample.dec[k] * SAME_PLACE)), []
        ).append(k)
    return [
        (a, b)
        for cell in cells.values()
        for a, b in combinations(cell, 2)
        if sample.lmjd[a] != sample.lmjd[b]
    ]
