"""Cooler companions of mock binaries:
the main sequence, one distance, light added, what the section says of them.
"""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pyarrow.parquet as pq
import pytest

import obcat
from obcat.evaluate import binaries as companions
from obcat.evaluate import composites
from obcat.kernels.grid import N_PIXEL, WAVELENGTH

ISOCHRONES = Path(obcat.__file__).parent / "data" / "reference" / "isochrones.parquet"


def dwarfs(teff: np.ndarray, slope: float = 0.0) -> tuple[np.ndarray, ...]:
    """Black bodies with one line, reddened or wrongly calibrated by a slope in ln wavelength;
    ivar, z, teff.
    """
    line = 1 - 0.3 * np.exp(-(((WAVELENGTH - 4862.7) / 8) ** 2) / 2)
    flux = companions.black_body(teff) * line * np.exp(slope * np.log(WAVELENGTH / 5500)) * 321.0
    return flux.astype(np.float32), np.full(flux.shape, 1e-4, np.float32), np.zeros(len(teff)), teff


def test_main_sequence_is_that_of_the_isochrones():
    table = pq.read_table(ISOCHRONES)
    column = {name: table[name].to_numpy() for name in table.column_names}
    for mass, teff, m_v, m_ks in companions.MAIN_SEQUENCE:
        age = 8 if mass < 5 else 7
        rows = np.flatnonzero(
            (column["feh"] == 0) & (column["phase"] == 0) & np.isclose(column["log_age"], age)
        )
        near = rows[np.argmin(np.abs(column["initial_mass"][rows] - mass))]
        assert 10 ** column["log_teff"][near] == pytest.approx(teff, rel=1e-3)
        assert (column["v"][near], column["ks"][near]) == pytest.approx((m_v, m_ks), abs=0.01)


def test_dwarfs_between_and_outside_the_rows():
    mass, m_v, m_ks = companions.dwarf(np.array([9095.0, 8700.0, 3000.0, 40_000.0]))
    assert (mass[0], m_v[0], m_ks[0]) == pytest.approx((2.0, 1.7, 1.66))
    assert 1.8 < mass[1] < 2.0
    assert 1.70 < m_v[1] < 2.10
    assert np.isnan(mass[2:]).all()


@pytest.mark.parametrize("slope", [0.0, 1.5, -2.0])
def test_one_distance_whatever_the_reddening(slope):
    teff = np.array([9095.0, 6035.0])
    flux, ivar, z, _ = dwarfs(teff, slope)
    flux, ivar = companions.at_one_distance(flux, ivar, z, teff, level=2.0)
    pixel = np.argmin(np.abs(WAVELENGTH - 5500))
    assert flux[:, pixel] == pytest.approx(2 * 10 ** (-0.4 * np.array([1.70, 4.55])), rel=0.01)
    blue = np.argmin(np.abs(WAVELENGTH - 4200))
    expected = companions.black_body(teff)[:, blue]
    assert flux[:, blue] / flux[:, pixel] == pytest.approx(expected, rel=0.01)
    assert flux * np.sqrt(ivar) == pytest.approx(
        dwarfs(teff, slope)[0] * 1e-2, rel=1e-3
    )  # S/N stays
    line = np.argmin(np.abs(WAVELENGTH - 4862.7))
    assert (
        flux[0, line] / np.interp(4862.7, WAVELENGTH[[blue, pixel]], flux[0, [blue, pixel]]) < 0.75
    )


def test_a_black_body_of_the_sun_is_brightest_where_wien_says():
    body = companions.black_body(np.array([5772.0]))[0]
    assert WAVELENGTH[body.argmax()] == pytest.approx(2.8978e7 / 5772, rel=1e-3)
    assert np.interp(5500, WAVELENGTH, body) == pytest.approx(1, rel=1e-6)


