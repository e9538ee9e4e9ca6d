"""Answers in every format hold the same:
whole integers, NULL apart from NaN, names that are not markup.
"""

import csv
import gzip
import io
import json
import os
import pty
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.table import Table
from click.testing import CliRunner

from obcat.cli import main
from obcat.query.formats import as_csv, as_json, as_table, write
from obcat.query.origin import of_query
from obcat.query.sql import answer, answered, opened

BIG = 4611686018427387905  # no double holds it
QUERY = f"""SELECT * FROM (VALUES
    ({BIG}::BIGINT, 1.5::DOUBLE, 'a', true, [1.5, 2.5]::FLOAT[2], 1::SMALLINT),
    (NULL, 'nan'::DOUBLE, NULL, NULL, NULL, NULL),
    (1, NULL, '[red]x', false, [0.5, 0.25]::FLOAT[2], -32768)) AS t(id, x, name, flag, flux, small)"""


@pytest.fixture
def table(database) -> pa.Table:
    return answer(database, QUERY).table


def test_csv(table):
    rows = list(csv.DictReader(io.StringIO(as_csv(table))))
    assert [row["id"] for row in rows] == [str(BIG), "", "1"]
    assert [row["x"] for row in rows] == ["1.5", "nan", ""]
    assert [row["flag"] for row in rows] == ["true", "", "false"]


def test_json(table):
    rows = json.loads(as_json(table))
    assert [row["id"] for row in rows] == [BIG, None, 1]
    assert [row["x"] for row in rows] == [1.5, None, None]
    assert rows[0]["flux"] == [1.5, 2.5]


def test_json_of_a_sum_and_of_nothing(database):
    query = f"SELECT sum(i) AS s, DATE '2021-08-22' AS d FROM (VALUES ({BIG}), ({BIG})) AS t(i)"
    assert json.loads(as_json(answer(database, query).table)) == [{"s": 2 * BIG, "d": "2021-08-22"}]
    assert json.loads(as_json(answer(database, "SELECT 1 WHERE false").table)) == []


def test_bytes_are_written_as_duckdb_does(database):
    query = r"SELECT 'a\x5Cb\x00\xFF'::BLOB AS b, ['x'::BLOB] AS l"
    table = answer(database, query).table
    assert json.loads(as_json(table)) == [{"b": r"a\x5Cb\x00\xFF", "l": ["x"]}]
    assert as_csv(table).splitlines()[1].startswith(r"a\x5Cb\x00\xFF,")
    assert r"a\x5Cb\x00\xFF" in as_table(table)


def test_table_for_the_eye(table):
    lines = as_table(table).splitlines()
    assert lines[0].split() == ["id", "x", "name", "flag", "flux", "small"]
    assert str(BIG) in lines[1]
    assert "[red]x" in lines[3]
    assert lines[-1] == "(3 rows)"


def test_fits(table, tmp_path):
    write(table, "fits", tmp_path / "x.fits")
    back = Table.read(tmp_path / "x.fits")
    assert back["id"].tolist() == [BIG, None, 1]
    assert back["small"].tolist() == [1, None, -32768]
    assert back["flag"].tolist() == [1, None, 0]
    assert back["name"].tolist()[::2] == ["a", "[red]x"]
    assert back["flux"][2].tolist() == [0.5, 0.25]


def test_parquet(table, tmp_path):
    write(table, "parquet", tmp_path / "x.parquet")
    assert repr(pq.read_table(tmp_path / "x.parquet").to_pylist()) == repr(table.to_pylist())


def test_fits_needs_different_names(database, tmp_path):
    with pytest.raises(ValueError, match="same name"):
        write(answer(database, "SELECT 1 AS a, 2 AS a").table, "fits", tmp_path / "x.fits")


def test_a_file_appears_whole_or_not_at_all(database, tmp_path):
    (tmp_path / "x.fits").write_text("old", encoding="utf-8")
    with pytest.raises(ValueError, match="FITS holds ASCII text only, not 'é'"):
        write(answer(database, "SELECT 'é' AS t").table, "fits", tmp_path / "x.fits")
    assert [p.name for p in tmp_path.iterdir() if p.suffix != ".duckdb"] == ["x.fits"]
    assert (tmp_path / "x.fits").read_text(encoding="utf-8") == "old"


