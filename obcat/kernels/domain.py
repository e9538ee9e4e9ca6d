"""Where the method holds: which spectra are of stars unlike the O and B stars that it learnt from.

One rule for the catalog and for spectra of one's own.
"""

import re

import numpy as np
from numpy.typing import ArrayLike, NDArray

from obcat.kernels.grid import LOG_STEP, WAVELENGTH
from obcat.kernels.pca import ROWS, product

__all__ = ["NEIGHBOUR", "calcium", "distance_to", "domain", "limit_at", "other_class"]

Floats = NDArray[np.floating]

CA_II_K = 3934.77  # Angstrom, vacuum
CORE = 8.0  # Angstrom either side: all of the line at R = 1800
SIDES = ((3912.0, 3924.0), (3945.0, 3953.0))  # Angstrom; between H8 and H epsilon
LEAST_GOOD = 0.7  # share of good pixels of the line below which it is not measured
NEIGHBOUR = 11  # which neighbour: the tenth, for a training star is its own first
OTHER = re.compile(r"(d|g|sd|esd|usd)?[FGKM]([0-9]|$)")
NO_STARS = ("GALAXY", "QSO")


def calcium(norm: Floats, norm_ivar: Floats) -> tuple[Floats, Floats]:
    """Equivalent width of Ca II K against its sides, which tells A, F and later stars from B.

    Their wide Balmer lines are alike, the line grows from 0.2 Angstrom at B8 to 5 at F0 (the
    classical criterion of the MK system); interstellar gas adds 0 to 1.

    Parameters
    ----------
    norm, norm_ivar : (n, 3909) flux over pseudo-continuum at rest and its inverse variance

    Returns
    -------
    calcium_ew, calcium_ew_err : (n,) Angstrom, positive for absorption; NaN where masked
    """
    line = np.abs(WAVELENGTH - CA_II_K) < CORE
    pixel = WAVELENGTH[line] * np.log(10) * LOG_STEP
    flux, variance, good = _window(norm, norm_ivar, line)
    (x0, level0, var0), (x1, level1, var1) = (_side(norm, norm_ivar, *side) for side in SIDES)
    share = (WAVELENGTH[line] - x0) / (x1 - x0)
    counted = np.count_nonzero(good, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        level = level0[:, None] * (1 - share) + level1[:, None] * share
        depth = np.where(good, (1 - flux / level) * pixel, 0)
        filled = len(pixel) / counted
        width = depth.sum(axis=1) * filled
        noise = np.where(good, variance * pixel**2, 0).sum(axis=1) * filled**2
        error = np.sqrt(noise + pixel.sum() ** 2 * (var0 + var1) / 4)
    known = (counted >= LEAST_GOOD * len(pixel)) & np.isfinite(width) & np.isfinite(error)
    return np.where(known, width, np.nan), np.where(known, error, np.nan)


def _side(norm: Floats, ivar: Floats, low: float, high: float) -> tuple[float, Floats, Floats]:
    """Middle of a window, mean flux of its good pixels and its variance, (n,); NaN without any."""
    window = (low < WAVELENGTH) & (high > WAVELENGTH)
    flux, variance, good = _window(norm, ivar, window)
    count = np.count_nonzero(good, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(good, flux, 0).sum(axis=1) / count
        error = np.where(good, variance, 0).sum(axis=1) / count**2
    return float(WAVELENGTH[window].mean()), mean, error


def _window(
    norm: Floats, ivar: Floats, window: NDArray[np.bool_]
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Flux, variance and good pixels of a window; rows laid out one by one, so that sums along a
    row do not depend on the others."""
    flux, weight = (np.ascontiguousarray(a[:, window], np.float64) for a in (norm, ivar))
    good = weight > 0
    return flux, np.divide(1, weight, out=np.zeros(weight.shape), where=good), good


def other_class(header_class: ArrayLike, subclass: ArrayLike) -> NDArray[np.float64]:
    """(n,) 1 where the header calls it an F to M star, a galaxy or a quasar, else 0; NaN where it
    says nothing. LAMOST's pipeline calls O and B stars A, so that A says nothing against them."""
    pairs = zip(np.atleast_1d(header_class), np.atleast_1d(subclass), strict=True)
    return np.array([_other(_text(one), _text(two)) for one, two in pairs], float)


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _other(header_class: str, subclass: str) -> float:
    if not header_class and not subclass:
        return np.nan
    return float(header_class in NO_STARS or OTHER.match(subclass) is not None)


def domain(
    score_clean: Floats,
    snr_g: Floats,
    clean_chi2: Floats,
    calcium_ew: Floats,
    calcium_ew_err: Floats,
    teff: Floats,
    teff_err: Floats,
    logg: Floats,
    logg_err: Floats,
    beyond_training: Floats,
    is_other: Floats,
    *,
    points: Floats,
    centre: Floats,
    scale: Floats,
    far_snr: Floats,
    far_limit: Floats,
    misfit_snr: Floats,
    misfit_limit: Floats,
    domain_teff: float,
    domain_certainty: float,
    domain_logg: float,
    domain_logg_nsigma: float,
    domain_calcium: float,
    domain_calcium_nsigma: float,
    model_error: float,
) -> tuple[Floats, ...]:
    """Why a spectrum is none of an ordinary O or B star. What is not known does not count.

    Parameters
    ----------
    score_clean : (n, k) scores on the clean-window basis
    snr_g, clean_chi2 : (n,) S/N per pixel in g, reduced chi-square over the clean windows
    calcium_ew, calcium_ew_err : (n,) Angstrom, of `calcium`
    teff, teff_err, logg, logg_err : (n,) labels of the star, joined
    beyond_training : (n,) 1 where the network that gave M says so; NaN where there is no M
    is_other : (n,) 1 where the header names another class, of `other_class`
    points, centre, scale : of `distance_to`
    far_snr, far_limit, misfit_snr, misfit_limit : (m,) of `limit_at`, for distance and chi-square
    domain_teff, domain_certainty, domain_logg, domain_calcium : K, probability, dex and Angstrom;
        cooler with this probability, more compact by ``domain_logg_nsigma`` errors, or with a
        stronger line by ``domain_calcium_nsigma`` errors is out
    model_error : share of the flux by which models and good spectra may differ beyond the noise

    Returns
    -------
    cool_probability : (n,) that Teff is below ``domain_teff``, by the error of the label
    cool, compact, misfit, far : (n,) 1, or 0
    out_of_domain : (n,) 1 if any of them, ``beyond_training`` or ``is_other`` is, else 0; NaN
        where there is no M
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        probability = _normal(np.log(domain_teff / teff) / (teff_err / teff))
        sure = np.where(np.isnan(probability), teff < domain_teff, probability > domain_certainty)
        cool = sure | (calcium_ew - domain_calcium_nsigma * calcium_ew_err > domain_calcium)
        compact = logg - domain_logg_nsigma * logg_err > domain_logg
        allowed = limit_at(snr_g, misfit_snr, misfit_limit) + (model_error * snr_g) ** 2
        misfit = clean_chi2 > allowed
        distance = distance_to(score_clean, points=points, centre=centre, scale=scale)
        far = distance > limit_at(snr_g, far_snr, far_limit)
        any_one = cool | compact | misfit | far | (beyond_training == 1) | (is_other == 1)
    flags = (flag.astype(float) for flag in (cool, compact, misfit, far))
    return probability, *flags, np.where(np.isnan(beyond_training), np.nan, any_one)


def distance_to(score_clean: Floats, *, points: Floats, centre: Floats, scale: Floats) -> Floats:
    """Distance to the tenth of the training stars in the leading whitened scores, in which noise is
    small.

    Parameters
    ----------
    score_clean : (n, k)
    points : (p, d) whitened scores of the training stars
    centre, scale : (d,)

    Returns
    -------
    (n,); NaN where a score is not finite or there are no training stars
    """
    if len(points) < NEIGHBOUR:
        return np.full(len(score_clean), np.nan)
    white = (np.asarray(score_clean, float)[:, : len(centre)] - centre) / scale
    known = np.asarray(np.isfinite(white).all(axis=1))
    white[~known] = 0
    found = np.empty(len(white))
    across, norms = np.ascontiguousarray(points.T), (points**2).sum(axis=1)
    for start in range(0, len(white), ROWS):
        rows = white[start : start + ROWS]
        squares = (rows**2).sum(axis=1)[:, None] + norms - 2 * product(rows, across)
        nearest = np.partition(squares, NEIGHBOUR - 1, axis=1)[:, NEIGHBOUR - 1]
        found[start : start + ROWS] = np.sqrt(np.maximum(nearest, 0))
    return np.where(known, found, np.nan)


def limit_at(snr_g: Floats, knots: Floats, limits: Floats) -> Floats:
    """Limit at S/N, linear in ln S/N between the knots (m,), level beyond them: (n,); NaN without
    knots or S/N."""
    if not len(knots):
        return np.full(len(snr_g), np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.interp(np.log(snr_g), np.log(knots), limits)


def _normal(z: Floats) -> Floats:
    """Cumulative normal distribution, to 1e-7 (Abramowitz & Stegun 1964, 26.2.17)."""
    x = 1 / (1 + 0.2316419 * np.abs(z))
    tail = np.zeros_like(x)
    for factor in (1.330274429, -1.821255978, 1.781477937, -0.356563782, 0.319381530):
        tail = (tail + factor) * x
    tail *= np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    return np.where(z > 0, 1 - tail, tail)
