"""Rank of a distance in its posterior:
the percentiles of the distance kernel, known cases, a Monte Carlo truth.
"""

from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

from obcat.evaluate.accuracy import INPUTS, rank, ranks
from obcat.kernels.distance import pdf_summary, terms_of

NAN = np.nan
SIZE = 400
LIMIT: dict[str, Any] = {"distance_max": 100.0}


def stars(n: int, seed: int) -> dict[str, Any]:
    """Inputs of the distance kernel, of true distances spread evenly (the flat prior),
    and the truth as ``at``.
    """
    rng = np.random.default_rng(seed)
    d, mk, a = rng.uniform(0.05, 12, n), rng.uniform(-4, 1.5, n), rng.uniform(0, 0.5, n)
    ks, error = (
        mk + a + 5 * np.log10(d) + 10,
        {"mk": 0.3, "ks": 0.03, "a_ks": 0.02, "parallax": 0.04},
    )
    measured = {name: x + rng.normal(0, error[name], n) for name, x in
                (("mk", mk), ("ks", ks), ("a_ks", a), ("parallax", 1 / d))}  # fmt: skip
    return {
        "mk": measured["mk"], "mk_err": np.full(n, error["mk"]), "ks": measured["ks"],
        "ks_err": np.full(n, error["ks"]), "a_ks": measured["a_ks"],
        "a_ks_err": np.full(n, error["a_ks"]), "parallax": measured["parallax"],
        "parallax_error": np.full(n, error["parallax"]), "at": d, }  # fmt: skip


@pytest.mark.parametrize("missing", [None, "mk", "parallax"])
def test_percentiles_of_the_distance_have_their_rank(missing):
    data = stars(SIZE, 1) | ({missing: np.full(SIZE, NAN)} if missing else {})
    given = {name: column for name, column in data.items() if name != "at"}
    _, low, high, *_ = pdf_summary(*terms_of(**given), **LIMIT)
    assert rank(**given, at=low, **LIMIT) == pytest.approx(np.full(SIZE, 0.16), abs=1e-4)
    assert rank(**given, at=high, **LIMIT) == pytest.approx(np.full(SIZE, 0.84), abs=1e-4)


def test_spectrum_alone_by_hand():
    # p(d) dd is normal in x = ln d times exp(x): a normal in x moved by its variance
    width = 0.2 * np.log(10) * 0.3
    given = dict(
        zip(INPUTS, ([0.0], [0.3], [10.0], [0.0], [0.0], [0.0], [NAN], [NAN]), strict=True)
    )
    found = rank(**given, at=[1.2], **LIMIT)
    assert found == pytest.approx(norm.cdf((np.log(1.2) - width**2) / width), abs=1e-6)


def test_ends_and_what_is_unknown():
    one = {name: column[:1] for name, column in stars(1, 3).items()}
    near, far = (rank(**(one | {"at": np.array([d])}), **LIMIT)[0] for d in (1e-6, 1e6))
    assert (near, far) == (0, 1)
    assert np.isnan(rank(**(one | {"at": np.array([NAN])}), **LIMIT)).all()
    assert np.isnan(
        rank(**(one | {"mk": np.array([NAN]), "parallax": np.array([NAN])}), **LIMIT)
    ).all()


def test_ranks_of_the_truth_are_uniform_where_errors_are_right_and_not_where_they_are_halved():
    """True distances drawn from the flat prior, magnitudes of equal true M:
    the posterior is right by construction.
    """
    data = stars(20_000, 2)
    within = np.abs(rank(**data, **LIMIT) - 0.5) < 0.475
    assert within.mean() == pytest.approx(0.95, abs=0.02)
    halved = data | {name: data[name] / 2 for name in data if name.endswith(("_err", "_error"))}
    assert (np.abs(rank(**halved, **LIMIT) - 0.5) < 0.475).mean() < 0.75


def test_a_star_called_binary_has_the_rank_in_the_parallax_alone():
    data = stars(3, 4)
    at = data.pop("at")
    catalog = data | {"binary_flag": np.array([0, 1, NAN]), "dis": np.array([1.0, 1.0, NAN])}
    found = ranks(catalog, at, 100.0)
    assert found[0] == rank(**data, at=at, **LIMIT)[0]
    assert found[1] == rank(**(data | {"mk": np.full(3, NAN)}), at=at, **LIMIT)[1]
    assert np.isnan(found[2])
