"""Small pieces of the fits, each against a value worked out by hand."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from obcat.fit import batches, labels, snr_dparallax
from obcat.fit import luminosity as module
from obcat.fit.excess import calibrate
from obcat.fit.likelihood import PARAMETERS, Stars, closed_form, deviation, quadrature, sample
from obcat.fit.luminosity import Round, tables
from obcat.fit.network import Progress
from obcat.fit.noise import _clipped, noise
from obcat.kernels.grid import N_PIXEL
from obcat.kernels.labels import boosted

COLUMNS = {
    "mk": [-1.0], "snr_g": [50.0], "ks": [9.3], "ks_err": [0.3], "a_ks": [0.3], "a_ks_err": [0.4],
    "parallax": [1.0], "parallax_error": [0.02 * np.log(10)],
}  # fmt: skip


def stars_of(**columns) -> Stars:
    return Stars.of({name: np.array(values) for name, values in (COLUMNS | columns).items()})


def test_a_star_of_the_noise_model_by_hand():
    """Ks - A = 9, variance 0.25, (100 / 50)^2 = 4;
    at 1 mas M_geo = -1, its error 5 / ln 10 of 0.02 ln 10 = 0.1.
    """
    stars = stars_of()
    assert (stars.dereddened[0], stars.variance[0], stars.inverse_snr[0]) == pytest.approx(
        (9.0, 0.25, 4.0)
    )
    off, sd = deviation(np.array([0.5, 0.1, 0.2, 0.3]), stars)
    assert off[0] == pytest.approx(-1 - 1.5 * -1 - 0.1)
    assert sd[0] == pytest.approx(np.sqrt(0.04 + 0.09 * 4 + 2.25 * (0.25 + 0.01)))
    theta = np.array([0.0, 0.0, 3.0, 0.0])
    assert closed_form(theta, stars) == pytest.approx(-0.5 * np.log(9 + 0.26))


@pytest.mark.parametrize("alpha", [0.0, 0.5])
def test_the_integral_is_the_closed_form_where_the_parallax_is_precise(alpha):
    """Differences of ln L, as its zero is another one;
    the errors of Ks and A count (1 + alpha)^2 times.
    """
    stars = stars_of(parallax_error=[1e-3])
    exact, one, two = (
        quadrature(stars),
        np.array([alpha, 0.2, 0.3, 0.1]),
        np.array([alpha, 0.4, 0.6, 0.2]),
    )
    assert exact(one) - exact(two) == pytest.approx(
        closed_form(one, stars) - closed_form(two, stars), abs=1e-3
    )
    third = np.array([0.1, 0.2, 0.3, 0.1])
    assert exact(one) - exact(third) == pytest.approx(
        closed_form(one, stars) - closed_form(third, stars), abs=1e-3
    )


def many(n: int, scatter: float) -> dict:
    random = np.random.default_rng(3)
    parallax, mk = np.full(n, 1.0), random.uniform(-3, 0, n)
    return {
        "mk": mk + random.normal(0, scatter, n), "snr_g": np.full(n, 1000.0), "ks": mk + 10,
        "ks_err": np.full(n, 0.01), "a_ks": np.zeros(n), "a_ks_err": np.full(n, 0.01),
        "parallax": parallax, "parallax_error": np.full(n, 0.005), }  # fmt: skip


def test_stars_far_off_on_either_side_are_left_out():
    columns = many(200, 0.1)
    columns["mk"][:2] += 3, -3
    _, used = _clipped(Stars.of(columns), 4.0)
    assert np.flatnonzero(~used)[:2].tolist() == [0, 1]
    assert used.sum() >= 195


@pytest.fixture(scope="module")
def chain():
    stars = Stars.of(many(40, 0.0))  # no scatter at all: the walk would go below zero
    return sample(stars, np.array([0.0, 0.0, 0.01, 0.01]), walkers=10, steps=150, seed=1)


def test_both_scatters_stay_positive(chain):
    assert chain.samples[..., 2:].min() > 0


def test_steps_are_counted_from_the_beginning_of_the_walk(chain):
    thin = np.diff(chain.step)
    assert set(thin) == {thin[0]}
    assert chain.n_steps - thin[0] < chain.step[-1] <= chain.n_steps
    assert chain.samples.shape == (len(chain.step), 10, len(PARAMETERS))


def test_tables_of_the_noise_hold_every_walker_at_every_step():
    columns = many(120, 0.2) | {
        "mk_again": np.full(120, np.nan),
        "snr_again": np.full(120, np.nan),
        "star_id": [f"S{i}" for i in range(120)],
        "em_flag": np.zeros(120, np.int16),
        "is_train": np.zeros(120, np.int16),
    }
    columns["mk"][:3] += 4.0
    given = SimpleNamespace(
        noise_nsigma=4.0, noise_walkers=10, noise_steps=60, noise_seed=1, noise_min_stars=20
    )
    table = pa.table(columns)
    fit = noise(table.to_reader, given)
    rows = fit.tables["noise_chain"].to_pydict()
    assert len(set(rows["step"][:10])) == 1
    pairs = set(zip(rows["step"], rows["walker"], strict=True))
    assert len(pairs) == len(rows["step"]) == len(set(rows["step"])) * 10
    (sigma,) = [
        r
        for r in fit.tables["noise_summary"].to_pylist()
        if (r["em_flag"], r["parameter"]) == (0, "sigma_int")
    ]
    low, high = np.percentile(rows["sigma_int"], (16, 84))
    assert (sigma["low"], sigma["high"]) == pytest.approx((low, high))
    assert (sigma["n_stars"], sigma["n_dropped"]) == (117, 3)
    assert [r["star_id"] for r in fit.tables["noise_stars"].to_pylist() if r["dropped"]] == [
        "S0",
        "S1",
        "S2",
    ]


def test_excess_of_the_parallax_by_hand():
    """Of M = -1 at Ks - A = 9.5 - 0.5: 1 mas;
    errors of 0.3, 0.4 and 1.2 mag are 1.3 together, 0.26 ln 10 mas.
    """
    one = np.ones(1)
    found = snr_dparallax(
        -one, 0.3, ks=9.5 * one, ks_err=0.4 * one, a_ks=0.5 * one, a_ks_err=1.2 * one,
        parallax=0.4 * one, parallax_error=0.5 * one,
    )  # fmt: skip
    assert found == pytest.approx(0.6 / np.hypot(0.26 * np.log(10), 0.5))


def test_tables_of_the_rounds_by_hand():
    used = np.array([True, True, True, False])
    residual = np.array([0.0, 1.0, 3.0, 50.0])
    done = Round({}, [Progress(0, 0.5, 0.7)], np.array(["a", "b", "c", "d"]), used, residual,
                 np.array([1.0, 2.0, 3.0, 9.0]), np.array([3.0, 5.0, 9.0]))  # fmt: skip
    made = {name: t.to_pylist() for name, t in tables({"emission": [done, done]}).items()}
    wanted = {"network": "emission", "iteration": 1, "n_train": 3, "n_dropped": 1, "bias_test": 5.0,
              "scatter_train": pytest.approx(1.4826), "scatter_test": pytest.approx(2 * 1.4826)}  # fmt: skip
    assert made["luminosity_summary"][1] == wanted
    assert [(r["star_id"], r["used"], r["residual"],
        r["snr_dparallax"]) for r in made["luminosity_stars"][:4]] == [
        ("a", True, 0.0, 1.0), ("b", True, 1.0, 2.0), ("c", True, 3.0, 3.0),
        ("d", False, 50.0, 9.0), ]  # fmt: skip
    assert made["luminosity_history"][0] == {"network": "emission", "iteration": 0, "epoch": 0,
        "train_loss": 0.5, "test_loss": 0.7}  # fmt: skip


def sky(n: int) -> pa.Table:
    """M_geo in steps; the score of all pixels is M_geo + a small residual,
    that of the clean windows 5 mag more.
    """
    mk_geo = -3 + np.arange(n) / n
    train = np.arange(n) % 2 == 0
    off = np.where(train, 0.1, 0.4) * np.where(np.arange(n) % 4 < 2, 1, -1)
    columns = {
        "star_id": [f"S{i:03d}" for i in range(n)], "em_flag": np.zeros(n), "mk_geo": mk_geo,
        "mk_geo_err": np.full(n, 0.01), "ks": mk_geo + 10, "ks_err": np.full(n, 0.01),
        "a_ks": np.zeros(n), "a_ks_err": np.full(n, 0.01), "parallax": np.ones(n),
        "parallax_error": np.full(n, 0.01), "snr_g": np.where(train,
        np.where(np.arange(n) < 10, 50.0, 90.0), 60.0), "is_train": train,
        "visit": np.ones(n), "snr_typical": np.full(n, 60.0), "loss_weight": np.ones(n), }  # fmt: skip
    for name, shift in (("score_full", 0.0), ("score_clean", 5.0)):
        values = np.column_stack([mk_geo + off + shift, np.zeros(n)]).astype(np.float32)
        columns[name] = pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), 2)
    return pa.table(columns)


def test_the_scatter_of_test_stars_judges_who_is_binary(monkeypatch):
    """A network that gives the first score back.
    Test stars of S/N 60 are as good as the poorest that train (50).
    """
    monkeypatch.setattr(module, "train", lambda *_: ({}, []))
    monkeypatch.setattr(module, "predict", lambda score, **_: score[:, 0].astype(float))
    given = SimpleNamespace(emission_chooses=1, network_scores=100, rejection_iterations=1, binary_nsigma=1e9, network_min_stars=20,
        score_noise_min_stars=30, network_seed=1, domain_bright_fraction=0.1)  # fmt: skip
    table = sky(200)
    fit = module.luminosity(table.to_reader, given)
    rows = [r for r in fit.tables["luminosity_stars"].to_pylist() if r["network"] == "non_emission"]
    assert sorted({r["iteration"] for r in rows}) == [0, 1]
    assert {round(abs(r["residual"]), 4) for r in rows} == {0.1}
    mk_err = np.sqrt((1.4826 * 0.4) ** 2 - 0.01**2)
    first = rows[0]
    spec = 10 ** (-0.2 * -first["residual"])
    error = np.hypot(0.2 * np.log(10) * spec * np.sqrt(mk_err**2 + 2 * 0.01**2), 0.01)
    assert first["snr_dparallax"] == pytest.approx((spec - 1) / error, rel=1e-4)
    emission = [r for r in fit.tables["luminosity_stars"].to_pylist() if r["network"] == "emission"]
    assert {round(r["residual"]) for r in emission} == {5}


def test_the_brightest_is_of_the_stars_that_were_used(monkeypatch):
    """Of ten stars called binary in the first round none is in the domain."""
    monkeypatch.setattr(module, "train", lambda *_: ({}, []))
    monkeypatch.setattr(module, "predict", lambda score, **_: score[:, 0].astype(float))
    dropped = np.arange(100) < 10
    monkeypatch.setattr(module, "snr_dparallax", lambda mk, *_, **__: np.where(dropped, 9.0, 0.0))
    given = SimpleNamespace(emission_chooses=1, network_scores=100, rejection_iterations=1, binary_nsigma=2.0, network_min_stars=20,
        score_noise_min_stars=30, network_seed=1, domain_bright_fraction=0.0)  # fmt: skip
    fit = module.luminosity(sky(200).to_reader, given)
    assert fit.arrays["full_brightest"] == pytest.approx(-3 + 20 / 200)
    last = [r["used"] for r in fit.tables["luminosity_stars"].to_pylist()
            if (r["network"], r["iteration"]) == ("non_emission", 1)]  # fmt: skip
    assert np.array_equal(last, ~dropped)


def test_a_leaf_has_as_many_stars_as_it_must():
    """40 stars cannot be split into leaves of 21: the tree is a constant;
    into leaves of 20 they can.
    """
    label = np.where(np.arange(40) < 20, 0.0, 1.0)
    score = label[:, None]
    given = {"label_trees": 1, "label_leaves": 2, "label_learning_rate": 1.0, "label_seed": 1}
    for least, values in ((21, 1), (20, 2)):
        model = labels.train(score, label, SimpleNamespace(label_min_leaf=least, **given))
        assert len(set(np.round(boosted(score.astype(np.float32), **model), 6))) == values


def test_the_threshold_is_that_of_the_lower_side_and_outliers_do_not_rule_it():
    """Excess of 0.5 +- 1 in units of its error;
    a fifth emits far above, one in fifty is far below.
    """
    random = np.random.default_rng(8)
    error = random.uniform(0.5, 2.0, 4000)
    excess = 0.5 + random.normal(size=4000) * error
    excess[:800] += 50
    excess[800:880] -= 30
    centre, scale, systematic, threshold = calibrate(excess, error, false_alarm=0.01)
    typical = np.hypot(scale * np.median(error), systematic) / np.median(error)
    assert centre == pytest.approx(0.5, abs=0.25)
    assert typical == pytest.approx(1.0, abs=0.25)
    assert threshold * typical == pytest.approx(2.33, abs=0.25)


def test_batches_know_their_place_in_the_training_set():
    flux = pa.FixedSizeListArray.from_arrays(
        pa.array(np.repeat(np.arange(5.0), N_PIXEL).astype(np.float32)), N_PIXEL
    )
    table = pa.table({"flux": flux, "ivar": flux})
    read = table.to_batches(max_chunksize=2)
    found = list(batches(lambda: read))
    assert [(b.rows.start, b.rows.stop) for b in found] == [(0, 2), (2, 4), (4, 5)]
    assert [b.norm[0, 0] for b in found] == [0.0, 2.0, 4.0]
