"""Response: sensitivity with wavelength, telluric bands, the join of the arms,
the continua of repeated visits.
"""

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from obcat.kernels.grid import WAVELENGTH
from obcat.realism.measures import (
    BRIGHT,
    FAINT,
    MIDDLE,
    PILOT_END,
    Measured,
    Sample,
    pixels_within,
    rows_by_snr,
)
from obcat.realism.residuals import SKY_LINES, smooth
from obcat.statistics import Array

__all__ = ["response"]

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
