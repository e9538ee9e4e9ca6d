"""Arms that do not meet, and the wrong sky."""

import numpy as np
import pyarrow as pa
import pytest

from obcat.fit.templates import faults, sky
from obcat.kernels.grid import N_PIXEL, WAVELENGTH
from obcat.kernels.shifts import (
    SKY_RANGES,
    arm_terms,
    fault_significances,
    raw_levels,
    running_mean,
)

SKY = np.zeros(N_PIXEL)
for line in (5578.0, 7750.0, 7921.0, 8345.0, 8830.0, 8950.0):
    SKY += np.exp(-0.5 * ((WAVELENGTH - line) / 2) ** 2)


def wide(x: np.ndarray) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(x.astype(np.float32).ravel(), N_PIXEL)


def spectra(
    n: int, left: float = 0.0, step: float = 1.0, seed: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Flat spectra of flux 50 and S/N 25, noisier in the lines of the sky; so much of it left, and
    the red arm so much brighter.
    """
    rng = np.random.default_rng(seed)
    sigma = 2 + 20 * SKY
    flux = (
        50 * np.where(WAVELENGTH > 5720, step, 1)
        + left * SKY
        + sigma * rng.standard_normal((n, N_PIXEL))
    )
    return flux.astype(np.float32), np.tile(1 / sigma**2, (n, 1)).astype(np.float32)


@pytest.fixture(scope="module")
def template() -> np.ndarray:
    flux, ivar = spectra(150)
    rows = pa.table(
        {"specid": [f"{i:03d}" for i in range(150)], "flux": wide(flux), "ivar": wide(ivar)}
    )
    return sky(rows.to_reader, None).arrays["sky_template"]


def test_the_template_stands_in_the_lines_of_the_sky(template):
    assert template.shape == (N_PIXEL,)
    assert WAVELENGTH[template.argmax()] == pytest.approx(7921, abs=1000)
    near = np.min(
        np.abs(
            WAVELENGTH[template > 0.2 * template.max()][:, None]
            - [5578, 7750, 7921, 8345, 8830, 8950]
        ),
        axis=1,
    )
    assert near.max() < 4


def test_the_template_has_the_lines_where_hot_stars_have_none_and_no_others(template):
    for line, there in ((5578, True), (6300, True), (7750, True), (8345, True), (8830, True),
                        (6564, False), (5007, False), (8600, False)):  # fmt: skip
        ranges = [low <= line <= high for low, high in SKY_RANGES]
        assert any(ranges) is there, line
    outside = ~np.any([(low <= WAVELENGTH) & (high >= WAVELENGTH) for low, high in SKY_RANGES], 0)
    assert not template[outside].any()


def test_the_step_is_that_of_the_arms(template):
    step, level, _ = raw_levels(*spectra(3, step=1.5), sky_template=template)
    assert step == pytest.approx(np.log(1.5), abs=0.03)
    assert level == pytest.approx(75, abs=1)


def test_what_the_sky_left_and_a_step_are_found(template):
    sums = [raw_levels(*spectra(200, seed=s), sky_template=template) for s in (5, 6)]
    n = 400
    step, left = (np.concatenate([s[i] for s in sums]) for i in (0, 2))
    rng = np.random.default_rng(4)
    ebv, teff = rng.uniform(0, 1, n), rng.uniform(1e4, 2e4, n)
    rows = pa.table(
        {"specid": [f"{i:03d}" for i in range(n)], "arm_step": step + 0.2 * ebv, "sky_sum": left,
         "ebv": ebv, "teff": teff, "snr_g": np.full(n, 25.0)}
    )  # fmt: skip
    model = faults(rows.to_reader, None).arrays
    calm = fault_significances(step + 0.2 * ebv, left, ebv, teff, np.full(n, 25.0), **model)
    assert np.abs(calm[0]).max() < 4
    assert np.percentile(np.abs(calm[1]), 95) < 3
    wrong, _, sky_left = raw_levels(*spectra(4, left=100, step=1.3, seed=7), sky_template=template)
    found = fault_significances(
        wrong, sky_left, np.zeros(4), np.full(4, 12000.0), np.full(4, 25.0), **model
    )
    assert (found[0] > 5.5).all()
    assert (found[1] > 9).all()


def test_terms_of_the_step_are_worked_out():
    assert arm_terms(np.array([0.5]), np.array([10**4.3]))[0] == pytest.approx(
        [1, 0.5, 0.25, 0.2, 0.04]
    )


def test_the_running_mean_counts_good_pixels():
    flux, good = np.zeros((1, N_PIXEL)), np.ones((1, N_PIXEL), bool)
    flux[0, 100], good[0, 101] = 61, False
    mean = running_mean(flux, good)
    assert mean[0, 110] == pytest.approx(61 / 60)
    assert mean[0, 131] == pytest.approx(0)
    assert mean[0, 130] == pytest.approx(61 / 60)


def test_too_few_spectra_teach_nothing():
    flux, ivar = spectra(5)
    rows = pa.table({"specid": list("abcde"), "flux": wide(flux), "ivar": wide(ivar)})
    assert sky(rows.to_reader, None).arrays["sky_template"].size == 0
    assert np.isnan(raw_levels(flux, ivar, sky_template=np.zeros(0))[2]).all()
