"""The lines of the sky, learnt from the noise of faint spectra; steps and skies of sound ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from obcat.arrow import float_array, list_array
from obcat.fit.colours import Read
from obcat.fit.result import Fit
from obcat.kernels.faults import SKY_RANGES, arm_terms, raw_levels
from obcat.kernels.grid import N_PIXEL, WAVELENGTH
from obcat.statistics import median, robust_scatter

__all__ = ["faults", "sky"]

BASE = 121  # pixels of the running median that is no line
BROAD = 41  # pixels of the running mean that is taken off the template
ROUNDS, CLIP = 6, 3.0
BINS = 8  # of S/N
FEWEST = 100  # spectra, below which nothing is learnt


def sky(read: Read, parameters: Any) -> Fit:
    """The square of the median noise over the level of the star, less its running median.

    Parameters
    ----------
    read : rows, one a faint spectrum: specid, flux, ivar FLOAT[3909] in the observed frame
    parameters : not used

    Returns
    -------
    array sky_template (3909,), 0 outside of SKY_RANGES; (0,) with fewer than 100 spectra
    """
    table = read().read_all()
    flux, ivar = (list_array(table[x]) for x in ("flux", "ivar"))
    _, level, _ = raw_levels(flux, ivar, sky_template=np.zeros(0))
    level, ivar = level[level > 0], ivar[level > 0]
    if len(level) < FEWEST:
        return Fit({"sky_template": np.zeros(0)})
    inside = np.any([(a < WAVELENGTH) & (b > WAVELENGTH) for a, b in SKY_RANGES], axis=0)
    power = np.zeros(N_PIXEL)
    for pixel in np.flatnonzero(_grown(inside, BASE)):
        good = ivar[:, pixel] > 0
        noise = 1 / np.sqrt(ivar[good, pixel]) / level[good]
        power[pixel] = np.median(noise) ** 2 if good.any() else 0
    lines = np.where(inside, np.maximum(power - _running_median(power, inside), 0), 0)
    smooth = np.convolve(lines, np.full(BROAD, 1 / BROAD), mode="same")
    return Fit({"sky_template": np.where(inside, lines - smooth, 0)})


def _grown(mask: np.ndarray, width: int) -> np.ndarray:
    return np.convolve(mask, np.ones(width), mode="same") > 0.5


def _running_median(values: np.ndarray, where: np.ndarray) -> np.ndarray:
    half, out = BASE // 2, np.zeros(len(values))
    for i in np.flatnonzero(where):
        out[i] = np.median(values[max(0, i - half) : i + half + 1])
    return out


def faults(read: Read, parameters: Any) -> Fit:
    """The step between the arms of sound spectra as a quadratic in E(B-V) and log Teff, and the
    scatter of what is left of the sky against S/N.

    Parameters
    ----------
    read : rows, one a spectrum: specid, arm_step, sky_sum, ebv (mag), teff (K), snr_g; NULL where
        not known
    parameters : not used

    Returns
    -------
    arrays step_curve (5,), step_scatter, sky_middle (1,), sky_log_snr, sky_scatter (8,); see
    `obcat.kernels.faults.fault_significances`; (0,) with fewer than 100 spectra
    """
    table = read().read_all()
    names = ("arm_step", "sky_sum", "ebv", "teff", "snr_g")
    step, left, ebv, teff, snr = (float_array(table[x]) for x in names)
    known = np.isfinite(step) & np.isfinite(ebv) & np.isfinite(teff)
    arrays = ("step_curve", "step_scatter", "sky_middle", "sky_log_snr", "sky_scatter")
    if min(np.count_nonzero(known), np.count_nonzero(np.isfinite(left))) < FEWEST:
        return Fit({name: np.zeros(0) for name in arrays})
    found = (*_step(step[known], arm_terms(ebv, teff)[known]), *_left(left, np.log(snr)))
    return Fit(dict(zip(arrays, found, strict=True)))


def _step(value: np.ndarray, terms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    keep = np.ones(len(value), bool)
    for _ in range(ROUNDS):
        curve = np.linalg.lstsq(terms[keep], value[keep])[0]
        rest = value - terms @ curve
        scatter = robust_scatter(rest[keep])
        keep = np.abs(rest) < CLIP * scatter
    return curve, np.array([scatter])


def _left(value: np.ndarray, log_snr: np.ndarray) -> tuple[np.ndarray, ...]:
    known = np.isfinite(value)
    value, log_snr = value[known], log_snr[known]
    order = np.array_split(np.argsort(log_snr, kind="stable"), BINS)
    middle = median(value)
    at, scatter = (
        np.array([f(rows) for rows in order])
        for f in (lambda rows: median(log_snr[rows]), lambda rows: robust_scatter(value[rows]))
    )
    return np.array([middle]), at, scatter
