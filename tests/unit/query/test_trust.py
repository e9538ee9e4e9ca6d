"""A database of somebody else: opened only if asked for,
and then still out of reach of files and network.
"""

import shutil
import sqlite3
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner
from release_rows import released_from

import obcat
from obcat.cli import main
from obcat.query.sql import QueryRefused, answer
from obcat.reading import NotTrusted, check

COUNT = "SELECT count(*) AS n FROM catalog.ob_stars"


@pytest.fixture(scope="module")
def made(template, tmp_path_factory) -> Path:
    return released_from(template, tmp_path_factory.mktemp("made"), "source.duckdb")


@pytest.fixture
def released(made, tmp_path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "release")) / "obcat.duckdb"


def sql(*arguments: str | Path) -> tuple[int, str, str]:
    done = CliRunner().invoke(main, ["sql", *map(str, arguments)])
    return done.exit_code, done.stdout, done.stderr


def test_a_release_that_is_whole_is_opened(released):
    assert sql(released, COUNT) == (0, "n\n5\n", "")
    with obcat.open(released) as catalog:
        assert len(catalog.table()) == 5


@pytest.mark.parametrize("beside", ["raw", "models"])
def test_a_build_is_opened(database, beside):
    (database.parent / beside).mkdir()
    check(database)


def test_a_file_by_itself_is_not_opened_unless_trusted(released, tmp_path):
    alone = Path(shutil.move(released, tmp_path / "x.duckdb"))
    code, out, error = sql(alone, COUNT)
    assert (code, out) == (1, "")
    assert error == (
        "Error: x.duckdb: neither of a build nor of a release with SHA256SUMS; "
        "--trust opens it all the same, if you know who made it\n"
    )
    assert sql(alone, COUNT, "--trust") == (0, "n\n5\n", "")
    with pytest.raises(NotTrusted):
        obcat.open(alone)
    with obcat.open(alone, trust=True) as catalog:
        assert len(catalog.table()) == 5


def test_explain_asks_as_well(released, tmp_path):
    alone = Path(shutil.move(released, tmp_path / "x.duckdb"))
    done = CliRunner().invoke(main, ["explain", str(alone), "a star"])
    assert (done.exit_code, done.stdout) == (1, "")
    assert "neither of a build nor of a release" in done.stderr


def test_a_release_that_was_changed_is_not_opened(released):
    with duckdb.connect(str(released)) as con:
        con.execute("UPDATE catalog.ob_stars SET mk = 0")
    with pytest.raises(NotTrusted, match="changed since its release"):
        check(released)


def test_a_log_beside_a_release_would_change_it(released):
    """The checksum of the database says nothing about the log that DuckDB reads with it."""
    released.with_name("obcat.duckdb.wal").write_bytes(b"")
    with pytest.raises(NotTrusted, match=r"obcat\.duckdb\.wal beside it"):
        check(released)


def test_a_file_that_the_checksums_do_not_name_is_not_opened(released):
    with pytest.raises(NotTrusted, match="not in the SHA256SUMS"):
        check(Path(shutil.copy(released, released.with_name("other.duckdb"))))
    released.with_name("SHA256SUMS").write_text("hello\n", encoding="ascii")
    with pytest.raises(NotTrusted, match="SHA256SUMS beside it is damaged"):
        check(released)


def test_a_link_is_what_it_leads_to(released, tmp_path):
    link = tmp_path / "link.duckdb"
    link.symlink_to(released)
    check(link)
    (tmp_path / "raw").mkdir()
    with duckdb.connect(str(released)) as con:
        con.execute("UPDATE catalog.ob_stars SET mk = 0")
    with pytest.raises(NotTrusted):
        check(link)


READ = "SELECT content FROM read_text('{file}')"
TRAPS = (
    "CREATE VIEW catalog.ob_stars AS FROM read_csv('{file}')",
    "CREATE VIEW catalog.ob_stars AS FROM '{file}'",
    f"CREATE MACRO catalog.trap() AS TABLE {READ}; CREATE VIEW catalog.ob_stars AS FROM "
    "catalog.trap()",
    f"CREATE MACRO catalog.trap() AS ({READ}); CREATE VIEW catalog.ob_stars AS SELECT "
    "catalog.trap() AS secret",
    "CREATE VIEW catalog.ob_stars AS FROM query('SELECT content FROM read_text(''{file}'')')",
)


@pytest.mark.parametrize("trap", TRAPS)
def test_a_trap_in_a_trusted_file_reaches_no_file(tmp_path, trap):
    (tmp_path / "secret.csv").write_text("a,b\nsecret,1\n", encoding="utf-8")
    path = tmp_path / "x.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute("CREATE SCHEMA catalog")
        con.execute(trap.replace("{file}", str(tmp_path / "secret.csv")))
        assert con.execute("FROM catalog.ob_stars").fetchall()  # with access it works
    with pytest.raises(QueryRefused, match=r"Permission|disabled|external"):
        answer(path, "FROM catalog.ob_stars")


def test_a_file_of_another_kind_loads_no_reader(tmp_path):
    """DuckDB would fetch and load an extension for a file of SQLite."""
    path = tmp_path / "x.duckdb"
    with sqlite3.connect(path) as con:
        con.execute("CREATE TABLE t (x)")
    con.close()
    with pytest.raises(QueryRefused) as refusal:
        answer(path, "SELECT 1")
    assert len(str(refusal.value).splitlines()) == 1
    assert "http" not in str(refusal.value)
