"""The finished database: open to any DuckDB, described throughout, and what its kernels say."""

import inspect
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from obcat.arrow import exact_array
from obcat.kernels.extinction import BANDS
from obcat.schema import SQL, read_tables
from obcat.udf import UDFS
from tests.whole.small import obcat

INTERNAL = "database_name = current_database() AND NOT internal"
# UDF: SQL that gives its arguments by the kernel's own names, its results in order, and the row's
# name first
INPUTS = {
    "normalised": "SELECT specid, flux, ivar, z FROM raw.spectra ORDER BY specid",
    "pca_scores": "SELECT specid, flux AS norm, ivar AS norm_ivar FROM spectra.normalised "
    "ORDER BY specid",
    "emission": """SELECT specid, s.flux AS norm, s.ivar AS norm_ivar, score_clean
        FROM spectra.normalised AS s JOIN spectra.scores USING (specid) ORDER BY specid""",
    "luminosity": """SELECT specid, score_clean, score_full, em_flag
        FROM spectra.scores JOIN emission.lines USING (specid) ORDER BY specid""",
    "mk_error": """SELECT specid, snr_g, em_flag
        FROM sample.visits JOIN emission.lines USING (specid) ORDER BY specid""",
    "extinction": """SELECT star_id, teff, logg, feh,
        b, b_err, v, v_err, g, g_err, r, r_err, i, i_err, bp, bp_err, rp, rp_err, j, j_err, h, h_err,
        teff_err, logg_err, feh_err
        FROM extinction.labels JOIN extinction.photometry USING (star_id) ORDER BY star_id""",
    "distance": """SELECT v.specid, if(binary_flag = 1, NULL, mk) AS mk, mk_err, ks, ks_err, a_ks, a_ks_err,
        parallax_corrected AS parallax, parallax_error
        FROM sample.visits AS v JOIN sample.stars USING (star_id) JOIN extinction.reddening USING (star_id)
        JOIN luminosity.magnitudes AS m ON m.specid = v.specid
        JOIN uncertainty.errors AS u ON u.specid = v.specid
        JOIN binarity.excess AS x ON x.specid = v.specid ORDER BY v.specid""",
}


@pytest.fixture(scope="module")
def con(first):
    with duckdb.connect(str(first.database), read_only=True) as opened:
        opened.execute("SET enable_progress_bar = false")
        opened.execute("USE obcat.catalog")
        yield opened


def test_every_table_view_and_column_is_described(con):
    relations = con.execute(
        f"""SELECT schema_name || '.' || table_name, comment FROM duckdb_tables() WHERE {INTERNAL}
        UNION ALL SELECT schema_name || '.' || view_name, comment FROM duckdb_views() WHERE {INTERNAL}"""
    ).fetchall()
    columns = con.execute(
        "SELECT schema_name || '.' || table_name || '.' || column_name, comment FROM "
        f"duckdb_columns() WHERE {INTERNAL}"
    ).fetchall()
    assert {name for name, _ in relations} == set(read_tables())
    assert len(columns) > 300
    assert [name for name, comment in [*relations, *columns] if not (comment or "").strip()] == []


def test_every_view_can_be_read(con):
    views = [name for name, table in read_tables().items() if table.kind == "view"]
    assert len(views) > 5
    for view in views:
        con.execute(f"SELECT count(*) FROM (FROM obcat.{view})").fetchall()


@pytest.mark.parametrize("path", sorted((SQL / "queries").glob("*.sql")), ids=lambda p: p.stem)
def test_query_of_the_cookbook(con, path):
    assert con.sql(path.read_text(encoding="utf-8")).fetchall() is not None


READ_BY_AN_OLDER = """
import duckdb, sys
con = duckdb.connect(sys.argv[1], read_only=True)
relations = con.execute(
    "SELECT schema_name, table_name FROM duckdb_tables() UNION ALL"
    " SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal"
).fetchall()
for schema, name in relations:
    con.execute(f'SELECT count(*) FROM (SELECT * FROM {schema}."{name}")').fetchall()
for path in sys.argv[2:]:
    con.execute(open(path, encoding="utf-8").read()).fetchall()
star = con.execute("SELECT meta.star_id(92.95450, 22.82575), count(*) FROM cone(90, 0, 180)").fetchall()
print(duckdb.__version__, len(relations), *star[0])
"""


