"""Parquet: types, NULLs and ids as the database has them; every page has a checksum;
a VOTable describes it.
"""

import io
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from astropy.io import votable as astropy_votable
from astropy.table import Table
from release_rows import BIG, COLUMNS, NAMES, published

from obcat.export import plain


@pytest.fixture(scope="module")
def path(tmp_path_factory, rows) -> Path:
    file = tmp_path_factory.mktemp("parquet") / "demo.parquet"
    plain.write_parquet(file, published(rows))
    return file


def test_pyarrow_reads_every_value(path, rows):
    table = pq.read_table(path, page_checksum_verification=True)
    assert table.to_pydict() == rows
    assert [(f.name, f.type, f.nullable) for f in table.schema] == [
        (c.column, c.arrow_type, not c.required) for c in COLUMNS
    ]


def test_duckdb_reads_every_value(path, rows):
    with duckdb.connect() as con:
        assert con.read_parquet(str(path)).to_arrow_table().to_pydict() == rows


def test_pandas_reads_every_id_with_its_nullable_types(path, rows):
    frame = pd.read_parquet(path, dtype_backend="numpy_nullable")
    assert [None if pd.isna(v) else v for v in frame["gaia_id"]] == rows["gaia_id"]
    assert [None if pd.isna(v) else v for v in frame["gaia_name"]] == rows["gaia_name"]


def test_pandas_reads_every_value_without_hints(path, rows):
    """Left to itself pandas makes a double of an integer with NULLs,
    and another star of a Gaia id.
    """
    frame = pd.read_parquet(path)
    assert list(frame) == NAMES
    assert list(frame.index) == list(range(len(rows["specid"])))
    for name in NAMES:
        assert [None if pd.isna(v) else v for v in frame[name]] == rows[name], name
    kinds = {c.column: c.type for c in COLUMNS if c.type in plain.NULLABLE and not c.required}
    assert {name: str(frame[name].dtype) for name in kinds} == {
        name: plain.NULLABLE[kind] for name, kind in kinds.items()
    }
    assert str(frame["uniqflag"].dtype) == "int32"
    assert str(frame["mk"].dtype) == "float64"


def test_pandas_reads_some_columns_and_no_rows(path, rows, tmp_path):
    assert pd.read_parquet(path, columns=["gaia_id"])["gaia_id"][0] == BIG
    plain.write_parquet(tmp_path / "empty.parquet", published({name: [] for name in NAMES}))
    assert str(pd.read_parquet(tmp_path / "empty.parquet")["gaia_id"].dtype) == "Int64"


def test_polars_reads_every_value(path, rows):
    polars = pytest.importorskip("polars", reason="polars is not a dependency")
    assert polars.read_parquet(path).to_dict(as_series=False) == rows


def test_astropy_reads_units_and_descriptions_and_the_text_twin(path, rows):
    """astropy makes doubles of integers with NULLs and rounds them:
    the text twin is for such readers.
    """
    table = Table.read(path, format="parquet.votable")
    assert table.colnames == NAMES
    assert str(table["pmra"].unit) == "mas / yr"
    assert table["mk"].description == COLUMNS[NAMES.index("mk")].description
    assert table["gaia_id"].dtype == np.float64
    assert [str(v) for v in table["gaia_name"]] == [str(v) for v in rows["gaia_name"]]
    assert list(table["specid"]) == rows["specid"]


def test_the_votable_in_it_is_a_votable(path):
    keys = pq.read_schema(path).metadata
    assert keys[b"IVOA.VOTable-Parquet.version"] == b"1.0"
    described = astropy_votable.parse(
        io.BytesIO(keys[b"IVOA.VOTable-Parquet.content"])
    ).get_first_table()
    assert [(f.name, f.ucd) for f in described.fields] == [(c.column, c.ucd) for c in COLUMNS]
    assert keys[b"obcat.simulated"] == b"yes"
    assert b"SIMULATED" in keys[b"IVOA.VOTable-Parquet.content"]


def test_a_real_survey_is_not_called_simulated(tmp_path, rows):
    plain.write_parquet(tmp_path / "real.parquet", published(rows, simulated=False))
    keys = pq.read_schema(tmp_path / "real.parquet").metadata
    assert keys[b"obcat.simulated"] == b"no"
    assert b"SIMULATED" not in keys[b"IVOA.VOTable-Parquet.content"]


def test_a_changed_bit_of_any_column_is_noticed(path, tmp_path):
    """The last bytes of a column are those of its only data page;
    without checksums most changes pass in silence.
    """
    data = path.read_bytes()
    group = pq.ParquetFile(path).metadata.row_group(0)
    for chunk in map(group.column, range(0, group.num_columns, 7)):
        first = chunk.dictionary_page_offset or chunk.data_page_offset
        changed = bytearray(data)
        changed[first + chunk.total_compressed_size - 3] ^= 8
        (tmp_path / "x.parquet").write_bytes(changed)
        with pytest.raises(OSError, match=r"(?i)crc"):
            pq.read_table(tmp_path / "x.parquet", page_checksum_verification=True)


def test_an_empty_catalog_is_a_table_without_rows(tmp_path):
    plain.write_parquet(tmp_path / "empty.parquet", published({name: [] for name in NAMES}))
    assert pq.read_table(tmp_path / "empty.parquet").num_rows == 0


def test_ids_are_exact(path):
    assert pq.read_table(path)["gaia_id"][0].as_py() == BIG
