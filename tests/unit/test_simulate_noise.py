"""Noise of simulated spectra: what the inverse variance says is what there is, up to the stated miscalibration."""

import numpy as np
import pytest

from obcat.ingest.simulate import noise
from obcat.kernels.grid import WAVELENGTH

N = 40
INNER = slice(100, 3800)


@pytest.fixture(scope="module")
def observed() -> tuple[np.ndarray, noise.Observed]:
    rng = np.random.default_rng(1)
    flux = np.full((N, len(WAVELENGTH)), 500, dtype=np.float32) * (WAVELENGTH / 5000).astype(np.float32) ** -3
    return flux, noise.observe(flux, np.full(N, 80.0), rng)


@pytest.fixture(scope="module")
def pulls(observed: tuple[np.ndarray, noise.Observed]) -> np.ndarray:
    """Deviations in stated standard errors where the sky leaves no bands."""
    flux, seen = observed
    good = (WAVELENGTH > 3750) & (WAVELENGTH < 6800)
    return ((seen.flux - flux) * np.sqrt(seen.ivar))[:, good]


def test_noise_is_what_the_inverse_variance_says(pulls: np.ndarray) -> None:
    assert np.sqrt(np.mean(pulls**2)) == pytest.approx(1, abs=3 * noise.MISCALIBRATION / np.sqrt(N))


def test_stated_noise_is_wrong_by_some_per_cent_for_each_spectrum(pulls: np.ndarray) -> None:
    blue = np.std(pulls[:, :1900], axis=1)
    assert np.std(blue) == pytest.approx(noise.MISCALIBRATION, rel=0.4)


def test_neighbouring_pixels_share_noise_as_in_real_files(pulls: np.ndarray) -> None:
    second = np.diff(pulls, 2, axis=1) / np.sqrt(6)
    assert np.sqrt(np.mean(second**2)) == pytest.approx(0.7, abs=0.05)


def test_signal_to_noise_in_g_is_what_was_asked(observed: tuple[np.ndarray, noise.Observed]) -> None:
    snr = noise.band_snr(observed[1])
    assert np.median(snr["g"]) == pytest.approx(80, rel=0.05)
    assert np.median(snr["u"]) < 0.5 * np.median(snr["g"])


def test_only_the_last_pixels_have_no_flux_and_their_ivar_hides_it(
    observed: tuple[np.ndarray, noise.Observed],
) -> None:
    seen = observed[1]
    dead = seen.flux == 0
    assert (seen.ivar > 0).all()
    assert dead.any(axis=1).all()
    assert WAVELENGTH[dead.any(axis=0)].min() > 9000
    assert (dead.sum(axis=1) < 32).all()


def test_calibration_is_smooth_and_of_its_size() -> None:
    error = np.log(noise.calibration(400, np.random.default_rng(2)))
    expected = np.hypot(noise.CALIBRATION, noise.CALIBRATION_ARM / np.sqrt(2))
    assert np.sqrt(np.mean(error**2)) == pytest.approx(expected, rel=0.1)
    assert np.abs(np.diff(error, axis=1)).max() < 0.01


def test_spoiled_spectra_are_shifted_or_broken_and_others_untouched() -> None:
    flux = np.tile(np.linspace(1, 2, len(WAVELENGTH), dtype=np.float32), (3, 1))
    out = noise.spoil(flux, np.array([0, 1, 2]), np.random.default_rng(3))
    np.testing.assert_array_equal(out[0], flux[0])
    for row in (1, 2):
        changed = out[row] != flux[row]
        assert changed[: noise.RED].all() != changed[noise.RED :].all()
    ratio = out[2] / flux[2]
    assert abs(np.log(ratio[0] / ratio[-1])) > noise.SPOIL_ARM[0]
