"""Boosted trees as plain arrays: by hand, against LightGBM's own prediction,
and on labels whose truth is known.
"""

import lightgbm
import numpy as np
import pyarrow as pa
import pytest

from obcat.arrow import list_array
from obcat.fit import labels as trees
from obcat.fit.labels import labels
from obcat.kernels.labels import boosted, predict_labels
from tests.method import parameters

PARAMETERS = parameters(label_trees=60, label_leaves=15, label_min_leaf=10, label_min_stars=100)
N, K = 1500, 8
RNG = np.random.default_rng(4)
SCORE = RNG.normal(size=(N, K)).astype(np.float32)
TEFF = 10 ** (4.2 + 0.1 * SCORE[:, 0] + RNG.normal(0, 0.01, N))
LOGG = 4 - 0.3 * np.abs(SCORE[:, 1]) + RNG.normal(0, 0.03, N)
FEH = 0.2 * SCORE[:, 2].astype(float)
IS_TRAIN = RNG.random(N) < 0.8

# two trees: score[0] <= 1 ? (score[1] <= -2 ? 10 : 20) : 30, and the constant 0.5
HAND = {
    "feature": np.array([[0, 1, 0, 0, 0], [0, 0, 0, 0, 0]]),
    "threshold": np.array([[1.0, -2.0, np.inf, np.inf, np.inf], [np.inf] * 5]),
    "left": np.array([[1, 3, 2, 3, 4], [0, 0, 0, 0, 0]]),
    "right": np.array([[2, 4, 2, 3, 4], [0, 0, 0, 0, 0]]),
    "value": np.array([[0.0, 0.0, 30.0, 10.0, 20.0], [0.5, 0.0, 0.0, 0.0, 0.0]]),
}


def table(teff=TEFF, logg=LOGG, feh=FEH, is_train=IS_TRAIN):
    score = pa.FixedSizeListArray.from_arrays(pa.array(SCORE.ravel()), K)
    given = {
        name: pa.array(values, from_pandas=True)
        for name, values in (("teff", teff), ("logg", logg), ("feh", feh))
    }
    names = [f"S{i:04d}" for i in range(N)]
    return pa.table(
        {"star_id": names, "specid": names, "score_clean": score, **given, "is_train": is_train}
    )


def fitted(rows, parameters=PARAMETERS):
    return labels(rows.to_reader, parameters)


@pytest.fixture(scope="module")
def fit():
    return fitted(table())


def summary(fit):
    return {row["label"]: row for row in fit.tables["labels_summary"].to_pylist()}


def test_trees_by_hand():
    score = np.array([[1.0, -2.0], [1.0, -1.999], [1.001, -9.0]])
    assert boosted(score, **HAND).tolist() == [10.5, 20.5, 30.5]


def test_trees_that_go_round_in_a_circle_still_end():
    circle = {**HAND, "left": np.array([[1, 0, 2, 3, 4], [0, 0, 0, 0, 0]]), "right": HAND["left"]}
    assert boosted(np.zeros((1, 2)), **circle).shape == (1,)


@pytest.mark.parametrize("leaves", [2, 31])
def test_same_as_lightgbm(leaves):
    own = parameters(**vars(PARAMETERS) | {"label_leaves": leaves})
    model = trees.train(SCORE, LOGG, own)
    data = lightgbm.Dataset(SCORE.astype(float), LOGG)
    options = {
        "num_leaves": leaves,
        "learning_rate": 0.1,
        "min_data_in_leaf": 10,
        "seed": 1,
        "verbosity": -1,
    }
    exact = {
        "objective": "regression",
        "num_threads": 1,
        "deterministic": True,
        "force_row_wise": True,
    }
    booster = lightgbm.train(options | exact, data, num_boost_round=60)
    other = RNG.normal(size=(700, K)).astype(np.float32)
    assert boosted(other, **model) == pytest.approx(booster.predict(other.astype(float)), abs=1e-13)


def test_score_on_a_threshold_goes_left_as_in_lightgbm():
    model = trees.train(SCORE, LOGG, PARAMETERS)
    inner = model["left"][0] != np.arange(model["left"].shape[1])
    root = model["feature"][0, 0], model["threshold"][0, 0]
    first = {name: array[:1] for name, array in model.items()}
    row = np.zeros((2, K))
    row[:, root[0]] = root[1], np.nextafter(root[1], -np.inf)
    assert inner[0]
    assert np.ptp(boosted(row, **first)) == 0


