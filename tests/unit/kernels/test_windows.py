"""Windows: the paper's bands, and lines that must be out of the clean windows."""

import numpy as np
import pytest

from obcat.kernels.grid import (
    EMISSION_LINES,
    WAVELENGTH,
    around,
    clean_pixels,
    full_pixels,
    gapped_pixels,
)

RANGE = (3750.0, 9000.0)


def at(mask, wavelength):
    return bool(mask[np.argmin(np.abs(WAVELENGTH - wavelength))])


@pytest.mark.parametrize(
    ("low", "high"),
    [(5720, 6050), (6270, 6380), (6800, 6990), (7100, 7320), (7520, 7740), (8050, 8350)],
)
def test_the_six_bands_of_the_paper_are_never_used(low, high):
    assert not np.any(full_pixels(*RANGE) & (low <= WAVELENGTH) & (high >= WAVELENGTH))
    assert at(full_pixels(*RANGE), low - 3)
    assert at(full_pixels(*RANGE), high + 3)


def test_range_ends_where_it_is_told():
    used = WAVELENGTH[full_pixels(*RANGE)]
    assert 3750 <= used[0] < 3751
    assert 8997 < used[-1] <= 9000


def test_clean_pixels_are_full_pixels_without_emission():
    clean, full = clean_pixels(*RANGE), full_pixels(*RANGE)
    assert not np.any(clean & ~full)
    assert not np.any(clean & around(6564.6, 40))
    assert not np.any(clean & (WAVELENGTH < 3800))
    assert not np.any(clean & (WAVELENGTH > 8200))


# Vacuum wavelengths of NIST ASD, rounded; written here once more so that a slip in the table shows.
@pytest.mark.parametrize(
    "wavelength",
    [
        *(
            6564.61,
            4862.68,
            4341.68,
            4102.89,
            3971.20,
            3890.15,
            3836.47,
            5877.25,
            6679.99,
            7067.2,
            7776.3,
            8448.6,
        ),
        *(5019.8, 5170.5, 5318.1, 6549.85, 6585.27, 6718.29, 6732.67, 4960.30, 5008.24),
    ],
)
def test_lines_seen_in_emission_are_out(wavelength):
    assert not at(clean_pixels(*RANGE), wavelength)


@pytest.mark.parametrize(
    "wavelength", [4027.3, 4472.7, 4687.0, 4482.4, 4922.5, 4650.0, 5412.0, 3934.8]
)
def test_lines_that_tell_the_temperature_stay_in(wavelength):
    assert at(clean_pixels(*RANGE), wavelength)


def test_lines_are_in_vacuum():
    assert {name: centre for name, centre, _ in EMISSION_LINES}["H alpha"] == pytest.approx(
        6564.6, abs=0.1
    )


def test_masks_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        clean_pixels(*RANGE)[0] = True


def test_a_gap_leaves_the_full_range_and_nothing_else():
    gap = gapped_pixels(*RANGE, 8200.0, 9000.0)
    inside = (WAVELENGTH >= 8200) & (WAVELENGTH <= 9000)
    assert np.array_equal(gap, full_pixels(*RANGE) & ~inside)
    assert np.array_equal(gapped_pixels(*RANGE, 0.0, 0.0), full_pixels(*RANGE))
    assert np.array_equal(gapped_pixels(*RANGE, 9000.0, 8200.0), full_pixels(*RANGE))
