"""Shifts of a spectrum against the mean spectrum of stars like it: velocities of visits, and arms
that stand at a wrong wavelength; and spectra that went wrong: arms that do not meet, and light
of the sky that was not taken off.
"""

from functools import cache

import numpy as np

from obcat.kernels.grid import (
    BANDS,
    LIGHT_SPEED,
    LOG_STEP,
    N_PIXEL,
    WAVELENGTH,
    around,
    clean_pixels,
)
from obcat.kernels.pca import product

__all__ = [
    "PIXEL_VELOCITY",
    "SKY_RANGES",
    "TEMPLATES",
    "arm_terms",
    "fault_significances",
    "raw_levels",
    "running_mean",
    "spectrum_shifts",
    "velocity_error",
    "weights",
]

PIXEL_VELOCITY = LIGHT_SPEED * LOG_STEP * np.log(10)  # 69 km/s
TEMPLATES = 28  # mean spectra: seven intervals of Teff, four of log g
ARMS = 5720.0  # Angstrom, where the arms meet
RANGE = (3800.0, 9000.0)  # Angstrom used
# interstellar lines and diffuse bands, which do not move with the star
INTERSTELLAR = (
    (3930, 3940), (3966, 3972), (4425, 4435), (5775, 5800), (6278, 6292), (6608, 6620),
)  # fmt: skip
# what emission fills: cores of Balmer lines, Paschen lines
FILLED = ((6564.6, 40), (4862.7, 12), (4341.7, 10), (4102.9, 8))
PASCHEN = 8200.0
SCATTER = 0.012  # of the flux about the template, beside the noise
NEAR = np.arange(-14, 15)  # half pixels: 29 shifts over +-480 km/s
FAR = np.arange(-90, 91, 3)  # half pixels: 61 shifts over +-3,100 km/s


def _between(low: float, high: float) -> np.ndarray:
    return (low < WAVELENGTH) & (high > WAVELENGTH)


@cache
def _pixels(emission: bool, far: bool) -> np.ndarray:
    """(3909,) pixels used."""
    inside = _between(*RANGE)
    out = np.any([_between(a, b) for a, b in (*BANDS, *INTERSTELLAR)], axis=0)
    filled = np.any([around(*line) for line in FILLED], axis=0) | (WAVELENGTH > PASCHEN)
    if emission and far:
        return inside & ~out & clean_pixels(*RANGE)
    return inside & ~out & ~(filled & emission)


def weights(norm_ivar: np.ndarray) -> np.ndarray:
    """(n, 3909) weights of pixels, the scatter about a template being no noise; 0 where masked."""
    return norm_ivar / (1 + norm_ivar * np.float32(SCATTER**2))


