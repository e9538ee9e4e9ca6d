"""Teff, log g and [Fe/H] learnt from the scores of the stars that have them (METHOD section 3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from obcat.arrow import float_array, list_array
from obcat.fit import trees
from obcat.fit.result import Fit, from_rows
from obcat.kernels.labels import boosted
from obcat.statistics import robust_scatter

__all__ = ["labels"]

Arrays = dict[str, np.ndarray]

DOUBLES = [(name, pa.float64()) for name in ("scatter", "bias")]
SUMMARY = pa.schema(
    [("label", pa.string()), ("n_train", pa.int32()), ("n_test", pa.int32()), *DOUBLES]
)


def labels(read: Callable[[], pa.RecordBatchReader], parameters: Any) -> Fit:
    """Boosted trees for log10 Teff, log g and [Fe/H], each from the stars that have that label.

    The model is arrays, not LightGBM's text: a truncated text would end the interpreter that loads
    it.

    Parameters
    ----------
    read : rows, one a star, ordered by star_id: star_id, score_clean FLOAT[k], teff (K), logg, feh,
        is_train BOOLEAN (false: the star only tests)
    parameters : label_min_stars (fewer training stars: no trees, NaN from the kernel), and those of
        ``trees.train``

    Returns
    -------
    arrays log_teff_feature, _threshold, _left, _right, _value, _scatter and the same for logg_ and
    feh_: see ``kernels.labels.predict_labels``; scatter (dex) is that of the test stars, or of the
    training stars if none. Table labels_summary: label, n_train, n_test, robust scatter and median
    of predicted - given of the test stars, dex.
    """
    table = read().read_all()
    score, is_train = list_array(table["score_clean"]), table["is_train"].to_numpy().astype(bool)
    known = np.isfinite(score).all(axis=1)
    given = {
        "log_teff": _log10(float_array(table["teff"])),
        "logg": float_array(table["logg"]),
        "feh": float_array(table["feh"]),
    }
    arrays: Arrays = {}
    summary = []
    for name, label in given.items():
        rows = known & np.isfinite(label)
        training, test = rows & is_train, rows & ~is_train
        model = _trees(score[training], label[training], parameters)
        residual = boosted(score, **model) - label
        judged = residual[test] if test.any() else residual[training]
        arrays |= {f"{name}_{key}": array for key, array in model.items()}
        arrays[f"{name}_scatter"] = np.array(robust_scatter(judged))
        summary.append(
            (name, int(training.sum()), int(test.sum()), robust_scatter(judged), _median(judged))
        )
    return Fit(arrays, {"labels_summary": from_rows(summary, SUMMARY)})


def _trees(score: np.ndarray, label: np.ndarray, parameters: Any) -> Arrays:
    return (
        trees.train(score, label, parameters)
        if len(label) >= parameters.label_min_stars
        else trees.empty()
    )


def _log10(teff: np.ndarray) -> np.ndarray:
    return np.log10(teff, where=teff > 0, out=np.full(len(teff), np.nan))


def _median(values: np.ndarray) -> float:
    return float(np.median(values)) if len(values) else float("nan")