def test_stars_outside_the_main_sequence_and_spectra_with_gaps_give_nothing():
    flux, ivar, z, teff = dwarfs(np.array([3000.0, 6035.0, 6035.0]))
    ivar[1, np.abs(WAVELENGTH - 6150) < 30] = 0
    scaled, weight = companions.at_one_distance(flux, ivar, z, teff, level=1.0)
    assert not scaled[:2].any()
    assert not weight[:2].any()
    assert scaled[2].any()


def test_level_is_the_flux_of_a_star_of_magnitude_zero():
    flux = np.full((3, N_PIXEL), 1.0) * 10 ** (-0.4 * np.array([[0.0], [1.0], [-2.0]])) * 0.7
    assert companions.level_of(flux, np.array([0.0, 1.0, -2.0])) == pytest.approx(0.7)


def test_added_light_and_masks():
    one, other = np.full((1, N_PIXEL), 3.0), np.full((1, N_PIXEL), 1.0)
    weight = np.full((1, N_PIXEL), 4.0)
    hole = weight.copy()
    hole[0, 7] = 0
    flux, ivar = companions.add_light((one, weight), (other, hole))
    assert flux[0, 8] == 4
    assert ivar[0, 8] == 2  # variances add
    assert flux[0, 7] == ivar[0, 7] == 0


@pytest.fixture
def fake(monkeypatch) -> composites.Library:
    """Six primaries of flux 1 and M_spec 0; M_spec of a sum is minus what a companion adds."""
    teff = np.array([12_000.0] * 3 + [16_000.0] * 3)
    flux, ivar = np.ones((6, N_PIXEL)), np.full((6, N_PIXEL), 1e4)
    stars: dict[str, Any] = {
        "teff": teff,
        "m_bp": np.zeros(6),
        "mk_geo": np.array([0, 0.2, 0.9, 0, 0.3, 3.0]),
    }
    monkeypatch.setattr(composites, "survey_mk", lambda _, flux, __: 1 - np.mean(flux, axis=1))
    return composites.Library(stars, flux, ivar, np.zeros(6))


def test_rows_of_companions_by_both_types(fake):
    flux, ivar, z, teff = dwarfs(np.array([9095.0, 9095.0, 6475.0]))
    table = {"flux": flux, "ivar": ivar, "z": z, "teff": teff}
    rows = composites.typed_rows(None, fake, table, "A", (7500, 10_000))  # type: ignore[arg-type]
    assert [row[:2] for row in rows] == [("late B (below 14,000 K) + A", "3"),
        ("B (14,000 to 20,000 K) + A", "3"), ("above 20,000 K + A", "0")]  # fmt: skip
    # 10 ** (-0.4 * 1.70) of the light; two of 3.13 solar masses for 12,000 K
    assert rows[0][2:4] == ("0.64", "20.9 %")
    added = 10 ** (-0.4 * 1.70) * companions.black_body(teff[:1]).mean()
    assert float(rows[0][4]) == pytest.approx(-added, abs=0.003)  # the line takes away a little
    assert rows[0][-1] == "0.0 %"
    none = composites.typed_rows(None, fake, table, "G", (5400, 6000))  # type: ignore[arg-type]
    assert {row[1] for row in none} == {"0"}


def test_rows_of_pairs_by_difference(fake):
    rows = composites.pair_rows(None, fake)  # type: ignore[arg-type]
    assert len(rows) == 12
    assert 3 <= sum(int(row[1]) for row in rows) <= 6  # a star is not paired with itself
    assert {row[4] for row in rows if row[1] != "0"} == {
        "-1.000"
    }  # equal fluxes: all the light once more


def test_a_catalog_without_spectra_has_no_mock_binaries(monkeypatch):
    few = composites.FEWEST
    singles: dict[str, Any] = {"mk": np.zeros(few), "flux": np.empty((few, 0), np.float32)}
    monkeypatch.setattr(composites.reading, "answer_arrays", lambda con, name: singles)
    section = composites.pairs(cast(Any, SimpleNamespace(con=None)))
    assert (section.note, section.rows) == (composites.NO_SPECTRA, [])
