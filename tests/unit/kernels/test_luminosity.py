"""The networks at prediction time: Eq.
6 by hand, the choice between them, rows that do not depend on their batch.
"""

import numpy as np
import pytest

from obcat.kernels.luminosity import luminosity, predict

LN3 = np.log(3.0)
HAND = {
    "w0": np.array([[LN3, 0.0], [0.0, LN3]]),
    "b0": np.zeros(2),
    "w1": np.array([[0.0, 4 / 3 * LN3], [0.0, 0.0]]),
    "b1": np.zeros(2),
    "w2": np.array([2.0, 4.0]),
    "b2": np.array(-1.0),
}


def network(seed, k=100, h=100):
    rng = np.random.default_rng(seed)
    shapes = {"w0": (k, h), "b0": h, "w1": (h, h), "b1": h, "w2": h, "b2": ()}
    arrays = {name: rng.normal(size=shape) / 10 for name, shape in shapes.items()}
    return arrays | {"brightest": np.array(-9.0)}


def both(full, clean):
    return {f"full_{k}": a for k, a in full.items()} | {f"clean_{k}": a for k, a in clean.items()}


def only_network(arrays):
    return {name: array for name, array in arrays.items() if name[1:].isdigit()}


MODEL = both(network(1), network(2))
EMPTY = {
    name: np.empty((0,) * array.ndim) if array.ndim else np.array(np.nan)
    for name, array in MODEL.items()
}
SCORES = np.random.default_rng(3).normal(size=(600, 100)).astype(np.float32)


def test_equation_6_by_hand():
    # s(ln 3) = 3/4, s(0) = 1/2: f = (1, 0) -> (3/4, 1/2) -> (s(0), s(ln 3)) = (1/2, 3/4) -> 2/2 +
    # 4*3/4 - 1 = 3
    assert predict(np.array([[1.0, 0.0]]), **HAND) == pytest.approx([3.0], abs=1e-14)


def test_em_flag_chooses_network_and_scores():
    clean, full = SCORES[:2], SCORES[2:4]
    mk, _ = luminosity(clean, full, np.array([0.0, 1.0]), **MODEL)
    assert mk[0] == predict(full, **only_network(network(1)))[0]
    assert mk[1] == predict(clean, **only_network(network(2)))[1]
    assert mk[0] != mk[1]


def test_fainter_than_the_limit():
    emission = np.zeros(len(SCORES))
    mk, before = luminosity(SCORES, SCORES, emission, **MODEL)
    limit = float(np.median(mk))
    _, after = luminosity(SCORES, SCORES, emission, mk_faint_limit=limit, **MODEL)
    assert np.array_equal(after, np.maximum(before, mk > limit))
    assert (after > before).any()


def test_unknown_em_flag_takes_the_network_that_knows_no_h_alpha():
    unknown = luminosity(SCORES[:1], 9 * SCORES[:1], np.array([np.nan]), **MODEL)
    emission = luminosity(SCORES[:1], 9 * SCORES[:1], np.array([1.0]), **MODEL)
    assert np.isfinite(unknown[0]).all()
    assert np.array_equal(unknown, emission)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_bad_score_spoils_its_own_row_only(bad):
    scores = SCORES[:5].copy()
    scores[2, 7] = bad
    mk, beyond = luminosity(scores, scores, np.zeros(5), **MODEL)
    good, _ = luminosity(SCORES[:5], SCORES[:5], np.zeros(5), **MODEL)
    assert np.isnan(mk).tolist() == [False, False, True, False, False]
    assert np.isnan(beyond[2])
    assert np.array_equal(mk[[0, 1, 3, 4]], good[[0, 1, 3, 4]])


def test_scores_of_the_other_network_may_be_missing():
    mk, _ = luminosity(np.full((1, 100), np.nan), SCORES[:1], np.zeros(1), **MODEL)
    assert np.isfinite(mk).all()


def test_untrained_networks_answer_nan():
    mk, beyond = luminosity(SCORES, SCORES, np.zeros(len(SCORES)), **EMPTY)
    assert np.isnan(mk).all()
    assert np.isnan(beyond).all()


