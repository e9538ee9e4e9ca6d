"""Signals, disks, two at once: one line, what was done stays done, and the next run goes on."""

import errno
import itertools
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from obcat.cli import main
from obcat.files import STAMP
from tests.fetch.hosts import hosting
from tests.fetch.world import World, drip, fakes

pytestmark = pytest.mark.slow
OBCAT = [sys.executable, "-c", "from obcat.cli import main; main()"]
SLOW = {"connect": 60.0, "read": 60.0, "download": 60.0}


def started(world: World) -> subprocess.Popen[str]:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [*OBCAT, "fetch", str(world.folder / "world.toml")],
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def until(happened, process: subprocess.Popen[str]) -> None:
    """Wait for something that a process brings about."""
    for _ in range(2000):
        if happened():
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    raise AssertionError("it never happened")


def ended(process: subprocess.Popen[str], number: int) -> None:
    """At once, with one line, and the exit code of the signal."""
    process.send_signal(number)
    sent = time.monotonic()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
    _, said = process.communicate()
    assert process.returncode == 128 + number, said
    assert time.monotonic() - sent < 2.0
    lines = [
        line
        for line in said.splitlines()
        if not line.startswith(("fetching spectra: ", "gaia_dr2: "))
    ]
    assert lines == [lines[0]], said
    assert lines[0].startswith(
        "Stopped; what is done is kept, and the same command goes on: obcat fetch "
    )


def list_of(world: World, *steps: str, **named) -> None:
    """A survey with a list of the user's, not yet fetched."""
    from tests.fetch.world import csv_of

    path = world.survey(*steps, **named)
    world.data.mkdir(exist_ok=True)
    (world.data / "list.csv").write_bytes(csv_of(world.archives.query('SELECT * FROM "J/list"')))
    path.write_text(path.read_text() + '[tables.targets]\npath = "world/list.csv"\n')


def whole(folder: Path) -> list[str]:
    """Spectra that are in place, not in a working folder."""
    places = [place for place in os.walk(folder) if ".partial" not in place[0]]
    return [name for _, _, names in places for name in names if name.endswith(".gz")]


def at_work(folder: Path) -> list[str]:
    return [place for place, _, _ in os.walk(folder) if place.endswith(".partial")]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_among_spectra(world, number):
    """Every worker waits for a body that comes a byte at a time; the files before it stay."""
    world.hook(f"lamost.*{fakes()[2].name}", drip, -1)
    world.hook(f"lamost.*{fakes()[3].name}", drip, -1)
    list_of(world, "spectra", limits=SLOW | {"workers": 2})
    process = started(world)
    until(lambda: len(whole(world.data)) == 2 and not at_work(world.data), process)
    ended(process, number)
    done = {row["item"] for row in world.ledger("spectra") if row["status"] == "done"}
    # in either order; the row of the first was written before the second had its name
    assert done
    assert done <= {fakes()[n].specid for n in (0, 1)}
    world.archives.hooks.clear()
    world.archives.asked.clear()
    assert world.fetch("spectra").exit_code == 0
    assert len(world.archives.asked) == len(fakes()) - len(done)
    assert not list(world.data.rglob("*.partial"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    "pattern", ["POST /tap/async$", r"GET /tap/async/\d+$", "results/result", "/tap/sync"]
)
def test_a_signal_among_jobs(world, number, pattern):
    world.hook(pattern, drip, 1)
    list_of(world, "gaia_dr2", limits=SLOW)
    process = started(world)
    until(lambda: not world.archives.hooks[0].times, process)
    ended(process, number)
    assert world.fetch("gaia_dr2").exit_code == 0


def test_a_signal_while_nothing_answers(world):
    """Connected, and not a byte."""
    with hosting(lambda line: line.host.over.wait(30)) as host:
        world.hosts = {"vizier": host.url}
        world.survey("targets", limits=SLOW)
        process = started(world)
        until(lambda: host.asked, process)
        ended(process, signal.SIGINT)


def test_a_signal_in_a_handshake(world):
    with hosting(lambda line: line.host.over.wait(30)) as host:
        world.hosts = {"vizier": host.url.replace("http:", "https:")}
        world.survey("targets", limits=SLOW)
        process = started(world)
        until(lambda: host.asked, process)
        ended(process, signal.SIGTERM)


def test_a_signal_that_the_shell_ignores_stays_ignored(world):
    """As nohup has it."""
    world.hook("viz-bin", lambda reply: drip(reply), 1)
    world.survey("targets", limits={"read": 60.0, "download": 1.0, "tries": 1})
    script = (
        f"trap '' HUP; exec {sys.executable} -c 'from obcat.cli import main; main()' fetch "
        f"{world.folder}/world.toml"
    )
    process = subprocess.Popen(["sh", "-c", script], stderr=subprocess.PIPE, text=True)
    until(lambda: world.asked("viz-bin"), process)
    process.send_signal(signal.SIGHUP)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 2, said
    assert "deadline" in said


# ---- disks


class Full:
    """The n-th call fails as on a full disk, or another."""

    def __init__(self, original, n: int, code: int) -> None:
        self.original, self.left, self.code = original, n, code

    def __call__(self, *given, **named):
        self.left -= 1
        if self.left == 0:
            raise OSError(self.code, os.strerror(self.code), "some/file")
        return self.original(*given, **named)


CALLS = {
    "fsync": (os, "fsync"),
    "rename": (Path, "replace"),
    "open": (Path, "open"),
    "mkdir": (Path, "mkdir"),
}


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO])
@pytest.mark.parametrize("call", CALLS)
def test_the_nth_call_fails(world, monkeypatch, call, code):
    """Until a run gets through: one line each, nothing half there,
    and then everything is as ever.
    """
    where, name = CALLS[call]
    list_of(world, "gaia_dr2", "spectra")
    for n in itertools.count(1):
        assert n < 200
        with monkeypatch.context() as patched:
            full = Full(getattr(where, name), n, code)
            patched.setattr(where, name, lambda *given, full=full, **named: full(*given, **named))
            done = CliRunner().invoke(
                main, ["fetch", str(world.folder / "world.toml")], catch_exceptions=False
            )
        assert not list(world.data.rglob("*.partial"))
        if full.left > 0:
            break
        assert done.exit_code in (0, 1, 2), done.output
        assert "Traceback" not in done.output
    assert done.exit_code == 0, done.output
    assert len([name for name in world.contents() if name.startswith("spectra")]) == len(fakes())


