"""The cookbook by name, answers for programs, and what a build says at its end."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from release_rows import released_from, rows_of, store

from obcat.cli import main
from obcat.query.sql import outcome
from obcat.schema import SQL


@pytest.fixture(scope="module")
def database(template, tmp_path_factory) -> Path:
    path = Path(shutil.copy(template, tmp_path_factory.mktemp("asked") / "obcat.duckdb"))
    store(path, rows_of(5))
    return path


def run(*arguments: str | Path) -> tuple[int, str, str]:
    done = CliRunner().invoke(main, [str(a) for a in arguments])
    return done.exit_code, done.stdout, done.stderr


def test_a_recipe_is_the_query_of_its_file(database):
    text = (SQL / "queries" / "quality_census.sql").read_text(encoding="utf-8")
    by_name = run("sql", "--trust", database, "--recipe", "quality_census")
    assert by_name == run("sql", "--trust", database, text)
    assert by_name[0] == 0


def test_an_unknown_recipe_names_the_nearest(database):
    code, _, said = run("sql", "--trust", database, "--recipe", "quality_cencus")
    assert code == 2
    assert "did you mean 'quality_census'?" in said
    assert run("sql", "--trust", database, "SELECT 1", "--recipe", "lb_1")[0] == 2


def test_the_list_of_recipes_has_every_file():
    code, said, _ = run("sql", "--recipes")
    assert code == 0
    names = [line.split()[0] for line in said.splitlines()]
    assert names == sorted(path.stem for path in (SQL / "queries").glob("*.sql"))
    assert all(len(line.split()) > 3 for line in said.splitlines())


def test_status_and_check_as_json(database):
    code, said, _ = run("status", "--trust", database, "--json")
    found = json.loads(said)
    assert code == 0
    assert {"survey", "files", "models", "quality", "steps", "parameters"} <= found.keys()
    assert found["parameters"][0]["binary_nsigma"] == 2.0
    _, said, _ = run("check", "--trust", database, "--json")
    found = json.loads(said)
    assert found["checks"] == len(list((SQL / "95_check").glob("*.sql")))
    assert set(found["failed"]) <= {path.stem for path in (SQL / "95_check").glob("*.sql")}


def test_verify_as_json(template, tmp_path):
    folder = released_from(template, tmp_path, "obcat.duckdb")
    code, said, _ = run("verify", folder, "--json")
    assert (code, json.loads(said)["changed"]) == (0, [])
    (folder / "demo.csv").write_text("x")
    code, said, _ = run("verify", folder, "--json")
    assert (code, json.loads(said)["changed"]) == (1, ["demo.csv"])


def test_the_outcome_of_a_build_counts_stars_and_names_what_is_empty(database, template, tmp_path):
    rows = rows_of(3)
    rows |= {"uniqflag": [1, 1, 2], "feh": [None] * 3, "mk": [1.0, None, 2.0], "em_flag": [1, 0, 1]}
    path = Path(shutil.copy(template, tmp_path / "obcat.duckdb"))
    store(path, rows)
    lines = outcome(path)
    assert lines[0].startswith("SIMULATED survey 'demo': 3 spectra of 2 stars")
    assert "  absolute magnitude         1 of 2 (50.0 %)" in lines
    assert "  emission lines             1 of 2 (50.0 %)" in lines
    assert "  empty: feh (no table labels)" in lines
    assert sum(line.startswith("  obcat ") for line in lines) == 3
