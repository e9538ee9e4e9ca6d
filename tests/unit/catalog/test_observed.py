"""A user's arrays as what they are: masks, units, uncertainties, scale;
or refused with what was given and the remedy.
"""

import re
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.nddata import (
    InverseVariance,
    NDData,
    StdDevUncertainty,
    UnknownUncertainty,
    VarianceUncertainty,
)
from astropy.table import Column, MaskedColumn
from astropy.utils.masked import Masked

from obcat.kernels.grid import N_PIXEL, WAVELENGTH, on_grid
from obcat.prediction import gridded, redshifts, signal_to_noise

NOISE = np.random.default_rng(4)
FLUX = (2000 * (WAVELENGTH / 5000) ** -2 * NOISE.normal(1, 0.02, (2, N_PIXEL))).astype(np.float32)
IVAR = NOISE.uniform(1e-4, 4e-4, (2, N_PIXEL)).astype(np.float32)
HIDDEN = np.zeros((2, N_PIXEL), bool)
HIDDEN[0, 700:740] = HIDDEN[1, 2500:2520] = True
WRONG = np.where(HIDDEN, 9 * FLUX, FLUX)
PLAIN = on_grid(WAVELENGTH, FLUX.astype(float), IVAR.astype(float))
MASKED = on_grid(WAVELENGTH, FLUX.astype(float), np.where(HIDDEN, 0.0, IVAR))
FLAM = u.erg / u.s / u.cm**2 / u.AA
FNU = u.erg / u.s / u.cm**2 / u.Hz


def same(found: tuple[np.ndarray, np.ndarray], expected: tuple[np.ndarray, np.ndarray]) -> bool:
    return all(np.array_equal(f, e) for f, e in zip(found, expected, strict=True))


def close(
    found: tuple[np.ndarray, np.ndarray],
    expected: tuple[np.ndarray, np.ndarray],
    scale: float = 1.0,
) -> bool:
    return bool(
        np.allclose(found[0], expected[0] * scale, rtol=1e-5)
        and np.allclose(found[1] * scale**2, expected[1], rtol=1e-5)
    )


def test_plain_arrays_come_through_to_the_last_bit():
    assert same(gridded(WAVELENGTH, FLUX, IVAR), PLAIN)
    assert same(
        gridded(WAVELENGTH.tolist(), FLUX[0].tolist(), IVAR[0].tolist()),
        tuple(p[:1] for p in PLAIN),
    )


MASKS: dict[str, Any] = {
    "numpy": (np.ma.array(WRONG, mask=HIDDEN), IVAR),
    "numpy, in ivar": (WRONG, np.ma.array(IVAR, mask=HIDDEN)),
    "quantity": (Masked(WRONG * FLAM, mask=HIDDEN), IVAR / FLAM**2),
    "column": (MaskedColumn(WRONG, mask=HIDDEN), Column(IVAR)),
    "nddata": (NDData(WRONG, mask=HIDDEN, unit=FLAM), InverseVariance(IVAR, unit=FLAM**-2)),
    "nddata without a unit": (NDData(WRONG, mask=HIDDEN), IVAR),
    "each its own": (
        np.ma.array(WRONG, mask=HIDDEN & [[True], [False]]),
        np.ma.array(IVAR, mask=HIDDEN & [[False], [True]]),
    ),
    "NaN": (np.where(HIDDEN, np.nan, FLUX), IVAR),
}


@pytest.mark.parametrize("kind", MASKS)
def test_a_mask_of_any_kind_hides_its_pixels(kind):
    flux, ivar = gridded(WAVELENGTH, *MASKS[kind])
    assert not ivar[HIDDEN].any()
    assert np.array_equal(flux[~HIDDEN], MASKED[0][~HIDDEN])
    assert np.array_equal(ivar, MASKED[1])


