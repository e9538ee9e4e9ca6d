"""Training on synthetic scores whose truth is known:
recovery, rejection of planted binaries, same bytes.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

from obcat.arrow import float_array, list_array
from obcat.fit import snr_dparallax, spectroscopic_scatter
from obcat.fit.luminosity import luminosity
from obcat.fit.network import Sample, gradients, train
from obcat.kernels.luminosity import luminosity as kernel
from obcat.kernels.luminosity import predict
from obcat.statistics import robust_scatter
from tests.method import parameters

PARAMETERS = parameters(
    hidden_neurons=20, dropout=0.05, epochs=40, learning_rate=0.02, domain_bright_fraction=0.005
)
N, K = 1000, 6
ROOT = Path(__file__).parents[3]


def changed(**values):
    return parameters(**vars(PARAMETERS) | values)


def truth(score):
    return -1 + score[:, 0] + 0.5 * np.tanh(score[:, 1])


def fixed_list(values):
    return pa.FixedSizeListArray.from_arrays(
        pa.array(values.astype(np.float32).ravel()), values.shape[1]
    )


def sky(n=N, seed=5, binaries=0.0, emission=0.15):
    """(table, M of the primary, whether binary): M from two leading scores;
    binaries 0.75 mag brighter in M_geo.
    """
    rng = np.random.default_rng(seed)
    score = rng.normal(size=(n, K)) * [1, 1, 0.5, 0.2, 0.1, 0.05] * 7
    mk, binary = truth(score / 7), rng.random(n) < binaries
    parallax = rng.uniform(1.0, 3.0, n)
    a_ks = rng.uniform(0, 0.3, n)
    ks = mk - 0.75 * binary + a_ks - 5 * np.log10(parallax) + 10 + rng.normal(0, 0.03, n)
    observed = parallax + rng.normal(0, 0.02, n)
    columns = {
        "star_id": [f"S{i:05d}" for i in range(n)],
        "em_flag": pa.array((rng.random(n) < emission).astype(int), pa.int16()),
        "score_clean": fixed_list(-score),
        "score_full": fixed_list(score),
        "mk_geo": ks - a_ks + 5 * np.log10(observed) - 10,
        "mk_geo_err": np.hypot(0.03, 5 / np.log(10) * 0.02 / observed),
        "ks": ks,
        "ks_err": np.full(n, 0.02),
        "a_ks": a_ks,
        "a_ks_err": np.full(n, 0.02),
        "parallax": observed,
        "parallax_error": np.full(n, 0.02),
        "snr_g": rng.uniform(50, 200, n),
        "is_train": rng.random(n) < 0.8,
        "visit": np.ones(n),
        "snr_typical": np.full(n, 80.0),
        "loss_weight": np.ones(n),
    }
    return pa.table(columns), mk, binary


def fitted(table, parameters=PARAMETERS):
    return luminosity(table.to_reader, parameters)


def answer(fit, table):
    return kernel(
        list_array(table["score_clean"]),
        list_array(table["score_full"]),
        float_array(table["em_flag"]),
        **fit.arrays,
    )


def tables_of(fit, name, **where):
    rows = fit.tables[name].to_pylist()
    return [row for row in rows if all(row[key] == value for key, value in where.items())]


@pytest.fixture(scope="module")
def clean_sky():
    table, mk, _ = sky()
    return table, mk, fitted(table, changed(rejection_iterations=0))


@pytest.fixture(scope="module")
def binary_sky():
    table, mk, binary = sky(binaries=0.2)
    return table, mk, binary, fitted(table)


def test_recovers_a_smooth_function(clean_sky):
    table, mk, fit = clean_sky
    test = ~table["is_train"].to_numpy()
    for flag in (0, 1):
        rows = test & (float_array(table["em_flag"]) == flag)
        assert robust_scatter((answer(fit, table)[0] - mk)[rows]) < 0.1


def test_planted_binaries_are_dropped(binary_sky):
    table, _, binary, fit = binary_sky
    is_binary = dict(zip(table["star_id"].to_pylist(), binary, strict=True))
    for network in ("non_emission", "emission"):
        rows = tables_of(fit, "luminosity_stars", network=network, iteration=2)
        dropped = [not row["used"] for row in rows if is_binary[row["star_id"]]]
        mistaken = [not row["used"] for row in rows if not is_binary[row["star_id"]]]
        assert np.mean(dropped) > 0.9
        assert np.mean(mistaken) < 0.05


def test_rejection_takes_out_the_bias_of_binaries(binary_sky):
    table, mk, _, fit = binary_sky
    once = fitted(table, changed(rejection_iterations=0))
    bias = [abs(np.median(answer(each, table)[0] - mk)) for each in (once, fit)]
    assert bias[0] > 0.08
    assert bias[1] < 0.5 * bias[0]


def test_nothing_is_dropped_before_the_first_round(binary_sky):
    fit = binary_sky[3]
    first = tables_of(fit, "luminosity_stars", iteration=0)
    assert all(row["used"] for row in first)
    for row in fit.tables["luminosity_summary"].to_pylist():
        stars = tables_of(
            fit, "luminosity_stars", network=row["network"], iteration=row["iteration"]
        )
        assert row["n_train"] == sum(star["used"] for star in stars)
        assert row["n_dropped"] == len(stars) - row["n_train"]


def test_next_round_leaves_out_what_the_last_one_found(binary_sky):
    fit = binary_sky[3]
    for network in ("non_emission", "emission"):
        before = tables_of(fit, "luminosity_stars", network=network, iteration=0)
        after = tables_of(fit, "luminosity_stars", network=network, iteration=1)
        assert [row["snr_dparallax"] <= 2.0 for row in before] == [row["used"] for row in after]


def test_test_stars_and_emission_stars_stay_out(clean_sky):
    table, _, fit = clean_sky
    training = {
        r["star_id"]: r["em_flag"]
        for r in table.select(["star_id", "em_flag", "is_train"]).to_pylist()
    }
    is_test = set(table.filter(pa.compute.invert(table["is_train"]))["star_id"].to_pylist())
    seen = {
        n: {r["star_id"] for r in tables_of(fit, "luminosity_stars", network=n)}
        for n in ("non_emission", "emission")
    }
    assert not (seen["non_emission"] | seen["emission"]) & is_test
    assert seen["non_emission"] == {star for star in training if training[star] == 0} - is_test
    assert seen["emission"] == set(training) - is_test


def test_magnitudes_of_test_stars_do_not_reach_the_weights(clean_sky):
    table, _, _ = clean_sky
    once = changed(rejection_iterations=0, epochs=3)
    is_train = table["is_train"].to_numpy()
    spoilt = pa.array(np.where(is_train, float_array(table["mk_geo"]), 99.0))
    other = table.set_column(table.schema.get_field_index("mk_geo"), "mk_geo", spoilt)
    assert same_bytes(fitted(table, once).arrays, fitted(other, once).arrays)


def same_bytes(a, b):
    return a.keys() == b.keys() and all(a[k].tobytes() == b[k].tobytes() for k in a)


def test_same_seed_same_bytes_for_any_threads_and_any_state(clean_sky):
    table = clean_sky[0]
    short = changed(epochs=3)
    one = fitted(table, short)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    torch.manual_seed(999)
    two = fitted(table, short)
    state = torch.get_num_threads()
    torch.set_num_threads(threads)
    assert same_bytes(one.arrays, two.arrays)
    assert all(one.tables[name].equals(two.tables[name]) for name in one.tables)
    assert state == 2


def test_other_seed_other_weights(clean_sky):
    short = changed(epochs=2, rejection_iterations=0)
    other = changed(epochs=2, rejection_iterations=0, network_seed=2)
    assert not same_bytes(fitted(clean_sky[0], short).arrays, fitted(clean_sky[0], other).arrays)


def test_random_state_of_the_caller_is_left_alone(clean_sky):
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    fitted(clean_sky[0], changed(epochs=1, rejection_iterations=0))
    assert torch.rand(1) == expected


def test_too_few_stars_give_arrays_that_answer_nan():
    table = sky()[0].slice(0, 60)
    fit = fitted(table)
    assert fit.arrays["full_w0"].size == fit.arrays["clean_w0"].size == 0
    assert np.isnan(answer(fit, table)[0]).all()
    assert [t.num_rows for t in fit.tables.values()] == [0, 0, 0]


def test_no_rows_at_all():
    fit = fitted(sky()[0].slice(0, 0))
    assert fit.arrays["full_w0"].size == 0


def test_only_training_stars():
    table = sky(n=300, emission=0.0)[0]
    everyone = table.set_column(
        table.schema.get_field_index("is_train"), "is_train", pa.array([True] * len(table))
    )
    fit = fitted(everyone, changed(epochs=2))
    assert all(row["scatter_test"] is None for row in fit.tables["luminosity_summary"].to_pylist())
    assert np.isfinite(answer(fit, table)[0]).all()


def test_star_without_scores_or_magnitude_is_left_out():
    table = sky(n=200, emission=0.0)[0]
    holes = float_array(table["mk_geo"])
    holes[3] = np.nan
    table = table.set_column(
        table.schema.get_field_index("mk_geo"), "mk_geo", pa.array(holes, from_pandas=True)
    )
    fit = fitted(table, changed(epochs=1))
    assert "S00003" not in {row["star_id"] for row in tables_of(fit, "luminosity_stars")}
    assert np.isfinite(fit.arrays["full_w0"]).all()


def test_few_training_stars_are_brighter_than_the_brightest(clean_sky):
    table, _, fit = clean_sky
    used = table["is_train"].to_numpy()
    mk_geo = float_array(table["mk_geo"])[used]
    assert 0 < (mk_geo < fit.arrays["full_brightest"]).mean() < 0.01


def test_folded_network_is_the_trained_one():
    """The learning curve is torch's own; the folded arrays must give the same residuals."""
    rng = np.random.default_rng(2)
    score = rng.normal(size=(300, K)) * 5 + 3
    sample = Sample(score[:200].astype(np.float32), truth(score[:200]))
    test = Sample(score[200:].astype(np.float32), truth(score[200:]))
    weight = np.array([1, 0.5, 0.2, 1, 1, 0])
    network, history = train(sample, test, changed(epochs=7), 4, weight)
    assert [p.epoch for p in history] == [7]
    assert np.mean((predict(sample.score, **network) - sample.mk) ** 2) == pytest.approx(
        history[0].train_loss, rel=1e-4
    )
    assert np.mean((predict(test.score, **network) - test.mk) ** 2) == pytest.approx(
        history[0].test_loss, rel=1e-4
    )
    assert not network["w0"][-1].any()
    assert network["w0"][:-1].any(axis=1).all()


