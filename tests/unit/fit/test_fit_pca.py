"""The PCA fit: against numpy's own decompositions, with emission planted,
and with next to nothing to learn from.
"""

import numpy as np
import pyarrow as pa
import pytest

from obcat.fit import correlation, moments
from obcat.fit.excess import _left_out, calibrate
from obcat.fit.pca import _believed, _components, _shared, pca
from obcat.kernels.emission import emission
from obcat.kernels.grid import N_PIXEL, WAVELENGTH, clean_pixels, full_pixels
from obcat.kernels.pca import pca_scores, reconstruct
from tests.method import parameters

RANGE = (
    6200.0,
    6795.0,
)  # a few hundred pixels on either side of H alpha: fast, and all there is to test
USED, CLEAN = full_pixels(*RANGE), clean_pixels(*RANGE)
PARAMETERS = parameters(
    pca_components=6, pca_min_wavelength=RANGE[0], pca_max_wavelength=RANGE[1], pca_max_error=2.0
)
SCHEMA = pa.schema(
    [
        ("specid", pa.string()),
        ("star_id", pa.string()),
        ("flux", pa.list_(pa.float32(), N_PIXEL)),
        ("ivar", pa.list_(pa.float32(), N_PIXEL)),
    ]
)


def reader(norm, ivar, rows=100):
    """A read() as the build hands it to a fit."""

    def column(values):
        return pa.FixedSizeListArray.from_arrays(
            pa.array(np.ravel(values).astype(np.float32)), N_PIXEL
        )

    def batch(start):
        part = slice(start, min(start + rows, len(norm)))
        names = [f"{i:03d}" for i in range(part.start, part.stop)]
        arrays = [
            pa.array(names),
            pa.array([f"S{name}" for name in names]),
            column(norm[part]),
            column(ivar[part]),
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)

    return lambda: pa.RecordBatchReader.from_batches(SCHEMA, map(batch, range(0, len(norm), rows)))


def survey(n=600, emitters=60, seed=11):
    """Stars of three kinds of variation that H alpha shares, S/N 20 to 300;
    the first ``emitters`` have emission.
    """
    rng = np.random.default_rng(seed)
    shapes = [np.exp(-0.5 * ((WAVELENGTH - centre) / 15) ** 2) for centre in (6240, 6450, 6640)]
    line = np.exp(-0.5 * ((WAVELENGTH - 6564.6) / 8) ** 2)
    amount = rng.normal(0, 0.05, (n, 3))
    level = 1 + amount @ shapes - (0.3 + amount @ [1.0, -0.5, 0.7])[:, None] * line
    strength = np.where(np.arange(n) < emitters, rng.uniform(0.3, 2, n), 0)
    sigma = 1 / rng.uniform(20, 300, n)[:, None]
    norm = (
        level
        + strength[:, None] * np.exp(-0.5 * ((WAVELENGTH - 6564.6) / 4) ** 2)
        + sigma * rng.normal(size=level.shape)
    )
    return norm.astype(np.float32), np.broadcast_to(sigma**-2, norm.shape).astype(np.float32), level


def flags(norm, ivar, arrays):
    choices = {
        name: getattr(PARAMETERS, name) for name in ("pca_outlier", "pca_max_error", "pca_sweeps")
    }
    names = ("mean", "scale", "clean_basis", "full_basis")
    clean, _ = pca_scores(norm, ivar, **{name: arrays[name] for name in names}, **choices)
    names = ("mean", "scale", "clean_basis", "full_from_clean", "score_clean_scale", "residual_sd")
    curve = ("excess_curve", "excess_limits", "excess_calibration")
    window = {
        name: getattr(PARAMETERS, name)
        for name in ("halpha", "halpha_halfwidth", "halpha_chi2_halfwidth")
    }
    model = {name: arrays[name] for name in names + curve}
    return clean, emission(
        norm, ivar, clean, **model, **window, erroneous_chi2=10.0, model_error=0.0
    )


@pytest.fixture(scope="module")
def fitted():
    norm, ivar, level = survey()
    return norm, ivar, level, pca(reader(norm, ivar), PARAMETERS)


def test_emission_is_found_and_left_out(fitted):
    norm, ivar, _, fit = fitted
    *_, em_flag, erroneous = flags(norm, ivar, fit.arrays)[1]
    assert np.mean(em_flag[:60]) == 1
    assert np.mean(em_flag[60:]) < 0.01
    assert not erroneous.any()
    dropped = fit.tables["pca_dropped"].to_pydict()
    assert set(dropped["specid"]) >= {f"{i:03d}" for i in range(60)}
    assert len(dropped["specid"]) < 66
    assert dropped["star_id"] == [f"S{name}" for name in dropped["specid"]]
    assert set(dropped["reason"]) == {"emission"}
    assert set(dropped["iteration"]) == {1}


