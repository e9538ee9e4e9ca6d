"""Gaia's archive through pyvo: whatever the archive does,
a table is whole or it is named as missing.
"""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from obcat.ingest.fetch import archives
from tests.fetch.world import (
    GAIA,
    N_STARS,
    QUERY,
    Killed,
    cut,
    drip,
    hang,
    html,
    hurried,
    redirect,
    shorter,
    status,
)

RESULT = "results/result"


def gaia(world) -> pa.Table:
    return pq.read_table(world.data / "gaia_dr2.parquet")


def test_candidates_of_every_star(world):
    """Star 0 has two within 3 arcsec; the ids are beyond what a double holds."""
    done = world.fetch("gaia_dr2")
    assert done.exit_code == 0, done.output
    assert "gaia_dr2: 7 rows of 6 stars; 0 stars have none" in done.output
    table = gaia(world)
    assert sorted(table["source_id"].to_pylist()) == [GAIA + n for n in range(N_STARS + 1)]
    assert table.schema.field("parallax").metadata == {b"unit": b"mas"}
    assert table["ruwe"].null_count == table["parallax"].null_count == 1
    rows = world.ledger("gaia_dr2")
    assert {row["status"] for row in rows} == {"done"}
    assert [row["rows"] for row in rows if row["path"].endswith(".parquet")] == [7]
    assert sum("count" in row["item"] for row in rows) == 2  # two chunks of at most four stars
    assert not world.archives.jobs  # deleted when their answers were safe


def test_the_second_time_nothing_is_asked(world):
    world.fetch("gaia_dr2")
    world.archives.asked.clear()
    assert world.fetch("gaia_dr2").exit_code == 0
    assert world.archives.asked == []


TRANSIENT = {
    "submitting 503": ("POST /tap/async$", status(503), 2),
    "submitting 429": ("POST /tap/async$", status(429, **{"Retry-After": "0"}), 1),
    "polling 503": (r"GET /tap/async/\d+$", status(503), 2),
    "result 503": (RESULT, status(503), 2),
    "result cut": (RESULT, cut, 2),
    "result cut unseen": (RESULT, shorter, 2),
    "result hang": (RESULT, hang, 1),
    "result html": (RESULT, html, 1),
    "deleting 503": ("DELETE", status(503), 2),
}


@pytest.fixture(scope="module")
def undisturbed(served, tmp_path_factory) -> dict[str, bytes]:
    from tests.fetch.world import World

    served[0].reset()
    world = World(*served, tmp_path_factory.mktemp("undisturbed"))
    assert world.fetch("gaia_dr2").exit_code == 0
    return world.contents()


@pytest.mark.parametrize("fault", TRANSIENT)
def test_recovers(world, fault, undisturbed):
    world.hook(*TRANSIENT[fault])
    done = world.fetch("gaia_dr2")
    assert done.exit_code == 0, done.output
    assert world.contents()["gaia_dr2.parquet"] == undisturbed["gaia_dr2.parquet"]


LASTING = {
    "submitting 503": ("POST /tap/async$", status(503), "refused", "503"),
    "columns 503": ("/tap/sync", status(503), "refused", "503"),
    "columns html": ("/tap/sync", html, "html", "web page"),
    "polling html": (r"GET /tap/async/\d+$", html, "no_answer", "names no phase"),
    "result 403": (RESULT, status(403), "refused", "HTTP 403"),
    "result cut": (RESULT, cut, "no_answer", "IncompleteRead"),
    "result cut unseen": (RESULT, shorter, "damaged", "before its last tag"),
    "result drip": (RESULT, drip, "deadline", "still sending"),
    "result html": (RESULT, html, "html", "web page"),
    "result loop": (RESULT, redirect("/tap/async/1/results/result"), "no_answer", "redirects"),
}


@pytest.mark.parametrize("fault", LASTING)
def test_missing_by_name(world, fault):
    pattern, change, reason, said = LASTING[fault]
    world.hook(pattern, change, -1)
    done = world.fetch("gaia_dr2", limits=hurried(change))
    assert_missing(world, done, reason, said)


def assert_missing(world, done, reason: str, said: str) -> None:
    assert done.exit_code == 1
    assert f"missing: gaia_dr2 table: {reason}: " in done.output
    assert said in done.output
    assert "gaia_dr2.parquet" not in world.contents()
    assert not [name for name in world.contents() if name.endswith(".partial")]
    world.archives.reset()
    assert world.fetch("gaia_dr2").exit_code == 0
    assert gaia(world).num_rows == N_STARS + 1


def test_pending_for_ever(world):
    world.archives.fate = lambda job: "PENDING"
    assert_missing(
        world, world.fetch("gaia_dr2"), "deadline", "PENDING, although started twice; aborted"
    )


def test_pending_until_started_again(world):
    fates = iter(["PENDING"])
    world.archives.fate = lambda job: next(fates, "COMPLETED")
    assert world.fetch("gaia_dr2").exit_code == 0