def test_a_weight_is_a_unit_of_the_score():
    """A score ten times as large, weighed a tenth, is the same score; w0 sees it as it comes."""
    rng = np.random.default_rng(6)
    score = rng.normal(size=(200, K)) * 5
    other = score * ([10] + [1] * (K - 1))
    test = Sample(np.zeros((0, K)), np.zeros(0))
    made = [
        train(Sample(s, truth(score)), test, changed(epochs=3), 1, np.array([w] + [1.0] * (K - 1)))
        for s, w in ((score, 1.0), (other, 0.1))
    ]
    first, second = (predict(s, **m[0]) for s, m in zip((score, other), made, strict=True))
    assert first == pytest.approx(second, abs=1e-3)


def test_gradients_are_those_of_automatic_differentiation():
    torch.manual_seed(5)
    layers = [torch.nn.Linear(K, 7), torch.nn.Linear(7, 7), torch.nn.Linear(7, 1)]
    x, y, weight = torch.randn(9, K), 3 * torch.randn(9), torch.rand(9)
    kept = [torch.rand(9, 7).lt(0.8) / 0.8 for _ in range(2)]
    hidden = x
    for layer, mask in zip(layers, kept, strict=False):
        hidden = layer(hidden).sigmoid() * mask
    loss = torch.nn.functional.huber_loss(layers[2](hidden)[:, 0], y, "none", delta=0.7)
    (weight * loss).mean().backward()
    wanted = [p.grad.clone() for layer in layers for p in (layer.weight, layer.bias)]
    weights = [p.detach() for layer in layers for p in (layer.weight, layer.bias)]
    found = gradients(weights, x, y, weight, *kept, 0.7)
    for a, b in zip(found, wanted, strict=True):
        assert torch.allclose(a, b, rtol=1e-4, atol=1e-6)