def spectrum_shifts(
    norm: np.ndarray,
    norm_ivar: np.ndarray,
    template: np.ndarray,
    fold: np.ndarray,
    em_flag: np.ndarray,
    *,
    template_flux: np.ndarray,
) -> tuple[np.ndarray, ...]:
    """Shifts against the template, the scale of which is free.

    Parameters
    ----------
    norm, norm_ivar : (n, 3909) normalised rest-frame flux and its inverse variance, 0 where masked
    template, fold : (n,) integers: which mean spectrum is like the star, and the half of the stars
        to which it belongs: the mean is that of the other half
    em_flag : (n,) 1 where lines are filled by emission, and are left out
    template_flux : (2, 28, 3909) the model ``templates``, 0 where not known; empty without one

    Returns
    -------
    shift, shift_err : (n,) pixels of 69 km/s, positive to the red
    shift_blue, shift_blue_err, shift_red, shift_red_err : (n,) of each arm
    arm_blue, arm_red : (n,) km/s, shift of each arm within 3,100 km/s
    arm_gain_blue, arm_gain_red : (n,) what it gains in chi square over none, over the reduced chi
        square; NaN where there is no template
    """
    out = np.full((10, len(norm)), np.nan)
    if not template_flux.size:
        return tuple(out)
    weight = weights(norm_ivar)
    group = (fold * TEMPLATES + template) * 2 + (em_flag == 1)
    for g in np.unique(group):
        rows = np.flatnonzero(group == g)
        flux = template_flux.reshape(-1, N_PIXEL)[int(g) // 2]
        out[:, rows] = _against(norm[rows], weight[rows], flux, emission=bool(g % 2))
    return tuple(out)


def _against(
    norm: np.ndarray, weight: np.ndarray, flux: np.ndarray, *, emission: bool
) -> np.ndarray:
    """(10, n) answers for spectra of one template."""
    near = [_fit(norm, weight, flux, NEAR, _pixels(emission, False) & arm) for arm in _arms()]
    shift = _minimum(near[0][0] + near[1][0], NEAR)
    arms = [_minimum(chi2, NEAR) for chi2, _ in near]
    far = [_fit(norm, weight, flux, FAR, _pixels(emission, True) & arm) for arm in _arms()]
    moved = [_minimum(chi2, FAR)[0] * PIXEL_VELOCITY for chi2, _ in far]
    gain = [
        (chi2[:, len(FAR) // 2] - chi2.min(axis=1)) / np.maximum(chi2.min(axis=1) / count, 1)
        for chi2, count in far
    ]
    return np.stack([*shift, *arms[0], *arms[1], *moved, *gain])


@cache
def _arms() -> tuple[np.ndarray, np.ndarray]:
    return WAVELENGTH < ARMS, WAVELENGTH >= ARMS


def _fit(
    norm: np.ndarray, weight: np.ndarray, flux: np.ndarray, halves: np.ndarray, used: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(n, shifts) chi square with the best scale at every shift; (n,) pixels that count."""
    columns = np.flatnonzero(used & (flux > 0))
    moved = _moved(flux, halves)[:, columns]
    w = weight[:, columns]
    n = norm[:, columns]
    known = np.where(w > 0, n, np.float32(0))
    cross = product(w * known, np.ascontiguousarray(moved.T)).astype(np.float64)
    square = product(w, np.ascontiguousarray(moved.T**2)).astype(np.float64)
    total = np.sum((w * known**2).astype(np.float64), axis=1)
    chi2 = total[:, None] - cross**2 / np.maximum(square, 1e-9)
    return chi2, np.maximum(np.count_nonzero(w > 0, axis=1), 1)


def _moved(flux: np.ndarray, halves: np.ndarray) -> np.ndarray:
    """(shifts, 3909) a spectrum moved by halves of a pixel, its ends held."""
    reach = int(np.abs(halves).max()) // 2 + 2
    wide = np.pad(flux.astype(np.float32), reach, mode="edge")
    between = (wide[1:] + wide[:-1]) / 2
    return np.stack(
        [
            between[reach - h // 2 - 1 :][:N_PIXEL] if h % 2 else wide[reach - h // 2 :][:N_PIXEL]
            for h in halves
        ]
    )


def _minimum(chi2: np.ndarray, halves: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Place and error of the minimum of a parabola through the least value and its neighbours,
    pixels.
    """
    rows, best = np.arange(len(chi2)), np.clip(chi2.argmin(axis=1), 1, len(halves) - 2)
    low, middle, high = (chi2[rows, best + k] for k in (-1, 0, 1))
    step, bend = (halves[1] - halves[0]) / 2, np.maximum(low - 2 * middle + high, 1e-9)
    moved = np.clip(0.5 * (low - high) / bend, -1, 1)
    return halves[best] / 2 + moved * step, step * np.sqrt(2 / bend)


def velocity_error(shift_err: np.ndarray, *, velocity_error: np.ndarray) -> tuple[np.ndarray]:
    """(n,) km/s, error of a velocity that pairs of visits confirm.

    shift_err : (n,) pixels; velocity_error : (2,) the model ``velocity_errors``: factor, floor
    """
    factor, floor = velocity_error
    return (np.hypot(factor * PIXEL_VELOCITY * shift_err, floor),)


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
