"""`obcat sql`: one SELECT, read-only, no files, no network, no settings."""

import subprocess
import sys
from pathlib import Path

import pytest

import obcat
from obcat.query.sql import QueryRefused, _shortened, answer, ask, old_names, status

FILE_READS = [
    "FROM '{file}'",
    "FROM read_csv('{file}')",
    "FROM read_text('{file}')",
    "FROM read_blob('{file}')",
    "FROM read_parquet('{file}')",
    "FROM read_json('{file}')",
    "FROM glob('{folder}/*')",
    "FROM sniff_csv('{file}')",
    "WITH x AS (FROM '{file}') FROM x",
    "SELECT (SELECT count(*) FROM read_csv('{file}'))",
    "FROM 'https://example.org/x.csv'",
    "EXPLAIN ANALYZE FROM '{file}'",
    "FROM parquet_metadata('{file}')",
    "FROM parquet_kv_metadata('{file}')",
    "FROM read_duckdb('{file}')",
    "FROM query('FROM read_text(''{file}'')')",
    "FROM json_execute_serialized_sql(json_serialize_sql('FROM read_text(''{file}'')'))",
    "FROM duckdb_secrets()",
    "FROM duckdb_extensions()",
]
STATEMENTS = [
    "COPY catalog.ob_stars TO '{out}'",
    "COPY (SELECT 1) TO '/dev/stdout'",
    "ATTACH '{out}' AS other",
    "DETACH obcat",
    "EXPORT DATABASE '{out}'",
    "IMPORT DATABASE '{out}'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET threads = 1",
    "SET enable_external_access = true",
    "SET memory_limit = '1TB'",
    "RESET threads",
    "PRAGMA database_list",
    "PRAGMA enable_external_access",
    "CALL pragma_version()",
    "CREATE TABLE t (x INTEGER)",
    "CREATE TEMP TABLE t AS SELECT 1",
    "CREATE VIEW v AS SELECT 1",
    "CREATE MACRO m(x) AS x",
    "CREATE SECRET s (TYPE s3)",
    "DROP TABLE catalog.ob_stars",
    "DELETE FROM catalog.ob_stars",
    "UPDATE meta.survey SET simulated = 0",
    "INSERT INTO meta.survey (name, simulated, release, models_from) VALUES ('x', 0, NULL, NULL)",
    "ALTER TABLE catalog.ob_stars DROP COLUMN mk",
    "TRUNCATE meta.survey",
    "VACUUM",
    "CHECKPOINT",
    "BEGIN",
    "USE memory",
    "PREPARE p AS SELECT 1",
    "EXECUTE p",
    "EXPLAIN ANALYZE COPY meta.survey TO '{out}'",
    "EXPLAIN ANALYZE DELETE FROM meta.survey",
    "COMMENT ON TABLE catalog.ob_stars IS 'x'",
    "EXPLAIN ANALYZE CREATE TEMP TABLE t AS SELECT 1",
    "/* x */ EXPLAIN -- y\n ANALYZE CREATE TABLE memory.t AS SELECT 1",
    "EXPLAIN (ANALYZE) CREATE TABLE memory.t AS SELECT 1",
    "FROM enable_logging('QueryLog', storage = 'file', storage_config = {'path': '{out}'})",
    "FROM enable_profiling()",
    "FROM query('COPY meta.survey TO ''{out}''')",
    "SELECT nextval('x')",
    "FROM pandas_scan(1::POINTER)",
]
SEVERAL = [
    "SELECT 1; SELECT 2",
    "SELECT 1; DROP TABLE catalog.ob_stars",
    "SELECT 1 /* ; */; -- x\nCOPY meta.survey TO '{out}'",
    "SELECT ';'; SELECT 2",
    "SELECT 1 -- ;\n; SELECT 2",
    "-- only a comment",
    "",
    ";",
]
UNKNOWN = [
    "SELECT * FROM no_such_table",
    "SELEC 1",
    "SELECT nope FROM catalog.ob_stars",
    "SELECT 'x",
]


def filled(text: str, folder: Path) -> str:
    return (
        text.replace("{file}", str(folder / "x.csv"))
        .replace("{out}", str(folder / "out"))
        .replace("{folder}", str(folder))
    )


