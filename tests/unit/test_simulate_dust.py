"""The simulation's extinction curve against Fitzpatrick (1999), and its disc of dust against a closed integral."""

import csv

import numpy as np
import pytest

from obcat.ingest.simulate.dust import (
    DUST_HEIGHT,
    DUST_LENGTH,
    LOCAL_EBV,
    SUN_R,
    SUN_Z,
    band_coefficients,
    disc_ebv,
    f99,
)
from obcat.ingest.simulate.reference import REFERENCE

PUBLISHED = {  # Fitzpatrick (1999), table 3, R_V = 3.1: A(lambda)/E(B-V)
    26500: 0.265,
    12200: 0.829,
    6000: 2.688,
    5470: 3.055,
    4670: 3.806,
    4110: 4.315,
    2700: 6.265,
    2600: 6.591,
}
EFFECTIVE = {"b": 4361.0, "v": 5448.0, "j": 12350.0, "ks": 21590.0}  # Angstrom: Bessell (2005), Cohen et al. (2003)


@pytest.mark.parametrize(("wavelength", "value"), PUBLISHED.items())
def test_curve_has_the_published_values(wavelength: float, value: float) -> None:
    assert f99(np.array([float(wavelength)]))[0] == pytest.approx(value, abs=0.002)


@pytest.mark.parametrize(("band", "wavelength"), EFFECTIVE.items())
def test_curve_agrees_with_the_coefficients_of_the_bands(band: str, wavelength: float) -> None:
    row = next(r for r in read_coefficients() if r["teff"] == "20000")
    assert f99(np.array([wavelength]))[0] == pytest.approx(float(row[band]), rel=0.02)


def read_coefficients() -> list[dict[str, str]]:
    with (REFERENCE / "extinction_coefficients.csv").open(newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


def test_curve_is_unknown_in_the_far_ultraviolet() -> None:
    assert np.isnan(f99(np.array([2500.0]))[0])


def test_coefficients_of_a_band_equal_the_table_at_its_nodes_and_stay_constant_outside() -> None:
    bp = band_coefficients(np.array([8000.0, 10_000.0, 30_000.0, 45_000.0]))["bp"]
    np.testing.assert_allclose(bp, [3.422, 3.422, 3.634, 3.634])


@pytest.mark.parametrize("distance", [0.5, 3.0])
def test_dust_towards_the_anticentre_is_the_integral_of_an_exponential(distance: float) -> None:
    ebv = disc_ebv(np.array([-SUN_R - distance]), np.zeros(1), np.array([SUN_Z]))[0]
    exact = LOCAL_EBV * DUST_LENGTH * (1 - np.exp(-distance / DUST_LENGTH)) * np.exp(-SUN_Z / DUST_HEIGHT)
    assert ebv == pytest.approx(exact, rel=1e-3)
