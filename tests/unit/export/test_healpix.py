"""The sky of a release: cells that hold every star, and a HATS folder that holds every row once."""

import os
import subprocess

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy import units
from astropy.io import fits
from astropy_healpix import HEALPix
from release_rows import published

from obcat.export import healpix


def cell_of(rows: dict, order: int) -> np.ndarray:
    ra, dec = (np.array(rows[name]) * units.deg for name in ("ra", "dec"))
    return HEALPix(2**order, order="nested").lonlat_to_healpix(ra, dec)


def test_moc_is_of_the_cells_that_hold_a_star(rows, tmp_path):
    healpix.write_moc(tmp_path / "demo_moc.fits", published(rows))
    with fits.open(tmp_path / "demo_moc.fits") as opened:
        unique, head = opened[1].data["UNIQ"], opened[1].header
    assert (head["ORDERING"], head["MOCVERS"], head["COORDSYS"]) == ("NUNIQ", "2.0", "C")
    order = (np.log2(unique // 4) // 2).astype(int)
    inside = {
        int(cell)
        for o, u in zip(order, unique, strict=True)
        for cell in ((u - 4 ** (o + 1)) << 2 * (6 - o)) + np.arange(4 ** (6 - o))
    }
    assert inside == set(cell_of(rows, 6).tolist())


def test_four_cells_are_one_and_sixteen_as_well():
    found = dict(healpix._merged(np.array([*range(16), 20, 21, 22, 23, 40])))
    assert {order: cells.tolist() for order, cells in found.items() if len(cells)} == {
        4: [0], 5: [5], 6: [40]}  # fmt: skip


@pytest.mark.parametrize("most", [500_000, 5])
def test_hats_holds_every_row_once_in_its_cell(rows, tmp_path, monkeypatch, most):
    monkeypatch.setattr(healpix, "MOST", most)
    catalog = published(rows)
    healpix.write_hats(tmp_path / "a", catalog)
    data = tmp_path / "a" / "dataset"
    read = []
    for line in (tmp_path / "a" / "partition_info.csv").read_text().splitlines()[1:]:
        order, cell = map(int, line.split(","))
        part = pq.read_table(data / f"Norder={order}/Dir=0/Npix={cell}.parquet", partitioning=None)
        assert 0 < len(part) <= most
        found = part["_healpix_29"].to_numpy()
        assert np.all(found >> 2 * (29 - order) == cell)
        assert np.all(np.diff(found) >= 0)
        read.append(part)
    assert len(read) == pq.read_metadata(data / "_metadata").num_row_groups
    whole = pa.concat_tables(read).sort_by("specid")
    assert whole.drop_columns("_healpix_29").cast(catalog.rows.schema).equals(catalog.rows)
    assert whole["_healpix_29"].to_pylist() == cell_of(rows, 29).tolist()
    healpix.write_hats(tmp_path / "b", catalog)
    for path in (p for p in (tmp_path / "a").rglob("*") if p.is_file()):
        assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes()


def test_mocpy_reads_the_footprint(rows, tmp_path):
    from mocpy import MOC

    healpix.write_moc(tmp_path / "demo_moc.fits", published(rows))
    ra, dec = (np.array(rows[name]) * units.deg for name in ("ra", "dec"))
    footprint = MOC.from_fits(tmp_path / "demo_moc.fits")
    assert footprint.contains_lonlat(ra, dec).all()
    assert not footprint.contains_lonlat(ra + 180 * units.deg, -dec).any()


READ = """\
import sys

import lsdb
from hats.io.validation import is_valid_catalog

assert is_valid_catalog(sys.argv[1], strict=True, verbose=True)
lsdb.open_catalog(sys.argv[1], columns="all").compute().to_parquet(sys.argv[2])
"""


@pytest.mark.parametrize("most", [500_000, 5])
def test_lsdb_reads_every_row_and_value(rows, tmp_path, monkeypatch, most):
    """OBCAT_LSDB is a Python that has LSDB, of .ci/lsdb.sh: 700 MB, too much beside obcat."""
    if not os.environ.get("OBCAT_LSDB"):
        pytest.skip("OBCAT_LSDB does not name a Python with lsdb, as .ci/lsdb.sh makes it")
    monkeypatch.setattr(healpix, "MOST", most)
    catalog = published(rows)
    healpix.write_hats(tmp_path / "demo_hats", catalog)
    found = tmp_path / "read.parquet"
    command = [os.environ["OBCAT_LSDB"], "-c", READ, str(tmp_path / "demo_hats"), str(found)]
    run = subprocess.run(command, check=False, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    whole = pq.read_table(found).sort_by("specid")
    assert whole["_healpix_29"].to_pylist() == cell_of(rows, 29).tolist()
    assert whole.select(catalog.rows.column_names).cast(catalog.rows.schema).equals(catalog.rows)