@pytest.mark.parametrize("query", [*FILE_READS, *STATEMENTS, *SEVERAL, *UNKNOWN])
def test_refused(database, tmp_path, query):
    (tmp_path / "x.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(QueryRefused) as refusal:
        ask(database, filled(query, tmp_path))
    assert len(str(refusal.value).splitlines()) == 1
    assert str(refusal.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ("SELECT 1 AS a, NULL AS b, 'x,y' AS c", 'a,b,c\n1,,"x,y"\n'),
        (
            "FROM meta.quality_bits SELECT bit, name ORDER BY bit LIMIT 1",
            "bit,name\n1,no_rest_frame\n",
        ),
        ("VALUES (4611686018427387905)", "col0\n4611686018427387905\n"),
        ("SELECT 1;", "1\n1\n"),
        ("-- a comment\nSELECT 0.1 AS x;", "x\n0.1\n"),
        ("SELECT 1 AS x WHERE false", "x\n"),
    ],
)
def test_answered(database, query, answer):
    assert ask(database, query) == answer


@pytest.mark.parametrize(
    "query", ["DESCRIBE catalog.ob_stars", "SUMMARIZE catalog.ob_stars", "EXPLAIN SELECT 1"]
)
def test_questions_about_tables_are_answered(database, query):
    assert len(ask(database, query).splitlines()) > 1


@pytest.mark.parametrize(
    "query",
    [
        "EXPLAIN ANALYZE SELECT 1",
        "/* x */ explain (format json) FROM meta.survey",
        "-- x\nEXPLAIN SELECT ';'",
    ],
)
def test_a_select_can_be_explained(database, query):
    assert answer(database, query).table.num_rows


RUNAWAY = [
    "SELECT count(*) FROM range(1000000000) AS a, range(1000000000) AS b",
    "FROM range(1000000000) AS a, range(1000000000) AS b ORDER BY hash(a.range + b.range)",
    "WITH RECURSIVE x AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM x) SELECT max(i) FROM x",
]


@pytest.mark.parametrize("query", RUNAWAY)
def test_a_query_that_runs_away_is_stopped(database, query):
    with pytest.raises(QueryRefused, match=r"stopped after 0\.3 s"):
        answer(database, query, time_limit=0.3)


def test_a_query_cannot_fill_the_disk(database):
    """What does not fit into memory is refused:
    nothing is written beside the database, nor where one stands.
    """
    query = (
        "SELECT current_setting('temp_directory') AS folder, "
        "current_setting('memory_limit') AS memory"
    )
    assert answer(database, query).table.to_pylist() == [{"folder": "", "memory": "1.3 GiB"}]


def test_rows_are_cut_at_the_limit(database):
    found = answer(database, "FROM range(10000)", max_rows=4100)
    assert (found.table.num_rows, found.cut) == (4100, True)
    assert found.table.column(0).to_pylist() == list(range(4100))
    assert not answer(database, "FROM range(4100)", max_rows=4100).cut


@pytest.mark.parametrize(
    ("message", "short"),
    [
        ("Cannot open file '/a/b c/x.csv': no", "Cannot open file 'x.csv': no"),
        ('"/usr/lib/q.so" is gone', '"q.so" is gone'),
        ("1/2 and a/b/c, 3 / 4", "1/2 and a/b/c, 3 / 4"),
        ("see https://example.org/a/b/c, s3://x/y/z", "see https://example.org/a/b/c, s3://x/y/z"),
        ("file:///home/me/x.csv", "file://x.csv"),
    ],
)
def test_messages_do_not_tell_folders(message, short):
    assert _shortened(message, Path("/a/b c/obcat.duckdb")) == short


def test_refusals_do_not_tell_where_the_database_is(database):
    with pytest.raises(QueryRefused) as refusal:
        answer(database.parent / "none" / "x.duckdb", "SELECT 1")
    assert str(database.parent) not in str(refusal.value)


@pytest.mark.parametrize(
    ("query", "hint"),
    [
        ("SELECT spec_id FROM catalog.ob_stars", 'Candidate bindings: "specid"'),
        ("FROM catalog.ob_star", 'Did you mean "ob_stars'),
        ("SELECT abz(1)", 'Did you mean "abs"'),
    ],
)
def test_hints_survive_and_the_picture_of_the_place_does_not(database, query, hint):
    with pytest.raises(QueryRefused) as refusal:
        ask(database, query)
    assert hint in str(refusal.value)
    assert "LINE 1" not in str(refusal.value)


@pytest.mark.parametrize("query", ["", " \n", ";", "-- nothing", "/* nothing */ ;"])
def test_an_empty_query_is_named(database, query):
    with pytest.raises(QueryRefused, match="the query is empty"):
        ask(database, query)


