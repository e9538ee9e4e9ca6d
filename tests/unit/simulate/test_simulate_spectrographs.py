"""Response of the sixteen spectrographs: the same in every visit, where the arms meet above all."""

import numpy as np
import pytest

from obcat.kernels.grid import WAVELENGTH
from obcat.simulate.night import AMOUNTS, response
from obcat.simulate.visits import count_visits, draw_visits

EVERY = np.arange(1, 17)


def at(wavelength: float) -> int:
    return int(np.argmin(np.abs(WAVELENGTH - wavelength)))


def made(seed: int, spectrograph: np.ndarray = EVERY) -> np.ndarray:
    return np.log(response(spectrograph, np.random.default_rng(seed)))


def test_a_spectrograph_does_the_same_in_every_visit() -> None:
    red = slice(at(6700), at(8100))
    first, second = (np.median(made(seed)[:, red], axis=1) for seed in (1, 2))
    assert np.corrcoef(first, second)[0, 1] > 0.9
    assert np.std(first) == pytest.approx(0.045, rel=0.3)  # of the red arm beside the blue one


def test_no_spectrograph_leaves_the_middle_of_the_blue_arm() -> None:
    assert np.abs(made(1)[:, at(4000) : at(5500)]).max() < 0.015


def test_all_share_the_edge_in_the_water_band_and_the_wave() -> None:
    many = np.repeat(EVERY, 60)
    middle = np.median(made(3, many), axis=0)
    assert middle[at(8352)] - middle[at(8338)] == pytest.approx(0.017, abs=0.002)
    assert middle[at(6217)] - middle[at(6167)] == pytest.approx(0.018, abs=0.006)


def test_there_is_a_row_for_each_spectrograph() -> None:
    assert len(AMOUNTS) == len(EVERY)
    one, other = made(1, np.array([6, 7]))[:, at(5950)]
    assert one > 0.1 > abs(other)


def test_a_star_keeps_its_spectrograph_and_fibre() -> None:
    rng = np.random.default_rng(4)
    counts = count_visits(300, 900, 0, rng)
    place = np.full(300, 80.0), np.full(300, 20.0), np.where(np.arange(300) % 2, 13.0, 15.0)
    visits = draw_visits(*place, counts, 0, rng)
    for star in np.flatnonzero(counts > 1):
        own = visits.star == star
        assert len(set(zip(visits.spid[own], visits.fiberid[own], strict=True))) == 1
    fibres = set(zip(visits.planid, visits.spid, visits.fiberid, strict=True))
    assert len(fibres) == len(visits.star)


def test_spectrographs_are_used_alike() -> None:
    """Few stars a field: a field that began with the first spectrograph would use no other."""
    rng = np.random.default_rng(5)
    ra, dec, g = rng.uniform(0, 360, 800), rng.uniform(-5, 60, 800), np.full(800, 15.0)
    visits = draw_visits(ra, dec, g, count_visits(800, 1100, 0, rng), 0, rng)
    used = np.bincount(visits.spid, minlength=17)[1:]
    assert used.min() > len(visits.star) / 16 / 2
