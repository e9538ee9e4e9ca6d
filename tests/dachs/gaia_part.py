"""The Gaia part of a fetch from a real TAP server on loopback;
run by tests/dachs/run.sh, never by make test.
"""

import pyarrow.parquet as pq
import pytest

from obcat.ingest.fetch import archives as clients
from tests.fetch.world import GAIA, N_STARS, Killed, World, archives

pytestmark = pytest.mark.allow_hosts(["127.0.0.1", "localhost"])
LIMITS = {"job": 60.0, "read": 20.0, "download": 30.0, "pending": 5.0, "poll_most": 0.5}
DACHS = "http://localhost:8080/tap"


@pytest.fixture
def world(tmp_path) -> World:
    return World(archives(), "http://127.0.0.1:9", tmp_path, hosts={"gaia": DACHS})


def fetched(world: World):
    return world.fetch(
        "gaia_dr2",
        limits={"job": 60.0, "read": 20.0, "download": 30.0, "pending": 5.0, "poll_most": 0.5},
    )


def test_candidates_of_every_star(world):
    done = fetched(world)
    assert done.exit_code == 0, done.output
    table = pq.read_table(world.data / "gaia_dr2.parquet")
    assert sorted(table["source_id"].to_pylist()) == [GAIA + n for n in range(N_STARS + 1)]
    assert table["ruwe"].null_count == table["parallax"].null_count == 1
    assert table.schema.field("parallax").metadata == {b"unit": b"mas"}
    first = world.contents()
    assert fetched(world).exit_code == 0
    assert world.contents() == first


def test_goes_on_after_a_kill(world, monkeypatch):
    def killed(*given):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(clients, "_wait", killed)
        assert fetched(world).output.endswith("Killed: ; --debug shows where\n")
    (running,) = [row["job"] for row in world.ledger("gaia_dr2") if row["status"] == "running"]
    assert fetched(world).exit_code == 0
    assert running in [row["job"] for row in world.ledger("gaia_dr2") if row["status"] == "done"]


def test_a_column_that_is_not_there_is_named(world):
    from tests.fetch.world import QUERY

    done = world.fetch(
        "gaia_dr2",
        gaia_dr2={"query": QUERY.replace("g.parallax,", "g.paralax,")},
        limits={"read": 20.0},
    )
    assert "gaiadr2.gaia_source has no column paralax; did you mean 'parallax'?" in done.output
