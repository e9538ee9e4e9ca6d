"""Spectra that went wrong: arms that do not meet, and light of the sky that was not taken off."""

import numpy as np

from obcat.kernels.grid import WAVELENGTH
from obcat.kernels.pca import product

__all__ = ["SKY_RANGES", "arm_terms", "fault_significances", "raw_levels", "running_mean"]

# Angstrom in the observed frame: where lines of the sky stand, and none of a hot star
SKY_RANGES = ((5500, 5700), (6290, 6310), (7700, 8000), (8260, 8500), (8720, 9050))
BLUE, RED, LEVEL = (5500, 5700), (6060, 6260), (6600, 6800)  # of the arms; of the star in the red
SMOOTHED = 61  # pixels of the running mean that is taken off
FLUX_ERROR = 0.01  # of the level, beside the noise
FEWEST = 10  # pixels of a level
MIDDLE_TEFF = 4.1  # log10 K
NOISE_OF_STEP, LEAST_SNR = 0.3, 3.0  # ln of the step is uncertain by that over S/N


def raw_levels(
    flux: np.ndarray, ivar: np.ndarray, *, sky_template: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The step between the arms, the level of the star, and the sky that is left.

    Parameters
    ----------
    flux, ivar : (n, 3909) as observed, 0 where masked
    sky_template : (3909,) the model ``sky``, or (0,)

    Returns
    -------
    arm_step : (n,) ln of red over blue flux where the arms meet; NaN where one is not positive
    level : (n,) flux between 6,600 and 6,800 Angstrom; NaN where too few pixels are good
    sky_sum : (n,) amplitude of the template over its noise; NaN without level or template
    """
    good = ivar > 0
    blue, red, level = (_median(flux, good, _between(*x)) for x in (BLUE, RED, LEVEL))
    positive = (blue > 0) & (red > 0)
    step = np.where(
        positive, np.log(np.where(positive, red / np.where(positive, blue, 1), 1)), np.nan
    )
    if not sky_template.size:
        return step, level, np.full(len(flux), np.nan)
    scale = np.where(level > 0, level, np.nan)[:, None]
    columns = np.flatnonzero(sky_template)
    rest = np.where(good, flux - running_mean(flux, good), 0)[:, columns] / scale
    variance = (
        np.where(good[:, columns], 1 / np.maximum(ivar[:, columns], 1e-30), np.inf) / scale**2
    )
    weight = np.nan_to_num(1 / (variance + FLUX_ERROR**2))
    shape = np.repeat(sky_template[columns, None].astype(np.float64), 2, axis=1)
    amount = product(np.nan_to_num(weight * rest), shape)[:, 0]
    norm = product(weight, shape**2)[:, 0]
    return step, level, np.where(level > 0, amount / np.sqrt(np.maximum(norm, 1e-12)), np.nan)


def _between(low: float, high: float) -> np.ndarray:
    return (low < WAVELENGTH) & (high > WAVELENGTH)


def _median(flux: np.ndarray, good: np.ndarray, window: np.ndarray) -> np.ndarray:
    """(n,) median of the good pixels of a window; NaN where there are too few."""
    values = np.where(good[:, window], flux[:, window].astype(np.float64), np.nan)
    enough = np.count_nonzero(good[:, window], axis=1) >= FEWEST
    values[~enough] = 0
    return np.where(enough, np.nanmedian(values, axis=1), np.nan)


def running_mean(flux: np.ndarray, good: np.ndarray) -> np.ndarray:
    """(n, 3909) mean of the good pixels within SMOOTHED; 0 where there are none."""
    total, count = (_window_sum(x) for x in (np.where(good, flux, 0), good))
    return np.divide(total, count, out=np.zeros(total.shape), where=count > 0.5)


def _window_sum(values: np.ndarray) -> np.ndarray:
    half = SMOOTHED // 2
    wide = np.pad(values.astype(np.float64), ((0, 0), (half + 1, half)))
    summed = np.cumsum(wide, axis=1)
    return summed[:, SMOOTHED:] - summed[:, :-SMOOTHED]


def arm_terms(ebv: np.ndarray, teff: np.ndarray) -> np.ndarray:
    """(n, 5) what the step between the arms is a quadratic in; 0 where unknown."""
    e, t = np.nan_to_num(ebv), np.nan_to_num(np.log10(teff) - MIDDLE_TEFF)
    return np.column_stack([np.ones(len(e)), e, e**2, t, t**2])


def fault_significances(
    arm_step: np.ndarray,
    sky_sum: np.ndarray,
    ebv: np.ndarray,
    teff: np.ndarray,
    snr_g: np.ndarray,
    *,
    step_curve: np.ndarray,
    step_scatter: np.ndarray,
    sky_middle: np.ndarray,
    sky_log_snr: np.ndarray,
    sky_scatter: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Distance of the step and of the sky from those of sound spectra, in units of their scatter.

    Parameters
    ----------
    arm_step, sky_sum : (n,) what `raw_levels` gives
    ebv, teff, snr_g : (n,) mag, K, -
    step_curve, step_scatter, sky_middle, sky_log_snr, sky_scatter : (5,), (1,), (1,), (8,), (8,)
        the model ``faults``: the curve of `arm_terms` and its scatter; the median of sky_sum, and
        its scatter against ln S/N; of length zero without a model

    Returns
    -------
    step_z, sky_z : (n,) NaN where unknown
    """
    nothing = np.full(len(arm_step), np.nan)
    if not step_curve.size:
        return nothing, nothing
    known = np.isfinite(ebv) & np.isfinite(teff)
    expected = np.sum(arm_terms(ebv, teff) * step_curve, axis=1)
    noise = NOISE_OF_STEP / np.maximum(snr_g, LEAST_SNR)
    step_z = np.where(known, (arm_step - expected) / np.hypot(step_scatter, noise), np.nan)
    scatter = np.interp(np.log(np.maximum(snr_g, 0.1)), sky_log_snr, sky_scatter)
    return step_z, (sky_sum - sky_middle) / scatter
