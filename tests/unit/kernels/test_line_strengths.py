"""Emission in lines: sums worked out by hand, what ordinary stars teach, peaks of H alpha."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from obcat import db
from obcat.fit.line_strengths import lines
from obcat.kernels.grid import LIGHT_SPEED, N_PIXEL, WAVELENGTH
from obcat.kernels.line_strengths import (
    CORES,
    LINES,
    UNKNOWN,
    line_strengths,
    line_sums,
    peak_separation,
    score_terms,
)

K = 6
PLACE = {core.name: i for i, core in enumerate(CORES)}
PCA = {
    "mean": np.ones(N_PIXEL),
    "scale": np.full(N_PIXEL, 0.1),
    "clean_basis": np.zeros((K, N_PIXEL)),
    "full_from_clean": np.zeros((K, N_PIXEL)),
}


def at(wavelength: float) -> int:
    return int(np.argmin(np.abs(WAVELENGTH - wavelength)))


def summed(flux: np.ndarray, ivar: np.ndarray, **model) -> tuple[np.ndarray, np.ndarray]:
    """(n, cores) sums and noise of spectra beside a reconstruction of 1."""
    return line_sums(flux, ivar, np.zeros((len(flux), K), np.float32), **(PCA | model))


def flat(n: int = 2) -> tuple[np.ndarray, np.ndarray]:
    return np.ones((n, N_PIXEL), np.float32), np.full((n, N_PIXEL), 1e4, np.float32)


def test_one_pixel_of_emission():
    """A pixel at 6564.6 is 6564.6 ln(10) 1e-4 = 1.5116 Angstrom wide; 0.5 above 1 is 0.756."""
    flux, ivar = flat()
    flux[0, at(6564.6)] = 1.5
    total, noise = summed(flux, ivar)
    for name in ("H alpha", "detection", "inner", "wide"):
        assert total[0, PLACE[name]] == pytest.approx(0.756, abs=2e-3)
        assert abs(total[1, PLACE[name]]) < 1e-6
    pixels = np.count_nonzero(np.abs(WAVELENGTH - 6564.6) <= 12)
    assert noise[0, PLACE["H alpha"]] == pytest.approx(0.01 * 1.5116 * pixels**0.5, rel=1e-2)


def test_a_forbidden_line_is_taken_against_its_sides():
    flux, ivar = flat()
    flux[0, np.abs(WAVELENGTH - 6585.3) < 12] += 0.2  # the wing of another line
    flux[1, at(6585.3)] += 0.2
    total, _ = summed(flux, ivar)
    assert total[0, PLACE["[N II] 6583"]] == pytest.approx(0, abs=1e-6)
    assert total[1, PLACE["[N II] 6583"]] == pytest.approx(0.2 * 1.516, abs=2e-3)


def test_masked_pixels_raise_the_sum_and_too_many_take_it():
    flux, ivar = flat()
    core = np.flatnonzero(np.abs(WAVELENGTH - 5170.5) <= 6)
    flux[:, core] += 0.1
    ivar[0, core[:2]] = 0
    ivar[1, core[: len(core) // 2]] = 0
    total, noise = summed(flux, ivar)
    whole = 0.1 * np.sum(WAVELENGTH[core] * 1e-4 * np.log(10))
    assert total[0, PLACE["Fe II 5169"]] == pytest.approx(whole, rel=1e-3)
    assert total[1, PLACE["Fe II 5169"]] == 0
    assert noise[1, PLACE["Fe II 5169"]] == pytest.approx(UNKNOWN)


def test_the_continuum_beside_a_line_that_is_lowered():
    """Two fifths of the continuum lost to other lines: the same flux is more Angstrom."""
    flux, ivar = flat()
    flux[0, at(8752.9)] += 0.1
    plain, _ = summed(flux, ivar)
    low, _ = summed(flux - 0.4, ivar, mean=np.full(N_PIXEL, 0.6))
    assert low[0, PLACE["Pa 12"]] == pytest.approx(plain[0, PLACE["Pa 12"]] / 0.6, rel=1e-4)


def test_noise_is_raised_with_the_sum_that_of_the_reconstruction_too():
    flux, ivar = flat()
    rng = np.random.default_rng(2)
    model = {name: rng.normal(size=(K, N_PIXEL)) for name in ("clean_basis", "full_from_clean")}
    _, plain = summed(flux, ivar, **model)
    _, low = summed(flux - 0.4, ivar, mean=np.full(N_PIXEL, 0.6), **model)
    _, alone = summed(flux, ivar)
    assert plain[0, PLACE["Pa 12"]] > 2 * alone[0, PLACE["Pa 12"]]  # or its part would not be seen
    assert low[0, PLACE["Pa 12"]] == pytest.approx(plain[0, PLACE["Pa 12"]] / 0.6, rel=1e-4)


def test_a_spectrum_without_coefficients_takes_nothing_from_its_neighbours():
    """The second star is not known, and in the survey nothing red of 8,500 Angstrom is."""
    flux, ivar = flat()
    flux[:, at(4862.7)] += 0.1
    score = np.array([[0.0] * K, [np.nan] * K], np.float32)
    mean = np.where(WAVELENGTH < 8500, 1.0, np.nan)
    total, noise = line_sums(flux, ivar, score, **(PCA | {"mean": mean}))
    assert total[0, PLACE["H beta"]] == pytest.approx(0.1 * 1.1197, abs=1e-3)
    assert noise[1, PLACE["H beta"]] == pytest.approx(UNKNOWN)
    assert (noise[:, PLACE["Pa 12"]] == UNKNOWN).all()


def test_errors_are_the_scaled_noise_and_the_scatter_of_ordinary_stars():
    """Noise 0.2 times 2, scatter 0.3: an error of 0.5; doubted twice it is hypot(0.4, 0.6)."""
    shape = (1, len(CORES))
    calibration = np.tile([0.1, 2.0, 0.3], (len(CORES), 1))
    calibration[3] = np.nan
    width, error, significance = line_strengths(
        np.full(shape, 1.5), np.full(shape, 0.2), np.zeros((1, K), np.float32),
        line_score_scale=np.ones(K),
        line_curve=np.zeros((len(CORES), score_terms(np.zeros((1, K)), np.ones(K)).shape[1])),
        line_calibration=calibration, line_doubt=2.0,
    )  # fmt: skip
    known = np.arange(len(CORES)) != 3
    assert width[0, known] == pytest.approx(1.4)
    assert error[0, known] == pytest.approx(0.5)
    assert significance[0, known] == pytest.approx(1.4 / np.hypot(0.4, 0.6))
    assert (width[0, 3], error[0, 3], significance[0, 3]) == (0, UNKNOWN, 0)


def ordinary(n: int, seed: int = 1) -> dict[str, np.ndarray]:
    """Stars whose sums follow two coefficients and a square; every twentieth has 1 Angstrom more."""
    rng = np.random.default_rng(seed)
    score = rng.standard_normal((n, K)).astype(np.float32)
    sums = 0.3 * score[:, :1] + 0.2 * score[:, 5:6] + 0.1 * score[:, :1] ** 2
    noise = rng.uniform(0.02, 0.2, (n, len(CORES)))
    sums = sums + noise * rng.standard_normal(noise.shape) + 0.05 * rng.standard_normal(noise.shape)
    emission = np.arange(n) % 20 == 0
    return {
        "score_clean": score, "line_sum": sums + emission[:, None], "line_noise": noise,
        "snr_g": 1 / noise[:, 0], "emission": emission,
    }  # fmt: skip


def fitted(stars: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    def wide(x: np.ndarray) -> pa.Array:
        return pa.FixedSizeListArray.from_arrays(x.astype(np.float32).ravel(), x.shape[1])

    names = ("score_clean", "line_sum", "line_noise")
    rows = pa.table({name: wide(stars[name]) for name in names} | {"snr_g": stars["snr_g"]})
    return lines(rows.to_reader, SimpleNamespace(line_min_snr=10.0)).arrays


def test_what_ordinary_stars_show_is_taken_off():
    train, test = ordinary(3000), ordinary(2000, seed=2)
    model = fitted(train)
    given = (test["line_sum"], test["line_noise"], test["score_clean"])
    ew, error, z = line_strengths(*given, **model, line_doubt=1.5)
    calm = ~test["emission"]
    assert np.std((ew / error)[calm]) == pytest.approx(1, abs=0.05)
    assert np.median(ew[test["emission"]]) == pytest.approx(1, abs=0.03)
    assert np.mean(z[calm] > 3) < 2e-3
    assert np.mean(z[test["emission"]] > 3) > 0.95


def test_a_row_does_not_depend_on_its_neighbours():
    stars = ordinary(700)
    model, given = (
        fitted(ordinary(3000)),
        [stars[x] for x in ("line_sum", "line_noise", "score_clean")],
    )
    whole = line_strengths(*given, **model, line_doubt=1.5)
    part = line_strengths(*(x[13:15] for x in given), **model, line_doubt=1.5)
    for a, b in zip(whole, part, strict=True):
        assert np.array_equal(a[13:15], b)


def test_a_line_that_no_star_shows_takes_nothing_from_the_others():
    stars = ordinary(3000)
    stars["line_noise"][:, 5] = UNKNOWN
    model, given = fitted(stars), [stars[x] for x in ("line_sum", "line_noise", "score_clean")]
    given[1] = given[1] * 0 + 0.1
    _, error, z = line_strengths(*given, **model, line_doubt=2.0)
    assert (error[:, 5] == UNKNOWN).all()
    assert not z[:, 5].any()
    assert np.isfinite(error).all()
    assert (np.delete(error, 5, axis=1) < 1).all()


def test_too_few_stars_teach_nothing():
    model = fitted(ordinary(60))
    assert model["line_curve"].size == 0
    stars = ordinary(5)
    given = (stars["line_sum"], stars["line_noise"], stars["score_clean"])
    ew, error, z = line_strengths(*given, **model, line_doubt=1.5)
    assert not ew.any()
    assert not z.any()
    assert (error == UNKNOWN).all()


def test_terms_are_one_the_coefficients_and_products_of_the_leading_eight():
    terms = score_terms(np.array([[2.0, 4, 0, 0, 0, 0, 0, 0, 10, 40]]), np.full(10, 2.0))
    assert terms.shape == (1, 1 + 8 + 36 + 2)
    assert terms[0, :9] == pytest.approx([1, 1, 2, 0, 0, 0, 0, 0, 0])
    assert terms[0, 9:11] == pytest.approx([1, 2])  # of the first with itself and the second
    assert terms[0, -2:] == pytest.approx([5, 6])  # 20 is held at 6


@pytest.mark.parametrize(("distance", "found"), [(0, False), (240, True), (400, True)])
def test_peaks_of_h_alpha(distance, found):
    velocity = (WAVELENGTH / 6564.6 - 1) * LIGHT_SPEED
    flux, ivar = flat()
    for side in (-1, 1):
        flux += 0.3 * np.exp(-0.5 * ((velocity + side * distance / 2) / 110) ** 2)
    model = {name: PCA[name] for name in ("mean", "scale", "full_from_clean")}
    (value, _), (error, _) = peak_separation(
        flux, ivar, np.zeros((2, K), np.float32), **model, halpha=6564.6
    )
    assert np.isfinite(value) == found
    if found:
        assert value == pytest.approx(distance, abs=10)
        assert 20 <= error < 30


def test_the_windows_are_those_of_the_kernel(con):
    (file,) = [f for f in db.sql_files() if f.relation == "lines.windows"]
    db.run(con, file)
    rows = con.sql(
        "SELECT line, wavelength, halfwidth FROM lines.windows ORDER BY place"
    ).fetchall()
    assert rows == [(c.name, c.centre, c.halfwidth) for c in CORES]
    assert len(LINES) == 23