def test_the_emission_network_alone_follows_the_weights():
    """Half of the stars 1 mag brighter than their like: they draw both networks halfway, and where
    they count a twentieth, the emission network hardly.
    """
    table, mk, _ = sky(emission=0.5)
    odd = np.arange(N) % 2 == 0
    fits = []
    for weight in (1.0, 0.05):
        given = {"mk_geo": mk - odd, "loss_weight": np.where(odd, weight, 1.0)}
        for name, values in given.items():
            table = table.set_column(table.column_names.index(name), name, pa.array(values))
        fits.append(answer(fitted(table, changed(rejection_iterations=0, train_huber=10.0)), table))
    off = [np.median((m - mk)[float_array(table["em_flag"]) == 1]) for m, _ in fits]
    plain = float_array(table["em_flag"]) == 0
    assert off[0] == pytest.approx(-0.5, abs=0.1)
    assert off[1] == pytest.approx(-0.05, abs=0.1)
    assert np.array_equal(fits[0][0][plain], fits[1][0][plain])


def test_wrong_parallaxes_do_not_rule_the_loss():
    """A tenth of the stars 4 mag too bright: the mean moves by 0.4 mag, the middle hardly."""
    rng = np.random.default_rng(8)
    score = rng.normal(size=(1000, K)) * 5
    wrong = np.where(np.arange(1000) % 10 == 0, -4.0, 0.0)
    test = Sample(np.zeros((0, K)), np.zeros(0))
    bias = [
        np.median(predict(score, **train(Sample(score, truth(score / 5) + wrong), test,
            changed(train_huber=turn), 1, np.ones(K))[0]) - truth(score / 5))
        for turn in (100.0, 0.3)
    ]  # fmt: skip
    assert bias[0] < -0.25
    assert abs(bias[1]) < 0.1