def test_truth_is_recovered(fit):
    teff, _, logg, _, feh, _ = predict_labels(SCORE, **fit.arrays)
    test = ~IS_TRAIN
    assert np.std(np.log10(teff / TEFF)[test]) < 0.03
    assert np.std((logg - LOGG)[test]) < 0.07
    assert np.std((feh - FEH)[test]) < 0.06


def test_errors_are_the_scatter_of_test_stars(fit):
    teff, teff_err, logg, logg_err, _, feh_err = predict_labels(SCORE, **fit.arrays)
    rows = summary(fit)
    assert logg_err == pytest.approx(rows["logg"]["scatter"])
    assert feh_err == pytest.approx(rows["feh"]["scatter"])
    assert teff_err / teff == pytest.approx(np.log(10) * rows["log_teff"]["scatter"])
    assert 1.4826 * np.median(np.abs((logg - LOGG)[~IS_TRAIN])) == pytest.approx(
        rows["logg"]["scatter"], rel=0.05
    )


def test_counts(fit):
    for row in summary(fit).values():
        assert (row["n_train"], row["n_test"]) == (IS_TRAIN.sum(), (~IS_TRAIN).sum())


def test_labels_of_test_stars_do_not_reach_the_trees(fit):
    other = fitted(table(logg=np.where(IS_TRAIN, LOGG, 99.0)))
    for name in ("feature", "threshold", "value"):
        assert other.arrays[f"logg_{name}"].tobytes() == fit.arrays[f"logg_{name}"].tobytes()
    assert summary(other)["logg"]["bias"] < -90


def test_same_bytes_again(fit):
    again = fitted(table())
    assert all(
        again.arrays[name].tobytes() == array.tobytes() for name, array in fit.arrays.items()
    )


def test_a_missing_label_costs_that_label_only():
    holes = np.where(np.arange(N) % 2, FEH, np.nan)
    rows = summary(fitted(table(feh=holes, teff=np.where(np.arange(N) < 10, -9999.0, TEFF))))
    assert rows["feh"]["n_train"] == IS_TRAIN[1::2].sum()
    assert rows["log_teff"]["n_train"] == IS_TRAIN[10:].sum()
    assert rows["logg"]["n_train"] == IS_TRAIN.sum()


def test_too_few_stars_answer_nan():
    few = fitted(table(feh=np.where(np.arange(N) < 90, FEH, np.nan)))
    teff, _, _, _, feh, feh_err = predict_labels(SCORE, **few.arrays)
    assert np.isnan(feh).all()
    assert np.isnan(feh_err).all()
    assert np.isfinite(teff).all()


def test_no_rows():
    none = fitted(table().slice(0, 0))
    assert all(np.isnan(column).all() for column in predict_labels(SCORE[:3], **none.arrays))
    assert all(len(column) == 0 for column in predict_labels(SCORE[:0], **none.arrays))


def test_all_stars_alike():
    same = fitted(table(feh=np.zeros(N)))
    assert predict_labels(SCORE[:5], **same.arrays)[4].tolist() == [0.0] * 5


def test_only_training_stars_still_have_an_error():
    everyone = summary(fitted(table(is_train=np.ones(N, bool))))
    assert everyone["logg"]["n_test"] == 0
    assert everyone["logg"]["scatter"] > 0


def test_bad_score_spoils_its_own_row_only(fit):
    spoilt = SCORE[:4].copy()
    spoilt[1, 5] = np.nan
    for got, whole in zip(
        predict_labels(spoilt, **fit.arrays), predict_labels(SCORE[:4], **fit.arrays), strict=True
    ):
        assert np.isnan(got).tolist() == [False, True, False, False]
        assert np.array_equal(got[[0, 2, 3]], whole[[0, 2, 3]])


@pytest.mark.parametrize("size", [1, 2, 255, 257])
def test_row_does_not_depend_on_its_batch(fit, size):
    whole = predict_labels(SCORE, **fit.arrays)
    part = predict_labels(SCORE[7 : 7 + size], **fit.arrays)
    assert all(np.array_equal(p, w[7 : 7 + size]) for p, w in zip(part, whole, strict=True))


def test_matrix_of_an_empty_table():
    assert list_array(table().slice(0, 0)["score_clean"]).shape == (0, K)