def test_masked_wavelengths_leave_their_pixels_out():
    hidden = np.zeros(N_PIXEL, bool)
    hidden[1000:1003] = True
    strange = np.where(hidden, -1.0, WAVELENGTH)
    _, ivar = gridded(np.ma.array(strange, mask=hidden), FLUX, IVAR)
    assert not ivar[:, hidden].any()
    assert np.array_equal(ivar[:, ~hidden], PLAIN[1][:, ~hidden])
    assert np.array_equal(gridded(np.where(hidden, np.nan, WAVELENGTH), FLUX, IVAR)[1], ivar)
    hidden[[0, -1]] = True
    for turn in (slice(None), slice(None, None, -1)):
        masked = np.ma.array(strange, mask=hidden)[turn]
        found = gridded(masked, FLUX[:, turn], IVAR[:, turn])[1]
        assert np.array_equal(found, np.where(hidden, 0, PLAIN[1]))


WAVELENGTHS: dict[str, Any] = {
    "nm": WAVELENGTH / 10 * u.nm,
    "um": WAVELENGTH / 1e4 * u.um,
    "m": WAVELENGTH * 1e-10 * u.m,
    "dex": np.log10(WAVELENGTH) * u.dex(u.AA),
    "Angstrom column": Column(WAVELENGTH, unit="Angstrom"),
    "nm column": Column(WAVELENGTH / 10, unit="nm"),
}


@pytest.mark.parametrize("unit", WAVELENGTHS)
def test_wavelengths_in_any_unit(unit):
    assert close(gridded(WAVELENGTHS[unit], FLUX, IVAR), PLAIN)


@pytest.mark.parametrize("unit", [u.Hz, u.eV, u.cm**-1])
def test_spectra_by_frequency_are_turned_round(unit):
    where = (WAVELENGTH * u.AA).to(unit, u.spectral())
    assert close(gridded(where, FLUX, IVAR), PLAIN)
    assert close(gridded(where[::-1], FLUX[:, ::-1], IVAR[:, ::-1]), PLAIN)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (np.log10(WAVELENGTH), r"if they are log10 of Angstrom, give 10\*\*wavelength"),
        (np.log(WAVELENGTH), "natural logarithm"),
        (WAVELENGTH / 10, r"if they are nanometres, give wavelength \* astropy.units.nm"),
        (WAVELENGTH / 1e4, "micrometres"),
        (WAVELENGTH * 1e-10, "metres"),
        (
            np.arange(N_PIXEL) / 1e3 + 20,
            "wavelengths 20 to 23.908 do not reach 3700 to 9100 Angstrom$",
        ),
        (WAVELENGTH * u.s, "wavelength has the unit s: give wavelengths in Angstrom"),
        (["a"] * N_PIXEL, "wavelength: list is not an array of numbers"),
    ],
)
def test_what_is_no_wavelength_is_refused_with_a_guess(given, said):
    with pytest.raises(ValueError, match=said) as error:
        gridded(given, FLUX, IVAR)
    assert "\n" not in str(error.value)


UNCERTAINTIES: dict[str, Any] = {
    "std": StdDevUncertainty(IVAR.astype(float) ** -0.5),
    "var": VarianceUncertainty(1 / IVAR.astype(float)),
    "ivar": InverseVariance(IVAR),
}


@pytest.mark.parametrize("kind", UNCERTAINTIES)
@pytest.mark.parametrize("unit", [None, FLAM])
def test_uncertainties_of_nddata_are_what_they_say(kind, unit):
    flux = FLUX if unit is None else FLUX * unit
    assert close(gridded(WAVELENGTH, flux, UNCERTAINTIES[kind]), PLAIN)


def test_uncertainties_in_another_unit_of_flux():
    small = u.Unit("1e-17 erg / (s cm2 AA)")
    for uncertainty in (
        StdDevUncertainty(1e17 * IVAR.astype(float) ** -0.5, unit=small),
        VarianceUncertainty(1e34 / IVAR.astype(float), unit=small**2),
        InverseVariance(IVAR * 1e-34, unit=small**-2),
        IVAR * 1e-34 * small**-2,
    ):
        assert close(gridded(WAVELENGTH, FLUX * FLAM, uncertainty), PLAIN)


def test_an_error_of_zero_is_a_masked_pixel():
    error = np.where(HIDDEN, 0.0, IVAR.astype(float) ** -0.5)
    assert np.array_equal(gridded(WAVELENGTH, FLUX, StdDevUncertainty(error))[1] > 0, ~HIDDEN)