def run(database, *arguments, text=None):
    return CliRunner().invoke(
        main, ["sql", "--trust", str(database), *map(str, arguments)], input=text
    )


def test_nothing_but_the_result_on_stdout(database):
    done = run(database, "FROM range(5)", "--max-rows", 2)
    assert done.stdout == "range\n0\n1\n"
    assert "cut after 2 rows" in done.stderr
    failed = run(database, "SELEC")
    assert (failed.exit_code, failed.stdout) == (1, "")
    assert len(failed.stderr.splitlines()) == 1


def test_query_comes_from_argument_file_or_stdin(database, tmp_path):
    (tmp_path / "q.sql").write_text("SELECT 1 AS x", encoding="utf-8")
    for done in (
        run(database, "SELECT 1 AS x"),
        run(database, "--file", tmp_path / "q.sql"),
        run(database, text="SELECT 1 AS x"),
    ):
        assert done.stdout == "x\n1\n"
    assert run(database, "SELECT 1", "--file", tmp_path / "q.sql").exit_code == 2


@pytest.mark.parametrize("form", ["table", "csv", "json", "parquet", "fits", "ecsv", "votable"])
def test_the_name_of_the_file_tells_the_format(database, tmp_path, form):
    by_name, by_option = tmp_path / f"x.{form}", tmp_path / "y"
    assert run(database, "SELECT 1 AS x", "--out", by_name).stdout == ""
    assert run(database, "SELECT 1 AS x", "--out", by_option, "--format", form).exit_code == 0
    assert by_name.read_bytes() == by_option.read_bytes()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("x.txt", [".csv.gz", ".ecsv", ".fits", ".parquet", ".vot", ".json"]),
        ("x", [".vot"]),
        ("x.gz", [".vot"]),
        ("x.csv --format fits", ["csv", "fits"]),
        ("x.vot --format csv", ["votable", "csv"]),
    ],
)
def test_a_name_that_tells_another_format_is_refused(database, tmp_path, name, words):
    first, *options = name.split()
    done = run(database, "SELECT 1 AS x", "--out", tmp_path / first, *options)
    assert done.exit_code == 2
    assert not [word for word in words if word not in done.stderr]
    assert [p.name for p in tmp_path.iterdir() if p.suffix != ".duckdb"] == []


@pytest.mark.parametrize("form", ["csv", "json", "parquet", "fits", "ecsv", "votable"])
def test_no_column_is_lost_to_another_of_its_name(database, tmp_path, form):
    done = run(database, "SELECT 1 AS v, 2 AS w, 3 AS v", "--out", tmp_path / f"x.{form}")
    assert done.exit_code == 1
    assert "two columns have the same name: v" in done.stderr
    assert not (tmp_path / f"x.{form}").exists()


def test_a_packed_file_holds_the_same(database, tmp_path):
    for name in ("x.csv", "x.csv.gz", "x.fits", "x.fits.gz"):
        assert run(database, QUERY, "--out", tmp_path / name).exit_code == 0
    plain, packed = tmp_path / "x.csv", tmp_path / "x.csv.gz"
    assert gzip.decompress(packed.read_bytes()) == plain.read_bytes()
    assert Table.read(tmp_path / "x.fits.gz").pformat() == Table.read(tmp_path / "x.fits").pformat()


STAR = {"specid": "a", "star_id": "S", "uniqflag": 1, "parallax": 0.5, "ra": 1.0, "dec": 2.0}
SURVEY = [("simulated", "yes"), ("survey", "mine [x]")]


@pytest.fixture
def described(database, con, fill) -> Path:
    fill(con, "catalog.ob_stars", [STAR, {**STAR, "specid": "b", "parallax": None}])
    fill(con, "meta.provenance", [{"item": item, "value": text} for item, text in SURVEY])
    con.close()
    return database


KNOWN = """SELECT specid, parallax, dis AS d, ra * 2 AS ra, 1 AS dec, uniqflag, em_flag
    FROM catalog.ob_stars ORDER BY specid"""