def test_reconstruction_shows_the_star_without_emission(fitted):
    norm, ivar, level, fit = fitted
    score, _ = flags(norm, ivar, fit.arrays)
    spectrum = reconstruct(
        score, **{name: fit.arrays[name] for name in ("mean", "scale", "full_from_clean")}
    )
    assert np.std((spectrum - level)[:, USED]) < 0.01
    assert np.std((norm - level)[:60, USED]) > 0.05


def test_bases_are_orthonormal_and_zero_where_not_used(fitted):
    arrays = fitted[-1].arrays
    for name, pixels in (("clean_basis", CLEAN), ("full_basis", USED)):
        assert arrays[name] @ arrays[name].T == pytest.approx(np.eye(6), abs=1e-5)
        assert not arrays[name][:, ~pixels].any()
    assert np.isnan(arrays["mean"][~USED]).all()
    assert not arrays["scale"][~USED].any()


def test_scales_whiten_the_coefficients(fitted):
    norm, ivar, _, fit = fitted
    score, _ = flags(norm, ivar, fit.arrays)
    kept = np.setdiff1d(
        np.arange(600), [int(i) for i in fit.tables["pca_dropped"]["specid"].to_pylist()]
    )
    white = score[kept] / fit.arrays["score_clean_scale"]
    assert np.cov(white.T) == pytest.approx(np.eye(6), abs=0.02)


def test_it_does_not_depend_on_how_rows_are_batched(fitted):
    norm, ivar, _, fit = fitted
    other = pca(reader(norm, ivar, rows=257), PARAMETERS)
    again = pca(reader(norm, ivar), PARAMETERS)
    for name, array in fit.arrays.items():
        assert np.array_equal(array, again.arrays[name], equal_nan=True)
    assert other.tables["pca_dropped"].equals(fit.tables["pca_dropped"])
    assert other.arrays["mean"][USED] == pytest.approx(fit.arrays["mean"][USED], abs=1e-6)


def test_masked_pixels_do_not_move_the_mean(fitted):
    norm, ivar, _ = survey(emitters=0)
    pixel = int(np.flatnonzero(CLEAN)[50])
    norm[::4, pixel], ivar[::4, pixel] = -100, 0
    arrays = pca(reader(norm, ivar), PARAMETERS).arrays
    assert arrays["mean"][pixel] == pytest.approx(
        np.mean(norm[ivar[:, pixel] > 0, pixel]), abs=2e-3
    )
    assert arrays["scale"][pixel] < 0.1


@pytest.mark.parametrize("n", [0, 1, 2, 7])
def test_too_few_spectra_give_a_model_that_answers_nan(n):
    norm, ivar, _ = survey(10, 0)
    fit = pca(reader(norm[:n], ivar[:n]), PARAMETERS)
    clean, outcome = flags(norm, ivar, fit.arrays)
    assert clean.shape == (10, 6)
    assert all(np.isnan(column).all() for column in (clean, *outcome))
    assert fit.tables["pca_dropped"].num_rows == 0


@pytest.mark.parametrize("n", [8, 30])
def test_a_handful_of_spectra_does_not_raise(n):
    norm, ivar, _ = survey(n, 0)
    clean, _ = flags(norm, ivar, pca(reader(norm, ivar), PARAMETERS).arrays)
    assert np.isfinite(clean).all()


def test_stars_that_are_all_the_same_do_not_divide_by_zero():
    norm, ivar = np.full((40, N_PIXEL), 0.7, np.float32), np.ones((40, N_PIXEL), np.float32)
    fit = pca(reader(norm, ivar), PARAMETERS)
    clean, _ = flags(norm, ivar, fit.arrays)
    assert not clean.any()
    assert all(np.isfinite(array).all() for name, array in fit.arrays.items() if name != "mean")
    names = ("mean", "scale", "full_from_clean")
    spectrum = reconstruct(clean, **{name: fit.arrays[name] for name in names})
    assert spectrum[:, USED] == pytest.approx(0.7, abs=1e-6)


def test_spectra_without_a_good_pixel_are_dropped():
    norm, ivar, _ = survey(60, 0)
    ivar[:3] = 0
    fit = pca(reader(norm, ivar), PARAMETERS)
    assert dict(
        zip(*(fit.tables["pca_dropped"][c].to_pylist() for c in ("specid", "reason")), strict=True)
    ) == {
        "000": "masked",
        "001": "masked",
        "002": "masked",
    }


def test_streaming_correlation_is_numpys():
    x = np.random.default_rng(12).normal(3, 2, (500, 20)) @ np.random.default_rng(13).normal(
        size=(20, 20)
    )
    mean, deviation, matrix = correlation(np.array_split(x, 7), 20)
    assert mean == pytest.approx(x.mean(axis=0))
    assert deviation == pytest.approx(x.std(axis=0))
    assert matrix == pytest.approx(np.corrcoef(x.T), abs=1e-12)


