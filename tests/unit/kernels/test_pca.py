"""Coefficients: projections that can be worked by hand, gaps filled,
and what makes them unknown.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from obcat.kernels.grid import N_PIXEL, WAVELENGTH, nebular_pixels
from obcat.kernels.pca import (
    error_factor,
    nebula_free_score,
    pca_scores,
    product,
    reconstruct,
)

CHOICES = {"pca_outlier": 10.0, "pca_max_error": 2.0, "pca_sweeps": 5}
USED = slice(1000, 2000)


@pytest.fixture
def model():
    """Two smooth orthonormal components on pixels 1000 to 1999,
    the clean ones being the first half.
    """
    mean, scale = np.full(N_PIXEL, np.nan), np.zeros(N_PIXEL)
    mean[USED], scale[USED] = 1.0, 0.02
    clean, full = np.zeros((2, 2, N_PIXEL), np.float32)
    for basis, end in ((clean, 1500), (full, 2000)):
        phase = np.linspace(0, 2 * np.pi, end - 1000, endpoint=False)
        basis[0, 1000:end] = np.sin(phase) / np.linalg.norm(np.sin(phase))
        basis[1, 1000:end] = np.cos(phase) / np.linalg.norm(np.cos(phase))
    return {"mean": mean, "scale": scale, "clean_basis": clean, "full_basis": full}


def spectra(model, score):
    """Spectra that are mean + scale * score .
    full_basis, without noise, inverse variance that of 1 % noise.
    """
    norm = np.nan_to_num(
        model["mean"] + (np.atleast_2d(score) @ model["full_basis"]) * model["scale"], nan=7.0
    )
    return norm.astype(np.float32), np.full(norm.shape, 1e4, np.float32)


def test_coefficients_come_back(model):
    _, full = pca_scores(*spectra(model, [[3.0, -2.0], [0.0, 5.0]]), **model, **CHOICES)
    assert full == pytest.approx(np.array([[3, -2], [0, 5]]), abs=1e-4)


def test_lines_of_a_nebula_change_no_coefficient(model):
    """[O III] 5008 is in the range used; what is 10 Angstrom beside it counts."""
    norm, ivar = spectra(model, [[3.0, -2.0]])
    del model["clean_basis"]
    line = np.abs(WAVELENGTH - 5008.2)
    emitted = norm + np.where(line < 6, 0.15, 0).astype(np.float32)
    beside = norm + np.where((line > 9) & (line < 11), 0.15, 0).astype(np.float32)
    plain, same, other = (
        nebula_free_score(flux, ivar, **model, **(CHOICES | {"pca_sweeps": 50}))[0]
        for flux in (norm, emitted, beside)
    )
    assert np.array_equal(plain, same)
    assert plain == pytest.approx(np.array([[3, -2]]), abs=1e-3)
    assert np.abs(other - plain).max() > 0.1
    assert np.isnan(nebula_free_score(norm, ivar * 0, **model, **CHOICES)[0]).all()


def test_what_nebulae_emit_is_left_out_and_no_more():
    pixels = nebular_pixels()
    (told,) = np.nonzero([pixels[np.abs(WAVELENGTH - at).argmin()] for at in LINES_AND_BESIDE])
    assert told.tolist() == [0, 1, 2, 3]


# H alpha, [N II], He I, H 9; 30 Angstrom off H alpha, Fe II, O I, Ca II
LINES_AND_BESIDE = (6564.6, 6585.3, 5877.2, 3836.5, 6594.6, 5170.5, 7776.3, 8544.4)


def test_clean_coefficients_read_clean_pixels_only(model):
    norm, ivar = spectra(model, [[3.0, -2.0]])
    changed = norm.copy()
    changed[0, 1500:] += 0.05
    assert np.array_equal(
        pca_scores(norm, ivar, **model, **CHOICES)[0],
        pca_scores(changed, ivar, **model, **CHOICES)[0],
    )


def test_a_gap_is_filled_with_the_reconstruction(model):
    norm, ivar = spectra(model, [[3.0, -2.0]])
    ivar[0, 1200:1260] = 0
    norm[0, 1200:1260] = 0
    errors = []
    for sweeps in (0, 2, 5):
        _, full = pca_scores(norm, ivar, **model, **(CHOICES | {"pca_sweeps": sweeps}))
        errors.append(np.abs(full - [[3, -2]]).max())
    assert errors[0] > 0.05
    assert errors[1] < 0.1 * errors[0]
    assert errors[2] < 1e-3 * errors[0]


def test_a_cosmic_ray_counts_as_masked(model):
    norm, ivar = spectra(model, [[3.0, -2.0]])
    norm[0, 1100] = 40
    assert pca_scores(norm, ivar, **model, **CHOICES)[1] == pytest.approx(
        np.array([[3, -2]]), abs=1e-3
    )


def test_noise_is_no_cosmic_ray(model):
    norm, ivar = spectra(model, [[0.0, 0.0]])
    norm[0, 1100] += 0.9  # 45 deviations of the training stars, but 3 of this spectrum's noise
    ivar[:] = 1 / 0.3**2
    with_it = pca_scores(norm, ivar, **model, **CHOICES)[1]
    assert with_it[0] == pytest.approx(45 * model["full_basis"][:, 1100], rel=1e-3)


def test_masks_that_leave_too_little_make_them_unknown(model):
    """Without the last half of its 500 pixels a sine and a cosine are known by (1 - L)^-1 of L =
    half of one each: a factor of root 2; without the last 425 they are hardly told apart.
    """
    norm, ivar = spectra(model, np.ones((3, 2)))
    ivar[0, 1250:1500] = 0
    ivar[1, 1075:1500] = 0
    clean, full = pca_scores(norm, ivar, **model, **CHOICES)
    assert np.isfinite(clean[0]).all()
    assert np.isnan(clean[1]).all()
    assert np.isfinite(full).all()
    assert full == pytest.approx(np.ones((3, 2)), abs=1e-2)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.7])
def test_pixels_masked_by_chance_raise_the_error_as_fewer_pixels_do(model, share):
    masked = np.random.default_rng(3).random((1, N_PIXEL)) < share
    factor = error_factor(masked, model["full_basis"])
    assert factor == pytest.approx([np.sqrt(1 / (1 - share))], rel=0.05)


def test_the_factor_by_hand(model):
    """Half a period: of sine^2 and cosine^2 each a half is masked, of their product nothing."""
    masked = np.zeros((2, N_PIXEL), bool)
    masked[1, 1500:2000] = True
    assert error_factor(masked, model["full_basis"]) == pytest.approx([1, np.sqrt(2)], rel=1e-3)
    assert error_factor(masked | True, model["full_basis"])[0] > 1e3


def test_pixels_not_used_do_not_count(model):
    norm, ivar = spectra(model, [[3.0, -2.0]])
    expected = pca_scores(norm, ivar, **model, **CHOICES)
    ivar[0, 2000:], norm[0, :1000] = 0, np.nan
    for got, wanted in zip(pca_scores(norm, ivar, **model, **CHOICES), expected, strict=True):
        assert np.array_equal(got, wanted)


def test_without_a_model_everything_is_unknown():
    empty = {"mean": np.zeros(0), "scale": np.zeros(0)} | dict.fromkeys(
        ("clean_basis", "full_basis"), np.zeros((4, 0))
    )
    for score in pca_scores(np.ones((3, N_PIXEL)), np.ones((3, N_PIXEL)), **empty, **CHOICES):
        assert score.shape == (3, 4)
        assert np.isnan(score).all()
    nothing = reconstruct(
        np.zeros((3, 4)), mean=np.zeros(0), scale=np.zeros(0), full_from_clean=np.zeros((4, 0))
    )
    assert nothing.shape == (3, N_PIXEL)
    assert np.isnan(nothing).all()


def test_reconstruction_is_mean_plus_components_and_nan_outside(model):
    score = np.array([[3.0, -2.0], [np.nan, np.nan]])
    spectrum = reconstruct(
        score, mean=model["mean"], scale=model["scale"], full_from_clean=model["full_basis"]
    )
    assert spectrum[0, USED] == pytest.approx(spectra(model, [3.0, -2.0])[0][0, USED], abs=1e-6)
    assert np.isnan(spectrum[0, :1000]).all()
    assert np.isnan(spectrum[1]).all()


def test_a_row_does_not_depend_on_its_neighbours(model):
    rng = np.random.default_rng(4)
    norm = rng.normal(1, 0.02, (600, N_PIXEL)).astype(np.float32)
    ivar = np.where(rng.random(norm.shape) < 0.001, 0, 2500).astype(np.float32)
    ivar[::3] = 2500
    together = pca_scores(norm, ivar, **model, **CHOICES)
    for rows in (slice(0, 1), slice(5, 7), slice(300, 557)):
        alone = pca_scores(norm[rows], ivar[rows], **model, **CHOICES)
        assert all(np.array_equal(a, b[rows]) for a, b in zip(alone, together, strict=True))


SHAPES = [(3909, 100), (100, 3909), (200, 69), (600, 128), (1000, 333), (77, 93), (64, 1)]
SAME_BITS = """
import numpy as np
from obcat.kernels.pca import product
for shape in {shapes}:
    for kind in (np.float32, np.float64):
        rng = np.random.default_rng(6)
        a, b = rng.normal(size=(400, shape[0])).astype(kind), rng.normal(size=shape).astype(kind)
        whole = product(a, b)
        for first in (1, 2, 7, 150):
            assert np.array_equal(product(a[first:], b), whole[first:]), (shape, kind, first)