def test_an_error_in_a_late_row_is_one_line(database):
    """Arrow tells it by an exception of its own, with DuckDB's picture of the place."""
    query = "SELECT (CASE WHEN range = 9000 THEN 'x' ELSE '1' END)::INTEGER FROM range(10000)"
    with pytest.raises(QueryRefused, match=r"Could not convert string 'x' to INT32$"):
        ask(database, query)


def test_a_late_interrupt_is_the_limit_of_time(database):
    query = "SELECT a.range FROM range(1000000000) AS a"
    with obcat.open(database, trust=True) as catalog, pytest.raises(QueryRefused, match="after"):
        catalog.sql(query, time_limit=0.2)


def test_a_query_that_is_no_text_is_refused(database):
    with pytest.raises(QueryRefused, match="no text in UTF-8"):
        ask(database, "SELECT '\udcff'")


def test_python_variables_cannot_be_read(database):
    secret = [{"a": 1}]
    with pytest.raises(QueryRefused):
        ask(database, "FROM secret")
    assert secret


def test_database_is_not_changed(database):
    before = database.read_bytes()
    ask(database, "SELECT count(*) FROM catalog.ob_stars")
    assert database.read_bytes() == before


@pytest.mark.parametrize("content", [None, b"", b"not a database" * 1000])
def test_what_is_no_database_is_refused(tmp_path, content):
    path = tmp_path / "x.duckdb"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(QueryRefused, match=r"x\.duckdb"):
        ask(path, "FROM catalog.ob_stars")


def test_a_database_of_any_name_can_be_asked(database):
    """DuckDB names a database after its file:
    catalog.duckdb would make catalog.ob_stars ambiguous.
    """
    renamed = database.rename(database.with_name("catalog.duckdb"))
    assert ask(renamed, "SELECT count(*) AS n FROM catalog.ob_stars") == "n\n0\n"


def test_status_tells_what_is_there(database, con, fill):
    fill(con, "raw.files", [{"path": "x", "status": "quarantined", "reason": "not_fits"}])
    fill(con, "catalog.ob_stars", [{"specid": "a", "uniqflag": 1}])
    fill(con, "meta.survey", [{"name": "x", "simulated": 1}])
    con.close()
    text = status(database)
    assert "not_fits" in text
    assert "pca_components" in text
    assert "out_of_domain" in text


@pytest.mark.parametrize("name", ["[/red]", "[bold]b[/bold]", "a\x1b[31mb\u202ec"])
def test_status_takes_names_as_they_are(database, con, fill, name):
    """Brackets are no markup, and what moves a terminal is named."""
    fill(con, "meta.survey", [{"name": "x", "simulated": 1}])
    fill(con, "meta.provenance", [{"item": "survey", "value": name}])
    con.close()
    text = status(database)
    assert name.replace("\x1b", r"\x1b").replace("\u202e", r"\u202e") in text
    assert "\x1b" not in text


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["sql", "--trust", "{database}", "SELECT 1"],
        ["sql", "--trust", "{database}", "SELECT 1", "--format", "table"],
        ["sql", "--help"],
    ],
)
def test_command_imports_nothing_heavy(database, arguments):
    script = (
        "import sys; from obcat.cli import main; main(sys.argv[1:], standalone_mode=False); "
        "heavy = {'astropy', 'torch', 'lightgbm', 'matplotlib', 'scipy', 'astroquery', 'emcee'} "
        "& set(sys.modules); "
        "sys.exit(f'imported: {heavy}' if heavy else 0)"
    )
    given = [a.replace("{database}", str(database)) for a in arguments]
    done = subprocess.run(
        [sys.executable, "-c", script, *given],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.parametrize(
    ("old", "new"),
    [("emission.spectra", "spectra.normalised"), ("emission.scores", "spectra.scores")],
)
def test_old_names_answer_for_one_release_and_say_so(database, con, fill, old, new):
    fill(con, new, [{"specid": "a"}])
    con.close()
    query = f"SELECT specid FROM {old}"
    assert ask(database, query) == "specid\na\n"
    assert old_names(query) == f"{old} is called {new}; the old name goes with the next release"
    with obcat.open(database, trust=True) as catalog, pytest.warns(FutureWarning, match=new):
        catalog.sql(query)


def test_a_query_without_old_names_says_nothing():
    assert old_names("SELECT specid FROM emission.lines JOIN spectra.scores USING (specid)") is None
