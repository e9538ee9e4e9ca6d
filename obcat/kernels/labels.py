"""Teff, log g and [Fe/H] from principal-component scores: boosted trees, evaluated from plain
arrays.

The trees are LightGBM's; their arrays are walked with numpy, so that no model text is ever read
back (LightGBM ends the interpreter on a damaged one) and any number of threads may predict at once.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["boosted", "predict_labels"]

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
