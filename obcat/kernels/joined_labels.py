"""Teff and log g that join the label table with a quadratic in the leading coefficients.

Trees end at the labels they have seen; a quadratic goes on beyond them, as the domain needs.
"""

import numpy as np
from numpy.typing import NDArray

from obcat.kernels.emission import quadratic

__all__ = ["joined_labels", "own_error", "spectral", "terms"]

DOUBT = 2.0  # standard deviations
LOWEST_SNR = 5.0  # the error of an own label is not followed below

Floats = NDArray[np.floating]


def joined_labels(
    score_clean: Floats,
    snr_g: Floats,
    teff: Floats,
    teff_err: Floats,
    logg: Floats,
    logg_err: Floats,
    *,
    joined_table_factor: float,
    **arrays: Floats,
) -> tuple[Floats, ...]:
    """Weighted mean, in log Teff and in log g, of the table's label and the spectrum's own.

    Parameters
    ----------
    score_clean : (n, k) scores on the clean-window basis, as they come
    snr_g : (n,) S/N per pixel in g; NaN counts as the lowest
    teff, teff_err, logg, logg_err : (n,) labels of the table and their errors, K and dex; NaN
        where the table has none, or no error: then the own label stands alone
    joined_table_factor : by which errors of the table are too small
    arrays : ``centre``, ``scale`` (m,) and ``limit`` () of `terms`; ``log_teff_curve``,
        ``logg_curve`` of `spectral`; ``log_teff_scatter``, ``logg_scatter`` (2,) of `own_error`.
        Of length zero where too few stars have labels: then the table stands alone

    Returns
    -------
    teff, teff_err, logg, logg_err : (n,) K and dex; NaN where neither is known. Where both
        contradict each other the error holds half of their difference
    """
    white = terms(score_clean, **{name: arrays[name] for name in ("centre", "scale", "limit")})
    with np.errstate(invalid="ignore", divide="ignore"):
        given = np.log10(teff), teff_err / teff / np.log(10)
    log_teff, log_teff_err = _joined(white, snr_g, *given, "log_teff", arrays, joined_table_factor)
    hot = 10**log_teff
    gravity = _joined(white, snr_g, logg, logg_err, "logg", arrays, joined_table_factor)
    return hot, np.log(10) * hot * log_teff_err, *gravity


def terms(score_clean: Floats, *, centre: Floats, scale: Floats, limit: Floats) -> Floats:
    """One, the m leading whitened scores held within +-limit, and their products.

    Parameters
    ----------
    score_clean : (n, k)
    centre, scale : (m,) mean and standard deviation of the leading scores of the training stars
    limit : () beyond which a whitened score counts as the limit

    Returns
    -------
    (n, 1 + m + m (m + 1) / 2); NaN rows where a score is not finite
    """
    white = (np.asarray(score_clean, float)[:, : len(centre)] - centre) / scale
    return quadratic(np.clip(white, -limit, limit))


def spectral(white: Floats, curve: Floats) -> Floats:
    """The spectrum's own label, (n, t) `terms` and (t,) curve -> (n,); NaN without a curve."""
    if not len(curve):
        return np.full(len(white), np.nan)
    return np.sum(white * curve, axis=1)


def own_error(snr_g: Floats, scatter: Floats) -> Floats:
    """sqrt(a^2 + (30 b / snr_g)^2) of a label by the spectrum, ``scatter`` = (a, b) dex: (n,)."""
    if not len(scatter):
        return np.full(len(snr_g), np.nan)
    return np.hypot(scatter[0], scatter[1] * 30 / np.fmax(snr_g, LOWEST_SNR))


def _joined(
    white: Floats,
    snr_g: Floats,
    table: Floats,
    table_err: Floats,
    name: str,
    arrays: dict[str, Floats],
    factor: float,
) -> tuple[Floats, Floats]:
    own = spectral(white, arrays[f"{name}_curve"])
    weights = (
        _weight(table, factor * np.asarray(table_err, float)),
        _weight(own, own_error(snr_g, arrays[f"{name}_scatter"])),
    )
    total = weights[0] + weights[1]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (np.nan_to_num(table) * weights[0] + np.nan_to_num(own) * weights[1]) / total
        error = np.hypot(total**-0.5, _contradiction(own - table, 1 / weights[0] + 1 / weights[1]))
        return np.where(total > 0, mean, np.nan), np.where(total > 0, error, np.nan)


def _contradiction(difference: Floats, variance: Floats) -> Floats:
    """Error of a mean of two labels that contradict each other: none up to DOUBT standard
    deviations, from twice that half of their difference, for one of them is wrong."""
    doubt = np.clip(np.abs(difference) / np.sqrt(variance) / DOUBT - 1, 0, 1)
    return np.where(np.isfinite(doubt), doubt * np.abs(difference) / 2, 0)


def _weight(value: Floats, error: Floats) -> Floats:
    known = np.isfinite(value) & (error > 0)
    return np.divide(1, error**2, out=np.zeros(len(error)), where=known)
