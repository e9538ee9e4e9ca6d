"""The database as columns.csv declares it: types, keys, bounds, comments;
and how it is opened and published.
"""

import math
from pathlib import Path

import duckdb
import pytest

from obcat import db
from obcat.schema import Column, columns_of, quoted, read_tables


def test_every_declared_table_and_view_is_there_with_its_types(con):
    for table in read_tables().values():
        described = con.execute(f"DESCRIBE {table.table}").fetchall()
        assert [(name, kind) for name, kind, *_ in described] == [
            (c.column, c.type) for c in columns_of(table.table)
        ]


def test_every_table_and_column_carries_its_description_and_unit(con):
    comments = dict(
        con.execute(
            "SELECT schema_name || '.' || table_name || '.' || column_name, comment FROM "
            "duckdb_columns() "
            "WHERE database_name = 'obcat'"
        ).fetchall()
    )
    for table in read_tables().values():
        if table.kind == "table":
            for c in columns_of(table.table):
                assert comments[f"{table.table}.{c.column}"] == c.description + (
                    f" [{c.unit}]" if c.unit else ""
                )
    tables = dict(
        con.execute(
            "SELECT schema_name || '.' || table_name, comment FROM duckdb_tables()"
        ).fetchall()
    )
    assert tables["catalog.ob_stars"] == read_tables()["catalog.ob_stars"].description


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("sample.visits", {"specid": None, "star_id": "A", "uniqflag": 1}),
        ("sample.visits", {"specid": "a", "star_id": "A", "uniqflag": 0}),
        ("sample.visits", {"specid": "there", "star_id": "A", "uniqflag": 1}),
        ("catalog.ob_stars", {"specid": "a", "uniqflag": 1, "ra": 360.1}),
        ("catalog.ob_stars", {"specid": "a", "uniqflag": 1, "dec": -90.1}),
        ("catalog.ob_stars", {"specid": "a", "uniqflag": 1, "ra": math.nan}),
        ("catalog.ob_stars", {"specid": "a", "uniqflag": 1, "mk": math.nan}),
        ("catalog.ob_stars", {"specid": "a", "uniqflag": 1, "mk": -math.inf}),
        ("catalog.ob_stars", {"specid": "a", "uniqflag": 1, "mk_err": -0.1}),
        ("catalog.ob_stars", {"specid": "a", "uniqflag": 1, "binary_flag": 2}),
        ("catalog.ob_stars", {"specid": "a", "uniqflag": 1, "simulated": None}),
        (
            "sample.gaia_matches",
            {"star_id": "A", "source_id": 1, "rank": 1, "chosen": 2, "reason": "x"},
        ),
    ],
)
def test_what_breaks_a_declaration_is_refused(con, fill, table, row):
    fill(con, "sample.visits", [{"specid": "there", "star_id": "A", "uniqflag": 1}])
    with pytest.raises(duckdb.ConstraintException):
        fill(con, table, [row])


def test_bounds_themselves_are_allowed(con, fill):
    fill(
        con,
        "catalog.ob_stars",
        [{"specid": "a", "uniqflag": 1, "ra": 360.0, "dec": -90.0, "binary_flag": None}],
    )
    fill(
        con,
        "catalog.ob_stars",
        [{"specid": "b", "uniqflag": 1, "ra": 0.0, "dec": 90.0, "mk_err": 0.0}],
    )


def test_raw_keeps_what_came(con, fill):
    fill(con, "raw.gaia_dr2", [{"source_id": 1, "parallax": math.nan}])
    assert math.isnan(con.execute("SELECT parallax FROM raw.gaia_dr2").fetchall()[0][0])


def test_another_length_of_a_spectrum_is_refused(con):
    with pytest.raises(duckdb.Error, match="3909"):
        con.execute("INSERT INTO raw.spectra BY NAME SELECT [1.0::FLOAT, 2.0] AS flux")


