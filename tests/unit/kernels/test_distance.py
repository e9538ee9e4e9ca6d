"""The distance kernel against a brute-force grid,
closed forms and invariants (METHOD section 7).
"""

import numpy as np
import pytest

from obcat.kernels.distance import distance, pdf_summary, terms_of

LN_PER_MAG = 0.2 * np.log(10)
NAN = np.nan


def brute_force(
    mk, mk_err, ks, ks_err, a_ks, a_ks_err, parallax, parallax_error, distance_max, step=1e-4
):
    """Mode, percentiles and log moments on the paper's own grid:
    steps of 0.1 pc from 0 to the limit.
    """
    d = np.arange(step, distance_max + step / 2, step)
    f = np.zeros_like(d)
    if np.isfinite(mk):
        variance = mk_err**2 + ks_err**2 + a_ks_err**2
        f -= (mk - (ks - a_ks - 5 * np.log10(1000 * d) + 5)) ** 2 / (2 * variance)
    if np.isfinite(parallax):
        f -= (parallax - 1 / d) ** 2 / (2 * parallax_error**2)
    p = np.exp(f - f.max())
    cumulative = np.concatenate([[0], np.cumsum((p[1:] + p[:-1]) / 2)])
    low, high = np.interp([0.16 * cumulative[-1], 0.84 * cumulative[-1]], cumulative, d)
    logd = np.log10(d)
    mean = (p @ logd) / p.sum()
    return d[f.argmax()], low, high, mean, np.sqrt(p @ (logd - mean) ** 2 / p.sum())


def two_hundred_stars():
    """All regimes, by turns: near, far, no parallax, negative parallax, binary (parallax alone)."""
    rng = np.random.default_rng(20)
    regime = np.arange(200) % 5
    true = np.where(regime == 0, rng.uniform(0.1, 1, 200), rng.uniform(1, 15, 200))
    mk_err, parallax_error = rng.uniform(0.25, 0.5, 200), rng.uniform(0.03, 0.1, 200)
    mk = rng.uniform(-6, 1, 200)
    ks = mk + 5 * np.log10(true) + 10 + 0.2
    parallax = 1 / true + parallax_error * rng.normal(size=200)
    parallax[regime == 3] = -np.abs(parallax[regime == 3])
    parallax[regime == 2] = NAN
    mk = mk + mk_err * rng.normal(size=200)
    mk[regime == 4] = NAN
    return (
        mk,
        mk_err,
        ks,
        np.full(200, 0.03),
        np.full(200, 0.2),
        np.full(200, 0.02),
        parallax,
        parallax_error,
    )


@pytest.mark.slow
def test_two_hundred_stars_agree_with_the_grid_of_the_paper():
    stars = two_hundred_stars()
    dis, low, high, logdis, logdis_err, *_ = pdf_summary(*terms_of(*stars), 30)
    grid = np.array([brute_force(*star, 30) for star in zip(*stars, strict=True)]).T
    assert np.abs(dis - grid[0]).max() < 1e-4
    np.testing.assert_allclose(low, grid[1], rtol=1e-3)
    np.testing.assert_allclose(high, grid[2], rtol=1e-3)
    np.testing.assert_allclose(logdis, grid[3], atol=1e-4)
    np.testing.assert_allclose(logdis_err, grid[4], atol=1e-4)


@pytest.mark.parametrize("error", [0.02, 0.25, 0.8])
def test_spectrum_alone_is_the_lognormal_of_theory(error):
    """exp(-(ln d - c)^2 / 2s^2) dd: mode e^c, ln d normal about c + s^2 with deviation s."""
    s = LN_PER_MAG * error
    dis, low, high, logdis, logdis_err, edge = one(mk=-2, mk_err=error, ks=8.2, a_ks=0.2)
    assert dis == pytest.approx(1, rel=1e-12)
    np.testing.assert_allclose(
        np.log([low, high]), s**2 + np.array([-1, 1]) * s * 0.99445788321, atol=2e-5
    )
    assert logdis == pytest.approx(s**2 / np.log(10), abs=1e-8)
    assert logdis_err == pytest.approx(s / np.log(10), rel=1e-6)
    assert edge == 0


def test_magnitude_errors_add_to_the_spectroscopic_one():
    apart = one(mk=-2, mk_err=0.3, ks=8, ks_err=0.4, a_ks=0, a_ks_err=1.2)
    assert apart == one(mk=-2, mk_err=1.3, ks=8)


@pytest.mark.parametrize("parallax", [0.1, 1.0, 25.0])
def test_mode_of_parallax_alone_is_its_inverse(parallax):
    assert one(parallax=parallax, parallax_error=0.02)[0] == pytest.approx(1 / parallax, rel=1e-12)


def test_a_precise_parallax_beats_the_spectrum_and_is_a_gaussian():
    dis, low, high, *_ = one(mk=-2, mk_err=0.3, ks=8, parallax=2, parallax_error=1e-4)
    assert dis == pytest.approx(0.5, abs=1e-7)
    np.testing.assert_allclose(
        [low - 0.5, high - 0.5], np.array([-1, 1]) * 0.99446 * 0.25e-4, rtol=2e-3
    )


