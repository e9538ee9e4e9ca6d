"""Draws have the quantiles of the posterior, and are the same whoever asks for them."""

import numpy as np
import pytest
from test_posterior import COLUMNS, MODEL, NAMES, distances, magnitudes

from obcat.kernels.luminosity import Spectral
from obcat.kernels.posterior import DELTA, DIM
from obcat.kernels.space_density import sight
from obcat.samples import draws, uniform

COUNT = 20_000
KEY = np.arange(7, dtype=np.uint64) + np.uint64(11)


def drawn(count=COUNT, rows=slice(None), **errors):
    columns = {name: values[rows] for name, values in COLUMNS.items()}
    given = {"a_ks_err": np.full(7, 0.02), "ebv_err": np.full(7, 0.03)} | errors
    return draws(
        sight(*(columns[name] for name in NAMES[3:])),
        Spectral(*(columns[name] for name in NAMES[:3])),
        given["a_ks_err"][rows],
        given["ebv_err"][rows],
        KEY[rows],
        count,
        MODEL,
    )


def test_numbers_are_even_and_alike_for_one_key_only():
    u = uniform(KEY, np.arange(4000))
    assert np.histogram(u, np.linspace(0, 1, 11))[0] == pytest.approx(2800, rel=0.1)
    assert abs(np.corrcoef(u)[0, 1:]).max() < 0.06
    assert np.array_equal(u[3:4, 5:9], uniform(KEY[3:4], np.arange(5, 9)))


def test_quantiles_of_draws_are_those_of_the_posterior():
    found, far, near = drawn(), distances(), magnitudes()
    shares = {"low95": 2.5, "low": 16, "median": 50, "high": 84, "high95": 97.5}
    for name, share in shares.items():
        assert np.percentile(found.distance, share, axis=1) == pytest.approx(far[name], rel=0.03)
        wanted = near["mk" if name == "median" else f"mk_{name}"]
        assert np.percentile(found.mk, share, axis=1) == pytest.approx(wanted, abs=0.06)
    companions = (found.companion > 0) - DIM * (found.companion == DELTA[0])
    assert companions.mean(axis=1) == pytest.approx(near["p_companion"], abs=0.015)
    assert np.array_equal(found.mk - found.companion, found.mk_system)


def test_extinction_goes_with_the_magnitude():
    """A star whose Ks has no other error than its extinction: that is what M and distance say."""
    alone = drawn(a_ks_err=COLUMNS["ks0_err"])
    modulus = 5 * np.log10(alone.distance) + 10
    off = COLUMNS["ks0"][:, None] - modulus - alone.mk_system
    wanted = off / COLUMNS["ks0_err"][:, None] * 0.03
    assert alone.ebv_off == pytest.approx(wanted, abs=1e-9)
    free = drawn(a_ks_err=np.zeros(7))
    assert free.ebv_off.std(axis=1) == pytest.approx(0.03, rel=0.03)


def test_a_star_draws_the_same_alone_and_among_others():
    whole, alone = drawn(50), drawn(50, slice(2, 3))
    assert all(np.array_equal(a[2:3], b) for a, b in zip(whole, alone, strict=True))
    assert np.array_equal(drawn(60).mk[:, :50], whole.mk)


def test_an_unknown_star_has_no_draws():
    found = drawn(10, a_ks_err=np.full(7, np.nan), ebv_err=np.full(7, np.nan))
    assert np.isfinite(found.mk).all()
    assert np.isnan(found.ebv_off).all()