@pytest.mark.parametrize("form", ["ecsv", "fits", "votable"])
def test_columns_of_the_catalog_stay_what_they_are(described, tmp_path, form):
    path = tmp_path / f"x.{form}"
    assert run(described, KNOWN, "--out", path).exit_code == 0
    back = Table.read(path, **({"format": "votable"} if form == "votable" else {}))
    assert str(back["parallax"].unit) == "mas"
    assert str(back["d"].unit) == "kpc"
    assert back["ra"].unit is None
    assert back["dec"].unit is None
    assert back["parallax"].tolist() == [0.5, None]
    assert back["em_flag"].tolist() == [None, None]
    text = path.read_bytes().decode("latin-1")
    assert "SIMULATED" in text
    assert "pos.parallax.trig" in text
    assert "pos.eq.ra" not in text
    assert "as published" in text


def test_parquet_says_what_columns_are_and_where_they_come_from(described, tmp_path):
    assert run(described, KNOWN, "--out", tmp_path / "x.parquet").exit_code == 0
    schema = pq.read_schema(tmp_path / "x.parquet")
    assert schema.field("parallax").metadata[b"unit"] == b"mas"
    assert schema.field("d").metadata[b"ucd"] == b"pos.distance"
    assert schema.field("ra").metadata is None
    assert schema.metadata[b"obcat.simulated"].startswith(b"SIMULATED")
    assert schema.metadata[b"obcat.survey"] == b"mine [x]"


@pytest.mark.parametrize(
    ("query", "unit"),
    [
        ("SELECT * FROM catalog.ob_stars", "mas"),
        ("SELECT * REPLACE (2.0::DOUBLE AS parallax) FROM catalog.ob_stars", None),
        ("SELECT * EXCLUDE (parallax) RENAME (ra AS parallax) FROM catalog.ob_stars", None),
        ("SELECT ra AS parallax FROM catalog.ob_stars", "deg"),
        ("SELECT t.parallax FROM (SELECT ra FROM catalog.ob_stars) AS t(parallax)", None),
        ("WITH x AS (SELECT parallax + 1 AS parallax FROM catalog.ob_stars) FROM x", None),
        ("SELECT parallax FROM cone(1, 2, 1)", "mas"),
        ("SELECT parallax::FLOAT AS parallax FROM catalog.ob_stars", None),
        ("SELECT 1::DOUBLE AS parallax", None),
    ],
)
def test_a_column_made_of_others_has_no_unit_of_the_catalog(described, query, unit):
    with opened(described) as con:
        found = answered(con, described, query, time_limit=60, max_rows=None).table
        columns = of_query(con, query, found).columns
    assert (columns["parallax"].unit if "parallax" in columns else None) == unit


EVIL = "a\x1b]0;owned\x07\x9b31m\u202eb"


def test_a_table_holds_no_escapes(database):
    shown = as_table(answer(database, f"SELECT '{EVIL}' AS \"{EVIL}\", 'é\u00a0ж' AS t").table)
    assert shown.count(r"a\x1b]0;owned\x07\x9b31m\u202eb") == 2
    assert "é\u00a0ж" in shown
    assert not [c for c in shown if c in "\x1b\x07\x9b\u202e"]


@pytest.mark.parametrize("form", ["csv", "json", "table"])
def test_nothing_moves_the_terminal(database, form):
    """The same bytes as in the catalog go to a pipe; a terminal gets the names of its controls."""
    query = f"SELECT '{EVIL}' AS a"
    words = [sys.executable, "-m", "obcat.cli", "sql", "--trust", str(database), query]
    terminal, stdout = pty.openpty()
    with subprocess.Popen([*words, "--format", form], stdout=stdout) as asked:
        os.close(stdout)
        shown = b""
        with suppress(OSError):  # the end of a terminal
            while part := os.read(terminal, 4096):
                shown += part
    os.close(terminal)
    assert asked.returncode == 0
    assert rb"\x1b]0;owned" in shown or rb"\u001b]0;owned" in shown
    assert not [c for c in shown.decode() if c in "\x1b\x07\x9b\u202e"]


def test_what_goes_to_a_pipe_is_left_as_it_is(database):
    done = run(database, f"SELECT '{EVIL}' AS a")
    assert done.stdout == f"a\n{EVIL}\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [("=1+1", True), ("@x", True), ("+cmd|x", True), ("-2+3+cmd|x", True), ("-12 34.5", False)],
)
def test_text_that_a_spreadsheet_would_run_is_told_and_left(database, text, told):
    done = run(database, f"SELECT '{text}' AS t, -1 AS n")
    assert done.stdout == f"t,n\n{text},-1\n"
    assert ("t: text that a spreadsheet takes for a formula" in done.stderr) == told