@pytest.mark.parametrize("statement", ["BEGIN", "COMMIT", "INSERT", "SET", "SELECT"])
def test_the_ledger_cannot_be_written(world, monkeypatch, statement):
    import duckdb

    class Refusing:
        def __init__(self, *given, **named) -> None:
            self.con = connect(*given, **named)

        def execute(self, sql: str, *values):
            if sql.startswith(statement):
                raise duckdb.IOException(
                    'IO Error: Could not write file "downloads.duckdb": No space left on device'
                )
            return self.con.execute(sql, *values)

        def close(self) -> None:
            self.con.close()

    connect = duckdb.connect
    with monkeypatch.context() as patched:
        patched.setattr("duckdb.connect", Refusing)
        done = world.fetch("spectra")
    assert done.exit_code == 2
    assert done.output.startswith("Error: ")
    assert "downloads.duckdb: IO Error: Could not write file" in done.output
    assert done.output.count("\n") == 1
    assert world.fetch("spectra").exit_code == 0


def test_a_table_that_finds_no_room_leaves_the_old_one(world, monkeypatch):
    assert world.fetch("gaia_dr2").exit_code == 0
    before = world.contents()["gaia_dr2.parquet"]

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        done = world.fetch("gaia_dr2", options=("--limit", "2"))
    said = f"Error: {world.data}: No space left on device\n"
    assert (done.exit_code, done.output) == (1, said)
    assert before in world.contents().values()


def test_two_at_once(world):
    """The second says so at once, asks nobody, and changes nothing."""
    world.hook("lamost", drip, -1)
    list_of(world, "spectra", limits=SLOW)
    process = started(world)
    until(lambda: world.asked("lamost"), process)
    asked = len(world.archives.asked)
    second = started(world)
    _, said = second.communicate(timeout=30)
    assert second.returncode == 1
    assert (
        said
        == f"Error: {world.data}: another obcat command is using this folder; wait for it to end\n"
    )
    assert len(world.archives.asked) <= asked + 1  # the first may just have begun its second file
    ended(process, signal.SIGINT)


def test_the_lock_of_a_killed_run_is_no_lock(world):
    world.hook("lamost", drip, 2)
    list_of(world, "spectra", limits=SLOW)
    process = started(world)
    until(lambda: world.asked("lamost"), process)
    process.kill()
    process.communicate()
    assert world.fetch("spectra").exit_code == 0


def test_nothing_of_a_fetch_is_where_temporary_files_are(world, monkeypatch):
    """There a kill would leave it for ever; what it leaves beside the tables, the next run clears."""
    left = world.data / ".reading.partial"
    left.mkdir(parents=True)
    (left / STAMP).write_text("obcat, process 1 on a machine\n")
    (left / "targets.vot").write_text("half a table")
    monkeypatch.setattr(tempfile, "tempdir", "/no/such/folder")
    done = world.fetch("targets", "gaia_dr2", "apass")
    assert done.exit_code == 0, done.output
    assert not left.exists()