def test_moments_read_good_pixels_only():
    norm, ivar = np.ones((4, N_PIXEL), np.float32), np.ones((4, N_PIXEL), np.float32)
    norm[:, 10] = [1, 2, 3, 99]
    ivar[3, 10] = 0
    mean, scale = moments(reader(norm, ivar, rows=3), np.arange(N_PIXEL) < 20)
    assert mean[10] == pytest.approx(2)
    assert scale[10] == pytest.approx(np.sqrt(2 / 3))
    assert scale[11] == 0
    assert np.isnan(mean[20])


def test_components_are_those_of_the_singular_value_decomposition():
    x = np.random.default_rng(14).normal(size=(300, 12)) * np.linspace(1, 4, 12)
    x -= x.mean(axis=0)
    value, vector = _components(x.T @ x / 300, 5)
    _, singular, right = np.linalg.svd(x, full_matrices=False)
    assert value == pytest.approx(singular[:5] ** 2 / 300)
    assert np.abs(np.sum(vector * right[:5], axis=1)) == pytest.approx(1)
    assert (vector[np.arange(5), np.abs(vector).argmax(axis=1)] > 0).all()


def test_the_shared_map_is_the_qr_solution():
    rng = np.random.default_rng(15)
    full = rng.normal(size=(400, 4)) @ rng.normal(size=(4, 30)) + 0.1 * rng.normal(size=(400, 30))
    full -= full.mean(axis=0)
    clean = full[:, :20]
    value, vector = _components(clean.T @ clean / 400, 4)
    scores = clean @ vector.T
    q, r = np.linalg.qr(scores)
    assert _shared(value, vector, clean.T @ full / 400) == pytest.approx(
        np.linalg.solve(r, q.T @ full), abs=1e-10
    )


def test_leverage_gives_the_residual_of_a_fit_without_the_star():
    rng = np.random.default_rng(19)
    scores = np.linalg.qr(rng.normal(size=(30, 3)))[0] * [9.0, 5.0, 2.0]
    pixel = scores @ [1.0, -2.0, 0.5] + rng.normal(size=30)
    inside = pixel - scores @ np.linalg.lstsq(scores, pixel)[0]
    outside = pixel[0] - scores[0] @ np.linalg.lstsq(scores[1:], pixel[1:])[0]
    model = {"score_clean_scale": np.sqrt(np.mean(scores**2, axis=0)), "halpha_share": np.ones(3)}
    assert inside[0] / _left_out(scores, model, np.ones(30, bool))[0] == pytest.approx(outside)
    assert _left_out(scores, model, np.arange(30) > 0)[0] == 1


def test_chance_correlations_are_not_believed():
    rng = np.random.default_rng(16)
    clean = np.arange(60) < 40
    signal, noise = (
        0.9 * np.ones((1, 60)),
        rng.normal(0, np.sqrt(0.19 / 1000), (3, 60)),
    )  # 0.19 = 1 - 0.9^2
    share = _believed(np.vstack([signal / 10, noise]), np.array([100.0, 1, 1, 1]), clean, 1000)
    assert (share[:, clean] == 1).all()
    assert share[0, -1] > 0.95
    assert share[1:, -1].max() < 0.6


@pytest.mark.parametrize("snr", [10, 300])
def test_false_alarms_are_as_rare_at_high_as_at_low_snr(snr):
    rng = np.random.default_rng(17)
    error = 0.2 / rng.choice([10.0, 30, 100, 300], 40000)
    ordinary = rng.normal(0, np.hypot(1.3 * error, 0.004))
    emission = np.where(rng.random(40000) < 0.13, rng.exponential(0.2, 40000), 0)
    centre, error_scale, systematic, threshold = calibrate(
        ordinary + emission, error, false_alarm=1e-3
    )
    some = (error == 0.2 / snr) & (emission == 0)
    significance = (ordinary[some] - centre) / np.hypot(error_scale * error[some], systematic)
    assert np.mean(significance > threshold) < 4e-3
    assert np.mean(significance > 0.6 * threshold) > 5e-3


def test_threshold_needs_stars():
    assert calibrate(np.zeros(10), np.ones(10), false_alarm=1e-3).size == 0
    assert calibrate(np.full(90, np.nan), np.ones(90), false_alarm=1e-3).size == 0


def test_a_gap_is_in_neither_the_basis_of_the_full_range_nor_out_of_the_clean_one(fitted):
    norm, ivar, *_, whole = fitted
    given = parameters(**vars(PARAMETERS) | {"full_gap_min": 6600.0, "full_gap_max": 6700.0})
    arrays = pca(reader(norm, ivar), given).arrays
    gap = (WAVELENGTH >= 6600) & (WAVELENGTH <= 6700)
    assert not arrays["full_basis"][:, gap].any()
    assert arrays["full_basis"] @ arrays["full_basis"].T == pytest.approx(np.eye(6), abs=1e-5)
    assert np.array_equal(arrays["full_basis"].any(axis=0), USED & ~gap)
    for name in ("mean", "scale", "clean_basis", "full_from_clean"):
        assert np.array_equal(arrays[name], whole.arrays[name], equal_nan=True)