@pytest.mark.parametrize(
    "query",
    ["-- bright = 1\nSELECT 1 AS x", "--out of order\nSELECT 1 AS x", "--a=b c\nSELECT 1 AS x"],
)
@pytest.mark.parametrize("last", [True, False])
def test_a_query_may_begin_with_a_comment(database, query, last):
    words = ["--max-rows", "5", query] if last else [query, "--max-rows", "5"]
    done = run(database, *words)
    assert (done.stdout, done.exit_code) == ("x\n1\n", 0), done.stderr


def test_an_unknown_option_is_no_query(database):
    assert run(database, "--bright", "SELECT 1").exit_code == 2
    assert run(database, "SELECT 1", "--format=no such").exit_code == 2


def test_an_empty_argument_is_an_empty_query(database):
    assert "the query is empty" in run(database, "").stderr


@pytest.mark.parametrize("content", [b"\xef\xbb\xbfSELECT 1 AS x", b"SELECT '\xff'"])
def test_a_file_of_another_kind(database, tmp_path, content):
    """A byte order mark is no part of the query; what is no UTF-8 is named."""
    (tmp_path / "q.sql").write_bytes(content)
    done = run(database, "--file", tmp_path / "q.sql")
    assert done.stdout == "x\n1\n" or "q.sql: the query is no text in UTF-8" in done.stderr


def test_a_folder_or_a_name_serves_for_a_database(database, tmp_path, monkeypatch):
    folder = tmp_path / "build" / "mine"
    folder.mkdir(parents=True)
    database.rename(folder / "obcat.duckdb")
    monkeypatch.chdir(tmp_path)
    for given in ("mine", "build/mine", "build/mine/obcat.duckdb"):
        assert run(given, "SELECT 1 AS x").stdout == "x\n1\n"
    assert run("other", "SELECT 1").exit_code == 2


def test_a_database_that_is_being_written_is_named_with_duckdbs_address(database):
    program = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(1, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", program, str(database)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as writer:
        writer.stdout.readline()
        done = run(database, "SELECT 1")
        writer.kill()
    assert done.exit_code == 1
    assert "https://duckdb.org/docs" in done.stderr
    assert str(database.parent) not in done.stderr


def test_a_closed_stdout_is_no_traceback(database):
    words = [sys.executable, "-m", "obcat.cli", "sql", "--trust", str(database), "SELECT 1"]
    done = subprocess.run(
        ["bash", "-c", '"$@" >&-', "bash", *words], capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) <= 1


@pytest.mark.parametrize("place", ["none/x.csv", "file/x.csv"])
def test_a_place_that_cannot_be_written_is_named(database, tmp_path, place):
    (tmp_path / "file").write_text("", encoding="utf-8")
    done = run(database, "SELECT 1", "--out", tmp_path / place)
    assert done.exit_code == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"Error: {tmp_path / place}: there is no folder")


@pytest.mark.parametrize("closed", ["<&-", "2>&-", ">&- 2>&-", "| head -c 1"])
def test_files_that_are_closed_are_no_traceback(database, closed):
    words = [sys.executable, "-m", "obcat.cli", "sql", "--trust", str(database)]
    done = subprocess.run(
        ["bash", "-c", f'"$@" {closed}', "bash", *words, "FROM range(200000)"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""


def test_a_binary_answer_needs_a_file(database):
    assert "--out" in run(database, "SELECT 1", "--format", "fits").stderr


def test_a_value_that_has_no_word_is_one_line(database):
    done = run(database, "SELECT DATE '290000-01-01' AS d")
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: ")


def test_prompt(database):
    """Queries over several lines, an error that does not end it, Ctrl-D;
    on stdout the results alone.
    """
    terminal, stdin = pty.openpty()
    command = [sys.executable, "-m", "obcat.cli", "sql", "--trust", str(database)]
    with subprocess.Popen(
        command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as asked:
        os.write(terminal, b"SELECT 1\nAS x;\nSELEC;\nSELECT 2 AS y;\n\x04")
        out, err = asked.communicate(timeout=30)
    os.close(terminal)
    os.close(stdin)
    assert out == "x\n1\ny\n2\n"
    assert "Error: Parser Error" in err
    assert "   ...> " in err
    assert asked.returncode == 0