@pytest.mark.parametrize(("parallax", "error"), [(-0.3, 0.05), (-5, 0.1), (0.001, 1.0), (0, 0.05)])
def test_parallax_without_information_piles_up_at_the_limit(parallax, error):
    dis, low, high, _, _, edge, *_ = summary(parallax=parallax, parallax_error=error)
    assert edge == 1
    assert 0 < low < high < 100
    assert dis == pytest.approx(100 if parallax <= 0 else min(100, 1 / parallax))
    assert np.isnan(one(parallax=parallax, parallax_error=error)[:5]).all()
    assert one(parallax=parallax, parallax_error=error)[5] == 1


@pytest.mark.parametrize(("distance_max", "high"), [(20, 17), (30, 24), (60, 45)])
def test_upper_percentile_of_a_poor_parallax_hangs_on_the_limit(distance_max, high):
    """Known truth of MEASURED section 7: 0.10 +- 0.05 mas gives 17, 24, 45 kpc."""
    result = summary(parallax=0.1, parallax_error=0.05, distance_max=distance_max)
    assert result[2] == pytest.approx(high, abs=0.5)
    assert result[5] == 1


def test_edge_is_not_set_by_a_good_parallax_and_is_by_a_far_star():
    assert one(parallax=1, parallax_error=0.1)[5] == 0
    assert one(mk=-8, mk_err=0.3, ks=11.9)[5] == 1


def test_of_two_maxima_the_higher_is_the_mode():
    """Spectrum at 20 kpc, parallax at 1 kpc: a star in deep conflict has a maximum near each."""
    star = {"mk": -2, "ks": -2 + 10 + 5 * np.log10(20), "parallax": 1.0}
    spectrum = summary(**star, mk_err=0.2, parallax_error=0.45)
    parallax = summary(**star, mk_err=1.5, parallax_error=0.2)
    for result, errors in ((spectrum, (0.2, 0.45)), (parallax, (1.5, 0.2))):
        grid = brute_force(-2, errors[0], star["ks"], 0, 0, 0, 1.0, errors[1], 100)
        assert result[0] == pytest.approx(grid[0], abs=1e-4)
        np.testing.assert_allclose(result[1:3], grid[1:3], rtol=1e-3)
    assert spectrum[0] > 10
    assert parallax[0] < 2


@pytest.mark.parametrize("limits", [(1e-4, 1e-6), (0.3, 1e-6), (1e-4, 1.0)])
def test_hopeless_conflict_still_gives_a_narrow_answer_between_the_two(limits):
    dis, low, high, _, logdis_err, _ = one(
        mk=-2, mk_err=limits[0], ks=8, parallax=4, parallax_error=limits[1]
    )
    assert 0.25 * (1 - 1e-9) <= dis <= 1
    assert low < dis < high
    assert 0 < logdis_err < 0.1


@pytest.mark.parametrize("missing", ["mk", "mk_err", "ks", "ks_err", "a_ks", "a_ks_err"])
def test_any_missing_part_of_the_spectroscopic_term_leaves_the_parallax(missing):
    complete = {
        "mk": -2,
        "mk_err": 0.3,
        "ks": 8,
        "ks_err": 0.02,
        "a_ks": 0.1,
        "a_ks_err": 0.02,
        "parallax": 1.2,
        "parallax_error": 0.1,
    }
    assert one(**{**complete, missing: NAN}) == one(parallax=1.2, parallax_error=0.1)


@pytest.mark.parametrize("missing", ["parallax", "parallax_error"])
def test_any_missing_part_of_the_parallax_leaves_the_spectrum(missing):
    complete = {"mk": -2, "mk_err": 0.3, "ks": 8, "parallax": 1.2, "parallax_error": 0.1}
    assert one(**{**complete, missing: NAN}) == one(mk=-2, mk_err=0.3, ks=8)


def test_neither_is_nan_and_no_edge():
    result = one()
    assert np.isnan(result[:5]).all()
    assert result[5] == 0


@pytest.mark.parametrize(
    "bad",
    [
        {"parallax": 1, "parallax_error": 0},
        {"parallax": np.inf, "parallax_error": 1},
        {"mk": 1, "mk_err": 0, "ks": 5},
    ],
)
def test_senseless_errors_are_missing_terms(bad):
    assert np.isnan(one(**bad)[0])


def test_a_row_does_not_depend_on_its_batch():
    stars = [np.tile(x, 8) for x in two_hundred_stars()]
    whole = np.array(distance(*stars, distance_max=100))
    for rows in (slice(3, 4), slice(5, 7), slice(190, 1301)):
        part = np.array(distance(*(x[rows] for x in stars), distance_max=100))
        np.testing.assert_array_equal(part, whole[:, rows])


def test_inputs_stay_as_they_are_and_no_rows_is_no_result():
    stars = two_hundred_stars()
    for x in stars:
        x.flags.writeable = False
    distance(*stars, distance_max=100)
    assert all(len(x) == 0 for x in distance(*([[]] * 8), distance_max=100))


