"""Velocities against mean spectra of like stars, arms that moved, and the errors of velocities."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from obcat.fit.templates import templates, velocity_errors
from obcat.kernels.grid import LIGHT_SPEED, N_PIXEL, WAVELENGTH
from obcat.kernels.shifts import PIXEL_VELOCITY, TEMPLATES, spectrum_shifts, velocity_error

LINES = (4026.0, 4102.9, 4341.7, 4472.7, 4862.7, 6564.6, 7067.2, 8752.9)


def star(velocity: float, red: float = 0.0) -> np.ndarray:
    """(3909,) lines 8 Angstrom wide; the red arm moved besides, km/s."""
    flux = np.ones(N_PIXEL)
    for line in LINES:
        moved = velocity + (red if line > 5720 else 0)
        at = line * (1 + moved / LIGHT_SPEED)
        flux -= 0.4 * np.exp(-0.5 * ((WAVELENGTH - at) / 8) ** 2)
    return flux


MODEL = {"template_flux": np.tile(star(0), (2, TEMPLATES, 1)).astype(np.float32)}


def shifts(*spectra: np.ndarray, em: float = 0) -> np.ndarray:
    """(10, n) answers for spectra of S/N 100, of several kinds."""
    n = len(spectra)
    ivar = np.full((n, N_PIXEL), 1e4, np.float32)
    kind, fold = np.arange(n) % TEMPLATES, np.arange(n) % 2
    norm = np.array(spectra, np.float32)
    return np.array(spectrum_shifts(norm, ivar, kind, fold, np.full(n, em), **MODEL))


@pytest.mark.parametrize("velocity", [-150.0, 0.0, 12.0, 240.0])
def test_a_shift_is_the_velocity(velocity):
    out = shifts(star(velocity), star(velocity))
    assert out[0] * PIXEL_VELOCITY == pytest.approx([velocity] * 2, abs=1.5)
    assert out[2] * PIXEL_VELOCITY == pytest.approx([velocity] * 2, abs=3)  # blue
    assert out[4] * PIXEL_VELOCITY == pytest.approx([velocity] * 2, abs=3)  # red


def test_an_arm_that_moved():
    blue, red, gain_blue, gain_red = shifts(star(10), star(10, red=900))[6:]
    assert np.abs(blue).max() < 40
    assert red == pytest.approx([10, 910], abs=40)
    assert gain_red[1] > 100
    assert np.abs(gain_blue).max() < 5
    assert gain_red[0] < 5


def test_filled_lines_of_an_emission_star_do_not_count():
    filled = star(60)
    filled[np.abs(WAVELENGTH - 6570) < 30] += 2
    assert shifts(filled, filled, em=1)[0, 0] * PIXEL_VELOCITY == pytest.approx(60, abs=3)


def test_a_shift_is_against_the_template_of_its_kind_and_half():
    moved = {(0, 5): 120.0, (1, 5): 0.0, (0, 6): -60.0, (1, 6): 30.0}
    model = np.tile(star(0), (2, TEMPLATES, 1)).astype(np.float32)
    for (fold, kind), velocity in moved.items():
        model[fold, kind] = star(velocity)
    fold, kind = (np.array(column) for column in zip(*moved, strict=True))
    norm = np.tile(star(120), (4, 1)).astype(np.float32)
    ivar = np.full((4, N_PIXEL), 1e4, np.float32)
    out = spectrum_shifts(norm, ivar, kind, fold, np.zeros(4), template_flux=model)
    assert out[0] * PIXEL_VELOCITY == pytest.approx([0, 120, 180, 90], abs=3)


def test_errors_are_the_scatter_of_shifts():
    """Of noise as large as what is said: 0.01, and 0.012 by which stars differ from their mean."""
    rng = np.random.default_rng(5)
    noisy = star(20) + np.hypot(0.01, 0.012) * rng.standard_normal((300, N_PIXEL))
    out = shifts(*noisy)
    for value, error in ((0, 1), (2, 3), (4, 5)):
        assert np.std(out[value]) / np.median(out[error]) == pytest.approx(1, abs=0.15)


def test_lines_that_emission_fills_count_in_other_stars():
    with_all, without = (shifts(star(0), star(0), em=em)[1, 0] for em in (0, 1))
    assert with_all < 0.9 * without


def test_without_templates_nothing_is_known():
    out = spectrum_shifts(
        np.ones((2, N_PIXEL), np.float32), np.ones((2, N_PIXEL), np.float32), np.zeros(2),
        np.zeros(2), np.zeros(2), template_flux=np.zeros(0),
    )  # fmt: skip
    assert np.isnan(out).all()


def test_a_row_does_not_depend_on_its_neighbours():
    rng = np.random.default_rng(1)
    spectra = [star(v) + 0.02 * rng.standard_normal(N_PIXEL) for v in rng.normal(0, 60, 60)]
    whole = shifts(*spectra)
    ivar = np.full((2, N_PIXEL), 1e4, np.float32)
    part = spectrum_shifts(
        np.array(spectra[29:31], np.float32), ivar, np.array([1, 2]), np.array([1, 0]), np.zeros(2),
        **MODEL,
    )  # fmt: skip
    assert np.array_equal(np.array(part), whole[:, 29:31])


def test_a_template_is_that_of_the_other_half():
    def wide(x: np.ndarray) -> pa.Array:
        return pa.FixedSizeListArray.from_arrays(x.astype(np.float32).ravel(), N_PIXEL)

    fold, kind = np.array([0, 0, 1, 1, 1]), np.array([3, 3, 3, 3, 20])
    flux = np.array([1.0, 3.0, 5.0, 5.0, 9.0])[:, None] * np.ones(N_PIXEL)
    rows = pa.table(
        {
            "specid": list("abcde"),
            "fold": fold,
            "template": kind,
            "flux": wide(flux),
            "ivar": wide(flux * 0 + 1),
        }
    )
    out = templates(rows.to_reader, SimpleNamespace(template_min_stars=2)).arrays["template_flux"]
    assert out.shape == (2, TEMPLATES, N_PIXEL)
    assert out[1, 3, 0] == pytest.approx(2)  # of the stars of half 0
    assert out[0, 3, 0] == pytest.approx(5)
    assert out[0, 20, 0] == pytest.approx(19 / 3)  # one star is too few: all of them
    none = templates(rows.to_reader, SimpleNamespace(template_min_stars=3)).arrays
    assert none["template_flux"].size == 0


@pytest.mark.parametrize(
    ("every", "orbits"),
    [
        (5, lambda rng, n: rng.laplace(0, 60, n)),
        (3, lambda rng, n: 4 * 50 ** rng.random(n) * np.sqrt(2) * rng.standard_normal(n)),
    ],
)
def test_pairs_of_visits_tell_the_errors(every, orbits):
    """Errors stated as 3 km/s that are 4, beside a floor of 5; some stars binaries."""
    rng, n = np.random.default_rng(3), 6000
    stated = rng.uniform(1, 12, (n, 2))
    true = np.hypot(4 / 3 * stated, 5)
    difference = rng.standard_normal(n) * np.hypot(*true.T)
    difference += np.where(np.arange(n) % every == 0, orbits(rng, n), 0)
    rows = pa.table({"difference": difference, "square": (stated**2).sum(axis=1)})
    model = velocity_errors(rows.to_reader, SimpleNamespace(velocity_floor=1.0)).arrays
    assert model["velocity_error"] == pytest.approx([4 / 3, 5], rel=0.15)
    (error,) = velocity_error(np.array([3 / PIXEL_VELOCITY]), velocity_error=np.array([4 / 3, 3.0]))
    assert error[0] == pytest.approx(5)
    few = velocity_errors(rows.slice(0, 20).to_reader, SimpleNamespace(velocity_floor=7.0)).arrays
    assert few["velocity_error"].tolist() == [1, 7]