@pytest.mark.parametrize("version", ["1.1.3", "1.4.4"])
def test_older_duckdb_opens_the_build_with_its_views_macros_and_cookbook(first, con, version):
    """OBCAT_OLD_DUCKDB is a folder that .ci/old-duckdb.sh has filled."""
    if not os.environ.get("OBCAT_OLD_DUCKDB"):
        pytest.skip("OBCAT_OLD_DUCKDB does not name a folder filled by .ci/old-duckdb.sh")
    queries = map(str, sorted((SQL / "queries").glob("*.sql")))
    done = subprocess.run(
        [sys.executable, "-c", READ_BY_AN_OLDER, str(first.database), *queries],
        env=os.environ | {"PYTHONPATH": str(Path(os.environ["OBCAT_OLD_DUCKDB"]) / version)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = con.execute("SELECT count(*) FROM catalog.ob_stars").fetchall()[0][0]
    assert done.stdout.split() == [version, str(len(read_tables())), "S0925716224932", str(rows)]


def test_nothing_in_the_database_is_nan_or_hangs_on_python(con):
    views = con.execute(f"SELECT sql FROM duckdb_views() WHERE {INTERNAL}").fetchall()
    assert not [sql for (sql,) in views for name in UDFS if f"{name}(" in sql]
    doubles = con.execute(
        f"SELECT schema_name, table_name, column_name FROM duckdb_columns() WHERE {INTERNAL} "
        "AND data_type = 'DOUBLE'"
        " AND schema_name <> 'raw'"
    ).fetchall()
    for schema, table, name in doubles:
        query = f'SELECT count(*) FROM "{schema}"."{table}" WHERE NOT isfinite("{name}")'
        assert con.execute(query).fetchall() == [(0,)], (schema, table, name)


def test_checks_of_the_command(first):
    done = obcat("check", first.database)
    assert done.returncode == 0, done.stdout
    assert "checks, no failure" in done.stdout


def model_arrays(con: duckdb.DuckDBPyConnection, name: str) -> dict[str, np.ndarray]:
    rows = con.execute(
        'SELECT "array", dtype, shape, data FROM model.arrays WHERE model = $m', {"m": name}
    ).fetchall()
    return {array: np.frombuffer(data, dtype).reshape(shape) for array, dtype, shape, data in rows}


def columns_of(
    con: duckdb.DuckDBPyConnection, query: str
) -> tuple[list[str], dict[str, np.ndarray]]:
    table = con.sql(query).to_arrow_table().combine_chunks()
    arrays = {name: with_nan(table[name].combine_chunks()) for name in table.column_names[1:]}
    return table.column(0).to_pylist(), arrays


def with_nan(column: pa.Array) -> np.ndarray:
    """NaN for NULL, in every pixel where the column holds arrays."""
    if not (pa.types.is_fixed_size_list(column.type) and column.null_count):
        return exact_array(column)
    known = column.is_valid().to_numpy(zero_copy_only=False)
    out = np.full((len(column), column.type.list_size), np.nan, np.float32)
    out[known] = exact_array(column.drop_null())
    return out


@pytest.mark.parametrize("name", INPUTS)
def test_what_is_stored_is_what_the_kernel_says(con, name):
    """The kernel is called by keyword here,
    so that an argument in a wrong place of the SQL is another result.
    """
    udf = UDFS[name]
    rows, given = columns_of(con, INPUTS[name])
    kernel: Callable[..., Any] = udf.kernel
    lost = ~known(udf, given)
    by_band = [given.pop(name) for name in magnitudes(kernel, given)]
    first = [given.pop(name) for name in parameters_of(kernel) if by_band and name in given]
    wanted = kernel(*first, *by_band, **given, **arguments(con, udf, kernel))
    table = {gives.rpartition(".")[0] for gives in udf.gives}.pop()
    key = "star_id" if table.startswith("extinction") else "specid"
    names = ", ".join(gives.rpartition(".")[2] for gives in udf.gives)
    found_rows, found = columns_of(con, f"SELECT {key}, {names} FROM {table} ORDER BY {key}")
    assert found_rows == rows
    for column, values in zip(found.values(), wanted, strict=True):
        bad = ~np.isfinite(values) if values.ndim == 1 else ~np.isfinite(values).all(axis=1)
        bad |= lost
        unknown = np.isnan(column.astype(np.float64))
        assert np.array_equal(unknown if column.ndim == 1 else unknown.any(axis=1), bad)
        assert np.array_equal(column[~bad], values[~bad].astype(column.dtype))
    assert len(rows) > 150


def parameters_of(kernel: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(kernel).parameters


def magnitudes(kernel: Callable[..., Any], given: dict[str, np.ndarray]) -> list[str]:
    """Names of the columns that the kernel takes as a list of photometry, in the order of BANDS."""
    if "photometry" not in parameters_of(kernel):
        return []
    return [name for band in BANDS for name in (band, f"{band}_err") if name in given]


def known(udf: Any, given: dict[str, np.ndarray]) -> np.ndarray:
    """Rows for which the kernel is asked at all: no argument that it must have is NULL."""
    may_miss = {name.rpartition(".")[2] for name in udf.optional}
    n = len(next(iter(given.values())))
    if set(udf.takes) == set(udf.optional):
        return np.ones(n, bool)
    wanted = [values.reshape(n, -1) for name, values in given.items() if name not in may_miss]
    return np.all([~np.isnan(v.astype(np.float64)).any(axis=1) for v in wanted], axis=0)


def arguments(
    con: duckdb.DuckDBPyConnection, udf: Any, kernel: Callable[..., Any]
) -> dict[str, Any]:
    parameters = parameters_of(kernel)
    takes_all = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())
    arrays = {
        k: v
        for model in udf.models
        for k, v in model_arrays(con, model).items()
        if takes_all or k in parameters
    }
    row = con.sql("FROM meta.parameters").to_arrow_table().to_pylist()[0]
    return arrays | {name: row[name] for name in udf.parameters}
