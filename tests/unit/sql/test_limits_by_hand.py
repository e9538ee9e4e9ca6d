"""Limits and sentinels, each layer by itself: what another layer would hide if it were lost."""

import math

import numpy as np
import pyarrow.parquet as pq
import pytest
from release_rows import COLUMNS, published, rows_of
from test_every_column import one_row

from obcat.export import ReleaseError, plain
from obcat.ingest.sources import SOURCES
from obcat.ingest.tables import ingest
from obcat.ingest.tables.names import factor
from obcat.ingest.tables.store import is_sentinel, sentinels
from obcat.kernels.distance import distance
from obcat.query.sql import answer
from obcat.schema import columns_of

WIDTH = 0.1  # of ln d: a normal distribution about the spectroscopic distance
NULLS = [c for c in COLUMNS if c.null not in ("yes", "no")]
STAGES = {
    "headers": "headers", "gaia_dr2": "gaia", "twomass": "twomass", "xstps": "xstps", "ps1": "ps1",
    "apass": "apass", "labels": "labels",
}  # fmt: skip
OTHERS = (
    "ra",
    "dec",
    "ref_epoch",
    *(f"mag{k}" for k in range(1, 8)),
)  # in no view that is looked at


@pytest.mark.parametrize(("sigmas", "edge"), [(3.0, 1), (4.0, 1), (4.15, 0), (5.0, 0)])
def test_a_distance_is_at_the_edge_where_a_thousandth_is_left(sigmas, edge):
    """With the spectrum alone ln d is normal, mean c + w^2, deviation w = 0.1:
    its density is 0.001 at 4.07 sigma.
    """
    mk_err = WIDTH / (0.2 * math.log(10))
    limit = math.exp(WIDTH**2 + sigmas * WIDTH)  # c = 0: Ks - A - M = 10, one kpc
    assert (math.exp(-(sigmas**2) / 2) / math.sqrt(2 * math.pi) / WIDTH > 1e-3) == bool(edge)
    zero, nan = np.zeros(1), np.full(1, np.nan)
    *_, found = distance(
        zero, zero + mk_err, zero + 10, zero, zero, zero, nan, nan, distance_max=limit
    )
    assert found.tolist() == [edge]


@pytest.mark.parametrize("unit", ["h", "hr", "hour", "hours", "hourangle", "H"])
def test_an_hour_is_fifteen_degrees(unit):
    assert factor(unit, "deg", "t.csv, column ra") == pytest.approx(15)


@pytest.mark.parametrize("missing", [-999.0, -9999.0])
@pytest.mark.parametrize("table", STAGES)
def test_stage_knows_sentinels_without_the_ingest(con, fill, table, missing):
    """No number of the view is the sentinel, or made of it: each is NULL, or as it was before."""
    row = one_row(f"raw.{table}")
    before = staged(con, fill, table, row)
    for name in [n for n, v in row.items() if isinstance(v, float) and n not in OTHERS]:
        after = staged(con, fill, table, row | {name: missing})
        changed = {n for n, v in after.items() if isinstance(v, float) and v != before[n]}
        assert changed <= ({"snr_g"} if name == "snr_g" else set()), name  # computed in its place


def staged(con, fill, table: str, row: dict) -> dict:
    con.execute(f"DELETE FROM raw.{table}")
    fill(con, f"raw.{table}", [row])
    return con.sql(f"FROM stage.{STAGES[table]}").to_arrow_table().to_pylist()[0]


@pytest.mark.parametrize("missing", [-999.0, -9999.0])
def test_ingest_knows_sentinels_without_the_stage(tmp_path, missing):
    """Every number but a position: accepted, kept as it came,
    and known for a number that says nothing.
    """
    for name, source in SOURCES.items():
        for c in source.columns:
            if c.type != "DOUBLE" or c.column in ("ra", "dec") or name == "zero_point":
                continue
            assert is_sentinel(np.array([missing]), c).tolist() == [True], (name, c.column)
            row = one_row(f"raw.{name}") | {c.column: missing}
            row |= {"ref_epoch": 2016.0} if name == "gaia_dr3" and c.column != "ref_epoch" else {}
            path = tmp_path / name / f"{c.column}.csv"
            path.parent.mkdir(exist_ok=True)
            path.write_text(
                f"{','.join(row)}\n{','.join(map(str, row.values()))}\n", encoding="utf-8"
            )
            out = tmp_path / name / c.column
            ingest(name, path, out, columns={})
            assert pq.read_table(out / f"{name}.parquet")[c.column].to_pylist() == [missing]


def test_sentinels_of_magnitudes_are_not_those_of_parallaxes():
    parallax, mag = (next(c for c in columns_of("raw.gaia_dr2") if c.column == name)
                     for name in ("parallax", "phot_g_mean_mag"))  # fmt: skip
    assert sentinels(parallax) == (-9999.0, -999.0)
    assert {99.0, 99.999, -9999.0, -999.0} <= set(sentinels(mag))


@pytest.mark.parametrize("column", NULLS, ids=lambda c: c.column)
def test_fits_alone_refuses_the_number_that_stands_for_null(tmp_path, column):
    rows = rows_of(5)
    rows[column.column] = [int(column.null), *rows[column.column][1:]]
    with pytest.raises(ReleaseError, match=f"{column.column}.*stands for NULL in a FITS file"):
        plain.write_fits(tmp_path / "x.fits", published(rows))


def test_the_cap_of_rows_stops_the_query_itself(database):
    """A million million rows are not made for the sake of ten: the time limit would refuse them."""
    found = answer(database, "FROM range(1000000000000)", max_rows=10, time_limit=5)
    assert found.cut
    assert found.table["range"].to_pylist() == list(range(10))


@pytest.mark.parametrize(
    ("rows", "cut"), [(2047, False), (2048, False), (2049, True), (4096, True)]
)
def test_an_answer_that_ends_with_the_cap_is_whole(database, rows, cut):
    """Rows come 2,048 at a time: one more than that is in another portion, and is cut off,
    and said to be.
    """
    found = answer(database, f"FROM range({rows})", max_rows=2048)
    assert (found.table.num_rows, found.cut) == (min(rows, 2048), cut)