@pytest.mark.parametrize(
    ("flux", "ivar", "said"),
    [
        (
            FLUX,
            UnknownUncertainty(IVAR),
            "ivar: UnknownUncertainty does not say what it is; give 1 / error**2",
        ),
        (
            FLUX * FLAM,
            IVAR * FLAM,
            "ivar has the unit erg / (Angstrom s cm2), flux erg / (Angstrom s cm2)",
        ),
        (FLUX, IVAR / FLAM**2, "flux none: give 1 / error**2"),
        (FLUX * u.mag, IVAR, "flux has the unit mag, a logarithm: give flux"),
        (FLUX / 200 * u.ABmag, IVAR, "a logarithm: give flux"),
        (
            FLUX[:, :9],
            IVAR,
            "wavelength (3909,), flux (2, 9), ivar (2, 3909): need (p,), (n, p), (n, p)",
        ),
        (FLUX, IVAR[:1], "ivar (1, 3909)"),
        (FLUX, [[None, "x"]], "ivar: list is not an array of numbers"),
    ],
    ids=["unknown", "sigma", "unit", "mag", "ABmag", "shape", "rows", "text"],
)
def test_what_cannot_be_is_refused_by_name(flux, ivar, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        gridded(WAVELENGTH, flux, ivar)


@pytest.mark.parametrize("power", [-90, -40, -17, -6, 0, 6, 40, 120])
def test_any_scale_of_flux_keeps_every_spectrum(power):
    """Powers of ten from the SI to counts:
    the same spectrum up to one factor, in the range of float32.
    """
    scale = 10.0**power
    flux, ivar = gridded(WAVELENGTH, FLUX.astype(float) * scale, IVAR.astype(float) / scale**2)
    factor = float(np.median(flux[0] / PLAIN[0][0]))
    assert close((flux, ivar), PLAIN, factor)
    assert 1e-3 < np.median(flux) < 1e8


def test_spectra_of_different_scales_come_together():
    scale = np.array([[1e-30], [1.0]])
    flux, ivar = gridded(WAVELENGTH, FLUX * scale, IVAR / scale**2)
    assert same((flux[1:], ivar[1:]), tuple(p[1:] for p in PLAIN))
    assert (ivar[0] > 0).all()


@pytest.mark.parametrize("unit", [FNU, u.Jy, u.photon / u.s / u.cm**2 / u.AA])
def test_flux_per_frequency_or_photon_becomes_flux_per_wavelength(unit):
    flux = (FLUX.astype(float) * 1e-17 * FLAM).to(unit, u.spectral_density(WAVELENGTH * u.AA))
    ivar = IVAR * (FLUX.astype(float) / flux.value) ** 2 / unit**2
    found = gridded(WAVELENGTH, flux, ivar)
    assert close(found, PLAIN, float(np.median(found[0] / PLAIN[0])))


def test_units_that_are_no_flux_density_are_taken_as_they_are():
    assert close(gridded(WAVELENGTH, FLUX * u.adu, IVAR / u.adu**2), PLAIN)
    assert same(gridded(WAVELENGTH, FLUX * u.dimensionless_unscaled, IVAR), PLAIN)


def test_redshifts_that_are_none_are_unknown_and_velocities_refused():
    assert redshifts(np.ma.array([1e-4, 5.0], mask=[False, True]), 2).tolist()[0] == 1e-4
    assert np.isnan(redshifts([-9999, np.nan, None], 3)).all()
    assert redshifts(-1e-4, 3).tolist() == [-1e-4] * 3
    for velocity in (30.0, -30.0, [0.0, 0.2]):
        with pytest.raises(
            ValueError,
            match=r"is the redshift of no star; a velocity in km/s is z times 299792\.458",
        ):
            redshifts(velocity, 2)
    with pytest.raises(ValueError, match=r"z has the unit km / s: give the redshift"):
        redshifts(30 * u.km / u.s, 1)


def test_signal_to_noise_is_computed_where_none_is_given():
    computed = signal_to_noise(None, *PLAIN)
    assert (computed > 10).all()
    for none in (0, -9999, 99, 999, np.nan, np.ma.masked):
        given = np.ma.array([50.0, 1.0])
        given[1] = none
        assert signal_to_noise(given, *PLAIN).tolist() == [50.0, computed[1]]
    assert np.isnan(signal_to_noise(0, -PLAIN[0], PLAIN[1])).all()
