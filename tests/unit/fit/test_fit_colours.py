"""The reference tables as arrays of the extinction kernel."""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from obcat.fit.colours import bends, coefficients, colours
from obcat.kernels.extinction import BANDS, bolometric_corrections
from obcat.schema import SQL

REFERENCE = SQL.parent / "data" / "reference"
PARAMETERS = SimpleNamespace(colour_teff=20000.0)


def reader(table):
    return lambda: pa.RecordBatchReader.from_batches(
        table.schema, table.to_batches(max_chunksize=100)
    )


@pytest.fixture(scope="module")
def corrections():
    return pq.read_table(REFERENCE / "bolometric_corrections_lowg.parquet")


@pytest.fixture(scope="module")
def grid(corrections):
    return colours(reader(corrections), PARAMETERS).arrays


@pytest.fixture(scope="module")
def rows():
    return pa.csv.read_csv(REFERENCE / "extinction_coefficients.csv")


def test_every_node_of_the_table_comes_back_exactly(corrections, grid):
    at = [corrections[x].to_numpy() for x in ("teff", "logg", "feh")]
    bc, outside = bolometric_corrections(*at, **grid)
    np.testing.assert_array_equal(
        bc, np.stack([corrections[f"bc_{x}"].to_numpy() for x in BANDS], axis=1)
    )
    assert not outside.any()
    assert [len(grid[x]) for x in ("teff_nodes", "logg_nodes", "feh_nodes")] == [33, 9, 5]


def test_row_order_does_not_matter(corrections, grid):
    shuffled = corrections.take(np.random.default_rng(0).permutation(len(corrections)))
    again = colours(reader(shuffled), PARAMETERS).arrays
    assert all(np.array_equal(again[x], grid[x]) for x in grid)


def test_b2v_star_has_the_colour_of_the_reference_readme(corrections):
    """B2V, 20.4 kK, log g 4.19: J - Ks = -0.154 (Mamajek's table: -0.145).
    Ks stands in for H here.
    """
    with_ks = corrections.set_column(
        corrections.column_names.index("bc_h"), "bc_h", corrections["bc_ks"]
    )
    grid = colours(reader(with_ks), PARAMETERS).arrays
    bc, _ = bolometric_corrections([20400.0], [4.19], [0.0], **grid)
    assert bc[0, BANDS.index("h")] - bc[0, BANDS.index("j")] == pytest.approx(-0.154, abs=0.003)


def test_a_missing_node_lies_between_its_neighbours_in_metallicity(corrections, grid):
    drop = (corrections["teff"].to_numpy() == 20000) & (corrections["logg"].to_numpy() == 5)
    drop &= corrections["feh"].to_numpy() == 0
    assert drop.sum() == 1
    without = colours(reader(corrections.filter(pa.array(~drop))), PARAMETERS).arrays["bc_nodes"]
    t, g = list(grid["teff_nodes"]).index(20000), 8
    np.testing.assert_allclose(
        without[t, g, 2], (without[t, g, 1] + without[t, g, 3]) / 2, rtol=1e-12
    )


def test_a_missing_corner_is_not_extrapolated(corrections):
    some = corrections.filter(pa.array(corrections["feh"].to_numpy() <= 0))
    less = some.filter(
        pa.array(~((some["teff"].to_numpy() == 6000) & (some["feh"].to_numpy() == 0)))
    )
    assert np.isnan(colours(reader(less), PARAMETERS).arrays["bc_nodes"][0, :, -1]).all()


def test_empty_table_gives_arrays_of_no_length(corrections, rows):
    arrays = colours(reader(corrections.slice(0, 0)), PARAMETERS).arrays
    assert arrays["bc_nodes"].size == 0
    assert len(coefficients(reader(rows.slice(0, 0)), PARAMETERS).arrays["coefficients"]) == 0


def test_coefficients_are_the_row_of_the_star(rows):
    """The published row for 20,000 K, in the order of wavelength;
    that order is the one of falling coefficients.
    """
    expected = [4.091, 3.788, 3.565, 3.090, 2.604, 1.933, 1.920, 0.826, 0.520, 0.350]
    found = coefficients(reader(rows), PARAMETERS).arrays["coefficients"]
    np.testing.assert_array_equal(found, expected)
    assert all(a > b for a, b in pairwise(found))


def test_coefficients_between_rows_and_beyond_them(rows):
    between = coefficients(reader(rows), SimpleNamespace(colour_teff=np.sqrt(2e4 * 3e4))).arrays[
        "coefficients"
    ]
    assert between[0] == pytest.approx((4.091 + 4.101) / 2)
    with pytest.raises(
        ValueError, match="colour_teff = 8000 is outside the table: 10000 to 30000 K"
    ):
        coefficients(reader(rows), SimpleNamespace(colour_teff=8000))


def test_bends_are_a_grid_of_temperature_and_dust_or_nothing():
    rows = pa.csv.read_csv(REFERENCE / "extinction_law.csv")
    rows = rows.filter(pa.compute.equal(rows["node_r_v"], 3.1))
    found = bends(reader(rows), SimpleNamespace(colour_bends=1)).arrays
    assert found["bend"].shape == (4, 5, len(BANDS) + 1)
    row = rows.slice(7, 1).to_pylist()[0]
    place = (
        np.searchsorted(10 ** found["bend_log_teff"], row["teff"] - 1),
        np.searchsorted(found["bend_ebv"], row["node_ebv"]),
    )
    assert found["bend"][place] == pytest.approx([row[x] for x in (*BANDS, "ks")])
    none = bends(reader(rows), SimpleNamespace(colour_bends=0)).arrays
    assert not none["bend"].size
