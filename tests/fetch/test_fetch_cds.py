"""VizieR and the cross-match service through astroquery,
which hides faults that must not stay hidden.
"""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from obcat.ingest.tables.read import read_table
from tests.fetch.world import PASSING, STAYING, fakes, html, hurried, shorter, status

TRANSIENT = PASSING | {
    "503": (status(503), 2),
    "429": (status(429, **{"Retry-After": "0"}), 2),
    "html": (html, 1),
}
LASTING = STAYING | {"cut unseen": (shorter, "damaged", "before its last tag")}


def test_the_whole_list(world):
    """VizieR gives 50 rows unless it is told otherwise; the server does so too."""
    assert world.fetch("targets").exit_code == 0
    table, _ = read_table(world.data / "targets.vot")
    assert table["specid"].to_pylist() == [f.specid for f in fakes()]
    (row,) = world.ledger("targets")
    assert (row["status"], row["rows"], row["query"]) == ("done", 8, "J/list")


@pytest.mark.parametrize("fault", TRANSIENT)
def test_list_recovers(world, fault):
    world.hook("viz-bin", *TRANSIENT[fault])
    assert world.fetch("targets").exit_code == 0


@pytest.mark.parametrize("fault", LASTING)
def test_without_the_list_nothing_goes_on(world, fault):
    change, reason, said = LASTING[fault]
    world.hook("viz-bin", change, -1)
    done = world.fetch("targets", "spectra", limits=hurried(change))
    assert done.exit_code == 2
    assert f"Error: targets: {reason}: " in done.output
    assert said in done.output
    assert "targets.vot" not in world.contents()
    assert not world.asked("lamost")


@pytest.mark.parametrize("rows", [7, 9, 0])
def test_another_number_of_rows_than_published(world, rows):
    world.archives.result = lambda table: pa.concat_tables([table, table]).slice(0, rows)
    done = world.fetch("targets")
    assert f"incomplete: J/list: {rows} rows came, 8 were expected" in done.output


def test_counted_where_no_number_was_published(world):
    published = {"from": "vizier", "table": "II/336/apass9", "path": "world/published.vot"}
    from tests.fetch.world import STEPS

    STEPS["published"] = published
    try:
        assert world.fetch("published").exit_code == 0
        assert world.asked("/tap/sync") == 1
        world.data.joinpath("published.vot").unlink()
        world.archives.result = lambda table: table.slice(1)
        assert (
            "incomplete: II/336/apass9: 4 rows came, 5 were expected"
            in world.fetch("published").output
        )
    finally:
        del STEPS["published"]


def test_cross_match(world):
    done = world.fetch("apass")
    assert "apass: 5 rows of 5 stars; 1 stars have none" in done.output
    table = pq.read_table(world.data / "apass.parquet")
    assert table["Vmag"].to_pylist() == [12.5] * 5
    assert world.asked("POST /xmatch") == world.asked("tables") == 2


@pytest.mark.parametrize("fault", TRANSIENT)
def test_cross_match_recovers(world, fault):
    change, times = TRANSIENT[fault]
    world.hook("POST /xmatch", change, times)
    assert world.fetch("apass").exit_code == 0


@pytest.mark.parametrize("fault", LASTING)
def test_cross_match_missing_by_name(world, fault):
    change, reason, said = LASTING[fault]
    world.hook("POST /xmatch", change, -1)
    done = world.fetch("apass", limits=hurried(change))
    assert done.exit_code == 1
    assert f"missing: apass table: {reason}: " in done.output
    assert said in done.output
    assert "apass.parquet" not in world.contents()


def test_the_list_of_tables_is_busy(world):
    """The client then says that the table is not available; the status says what is true."""
    world.hook("GET /xmatch.*tables", status(503), -1)
    assert "missing: apass table: refused: " in (output := world.fetch("apass").output)
    assert "HTTP 503" in output


CHANGED = {
    "twice": (lambda t: pa.concat_tables([t, t]), "there twice"),
    "another star": (
        lambda t: t.set_column(1, "star_id", pa.array([77] * t.num_rows)),
        "not asked for, as 77",
    ),
    "another position": (
        lambda t: t.set_column(2, "star_ra", pa.array([1.0] * t.num_rows)),
        "star_ra came back other",
    ),
    "too far": (
        lambda t: t.set_column(0, "angDist", pa.array([3.5] * t.num_rows)),
        "wider than 3 arcsec",
    ),
}


@pytest.mark.parametrize("fault", CHANGED)
def test_cross_match_of_something_else(world, fault):
    change, said = CHANGED[fault]
    world.archives.result = change
    done = world.fetch("apass")
    assert "missing: apass table: unasked: " in done.output
    assert said in done.output


def test_the_order_of_pairs_does_not_matter(world):
    assert world.fetch("apass").exit_code == 0
    first = world.contents()["apass.parquet"]
    for path in world.data.rglob("*.vot"):
        path.unlink()
    (world.data / "apass.parquet").unlink()
    world.archives.result = lambda table: table.take(pa.array(range(table.num_rows)[::-1]))
    assert world.fetch("apass").exit_code == 0
    assert world.contents()["apass.parquet"] == first


def test_nothing_is_cached_as_pickle(world, tmp_path):
    world.fetch("targets", "apass")
    assert not list(tmp_path.rglob("*.pickle"))
