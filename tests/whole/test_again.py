"""The last steps once more in a copy: the same catalog where nothing changed, the truth used
where it is given, and the database itself as it was."""

import duckdb
import pytest

from obcat.build.again import again
from obcat.checksums import digest
from tests.whole.small import obcat

CATALOG = "SELECT * FROM catalog.ob_stars ORDER BY specid"


def rows(database):
    with duckdb.connect(str(database), read_only=True) as con:
        return con.sql(CATALOG).fetchall()


def test_nothing_changed_is_the_same_catalog(first, tmp_path):
    copy = again(first.database, tmp_path, first="luminosity.geometric", change=lambda con: None)
    assert copy != first.database
    assert rows(copy) == rows(first.database)


def test_a_change_is_seen_in_the_copy_alone(first, tmp_path):
    before = digest(first.database)

    def fainter(con):
        con.execute("UPDATE sample.stars SET ks = ks + 1")

    copy = again(first.database, tmp_path, first="luminosity.geometric", change=fainter)
    with duckdb.connect(str(copy), read_only=True) as con:
        con.execute("ATTACH $1 AS built (READ_ONLY)", [str(first.database)])
        moved = con.sql(
            "SELECT DISTINCT round(a.mk_geo - b.mk_geo, 6) FROM catalog.ob_stars AS a"
            " INNER JOIN built.catalog.ob_stars AS b USING (specid) WHERE a.mk_geo IS NOT NULL"
        ).fetchall()
    assert moved == [(1.0,)]
    assert digest(first.database) == before


@pytest.mark.parametrize("name", ["zero_point", "labels"])
def test_the_command_says_both_and_leaves_nothing(first, files, name):
    said = obcat(
        "evaluate", first.database, "--truth", files.parent / "truth", "--oracle", name
    ).stdout
    assert f"{name} known" in said
    assert "as built" in said
    assert not list(first.folder.glob("oracle-*"))
