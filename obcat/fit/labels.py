"""Teff, log g and [Fe/H] learnt from the scores of the stars that have them (METHOD section 3).

Boosted regression trees: LightGBM trains them, plain arrays hold them.

Teff and log g as quadratics of the leading coefficients, learnt from the stars with labels. And
what dust does to the coefficients of stars of one Teff and log g.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from obcat.arrow import float_array, list_array
from obcat.fit import Fit, from_rows
from obcat.kernels.labels import boosted, own_error, spectral, terms
from obcat.kernels.luminosity import imprint_terms
from obcat.statistics import MAD_TO_SIGMA, median, robust_scatter

__all__ = ["empty", "fit_imprint", "joined_labels", "labels", "least_squares", "train"]

TYPES = {
    "feature": np.int32,
    "threshold": float,
    "left": np.int32,
    "right": np.int32,
    "value": float,
}


def train(score: np.ndarray, label: np.ndarray, parameters: Any) -> Arrays:
    """Trees for ``kernels.labels.boosted`` from scores (n, k) and labels (n,): one thread, same
    inputs, same bytes.

    ``parameters``: label_trees, label_leaves, label_learning_rate, label_min_leaf (stars in a
    leaf), label_seed. ImportError where LightGBM, or the OpenMP runtime that it loads, is missing.
    """
    try:
        import lightgbm
    except OSError as error:  # what ctypes says of a shared library
        raise ImportError(str(error)) from error
    options = {
        "objective": "regression",
        "num_leaves": parameters.label_leaves,
        "learning_rate": parameters.label_learning_rate,
        "min_data_in_leaf": parameters.label_min_leaf,
        "seed": parameters.label_seed,
        "num_threads": 1,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }
    data = lightgbm.Dataset(score.astype(float), label)
    booster = lightgbm.train(options, data, num_boost_round=parameters.label_trees)
    return _stacked([_tree(node["tree_structure"]) for node in booster.dump_model()["tree_info"]])


def empty() -> Arrays:
    """No trees: the kernel answers NaN."""
    return {name: np.empty((0, 0), dtype) for name, dtype in TYPES.items()}


def _tree(root: dict[str, Any]) -> list[tuple[int, float, int, int, float]]:
    """The nodes of a tree, root first: (feature, threshold, left, right, value)."""
    nodes = [root]
    rows = []
    for place, node in enumerate(nodes):
        if "split_feature" in node:
            children = len(nodes), len(nodes) + 1
            nodes += [node["left_child"], node["right_child"]]
            rows.append((node["split_feature"], node["threshold"], *children, 0.0))
        else:
            rows.append((0, np.inf, place, place, node["leaf_value"]))
    return rows


def _stacked(trees: list[list[tuple]]) -> Arrays:
    """(trees, nodes) arrays; shorter trees are filled up with nodes that nobody reaches."""
    width = max(len(tree) for tree in trees)
    filled = [tree + [(0, np.inf, 0, 0, 0.0)] * (width - len(tree)) for tree in trees]
    columns = zip(*(zip(*tree, strict=True) for tree in filled), strict=True)
    return {
        name: np.array(rows, dtype)
        for (name, dtype), rows in zip(TYPES.items(), columns, strict=True)
    }


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
    return train(score, label, parameters) if len(label) >= parameters.label_min_stars else empty()


def _log10(teff: np.ndarray) -> np.ndarray:
    return np.log10(teff, where=teff > 0, out=np.full(len(teff), np.nan))


def _median(values: np.ndarray) -> float:
    return float(np.median(values)) if len(values) else float("nan")


ROUNDS = 6  # of fitting and clipping; the stars kept have settled after four
PER_TERM = 8  # stars a term of the quadratic needs; fewer stars, fewer coefficients
QUARTER = 0.25  # of the stars, by S/N: the lowest and the highest tell noise from the rest
LEAST = 0.006  # dex, intrinsic scatter of a label by the spectrum: the grids of models differ so


LABEL_CURVES_SUMMARY = pa.schema(
    [("label", pa.string()), ("n_train", pa.int32())]
    + [(name, pa.float64()) for name in ("scatter", "intrinsic", "at_snr_30")]
)


def joined_labels(read: Callable[[], pa.RecordBatchReader], parameters: Any) -> Fit:
    """Curves of log10 Teff and log g, and the scatter of both about the table's.

    Ridge regression; stars beyond ``joined_clip`` robust standard deviations are left out of the
    next round. The scatter is that of own - table with the median error of the table taken off,
    in squares, at high and at low S/N.

    Parameters
    ----------
    read : rows, one a star, ordered by star_id: star_id, score_clean FLOAT[k], snr_g, teff,
        teff_err (K), logg, logg_err (dex)
    parameters : label_min_stars (with fewer the arrays are of length zero), joined_components,
        joined_limit, joined_ridge, joined_clip

    Returns
    -------
    arrays centre, scale, limit, log_teff_curve, log_teff_scatter, logg_curve, logg_scatter: see
    ``kernels.joined_labels``. Table joined_labels_summary: label, n_train, robust scatter of
    own - table, intrinsic scatter, and error at S/N 30, dex.
    """
    table = read().read_all()
    score, snr_g = list_array(table["score_clean"]), float_array(table["snr_g"])
    given = _given(table)
    known = np.isfinite(score).all(axis=1) & np.isfinite(given["log_teff"][0] + given["logg"][0])
    if np.count_nonzero(known) < parameters.label_min_stars:
        return Fit(_empty(), {"joined_labels_summary": from_rows([], LABEL_CURVES_SUMMARY)})
    whitening = _whitening(score[known], parameters)
    white = terms(score[known], **whitening)
    arrays, summary = dict(whitening), []
    for name, (label, error) in given.items():
        curve, kept = _curve(white, label[known], parameters)
        difference = spectral(white, curve) - label[known]
        scatter = _scatter(difference, error[known], snr_g[known])
        arrays |= {f"{name}_curve": curve, f"{name}_scatter": scatter}
        at_30 = float(own_error(np.array([30.0]), scatter)[0])
        row = name, int(kept.sum()), robust_scatter(difference), float(scatter[0]), at_30
        summary.append(row)
    return Fit(arrays, {"joined_labels_summary": from_rows(summary, LABEL_CURVES_SUMMARY)})


def _given(table: pa.Table) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    teff, logg = float_array(table["teff"]), float_array(table["logg"])
    with np.errstate(invalid="ignore", divide="ignore"):
        hot = np.log10(teff), float_array(table["teff_err"]) / teff / np.log(10)
    return {"log_teff": hot, "logg": (logg, float_array(table["logg_err"]))}


def _empty() -> Arrays:
    pairs = [f"{name}_{what}" for name in ("log_teff", "logg") for what in ("curve", "scatter")]
    return {**dict.fromkeys(["centre", "scale", *pairs], np.zeros(0)), "limit": np.array(np.nan)}


def _whitening(score: np.ndarray, parameters: Any) -> Arrays:
    """Mean and deviation of as many leading scores as the stars can bear, and the limit."""
    m = min(parameters.joined_components, score.shape[1])
    while m > 1 and (1 + m) * (2 + m) / 2 * PER_TERM > len(score):
        m -= 1
    leading = score[:, :m].astype(float)
    return {
        "centre": leading.mean(axis=0),
        "scale": np.maximum(leading.std(axis=0), np.finfo(float).tiny),
        "limit": np.array(parameters.joined_limit),
    }


def _curve(white: np.ndarray, label: np.ndarray, parameters: Any) -> tuple[np.ndarray, np.ndarray]:
    """(t,) coefficients and the stars (n,) they were fitted to."""
    penalty = parameters.joined_ridge * np.eye(white.shape[1])
    penalty[0, 0] = 0  # the level of the labels is not held back
    kept = np.ones(len(label), bool)
    for _ in range(ROUNDS):
        fitted = kept
        x = white[fitted]
        curve = np.linalg.solve(x.T @ x + penalty, x.T @ label[fitted])
        residual = np.asarray(label - spectral(white, curve), float)
        kept = np.abs(residual) <= parameters.joined_clip * robust_scatter(residual[fitted])
    return curve, fitted


def _scatter(difference: np.ndarray, error: np.ndarray, snr_g: np.ndarray) -> np.ndarray:
    """(a, b) of `own_error`: a at the S/N of the best quarter, b from what the worst has more."""
    known = (error > 0) & (snr_g > 0)
    if not known.any():
        return np.array([robust_scatter(difference), 0.0])
    low, high = np.quantile(snr_g[known], [QUARTER, 1 - QUARTER])
    squares = [
        (_excess(difference[rows], error[rows]), median((30 / snr_g[rows]) ** 2))
        for rows in (known & (snr_g <= low), known & (snr_g >= high))
    ]
    (noisy, far), (quiet, near) = squares
    slope = max(noisy - quiet, 0) / (far - near) if far > near else 0.0
    return np.sqrt([max(quiet - slope * near, LEAST**2), slope])


def _excess(difference: np.ndarray, error: np.ndarray) -> float:
    return max(robust_scatter(difference) ** 2 - median(error**2), LEAST**2)


CLEAR = 50.0  # S/N at which a star counts half in what dust does; chosen
FAR, LOOKS = 4.0, 3  # sigma in any coefficient, and how often looked; chosen on SIMULATED surveys
RIDGE = 1e-3


def fit_imprint(
    score: np.ndarray,
    snr_g: np.ndarray,
    ebv: np.ndarray,
    teff: np.ndarray,
    logg: np.ndarray,
    plain: np.ndarray,
    least: int,
) -> Arrays:
    """What dust does to the coefficients (n, k) of stars of one Teff and log g, K and dex, with
    E(B-V), mag, all (n,): see ``kernels.luminosity.freed_of_dust``. No parallax is used.

    Learnt from plain ones (n,) by their S/N, without those that are far from all others, of which
    a few (faults, stars of other kinds) would tell more of dust than all the rest; nothing from
    fewer than so many.
    """
    rows = plain & np.isfinite(score).all(axis=1) & np.isfinite(ebv + teff + logg) & (snr_g > 0)
    if np.count_nonzero(rows) < least:
        return {"imprint": np.zeros((3, score.shape[1])), "imprint_ebv": np.zeros(len(score.T) + 1)}
    x, hotter, evolved = score[rows].astype(float), np.log10(teff[rows]) - 4.1, logg[rows] - 4
    labels = [hotter**i * evolved**j for i, j in ((0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2))]
    dust = imprint_terms(ebv[rows], teff[rows])
    terms = np.stack([*labels, hotter**3, *dust.T], axis=1)
    weight = 1 / np.hypot(1, CLEAR / snr_g[rows])[:, None]
    near = np.ones(len(x), bool)
    for _ in range(LOOKS):
        found = least_squares((terms * weight)[near], (x * weight)[near])
        off = np.abs(x - terms @ found) * weight
        near = (off < FAR * MAD_TO_SIGMA * np.median(off[near], axis=0)).all(axis=1)
    found = least_squares((terms * weight)[near], (x * weight)[near])
    reddening = np.column_stack([np.ones(len(x)), x])[near]
    return {"imprint": found[-3:], "imprint_ebv": least_squares(reddening, ebv[rows][near])}


def least_squares(columns: np.ndarray, y: np.ndarray) -> np.ndarray:
    """In columns of one length, with a ridge that is nothing beside a star."""
    length = np.sqrt((columns**2).mean(axis=0)) + 1e-30
    unit = columns / length
    normal = unit.T @ unit + RIDGE * np.eye(unit.shape[1])
    return (np.linalg.solve(normal, unit.T @ y).T / length).T