@pytest.mark.parametrize("size", [1, 2, 3, 17, 99, 101, 300])
def test_row_does_not_depend_on_its_batch(size):
    em_flag = np.arange(600) % 2.0
    whole = luminosity(SCORES, SCORES[::-1], em_flag, **MODEL)
    for start in (0, 5, 256):
        rows = slice(start, start + size)
        part = luminosity(SCORES[rows], SCORES[::-1][rows], em_flag[rows], **MODEL)
        assert all(np.array_equal(p, w[rows]) for p, w in zip(part, whole, strict=True))


def test_no_rows():
    mk, beyond = luminosity(SCORES[:0], SCORES[:0], np.empty(0), **MODEL)
    assert mk.shape == beyond.shape == (0,)


def test_inputs_stay_as_they_are():
    scores = SCORES[:4].copy()
    scores.flags.writeable = False
    luminosity(scores, scores, np.zeros(4), **MODEL)
    assert np.array_equal(scores, SCORES[:4])


def test_brighter_than_the_training_stars():
    mk, _ = luminosity(SCORES, SCORES, np.zeros(len(SCORES)), **MODEL)
    limit = np.sort(mk)[10]
    bright = {**MODEL, "full_brightest": np.array(limit)}
    far = luminosity(SCORES, SCORES, np.zeros(len(SCORES)), **MODEL)[1]
    found = luminosity(SCORES, SCORES, np.zeros(len(SCORES)), **bright)[1]
    assert np.array_equal(found, np.maximum(far, mk < limit))
    assert (found > far).any()
    assert np.array_equal(
        luminosity(SCORES, SCORES, np.ones(len(SCORES)), **bright)[1], far_clean()
    )


def far_clean():
    return luminosity(SCORES, SCORES, np.ones(len(SCORES)), **MODEL)[1]


def test_every_star_takes_the_mean_of_both_networks_where_emission_does_not_choose():
    mk, _ = luminosity(SCORES[:2], SCORES[2:4], np.array([0.0, 1.0]), emission_chooses=0, **MODEL)
    full, clean = (
        predict(SCORES[2:4], **only_network(network(1))),
        predict(SCORES[:2], **only_network(network(2))),
    )
    assert mk.tolist() == ((full + clean) / 2).tolist()


def test_the_network_of_clean_windows_counts_as_much_as_its_share():
    given = SCORES[:2], SCORES[2:4], np.array([0.0, 1.0])
    mean, full, clean, found = (
        luminosity(*given, emission_chooses=0, clean_share=share, **MODEL)[0]
        for share in (0.5, 0.0, 1.0, 0.7)
    )
    assert found == pytest.approx(0.3 * full + 0.7 * clean, abs=1e-12)
    assert mean == pytest.approx((full + clean) / 2, abs=1e-12)
    assert abs(full - clean).min() > 0.01


def test_brighter_than_the_limit():
    emission = np.zeros(len(SCORES))
    mk, before = luminosity(SCORES, SCORES, emission, **MODEL)
    limit = float(np.median(mk))
    _, after = luminosity(SCORES, SCORES, emission, mk_bright_limit=limit, **MODEL)
    assert np.array_equal(after == 1, (mk < limit) | (before == 1))


def test_a_luminous_star_with_emission_is_in_doubt_where_the_networks_disagree():
    emission = np.tile([0.0, 1.0, np.nan], len(SCORES))[: len(SCORES)]
    given = (SCORES, -SCORES, emission)
    mk, before = luminosity(*given, **MODEL)
    apart = np.abs(
        predict(SCORES, **only_network(network(2))) - predict(-SCORES, **only_network(network(1)))
    )
    limits = {
        "domain_emission_luminous": float(np.median(mk)),
        "domain_networks_apart": float(np.median(apart)),
    }
    doubtful = (emission != 0) & (mk < limits["domain_emission_luminous"])
    doubtful &= apart > limits["domain_networks_apart"]
    assert 0 < (doubtful & (before == 0)).sum() < len(SCORES) / 4
    assert np.array_equal(luminosity(*given, **limits, **MODEL)[1] == 1, doubtful | (before == 1))
    _, of_means = luminosity(*given, emission_chooses=0, **limits, **MODEL)
    assert np.array_equal(of_means, luminosity(*given, emission_chooses=0, **MODEL)[1])
