"""Answers in every format hold the same: whole integers, NULL apart from NaN, names that are not markup."""

import csv
import io
import json
import os
import pty
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.table import Table
from click.testing import CliRunner

from obcat.cli import main
from obcat.query.formats import as_csv, as_json, as_table, write
from obcat.query.sql import answer

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


@pytest.mark.parametrize("form", ["table", "csv", "json", "parquet", "fits"])
def test_the_name_of_the_file_tells_the_format(database, tmp_path, form):
    by_name, by_option = tmp_path / f"x.{form}", tmp_path / "y"
    assert run(database, "SELECT 1 AS x", "--out", by_name).stdout == ""
    assert run(database, "SELECT 1 AS x", "--out", by_option, "--format", form).exit_code == 0
    assert by_name.read_bytes() == by_option.read_bytes()


def test_a_binary_answer_needs_a_file(database):
    assert "--out" in run(database, "SELECT 1", "--format", "fits").stderr


def test_a_value_that_has_no_word_is_one_line(database):
    done = run(database, "SELECT DATE '290000-01-01' AS d")
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: ")


def test_prompt(database):
    """Queries over several lines, an error that does not end it, Ctrl-D; on stdout the results alone."""
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
