"""Teff, log g and [Fe/H] from principal-component scores: boosted trees, evaluated from plain
arrays; and quadratics that join the label table with the leading coefficients.

The trees are LightGBM's; their arrays are walked with numpy, so that no model text is ever read
back (LightGBM ends the interpreter on a damaged one) and any number of threads may predict at once.

Trees end at the labels they have seen; a quadratic goes on beyond them, as the domain needs.
"""

import numpy as np
from numpy.typing import NDArray

from obcat.kernels.emission import quadratic

__all__ = ["boosted", "joined_labels", "own_error", "predict_labels", "spectral", "terms"]

ROWS = 256

Floats = NDArray[np.floating]


def predict_labels(score_clean: Floats, **arrays: NDArray) -> tuple[Floats, ...]:
    """Labels for stars that have none (METHOD section 3).

    Parameters
    ----------
    score_clean : (n, k) scores on the clean-window basis, as they come
    arrays : for each prefix ``log_teff_``, ``logg_`` and ``feh_`` the trees as ``boosted`` takes
        them, and ``scatter ()``, the scatter of test stars about the regression (dex)

    Returns
    -------
    teff, teff_err : (n,) K
    logg, logg_err : (n,) log10 of cm/s²
    feh, feh_err : (n,) dex
    NaN where a score is not finite, or where there were too few stars to train on.
    """
    log_teff, log_teff_err = _regressed(score_clean, arrays, "log_teff_")
    teff = 10**log_teff
    teff_err = np.log(10) * teff * log_teff_err
    return (
        teff,
        teff_err,
        *_regressed(score_clean, arrays, "logg_"),
        *_regressed(score_clean, arrays, "feh_"),
    )


def boosted(
    score: Floats,
    *,
    feature: NDArray,
    threshold: Floats,
    left: NDArray,
    right: NDArray,
    value: Floats,
) -> Floats:
    """Sum of regression trees, (n, k) -> (n,); NaN where a score is not finite, or everywhere
    without trees.

    Parameters
    ----------
    feature, threshold, left, right, value : (trees, nodes). From node 0 a row goes to ``left``
        where its score number ``feature`` is at most ``threshold``, else to ``right``, both nodes
        of the same tree; a leaf is a node that leads to itself, and counts with its ``value``.
    """
    score = np.asarray(score, dtype=float)
    if not feature.size:
        return np.full(len(score), np.nan)
    root = np.arange(len(feature)) * feature.shape[1]
    flat = [
        feature.ravel(),
        threshold.ravel(),
        *((root[:, None] + child).ravel() for child in (left, right)),
    ]
    parts = [_leaves(score[i : i + ROWS], root, *flat) for i in range(0, len(score), ROWS)]
    leaves = np.concatenate([np.empty((0, len(root)), int), *parts])
    return np.where(np.isfinite(score).all(axis=1), value.ravel()[leaves].sum(axis=1), np.nan)


def _leaves(
    score: Floats, root: NDArray, feature: NDArray, threshold: Floats, left: NDArray, right: NDArray
) -> NDArray:
    """Where each row ends in each tree, (n, trees)."""
    node = np.broadcast_to(root, (len(score), len(root)))
    for _ in range(len(feature) // len(root)):
        below = np.take_along_axis(score, feature[node], axis=1) <= threshold[node]
        following = np.where(below, left[node], right[node])
        if np.array_equal(following, node):
            break
        node = following
    return node


def _regressed(score: Floats, arrays: dict[str, NDArray], prefix: str) -> tuple[Floats, Floats]:
    own = {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }
    scatter = own.pop("scatter")
    values = boosted(score, **own)
    return values, np.where(np.isnan(values), np.nan, scatter)


DOUBT = 2.0  # standard deviations
LOWEST_SNR = 5.0  # the error of an own label is not followed below


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
