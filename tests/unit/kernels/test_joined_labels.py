"""Labels joined: weights and errors worked out by hand, and a truth that the table misses."""

import numpy as np
import pyarrow as pa
import pytest

from obcat.fit.labels import joined_labels as fit
from obcat.kernels.labels import joined_labels, own_error, terms
from tests.method import parameters

NAN = np.nan
# one leading score x: log Teff = 4 + 0.1 x, log g = 4 + 0.5 x^2; errors 0.03 and 0.4 at S/N 30
HAND = {
    "centre": np.array([1.0]),
    "scale": np.array([2.0]),
    "limit": np.array(6.0),
    "log_teff_curve": np.array([4.0, 0.1, 0.0]),
    "log_teff_scatter": np.array([0.0, 0.03]),
    "logg_curve": np.array([4.0, 0.0, 0.5]),
    "logg_scatter": np.array([0.4, 0.0]),
}
NO_MODEL = {name: np.zeros(0) if array.size > 1 else array for name, array in HAND.items()} | {
    name: np.zeros(0) for name in ("centre", "scale", "log_teff_curve", "logg_curve")
}
N = 3000


def joined(score, snr_g=30.0, table=(NAN,) * 4, model=HAND, factor=1.0):
    rows = [np.full(1, value, float) for value in (snr_g, *table)]
    out = joined_labels(np.array([[score, 99.0]]), *rows, joined_table_factor=factor, **model)
    return [float(values[0]) for values in out]


def test_without_a_table_the_spectrum_stands_alone():
    """Score 3 is x = 1: 10^4.1 K +- ln 10 x 10^4.1 x 0.03, and 4.5 +- 0.4."""
    teff, teff_err, logg, logg_err = joined(3.0)
    assert teff == pytest.approx(12589.254)
    assert teff_err == pytest.approx(869.64, abs=0.01)
    assert (logg, logg_err) == pytest.approx((4.5, 0.4))


def test_weights_of_table_and_spectrum():
    """The table's 0.2 x 2 = 0.4 weighs as much as the spectrum's 0.4: mean of 4.1 and 4.5, error
    0.4 / sqrt(2). log Teff: 4.0 +- 0.06 weighs a quarter of 4.1 +- 0.03: 4.08 +- 0.03 sqrt(4/5)."""
    table = 1e4, 1e4 * np.log(10) * 0.03, 4.1, 0.2
    teff, teff_err, logg, logg_err = joined(3.0, table=table, factor=2.0)
    assert np.log10(teff) == pytest.approx(4.08)
    assert teff_err / teff / np.log(10) == pytest.approx(0.03 * 0.8**0.5)
    assert (logg, logg_err) == pytest.approx((4.3, 0.4 / 2**0.5))


def test_a_label_without_error_does_not_count_and_no_model_leaves_the_table():
    assert joined(3.0, table=(8e3, NAN, 1.0, 0.0)) == pytest.approx(joined(3.0))
    alone = joined(3.0, table=(8e3, 80.0, 1.0, 0.1), model=NO_MODEL)
    assert alone == pytest.approx([8e3, 80.0, 1.0, 0.1])
    assert np.isnan(joined(3.0, model=NO_MODEL)).all()
    assert np.isnan(joined(NAN)).all()


def test_errors_with_snr_and_scores_beyond_the_limit():
    assert own_error(np.array([15.0, 1.0, NAN]), np.array([0.0, 0.03])) == pytest.approx(
        [0.06, 0.18, 0.18]
    )
    assert terms(
        np.array([[99.0]]), **{k: HAND[k] for k in ("centre", "scale", "limit")}
    ).tolist() == [[1, 6, 36]]


def sample(seed=5):
    """Stars whose labels are a quadratic of two scores; the table adds errors to them, and spoils
    one star in a hundred."""
    rng = np.random.default_rng(seed)
    score = rng.normal(size=(N, 4)).astype(np.float32)
    log_teff = 4.2 + 0.1 * score[:, 0] + 0.02 * score[:, 1] ** 2
    logg = 4 - 0.3 * score[:, 1].astype(float)
    given = 10 ** (log_teff + rng.normal(0, 0.02, N)), logg + rng.normal(0, 0.1, N)
    given[0][::100] *= 2
    rows = {
        "star_id": [f"S{i:05d}" for i in range(N)],
        "score_clean": pa.FixedSizeListArray.from_arrays(pa.array(score.ravel()), 4),
        "snr_g": rng.uniform(20, 150, N),
        "teff": given[0],
        "teff_err": given[0] * np.log(10) * 0.02,
        "logg": given[1],
        "logg_err": np.full(N, 0.1),
    }
    return score, log_teff, logg, pa.table(rows)


PARAMETERS = parameters()


def test_the_fit_finds_the_truth_beneath_errors_and_spoilt_labels():
    score, log_teff, logg, rows = sample()
    model = fit(rows.to_reader, PARAMETERS)
    none = [np.full(N, NAN)] * 4
    found = joined_labels(score, np.full(N, 100.0), *none, joined_table_factor=1.0, **model.arrays)
    assert np.std(np.log10(found[0]) - log_teff) < 0.004
    assert np.std(found[2] - logg) < 0.02
    assert model.tables["joined_labels_summary"].to_pylist()[0]["n_train"] == pytest.approx(
        0.99 * N, abs=5
    )


def test_labels_beyond_those_of_the_table():
    """Stars hotter than any that taught: trees stop at the edge, the quadratic goes on."""
    score, log_teff, _, rows = sample()
    cool = log_teff < 4.3
    model = fit(rows.filter(pa.array(cool)).to_reader, PARAMETERS)
    none = [np.full(N, NAN)] * 4
    found = joined_labels(score, np.full(N, 100.0), *none, joined_table_factor=1.0, **model.arrays)
    hot = log_teff > 4.4
    assert np.abs(np.log10(found[0]) - log_teff)[hot].max() < 0.03


def test_few_stars_bear_few_terms_and_fewer_none():
    _, _, _, rows = sample()
    assert len(fit(rows.slice(0, 250).to_reader, PARAMETERS).arrays["centre"]) == 4
    wide = fit(rows.slice(0, 250).to_reader, PARAMETERS).arrays["log_teff_curve"]
    assert len(wide) == 15
    none = fit(rows.slice(0, 199).to_reader, PARAMETERS)
    assert none.arrays["centre"].size == 0
    assert none.tables["joined_labels_summary"].num_rows == 0
