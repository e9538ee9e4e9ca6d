"""What single visits are judged by: mean spectra of stars that are alike, for the velocities of the
others, and errors of these; the lines of the sky, learnt from the noise of faint spectra; steps and
skies of sound ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from scipy.optimize import minimize
from scipy.special import gammaln

from obcat.arrow import float_array, list_array
from obcat.fit import Fit
from obcat.fit.colours import Read
from obcat.kernels.grid import N_PIXEL, WAVELENGTH
from obcat.kernels.shifts import SKY_RANGES, TEMPLATES, arm_terms, raw_levels, weights
from obcat.statistics import median, robust_scatter

__all__ = ["faults", "sky", "templates", "velocity_errors"]

GRAVITIES = 4  # intervals of log g in an interval of Teff


def templates(read: Read, parameters: Any) -> Fit:
    """The weighted mean of the spectra of each kind, of the half of the stars a star is not in.

    A kind with fewer than ``template_min_stars`` takes the mean of its interval of Teff; where that
    has as few, that of all.

    Parameters
    ----------
    read : rows, one a star, ordered by star_id: star_id, template, fold, flux, ivar FLOAT[3909]
    parameters : template_min_stars

    Returns
    -------
    array template_flux (2, 28, 3909): first axis the half of the star that is measured; 0 where
    nothing is known; (0,) where there are fewer than 2 template_min_stars
    """
    total, weight = (np.zeros((2, TEMPLATES, N_PIXEL)) for _ in range(2))
    count = np.zeros((2, TEMPLATES), int)
    for batch in read():
        place, value, w = _parts(batch)
        for fold, kind in np.unique(place, axis=0):
            rows = (place == (fold, kind)).all(axis=1)
            total[fold, kind] += np.sum(w[rows] * value[rows], axis=0, dtype=np.float64)
            weight[fold, kind] += np.sum(w[rows], axis=0, dtype=np.float64)
            count[fold, kind] += np.count_nonzero(rows)
    if count.sum(axis=1).min() < parameters.template_min_stars:
        return Fit({"template_flux": np.zeros(0, np.float32)})
    enough = [
        _means(*x, parameters.template_min_stars) for x in zip(total, weight, count, strict=True)
    ]
    return Fit({"template_flux": np.stack(enough[::-1]).astype(np.float32)})


def _parts(batch: pa.RecordBatch) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(n, 2) half and kind; (n, 3909) flux and weight."""
    place = np.stack([float_array(batch[x]).astype(int) for x in ("fold", "template")], axis=1)
    flux, ivar = (list_array(batch[x]) for x in ("flux", "ivar"))
    w = weights(np.nan_to_num(ivar))
    return place, np.where(w > 0, np.nan_to_num(flux), 0), w


def _means(total: np.ndarray, weight: np.ndarray, count: np.ndarray, least: int) -> np.ndarray:
    out = np.empty(total.shape)
    for kind in range(TEMPLATES):
        alike = slice(kind // GRAVITIES * GRAVITIES, (kind // GRAVITIES + 1) * GRAVITIES)
        rows = slice(kind, kind + 1)
        if count[rows].sum() < least:
            rows = alike if count[alike].sum() >= least else slice(None)
        w = weight[rows].sum(axis=0)
        out[kind] = np.divide(total[rows].sum(axis=0), w, out=np.zeros(N_PIXEL), where=w > 0)
    return out


FEWEST = 50  # pairs
# ln factor, ln floor (km/s), logit of the quiet, ln of the degrees above the least
START = (0.2, 1.0, 1.0, 1.4)
# km/s, each as likely: those that `stars.variability` compares velocities with
AMPLITUDES = 4 * 50 ** (np.arange(14) / 13)
# of Student's t: errors of some visits are larger than stated; with fewer a few would decide, and
# errors be too short. Chosen on SIMULATED surveys
LEAST_FREEDOM = 4.0


def velocity_errors(read: Read, parameters: Any) -> Fit:
    """Factor a and floor of sigma^2 = (a error)^2 + floor^2 that make pairs of visits most likely:
    differences of quiet pairs are Student's t of as many degrees as they tell, those of the others
    normal with an amplitude as likely in every interval of its logarithm, for so orbits are.

    Parameters
    ----------
    read : rows, one a pair: star_id, difference (km/s), sum of the squares of both errors
    parameters : velocity_floor (km/s, the least floor)

    Returns
    -------
    array velocity_error (2,): factor and floor; 1 and ``velocity_floor`` with fewer than 50 pairs
    """
    table = read().read_all()
    difference, square = (float_array(table[x]) for x in ("difference", "square"))
    if len(difference) < FEWEST:
        return Fit({"velocity_error": np.array([1.0, parameters.velocity_floor])})

    def cost(t: np.ndarray) -> float:
        variance = np.exp(2 * t[0]) * square + 2 * np.exp(2 * t[1])
        share = 1 / (1 + np.exp(-t[2]))
        freedom = LEAST_FREEDOM + np.exp(t[3])
        scale = np.exp(gammaln((freedom + 1) / 2) - gammaln(freedom / 2))
        tail = (1 + difference**2 / variance / freedom) ** (-(freedom + 1) / 2)
        wider = variance + 2 * AMPLITUDES[:, None] ** 2
        moving = (np.exp(-0.5 * difference**2 / wider) / np.sqrt(2 * np.pi * wider)).mean(axis=0)
        quiet = scale * tail / np.sqrt(freedom * np.pi * variance)
        return float(-np.sum(np.log(share * quiet + (1 - share) * moving + 1e-12)))

    best = minimize(cost, START, method="Nelder-Mead", options={"maxiter": 4000}).x
    floor = max(float(np.exp(best[1])), parameters.velocity_floor)
    return Fit({"velocity_error": np.array([float(np.exp(best[0])), floor])})


BASE = 121  # pixels of the running median that is no line
BROAD = 41  # pixels of the running mean that is taken off the template
ROUNDS, CLIP = 6, 3.0
BINS = 8  # of S/N
FAULTS_FEWEST = 100  # spectra, below which nothing is learnt


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
    if len(level) < FAULTS_FEWEST:
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
    `obcat.kernels.shifts.fault_significances`; (0,) with fewer than 100 spectra
    """
    table = read().read_all()
    names = ("arm_step", "sky_sum", "ebv", "teff", "snr_g")
    step, left, ebv, teff, snr = (float_array(table[x]) for x in names)
    known = np.isfinite(step) & np.isfinite(ebv) & np.isfinite(teff)
    arrays = ("step_curve", "step_scatter", "sky_middle", "sky_log_snr", "sky_scatter")
    if min(np.count_nonzero(known), np.count_nonzero(np.isfinite(left))) < FAULTS_FEWEST:
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