"""


def cores() -> list[str]:
    """Kernels of OpenBLAS that this processor can run;
    another name has no meaning to another BLAS.
    """
    info = Path("/proc/cpuinfo")
    flags = info.read_text(encoding="utf-8").split() if info.is_file() else []
    return ["Haswell", "Zen", "Sandybridge"] if "avx2" in flags else ["default"]


@pytest.mark.parametrize("core", cores())
def test_rows_of_a_product_are_the_same_bits_whatever_the_kernel(core):
    env = os.environ | {"OPENBLAS_CORETYPE": core, "PYTHONPATH": str(Path(__file__).parents[3])}
    subprocess.run([sys.executable, "-c", SAME_BITS.format(shapes=SHAPES)], env=env, check=True)


@pytest.mark.parametrize("shape", SHAPES)
def test_rows_of_a_product_are_the_same_bits_in_every_batch(shape):
    rng = np.random.default_rng(5)
    a, b = (
        rng.normal(size=(520, shape[0])).astype(np.float32),
        rng.normal(size=shape).astype(np.float32),
    )
    whole = product(a, b)
    assert np.allclose(whole, a.astype(float) @ b, atol=1e-3)
    for rows in (slice(0, 1), slice(3, 5), slice(100, 163), slice(200, 457)):
        assert np.array_equal(product(a[rows], b), whole[rows])
