"""The spread of R_V, of stars whose spread is known."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from obcat.fit.colours import rv_spread

ENOUGH = SimpleNamespace(rv_min_stars=200)


def stars(n=4000, spread=0.2, floor=0.02, wrong=0.03, seed=5):
    """R_V normal, one in thirty stars a magnitude off, intrinsic colours 0.03 mag wrong."""
    rng = np.random.default_rng(seed)
    ebv, error = rng.exponential(0.5, n), rng.uniform(0.01, 0.04, n)
    slope = 0.4 * ebv
    contrast = 0.03 + rng.normal(0, np.sqrt(error**2 + floor**2 + (spread * slope) ** 2))
    contrast[rng.random(n) < wrong] += 1.0
    return pa.table({"star_id": [f"S{i}" for i in range(n)], "contrast": contrast,
                     "contrast_err": error, "contrast_rv": slope})  # fmt: skip


def fitted(table, parameters=ENOUGH):
    return rv_spread(table.to_reader, parameters).arrays["rv_spread"]


@pytest.mark.parametrize("spread", [0.05, 0.2, 0.4])
def test_a_known_spread_is_found_whatever_a_few_stars_say(spread):
    assert fitted(stars(spread=spread)) == pytest.approx([spread], rel=0.15)


def test_scatter_that_does_not_grow_with_dust_is_no_spread():
    assert fitted(stars(spread=0.0, floor=0.05)) < 0.05


def test_too_few_stars_tell_nothing_and_unknown_ones_do_not_count():
    assert fitted(stars(199)).shape == (0,)
    table = stars(250)
    holes = np.where(np.arange(250) < 60, np.nan, table["contrast"].to_numpy())
    assert fitted(table.set_column(1, "contrast", pa.array(holes, from_pandas=True))).shape == (0,)
    assert fitted(stars(0)).shape == (0,)
