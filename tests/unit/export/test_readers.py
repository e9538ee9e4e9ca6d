"""Every export in every common reader:
each identifier, integer and text exact, each NULL a NULL.
"""

import csv
import io
import shutil
import subprocess
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from astropy.table import Table
from release_rows import BIG, COLUMNS, INTEGERS, NAMES, TEXTS, rows_of, store

from obcat.export.cds.column import label
from obcat.export.release import release

Columns = dict[str, list[Any]]
PANDAS = {
    "BIGINT": "Int64",
    "INTEGER": "Int32",
    "SMALLINT": "Int16",
    "DOUBLE": "float64",
    "VARCHAR": "string",
}


@pytest.fixture(scope="module")
def rows() -> Columns:
    return rows_of(40)


@pytest.fixture(scope="module")
def folder(template, tmp_path_factory, rows) -> Path:
    path = Path(shutil.copy(template, tmp_path_factory.mktemp("readers") / "source.duckdb"))
    store(path, rows)
    release(path, path.parent / "release")
    return path.parent / "release"


def from_astropy(table: Table) -> Columns:
    return {
        name: [None if np.ma.is_masked(v) else v for v in table[name]] for name in table.colnames
    }


def from_pandas(frame: pd.DataFrame) -> Columns:
    return {name: [None if pd.isna(v) else v for v in frame[name]] for name in frame}


def from_cds(table: Table) -> Columns:
    read = from_astropy(table)
    return {name: read[label(name)] for name in NAMES}


def from_duckdb(query: str, path: Path, database: str = ":memory:") -> Columns:
    with duckdb.connect(database, read_only=database != ":memory:") as con:
        return con.sql(query.format(path=path)).to_arrow_table().to_pydict()


def polars() -> Any:
    return pytest.importorskip("polars", reason="polars is not installed")


def stilts(path: Path, form: str) -> Columns:
    """What STILTS, and so TOPCAT, makes of a file."""
    if not shutil.which("stilts"):
        pytest.skip("stilts is not installed: apt-get install stilts")
    command = ["stilts", "tpipe", f"in={path}", f"ifmt={form}", "ofmt=csv"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    head, *lines = csv.reader(io.StringIO(done.stdout))
    return {
        name: [v or None for v in column]
        for name, column in zip(head, zip(*lines, strict=True), strict=True)
    }


def machine_readable(folder: Path, path: Path) -> Path:
    """ReadMe and table in one file, as the AAS wants them: STILTS reads no CDS package but this."""
    text = (folder / "cds" / "ReadMe").read_text(encoding="ascii")
    (head,) = (part for part in text.split("\n\n") if part.startswith("Byte-by-byte"))
    table = (folder / "cds" / "obstars.dat").read_text(encoding="ascii")
    path.write_text(
        f"Title: t\nAuthors: a\nTable: b\n{'=' * 80}\n{head}\n{table}", encoding="ascii"
    )
    return path


READERS = {
    "FITS astropy": lambda d, _: from_astropy(
        Table.read(d / "demo.fits", hdu=1, mask_invalid=True)
    ),
    "FITS pandas": lambda d, _: from_pandas(
        Table.read(d / "demo.fits", hdu=1, character_as_bytes=False).to_pandas()
    ),
    "FITS stilts": lambda d, _: stilts(d / "demo.fits", "fits"),
    "VOTable astropy": lambda d, _: from_astropy(Table.read(d / "demo.vot")),
    "VOTable stilts": lambda d, _: stilts(d / "demo.vot", "votable"),
    "CSV astropy": lambda d, _: from_astropy(Table.read(d / "demo.csv", format="ascii.csv")),
    "CSV duckdb": lambda d, _: from_duckdb("FROM '{path}'", d / "demo.csv"),
    "CSV pandas": lambda d, _: from_pandas(
        pd.read_csv(d / "demo.csv", dtype={c.column: PANDAS[c.type] for c in COLUMNS})
    ),
    "CSV polars": lambda d, _: (
        polars().read_csv(d / "demo.csv", infer_schema_length=None).to_dict(as_series=False)
    ),
    "CSV pyarrow": lambda d, _: pacsv.read_csv(
        d / "demo.csv", convert_options=pacsv.ConvertOptions(strings_can_be_null=True)
    ).to_pydict(),
    "CSV stilts": lambda d, _: stilts(d / "demo.csv", "csv"),
    "Parquet duckdb": lambda d, _: from_duckdb("FROM '{path}'", d / "demo.parquet"),
    "Parquet pandas": lambda d, _: from_pandas(
        pd.read_parquet(d / "demo.parquet", dtype_backend="numpy_nullable")
    ),
    "Parquet polars": lambda d, _: (
        polars().read_parquet(d / "demo.parquet").to_dict(as_series=False)
    ),
    "Parquet pyarrow": lambda d, _: pq.read_table(d / "demo.parquet").to_pydict(),
    "CDS astropy": lambda d, _: from_cds(
        Table.read(d / "cds" / "obstars.dat", format="ascii.cds", readme=str(d / "cds" / "ReadMe"))
    ),
    "CDS stilts": lambda d, t: dict(
        zip(NAMES, stilts(machine_readable(d, t / "x.mrt"), "mrt").values(), strict=True)
    ),
    "DuckDB": lambda d, _: from_duckdb(
        "FROM catalog.ob_stars ORDER BY specid", d, database=str(d / "obcat.duckdb")
    ),
}


def exact(values: list[Any]) -> list[str | None]:
    """Integers and texts as text; an empty text is NULL, as in FITS and VOTable."""
    return [None if v is None or str(v) == "" else str(v) for v in values]


@pytest.mark.parametrize("reader", READERS)
def test_every_id_and_every_null(folder, tmp_path, rows, reader):
    found = READERS[reader](folder, tmp_path)
    assert list(found) == NAMES
    for c in COLUMNS:
        values = exact(found[c.column])
        assert [v is None for v in values] == [v is None for v in rows[c.column]], c.column
        if c in (*INTEGERS, *TEXTS):
            assert values == exact(rows[c.column]), c.column
    assert str(BIG) in exact(found["gaia_id"])


def test_what_rounds_ids_is_seen(folder, rows):
    """pandas makes a float column of integers with blanks: what the test above would say of it."""
    assert exact(from_pandas(pd.read_csv(folder / "demo.csv"))["gaia_id"]) != exact(rows["gaia_id"])
