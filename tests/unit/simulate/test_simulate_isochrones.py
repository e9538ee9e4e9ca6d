"""Isochrones of the simulation: nodes are met exactly, a mass is found again,
what MIST does not have stays unknown.
"""

import numpy as np
import pytest

from obcat.simulate.binaries import companions
from obcat.simulate.dust import BANDS
from obcat.simulate.isochrones import COLUMNS, at_mass, at_phase, lattice

FEH, LOG_AGE = np.zeros(1), np.array([7.5])
TEFF, KS = COLUMNS.index("log_teff"), COLUMNS.index("ks")


def test_columns_end_with_the_bands() -> None:
    assert COLUMNS[-len(BANDS) :] == BANDS


def test_a_node_is_met_exactly() -> None:
    grid = lattice()
    i, j = int(np.argmin(np.abs(grid.feh))), int(np.argmin(np.abs(grid.log_age - 7.5)))
    row = at_phase(grid.feh[[i]], grid.log_age[[j]], np.array([100.0]))
    np.testing.assert_array_equal(row[0], grid.values[i, j, 100])


def test_between_nodes_every_column_lies_between_them() -> None:
    low, high = (
        at_phase(np.zeros(1), LOG_AGE, np.array([90.0])),
        at_phase(np.zeros(1), LOG_AGE, np.array([91.0])),
    )
    middle = at_phase(np.zeros(1), LOG_AGE, np.array([90.5]))
    assert ((middle - low) * (high - middle) >= 0).all()


@pytest.mark.parametrize("mass", [1.5, 3.0, 6.0, 8.0])
def test_the_star_of_a_mass_has_that_mass(mass: float) -> None:
    assert at_mass(FEH, LOG_AGE, np.array([mass]))[0, 0] == pytest.approx(mass, rel=1e-6)


def test_temperature_and_brightness_rise_with_mass_on_the_main_sequence() -> None:
    mass = np.array([1.5, 2.0, 3.0, 4.0, 5.0])
    rows = at_mass(np.zeros(5), np.full(5, 7.5), mass)
    assert (np.diff(rows[:, TEFF]) > 0).all()
    assert (np.diff(rows[:, KS]) < 0).all()


@pytest.mark.parametrize("mass", [0.3, 40.0])
def test_a_star_not_yet_there_or_gone_is_unknown(mass: float) -> None:
    assert np.isnan(at_mass(FEH, LOG_AGE, np.array([mass]))).all()


def test_companions_are_interpolated_or_dark() -> None:
    rows = companions(np.array([0.3, 2.0]), np.zeros(2), np.full(2, 7.5))
    assert np.isnan(rows[0]).all()
    assert rows[1, 0] == pytest.approx(2.0, rel=1e-6)
    assert companions(np.empty(0), np.empty(0), np.empty(0)).shape == (0, len(COLUMNS))
