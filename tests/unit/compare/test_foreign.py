"""A catalog of others is read by the same rule as the tables of a survey."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.table import MaskedColumn, Table

from obcat.compare import names
from obcat.compare.join import read_foreign
from obcat.ingest.errors import IngestError
from obcat.schema import columns_of


def foreign(path: Path, **columns: str) -> pa.Table:
    return read_foreign(path, columns_of("catalog.ob_stars"), names(), columns)


def text(tmp_path: Path, content: str, **columns: str) -> dict[str, list]:
    (tmp_path / "t.csv").write_text(content)
    return foreign(tmp_path / "t.csv", **columns).to_pydict()


@pytest.mark.parametrize("word", ["-9999.0", "-999", "NA", "--", "", "inf", "99.999"])
def test_what_stands_for_null_is_null(word, tmp_path):
    got = text(tmp_path, f"specid,ebv,parallax\nk,{word},0.5\nl,0.25,0.75\n")
    assert (got["ebv"], got["parallax"]) == ([None, 0.25], [0.5, 0.75])


def test_a_sentinel_of_magnitudes_is_a_number_elsewhere(tmp_path):
    assert text(tmp_path, "specid,rv,dis\nk,-99.0,99.0\n")["rv"] == [-99.0]


def test_sentinels_in_32_bits(tmp_path):
    Table({"specid": ["k", "l"], "ebv": np.array([99.999, 0.5], np.float32)}).write(
        tmp_path / "t.fits"
    )
    assert foreign(tmp_path / "t.fits")["ebv"].to_pylist() == [None, 0.5]


def test_masked_values_of_others(tmp_path):
    table = Table({"specid": ["k", "l"], "mk": MaskedColumn([-1.5, 4.0], mask=[False, True])})
    table.write(tmp_path / "t.ecsv", format="ascii.ecsv", serialize_method="data_mask")
    assert foreign(tmp_path / "t.ecsv")["mk"].to_pylist() == [-1.5, None]


@pytest.mark.parametrize(
    "values", [pa.array([True, False, None]), pa.array(["T", "false", ""]), pa.array([1, 0, None])]
)
def test_flags_of_any_type(values, tmp_path):
    pq.write_table(pa.table({"specid": ["k", "l", "m"], "BinFlag": values}), tmp_path / "t.parquet")
    assert foreign(tmp_path / "t.parquet")["binary_flag"].to_pylist() == [1.0, 0.0, None]


def test_names_of_spectra_as_they_are_on_disk_or_unpadded(tmp_path):
    got = text(tmp_path, "SpecID,FileName\n56001-B_1-4-7,d/spec-56001-B_1_sp04-007.fits.gz\n")
    assert got["specid"] == ["56001-B_1-04-007"]
    assert got["fitsname"] == ["spec-56001-B_1_sp04-007.fits"]


@pytest.mark.parametrize(
    ("unit", "value", "expect"),
    [("kpc", 1.5, 1.5), ("pc", 1500.0, 1.5), ("[pc]", 3.0, 1.0), ("log(kpc)", 0.0, 1.0)],
)
def test_units_of_distances(unit, value, expect, tmp_path):
    rows = f"specid\tdis\n\t{unit}\n------\t----\nk\t{value}\n"
    assert text(tmp_path, rows)["dis"] == [pytest.approx(expect)]


def test_names_twice_rounded_ids_and_unknown_units_stop(tmp_path):
    with pytest.raises(IngestError, match="column 'mk' is there 2 times"):
        text(tmp_path, "specid,mk,mk\nk,1,2\n")
    ids = (
        (2**61 + 128 * np.random.default_rng(2).integers(0, 2**50, 25))
        .astype(float)
        .astype(np.int64)
    )
    with pytest.raises(IngestError, match="went through a float"):
        text(tmp_path, "GaiaDR2,mk\n" + "".join(f"{i},1\n" for i in ids))
    with pytest.raises(IngestError, match="unit 'cubit' is not known"):
        text(tmp_path, "specid\tdis\n\tcubit\n------\t----\nk\t1\n")