@pytest.mark.parametrize("phase", ["EXECUTINH", "ARCHIVED", ""])
def test_a_phase_that_leads_nowhere(world, phase):
    """It is not waited for until the job has no more time."""
    world.archives.fate = lambda job: phase
    assert_missing(
        world, world.fetch("gaia_dr2", limits={"job": 600.0}), "no_answer", "names no phase"
    )


def test_executing_for_ever(world):
    world.archives.fate = lambda job: "EXECUTING"
    done = world.fetch("gaia_dr2", limits={"job": 0.2})
    assert {job.phase for job in world.archives.jobs.values()} == {"ABORTED"}
    assert_missing(world, done, "deadline", "EXECUTING after 0.2 s; aborted")


def test_error_phase_says_why(world):
    done = world.fetch(
        "gaia_dr2",
        gaia_dr2={"query": QUERY.replace("g.ra, g.dec, g.par", "g.ra, g.dec, 1/'x' AS y, g.par")},
    )
    assert "missing: gaia_dr2 table: job_failed: " in done.output
    assert "Conversion Error" in done.output


def test_overflow(world):
    world.archives.row_limit = 3
    assert_missing(world, world.fetch("gaia_dr2"), "overflow", "OVERFLOW")


def other(change):
    return lambda table: change(table) if "source_id" in table.column_names else table


def doubled(table: pa.Table) -> pa.Table:
    return pa.concat_tables([table.slice(0, 1), table.slice(0, 1), table.slice(2)])


CHANGED = {
    "cut in silence": (lambda t: t.slice(1), "incomplete", "and the archive counts"),
    "rows added": (lambda t: pa.concat_tables([t, t.slice(0, 1)]), "incomplete",
    "and the archive counts"), "a row in place of another": (doubled, "unasked",
    "1 rows are there twice"), "stars nobody asked for": (
        lambda t: t.set_column(0, "star_id", pa.array([9999] * t.num_rows)), "unasked", "9999",
    ),
    "column lost": (lambda t: t.drop_columns(["ruwe"]), "unusable", "ruwe"),
    "column more": (lambda t: t.append_column("extra", t["ra"]), "unusable", "extra"),
    "ids as float": (
        lambda t: t.set_column(1, "source_id", t["source_id"].cast(pa.float64(), safe=False)),
        "unusable", "float",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", CHANGED)
def test_other_rows_or_columns(world, fault):
    change, reason, said = CHANGED[fault]
    world.archives.result = other(change)
    assert_missing(world, world.fetch("gaia_dr2"), reason, said)


def test_unknown_unit(world):
    world.archives.units_now["parallax"] = "furlong"
    assert_missing(world, world.fetch("gaia_dr2"), "unusable", "furlong")


def test_the_order_of_rows_does_not_matter(world, undisturbed):
    world.archives.result = lambda table: table.take(pa.array(range(table.num_rows)[::-1]))
    assert world.fetch("gaia_dr2").exit_code == 0
    assert world.contents()["gaia_dr2.parquet"] == undisturbed["gaia_dr2.parquet"]


def test_a_column_that_the_archive_does_not_have(world):
    done = world.fetch("gaia_dr2", gaia_dr2={"query": QUERY.replace("g.parallax,", "g.paralax,")})
    assert "gaiadr2.gaia_source has no column paralax; did you mean 'parallax'?" in done.output
    assert not world.asked("POST /tap/async")


def killed_after(monkeypatch, name: str, calls: int) -> None:
    original, left = getattr(archives, name), [calls]

    def call(*given):
        made = original(*given)
        left[0] -= 1
        if left[0] == 0:
            raise Killed
        return made

    monkeypatch.setattr(archives, name, call)


@pytest.mark.parametrize(
    ("name", "calls"),
    [("_submitted", 2), ("_wait", 1), ("_wait", 3), ("_result", 2), ("_result", 4)],
)
def test_goes_on_after_a_kill(world, monkeypatch, undisturbed, name, calls):
    """A job that was recorded is taken up again:
    of four, none is submitted twice but one that nobody had recorded.
    """
    with monkeypatch.context() as patched:
        killed_after(patched, name, calls)
        assert world.fetch("gaia_dr2").output.endswith("Killed: ; --debug shows where\n")
    assert world.fetch("gaia_dr2").exit_code == 0
    submitted = sum(request == "POST /tap/async" for request in world.archives.asked)
    assert submitted == (5 if name == "_submitted" else 4)
    assert world.contents() == undisturbed


def test_a_job_that_the_archive_has_forgotten(world, monkeypatch, undisturbed):
    with monkeypatch.context() as patched:
        killed_after(patched, "_wait", 1)
        assert world.fetch("gaia_dr2").output.endswith("Killed: ; --debug shows where\n")
    world.archives.jobs.clear()
    assert world.fetch("gaia_dr2").exit_code == 0
    assert world.contents() == undisturbed