def column(**changes) -> Column:
    given = dict.fromkeys(
        ["table", "column", "type", "unit", "ucd", "format", "null", "min", "max", "description"],
        "",
    )
    return Column(
        **{**given, "table": "t.t", "column": "x", "type": "DOUBLE", "null": "yes", **changes}
    )


def test_column_lines():
    assert db._column_line(column()) == '"x" DOUBLE CHECK (isfinite("x"))'
    assert db._column_line(column(table="raw.t")) == '"x" DOUBLE'
    assert db._column_line(column(type="SMALLINT", null="no", min="0", max="1")) == (
        '"x" SMALLINT NOT NULL CHECK ("x" BETWEEN 0 AND 1)'
    )


@pytest.mark.parametrize("name", ['a"b', "select", "a b", "a;drop table t", "ä"])
def test_any_name_is_quoted(name):
    with duckdb.connect() as con:
        con.execute(f"CREATE TABLE {quoted(name)} ({quoted(name)} INTEGER)")
        found = con.execute(
            "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal"
        ).fetchall()
        assert found == [(name, name)]
        con.execute(f"COMMENT ON TABLE {quoted(name)} IS {db._literal(name + chr(39))}")


@pytest.mark.parametrize("expression", ["ln(0)", "log10(-1)", "sqrt(-1)", "1 / 0"])
def test_domain_errors_are_errors(con, expression):
    with pytest.raises(duckdb.Error):
        con.execute(f"SELECT {expression}").fetchall()


def test_python_variables_are_not_tables(con):
    rows = [{"a": 1}]
    with pytest.raises(duckdb.CatalogException):
        con.execute("FROM rows")
    assert rows


@pytest.mark.parametrize("name", ["catalog.duckdb", "a[1].duckdb", "it's.duckdb", "ü b;--.duckdb"])
def test_a_database_of_any_name_is_opened(tmp_path, name):
    with db.connect(tmp_path / name) as con:
        db.create_tables(con)
    with db.connect(tmp_path / name, read_only=True) as con:
        assert con.execute("SELECT count(*) FROM catalog.ob_stars").fetchall() == [(0,)]
        with pytest.raises(duckdb.Error, match="read-only"):
            con.execute("DELETE FROM catalog.ob_stars")
    assert (tmp_path / name).is_file()


def test_what_is_written_is_in_one_file(tmp_path):
    """No log beside it: a build that dies is begun again, and each commit would wait for the
    disk.
    """
    with db.connect(tmp_path / "x.duckdb") as con:
        con.execute("CREATE TABLE t AS SELECT 1 AS a")
        assert [path.name for path in tmp_path.iterdir()] == ["x.duckdb"]
    with db.connect(tmp_path / "x.duckdb", read_only=True) as con:
        assert con.execute("FROM t").fetchall() == [(1,)]


def test_plain_duckdb_opens_the_database(database):
    """Views and macros are pure SQL: nothing in the file needs obcat."""
    with duckdb.connect(str(database), read_only=True) as con:
        for table in read_tables():
            con.execute(f"SELECT count(*) FROM {table}").fetchall()
        assert con.execute("SELECT meta.star_id(92.95450, 22.82575)").fetchall() == [
            ("S0925716224932",)
        ]


def test_step_failed_names_the_file(con, tmp_path):
    path = tmp_path / "30_sample" / "10_wrong.sql"
    path.parent.mkdir()
    path.write_text("SELECT nothing FROM nowhere", encoding="utf-8")
    with pytest.raises(db.StepFailed, match=r"sql/30_sample/10_wrong\.sql: .*nowhere"):
        db.run(con, db.SqlFile(path))


def test_header_fields():
    file = db.SqlFile(Path("sql/40_spectra/30_scores.sql"))
    file.__dict__["text"] = (
        "-- Title:   A, b.\n-- Reads:   x.y, input_z\n-- UDFs:\nSELECT 1 -- Fit: no"
    )
    assert file.relation == "spectra.scores"
    assert file.header("Reads") == ("x.y", "input_z")
    assert file.header("UDFs") == ()
    assert file.header("Fit") == ()
