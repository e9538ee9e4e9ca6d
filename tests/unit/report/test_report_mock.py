"""Mock binaries: law of extinction at its bands, one distance, a sum of two spectra,
M_spec of a star and itself.
"""

import numpy as np
import pytest

from obcat.evaluate import binaries as mock
from obcat.kernels.grid import N_PIXEL, WAVELENGTH

LAW = np.array([4.091, 3.788, 3.09, 2.604, 1.92, 0.826])


def flat(n: int, level: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    return np.full((n, N_PIXEL), level, np.float32), np.full((n, N_PIXEL), 400.0, np.float32)


@pytest.mark.parametrize(("wavelength", "law"), [*zip(mock.PIVOTS[:5], LAW[:5], strict=True)])
def test_law_is_met_at_the_bands(wavelength, law):
    flux, ivar = mock.deredden(*flat(1), np.array([0.5]), LAW)
    pixel = np.argmin(np.abs(WAVELENGTH - wavelength))
    assert flux[0, pixel] == pytest.approx(10 ** (0.4 * 0.5 * law), rel=2e-3)
    assert flux[0, pixel] * np.sqrt(ivar[0, pixel]) == pytest.approx(20, rel=1e-5)  # S/N stays
    assert np.all(np.diff(flux[0]) < 0)  # more extinction in the blue, beyond B too


def test_no_extinction_changes_nothing():
    flux, ivar = mock.deredden(*flat(2), np.zeros(2), LAW)
    assert np.array_equal(flux, flat(2)[0])
    assert np.array_equal(ivar, flat(2)[1])


def test_one_distance():
    flux, ivar = flat(2)
    stars = mock.Singles(
        flux * np.array([[3], [70]], np.float32),
        ivar,
        np.zeros(2),
        np.zeros(2),
        np.array([0.0, 2.5]),
    )
    scaled, scaled_ivar = mock.absolute(stars, LAW)
    assert scaled[0] == pytest.approx(1.0)
    assert scaled[1] == pytest.approx(0.1)
    assert scaled[0, 9] * np.sqrt(scaled_ivar[0, 9]) == pytest.approx(60)


def test_star_without_good_pixels_is_masked():
    flux, ivar = flat(1)
    scaled, scaled_ivar = mock.absolute(mock.Singles(flux, 0 * ivar, *np.zeros((3, 1))), LAW)
    assert not scaled.any()
    assert not scaled_ivar.any()


def test_sum_of_two():
    flux, ivar = flat(3)
    flux[1], ivar[1], ivar[2, :5] = 2.0, 100.0, 0.0
    total, total_ivar = mock.composite(flux, ivar, np.array([0, 0]), np.array([1, 2]))
    assert total[0] == pytest.approx(3.0)
    assert total_ivar[0] == pytest.approx(80.0)  # 1 / (1/400 + 1/100)
    assert not total_ivar[1, :5].any()
    assert not total[1, :5].any()


def test_pairs_are_brighter_first_and_the_same_again():
    mk = np.random.default_rng(5).normal(size=50)
    first, second = mock.pairs(mk, 1)
    assert np.all(mk[first] <= mk[second])
    assert not np.any(first == second)
    assert all(
        np.array_equal(a, b) for a, b in zip((first, second), mock.pairs(mk, 1), strict=True)
    )


def test_a_star_and_itself_is_the_star():
    rng = np.random.default_rng(1)
    flux, ivar = flat(3)
    flux *= 1 + 0.1 * np.sin(WAVELENGTH / 40 + np.arange(3)[:, None])
    pca = {"mean": np.ones(N_PIXEL), "scale": np.full(N_PIXEL, 0.1)}
    pca |= {
        name: rng.normal(0, 0.02, (4, N_PIXEL)).astype(np.float32)
        for name in ("clean_basis", "full_basis")
    }
    sizes = {"w0": (4, 5), "b0": (5,), "w1": (5, 5), "b1": (5,), "w2": (5,), "b2": ()}
    network = {
        f"{net}_{name}": rng.normal(size=size)
        for net in ("full", "clean")
        for name, size in sizes.items()
    }
    domain = {
        "centre": np.zeros(4),
        "scale": np.ones(4),
        "limit": np.array(5.0),
        "brightest": np.array(-9.0),
    }
    network |= {
        f"{net}_{name}": array for net in ("full", "clean") for name, array in domain.items()
    }
    given = {"continuum_sigma": 50.0, "pca_min_wavelength": 3750.0, "pca_max_wavelength": 9000.0}
    given |= {"pca_outlier": 10.0, "pca_max_error": 2.0, "pca_sweeps": 5}
    rows = np.arange(3)
    alone = mock.measure_mk(flux, ivar, pca, network, given)
    twice = mock.measure_mk(*mock.composite(flux, ivar, rows, rows), pca, network, given)
    assert np.isfinite(alone).all()
    assert np.ptp(alone) > 0.01
    assert twice == pytest.approx(alone, abs=1e-4)
