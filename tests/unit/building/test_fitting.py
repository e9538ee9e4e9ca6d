"""Training rows come in their order, each beside its own spectrum."""

import duckdb
import numpy as np
import pytest

from obcat.arrow import list_array
from obcat.build.fitting import _ordered, _rows
from obcat.db import SqlFile, StepFailed

N = 9_000
FIT = """-- Title:   One in three.
-- Spectra: spectra
SELECT specid, -n AS row FROM wanted ORDER BY {order}
"""


@pytest.fixture
def con():
    with duckdb.connect() as con:
        con.execute("SET threads = 8")
        name = "lpad(n::VARCHAR, 6, '0') AS specid"
        con.execute(f"CREATE TABLE wanted AS SELECT {name}, n FROM range(0, {N}, 3) AS r(n)")
        con.execute(
            f"CREATE TABLE spectra AS SELECT {name}, [n, -n]::FLOAT[2] AS flux, "
            f"[1, 2 * n]::FLOAT[2] AS ivar FROM range({N}) AS r(n)"
        )
        yield con


def fit(folder, order):
    path = folder / "10_fit.sql"
    path.write_text(FIT.format(order=order), encoding="utf-8")
    return SqlFile(path)


def test_rows_of_a_fit_have_their_spectra_in_order(con, tmp_path):
    file = fit(tmp_path, "specid")
    batches = list(_ordered(_rows(con, file), file))
    flux, ivar = (np.concatenate([list_array(b[x]) for b in batches]) for x in ("flux", "ivar"))
    row = np.concatenate([b["row"].to_numpy() for b in batches])
    np.testing.assert_array_equal(row, -np.arange(0, N, 3))
    np.testing.assert_array_equal(flux, np.stack([-row, row], axis=1))
    np.testing.assert_array_equal(ivar, np.stack([np.ones(len(row)), -2 * row], axis=1))


def test_spectra_out_of_order_stop_a_fit(con, tmp_path):
    file = fit(tmp_path, "specid")
    con.execute("INSERT INTO spectra SELECT '000000', flux, ivar FROM spectra LIMIT 1")
    with pytest.raises(StepFailed, match="not ordered by their first column"):
        list(_ordered(_rows(con, file), file))
