"""The noise model recovers known noise; its integral is exact (METHOD section 5)."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from scipy.integrate import quad
from scipy.special import logsumexp

from obcat.fit.likelihood import (
    PARAMETERS,
    Likely,
    Stars,
    closed_form,
    deviation,
    ln_sum_exp,
    most_likely,
    quadrature,
    twice,
)
from obcat.fit.noise import _clipped, noise

TRUTH = np.array([0.0, 0.0, 0.25, 0.10])
SHORT = SimpleNamespace(
    noise_nsigma=5.0, noise_walkers=12, noise_steps=100, noise_seed=1, noise_min_stars=30
)


def fake_stars(n, seed, theta=TRUTH, parallax_snr=12.0, em_flag=0):
    """Columns of stars as the model has them:
    M flat, parallaxes at least parallax_snr times their error.
    """
    rng = np.random.default_rng(seed)
    alpha, beta, sigma_int, sigma_100 = theta
    mk, snr_g, dis = (
        rng.uniform(-5, 2, n),
        10 ** rng.uniform(1, 2.5, n),
        10 ** rng.uniform(-0.3, 0.5, n),
    )
    error = 1 / dis / parallax_snr / rng.uniform(1, 3, n)
    ks, a_ks = mk + 5 * np.log10(dis) + 10.2, np.full(n, 0.2)
    return {
        "star_id": [f"S{em_flag}{row:07d}" for row in range(n)],
        "em_flag": np.full(n, em_flag, np.int16),
        "is_train": np.zeros(n, np.int16),
        "mk": rng.normal((1 + alpha) * mk + beta, np.hypot(sigma_int, sigma_100 * 100 / snr_g)),
        "snr_g": snr_g,
        "ks": rng.normal(ks, 0.02),
        "ks_err": np.full(n, 0.02),
        "a_ks": rng.normal(a_ks, 0.03),
        "a_ks_err": np.full(n, 0.03),
        "parallax": rng.normal(1 / dis, error),
        "parallax_error": error,
        "mk_again": np.full(n, np.nan),
        "snr_again": np.full(n, np.nan),
    }


def fit(*samples, **parameters):
    table = pa.concat_tables([pa.table(sample) for sample in samples])
    parameters = SimpleNamespace(**{**vars(SHORT), **parameters})
    return noise(
        lambda: pa.RecordBatchReader.from_batches(table.schema, table.to_batches()), parameters
    )


def posterior(result, em_flag=0):
    rows = [row for row in result.tables["noise_summary"].to_pylist() if row["em_flag"] == em_flag]
    return {row["parameter"]: row for row in rows}


@pytest.mark.slow
def test_known_noise_is_recovered():
    """A third of the stars have companions. The spread is that at given tails and share of
    companions: hence 0.03 besides."""
    result = fit(with_companions(4000, 7, 0.3, 1.0), noise_walkers=32, noise_steps=1000)
    for name, true in zip(PARAMETERS, TRUTH, strict=True):
        row = posterior(result)[name]
        assert abs(row["mean"] - true) < 3 * row["std"] + 0.03, name
        assert row["n_steps"] >= 50 * row["autocorrelation_time"]
    assert posterior(result)["sigma_int"]["std"] < 0.02
    assert posterior(result)["sigma_100"]["std"] < 0.01


@pytest.mark.parametrize("theta", [TRUTH, (-0.1, 0.3, 0.15, 0.2)])
@pytest.mark.parametrize("parallax_snr", [10, 30])
def test_integral_is_that_of_brute_force(theta, parallax_snr):
    """Three stars, one by one, against adaptive integration over M and, apart from it,
    over the error of m - A.
    """
    columns = fake_stars(3, 11, parallax_snr=parallax_snr)
    other = np.array([0.05, 0.1, 0.3, 0.12])
    for row in range(3):
        one = {name: np.asarray(x)[row : row + 1] for name, x in columns.items()}
        found = quadrature(Stars.of(one))
        brute = np.log(integral(theta, one)) - np.log(integral(other, one))
        assert found(np.array(theta)) - found(other) == pytest.approx(brute, abs=2e-5)


def integral(theta, star):
    """Over M, of N(M_spec) N(parallax), the errors of m and A by Gauss-Hermite in m - A."""
    alpha, beta, sigma_int, sigma_100 = theta
    star = {name: x[0] for name, x in star.items()}
    node, weight = np.polynomial.hermite_e.hermegauss(41)
    m = star["ks"] - star["a_ks"] + np.hypot(star["ks_err"], star["a_ks_err"]) * node
    sd = np.hypot(sigma_int, sigma_100 * 100 / star["snr_g"])

    def integrand(big_m):
        parallax = 10 ** (0.2 * (big_m - m + 10))
        chi2 = ((star["mk"] - (1 + alpha) * big_m - beta) / sd) ** 2
        chi2 = chi2 + ((star["parallax"] - parallax) / star["parallax_error"]) ** 2
        return weight @ np.exp(-chi2 / 2) / sd

    centre = star["ks"] - star["a_ks"] + 5 * np.log10(star["parallax"]) - 10
    return quad(integrand, centre - 2, centre + 2, epsabs=0, epsrel=1e-9, limit=200)[0]


def test_closed_form_is_the_limit_of_precise_parallaxes():
    stars = Stars.of(fake_stars(200, 3, parallax_snr=1000))
    integrated = quadrature(stars)
    for theta in ([0.02, 0.01, 0.26, 0.11], [-0.1, 0.2, 0.3, 0.05]):
        difference = integrated(np.array(theta)) - integrated(TRUTH)
        assert difference == pytest.approx(
            closed_form(np.array(theta), stars) - closed_form(TRUTH, stars), abs=0.01
        )


def test_poor_parallaxes_need_the_integral():
    """At parallax / error = 10 the Gaussian shortcut is off by more than the integral's own error:
    why it is made.
    """
    stars = Stars.of(fake_stars(500, 3, parallax_snr=10))
    theta, integrated = np.array([0.02, 0.02, 0.25, 0.1]), quadrature(stars)
    gap = (
        integrated(theta)
        - integrated(TRUTH)
        - closed_form(theta, stars)
        + closed_form(TRUTH, stars)
    )
    assert abs(gap) > 0.1


def test_wrong_stars_are_dropped_and_only_they():
    columns = fake_stars(600, 5)
    columns["snr_g"][:10] = 100
    columns["mk"][:10] += 5.0
    likely, used = _clipped(Stars.of(columns), 5.0)
    assert not used[:10].any()
    assert used[10:].mean() > 0.98
    np.testing.assert_allclose(likely.theta, TRUTH, atol=0.06)


def with_companions(n, seed, share=0.5, factor=1.6):
    """Stars of which some are 0 to 0.75 mag brighter than their spectra say,
    with parallaxes worse than stated by a factor."""
    columns = fake_stars(n, seed, parallax_snr=15)
    rng = np.random.default_rng(seed + 1)
    columns["ks"] -= np.where(rng.random(n) < share, rng.uniform(0, 0.75, n), 0)
    columns["parallax"] += rng.normal(0, columns["parallax_error"] * np.sqrt(factor**2 - 1))
    return columns


def test_companions_and_poor_parallaxes_are_not_put_down_to_the_spectrum():
    """Together they scatter M_geo by 0.3 mag more; the noise of M_spec stays what it is."""
    stars = Stars.of(with_companions(3000, 21))
    found = most_likely(stars)
    assert found.theta[2] == pytest.approx(0.25, abs=0.06)
    assert found.theta[3] == pytest.approx(0.10, abs=0.03)
    assert found.parallax_factor == pytest.approx(1.6, abs=0.4)
    assert found.companions == pytest.approx(0.5, abs=0.2)
    alone = deviation(np.array([0, 0, *found.theta[2:]]), stars)
    assert np.std(alone[0] / alone[1]) > 1.2


def test_stars_that_trained_tell_how_much_worse_parallaxes_are():
    """Those of one class tell it to both; nothing else of them counts."""
    few, trained = with_companions(200, 30, 0.3, 2.0), with_companions(2000, 31, 0.3, 2.0)
    trained |= {"is_train": np.ones(2000, np.int16)}
    trained["star_id"] = [f"T{star}" for star in trained["star_id"]]
    alone, told = fit(few), fit(few, trained)
    off = [abs(found.arrays["parallax_factor"] - 2) for found in (alone, told)]
    assert off[1].max() < off[0].min() - 0.2
    assert told.tables["noise_stars"].num_rows == 200


def test_stars_count_as_likely_single_and_are_as_wide_as_they_are_off():
    """Of five degrees of freedom a star 2 sigma off has the variance (5 + 4) / 6; of one light in
    two and 0.75 mag of light a star on the line is single, one 0.4 mag off hardly.
    """
    columns = fake_stars(2, 1)
    flat = {name: np.array([1.0, 1.0]) for name in ("ks_err", "a_ks_err", "parallax_error")}
    columns |= {name: 1e-9 * x for name, x in flat.items()}
    columns |= {"ks": np.full(2, 10.0), "a_ks": np.zeros(2), "parallax": np.ones(2)}
    columns |= {"mk": np.array([0.0, 0.4]), "snr_g": np.full(2, 100.0)}
    likely = Likely(np.array([0.0, 0.0, 0.2, 0.0]), 2.0, 5.0, 0.5, 0.1)
    seen = likely.seen(Stars.of(columns))
    assert seen.slack == pytest.approx([5 / 6, 9 / 6])
    assert seen.parallax_error == pytest.approx(2e-9 * np.sqrt([5 / 6, 9 / 6]))
    assert seen.change_floor == pytest.approx([0.1, 0.1])
    assert seen.single[0] > 0.6
    assert seen.single[1] < 0.3


def test_two_visits_by_hand():
    """Differences of 0.3 at a scale of hypot(0.12 * 2, 0.07) = 0.25; Student's t of 4 degrees is
    0.375 (1 + z^2 / 4)^-2.5.
    """
    columns = fake_stars(2, 1) | {"mk_again": np.array([np.nan, 0.3]), "mk": np.zeros(2)}
    columns["snr_again"] = np.array([np.nan, 100 / 1.2])
    columns["snr_g"] = np.array([50.0, 100 / 1.6])
    stars = Stars.of(columns).corrected(1.0, 0.07)
    wanted = np.log(0.375) - 2.5 * np.log1p(1.2**2 / 4) - np.log(0.25)
    assert twice(0.12, stars) == pytest.approx(wanted)


def test_a_second_visit_tells_noise_from_scatter():
    """First visits at S/N 50: nothing tells the scatters of 0.15 and 0.10 * 2 apart but a second
    one, of S/N 10 to 50.
    """
    columns = fake_stars(1500, 4, theta=(0, 0, 0.15, 0)) | {"snr_g": np.full(1500, 50.0)}
    rng = np.random.default_rng(4)
    star, again = columns["mk"], rng.uniform(10, 50, 1500)
    columns["mk"] = star + rng.normal(0, 0.2, 1500)
    columns |= {"mk_again": rng.normal(star, 10 / again), "snr_again": again}
    found = most_likely(Stars.of(columns))
    assert found.theta[2:] == pytest.approx([0.15, 0.10], abs=0.03)
    assert found.visit < 0.08


def test_most_likely_keeps_to_positive_scatter():
    columns = fake_stars(100, 5, theta=np.array([0.0, 0.0, 0.3, 0.0]))
    assert most_likely(Stars.of(columns)).theta[2] == pytest.approx(0.3, abs=0.15)
    assert most_likely(Stars.of(columns)).theta[3] >= 0


def test_weights_and_widths_of_the_integral():
    """Two stars of half a weight are one; a variance twice as wide is that of sigma root two as
    large.
    """
    one, other = np.array([0.0, 0.0, 0.25, 0.1]), np.array([0.1, 0.1, 0.3, 0.2])
    columns = fake_stars(1, 3)
    stars = Stars.of(columns)
    both = Stars.of({name: np.repeat(x, 2) for name, x in columns.items() if name != "star_id"})
    halved = quadrature(both.judged(np.full(2, 0.5), np.ones(2)))
    whole = quadrature(stars)
    assert halved(one) - halved(other) == pytest.approx(whole(one) - whole(other))
    columns |= {name: np.full(1, 1e-6) for name in ("ks_err", "a_ks_err", "parallax_error")}
    stars = Stars.of(columns)
    wide, whole = quadrature(stars.judged(np.ones(1), np.full(1, 2.0))), quadrature(stars)
    larger = [theta * np.array([1, 1, np.sqrt(2), np.sqrt(2)]) for theta in (one, other)]
    assert wide(one) - wide(other) == pytest.approx(whole(larger[0]) - whole(larger[1]), abs=1e-4)


def test_classes_are_fitted_apart():
    result = fit(fake_stars(300, 1), fake_stars(300, 2, theta=(0, 0, 0.5, 0.1), em_flag=1))
    assert result.arrays["sigma_int"] == pytest.approx([0.25, 0.5], abs=0.1)
    assert result.arrays["sigma_100"].shape == (2,)
    stars = result.tables["noise_stars"].to_pylist()
    assert [row["em_flag"] for row in stars] == [0] * 300 + [1] * 300
    summary = posterior(result, 1)["alpha"]
    assert summary["n_stars"] + summary["n_dropped"] == 300
    assert summary["n_dropped"] == sum(row["dropped"] for row in stars if row["em_flag"] == 1)


def test_a_small_class_borrows_from_the_other_and_says_so():
    result = fit(fake_stars(100, 1), fake_stars(29, 2, em_flag=1))
    assert result.arrays["sigma_int"][0] == result.arrays["sigma_int"][1]
    assert {row["from_em_flag"] for row in posterior(result, 1).values()} == {0}
    assert {row["em_flag"] for row in result.tables["noise_stars"].to_pylist()} == {0}


def test_too_few_stars_of_both_classes_are_no_model():
    result = fit(fake_stars(29, 1), fake_stars(1, 2, em_flag=1))
    assert not any(len(x) for x in result.arrays.values())
    assert {name: len(t) for name, t in result.tables.items()} == dict.fromkeys(result.tables, 0)


def test_rows_without_a_value_are_passed_over():
    columns = fake_stars(100, 1)
    whole = fit(columns)
    extra = fake_stars(6, 2)
    for row, (name, bad) in enumerate(
        [("mk", np.nan), ("parallax", -1.0), ("parallax", np.nan), ("snr_g", 0.0)]
    ):
        extra[name][row] = bad
    extra["parallax_error"][4] = 0
    extra["ks"][5] = np.nan
    again = fit(columns, extra)
    assert np.array_equal(whole.arrays["sigma_int"], again.arrays["sigma_int"])


def test_same_rows_same_bytes():
    without_measured_scatter = fake_stars(100, 1, theta=(0, 0, 0.3, 0))
    first, second = fit(without_measured_scatter), fit(without_measured_scatter)
    assert first.tables["noise_chain"].equals(second.tables["noise_chain"])
    chain = first.tables["noise_chain"].to_pydict()
    assert set(chain["walker"]) == set(range(12))
    assert min(chain["sigma_int"] + chain["sigma_100"]) > 0
    assert np.isfinite(chain["log_posterior"]).all()


@pytest.mark.parametrize("spread", [0.1, 3, 300])
def test_a_sum_of_exponentials_is_that_of_scipy_to_the_bit(spread):
    rng = np.random.default_rng(5)
    terms = rng.normal(scale=spread, size=(7, 4001))
    terms[2, ::3] = terms[5, ::3]  # some have their largest twice
    terms[6, ::5] = -np.inf
    assert np.array_equal(ln_sum_exp(terms), logsumexp(terms, axis=0))