def all_kinds(n):
    """Every kind of star by turns, hopeless ones among them:
    any parallax, any error, terms missing or in conflict.
    """
    rng = np.random.default_rng(7)
    kind = np.arange(n) % 8
    distance_true = 10 ** rng.uniform(-1, 2.3, n)
    mk_err, error = 10 ** rng.uniform(-3, 1, n), 10 ** rng.uniform(-3, 1, n)
    mk = rng.uniform(-8, 3, n)
    ks = mk + 5 * np.log10(distance_true) + 10 + rng.normal(0, 2, n) * (kind == 5)
    parallax = 1 / distance_true + error * rng.normal(size=n) * np.where(kind == 6, 4, 1)
    mk[(kind == 1) | (kind == 2)] = NAN
    parallax[kind == 2] = rng.choice(
        [-1e3, -1.0, -0.01, 0.0, 0.01, 0.0100001, 1e-9], np.count_nonzero(kind == 2)
    )
    parallax[kind == 3] = NAN
    return mk, mk_err, ks, 0.03 + 0 * mk, 0.2 + 0 * mk, 0.02 + 0 * mk, parallax, error


@pytest.mark.parametrize("distance_max", [5, 30, 100])
def test_no_distance_lies_outside_its_own_interval(distance_max):
    dis, low, high, logdis, logdis_err, edge = distance(
        *all_kinds(40_000), distance_max=distance_max
    )
    known = np.isfinite(dis)
    assert 1000 < known.sum() < 39_000
    assert ((low <= dis) & (dis <= high))[known].all()
    assert (high[known] <= distance_max).all()
    for other in (high, logdis, logdis_err):
        np.testing.assert_array_equal(np.isfinite(other), known)
    assert np.isfinite(low[known]).all()
    assert (dis[known] < distance_max).all()
    assert set(np.unique(edge)) == {0, 1}


def test_where_there_is_none_the_limit_would_decide_or_the_pdf_is_wide():
    stars = all_kinds(40_000)
    terms, known = terms_of(*stars)
    mode, low, high, *_, nsigma_end, _ = pdf_summary(terms, known, 100.0)
    none = np.isnan(distance(*stars, distance_max=100)[0])
    np.testing.assert_array_equal(
        none, ~known | ~((low <= mode) & (mode <= high) & (nsigma_end >= 1))
    )
    assert none[known & (mode == 100)].all()
    assert (known & (mode == 100)).sum() > 1000


def test_a_distance_that_stays_does_not_hang_on_the_limit():
    """Without the bit of the edge twice the limit gives the same mode and percentiles."""
    stars = all_kinds(8000)
    near, far = (
        np.array(distance(*stars, distance_max=100)),
        np.array(distance(*stars, distance_max=200)),
    )
    both = np.isfinite(near[0]) & np.isfinite(far[0])
    assert both.sum() > 3000
    whole = both & (near[5] == 0)
    np.testing.assert_allclose(near[:3, whole], far[:3, whole], rtol=5e-3)


def test_a_lower_limit_is_left_where_the_spectrum_supports_it():
    """A supergiant at 150 kpc is beyond the limit, whatever that is;
    a parallax around 0 excludes nothing.
    """
    far = {"mk": -8.0, "mk_err": 0.3, "ks": -8 + 10 + 5 * np.log10(150)}
    limits = []
    for distance_max in (100, 120, 1000):
        dis, low, high, logdis, _, edge = one(**far, distance_max=distance_max)
        assert np.isnan([dis, high, logdis]).all() == (distance_max < 1000)
        assert edge == (distance_max < 1000)
        limits.append(low)
    assert 70 < limits[0] < 100
    assert limits == sorted(limits)
    assert limits[2] < 150
    assert np.isnan(one(parallax=0.002, parallax_error=0.002)[1])
    assert np.isnan(one(**(far | {"mk_err": 6.0}))[1])


def test_a_wide_pdf_that_ends_before_the_limit_measures_nothing_either():
    """The mode of a lognormal lies below its 16th percentile where ln d has a deviation above
    0.99: 2.2 mag.
    """
    narrow, wide = (one(mk=-2, mk_err=error, ks=-2, distance_max=100) for error in (2.1, 2.2))
    assert narrow[1] < narrow[0] < narrow[2]
    assert np.isnan(wide[:5]).all()
    assert narrow[5] == wide[5] == 0


NAMES = ("mk", "mk_err", "ks", "ks_err", "a_ks", "a_ks_err", "parallax", "parallax_error")


def row(**star):
    """A single star; what is not given is missing, but the small errors are zero."""
    zero = dict.fromkeys(("ks_err", "a_ks", "a_ks_err"), 0.0)
    known = {**dict.fromkeys(NAMES, NAN), **zero, **star}
    return [np.array([known[n]], float) for n in NAMES]


def one(distance_max=100, **star):
    return tuple(float(x[0]) for x in distance(*row(**star), distance_max=distance_max))


def summary(distance_max=100, **star):
    return tuple(float(x[0]) for x in pdf_summary(*terms_of(*row(**star)), distance_max))