def seen_twice(table, noise, seed=9):
    """The table with a second visit of every star, its scores off by the noise at S/N 1."""
    rng, columns = (
        np.random.default_rng(seed),
        dict(zip(table.column_names, table.columns, strict=True)),
    )
    for name in ("score_clean", "score_full"):
        score = list_array(table[name])
        error = noise * np.hypot(1 / float_array(table["snr_g"]), 1 / 80)[:, None]
        columns[name] = fixed_list(score + error * rng.normal(size=score.shape))
    second = columns | {"visit": np.full(len(table), 2.0), "snr_g": np.full(len(table), 80.0)}
    both = pa.concat_tables([table, pa.table(second)])
    return both.sort_by([("star_id", "ascending"), ("visit", "ascending")])


def test_scores_that_are_noise_weigh_nothing(clean_sky):
    """The last two of six scores differ from visit to visit as much as from star to star."""
    short = changed(epochs=1, rejection_iterations=0)
    noise = np.array([1, 1, 1, 1, 1e3, 1e3])
    fit = fitted(seen_twice(clean_sky[0], noise), short)
    for name in ("full_w0", "clean_w0"):
        size = np.abs(fit.arrays[name]).max(axis=1)
        assert size[:4].min() > 100 * size[4:].max()
    alike = fitted(seen_twice(clean_sky[0], noise), changed(epochs=1, rejection_iterations=0,
                   score_noise_min_stars=2000))  # fmt: skip
    assert same_bytes(alike.arrays, fitted(clean_sky[0], short).arrays)


def test_equations_15_to_17_by_hand():
    # M = m - A - 10 puts the star at 1 mas; sqrt(0.3² + 0² + 0.4²) = 0.5 -> σ = 0.2 ln 10 * 0.5 =
    # 0.230259
    star = {
        "ks": np.array([9.0]),
        "ks_err": np.array([0.4]),
        "a_ks": np.array([1.0]),
        "a_ks_err": np.zeros(1),
    }
    snr = snr_dparallax(
        np.array([-2.0]), 0.3, **star, parallax=np.array([0.7]), parallax_error=np.zeros(1)
    )
    assert snr == pytest.approx([0.3 / 0.230259], rel=1e-5)


def test_scatter_less_the_error_of_the_geometric_magnitude():
    residual = np.random.default_rng(1).normal(0.1, 0.5, 20_000)
    residual[::20] = 9.0
    assert robust_scatter(residual[residual < 9]) == pytest.approx(0.5, rel=0.02)
    assert spectroscopic_scatter(residual, np.full(20_000, 0.3)) == pytest.approx(0.4, rel=0.15)
    assert spectroscopic_scatter(residual, np.full(20_000, 3.0)) == 0.0


def test_null_scores_become_nan():
    column = pa.chunked_array(
        [
            pa.array([[1, 2], None], pa.list_(pa.float32(), 2)),
            pa.array([[3, 4]], pa.list_(pa.float32(), 2)),
        ]
    )
    assert np.array_equal(
        list_array(column), np.array([[1, 2], [np.nan, np.nan], [3, 4]], np.float32), equal_nan=True
    )


def test_stars_with_emission_train_the_full_network_where_emission_does_not_choose(clean_sky):
    table = clean_sky[0]
    fit = fitted(table, changed(epochs=1, rejection_iterations=0, emission_chooses=0))
    of = {
        name: tables_of(fit, "luminosity_stars", network=name)
        for name in ("non_emission", "emission")
    }
    assert len(of["non_emission"]) == len(of["emission"])
    chosen = fitted(table, changed(epochs=1, rejection_iterations=0))
    assert len(tables_of(chosen, "luminosity_stars", network="non_emission")) < len(of["emission"])


def test_the_networks_take_the_leading_scores_alone(clean_sky):
    fit = fitted(clean_sky[0], changed(epochs=1, rejection_iterations=0, network_scores=3))
    for name in ("full_w0", "clean_w0"):
        assert not fit.arrays[name][3:].any()
        assert fit.arrays[name][:3].any()
