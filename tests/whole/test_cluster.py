"""Partitions on a cluster: whatever dies, stops or has no memory, the catalog is that of one build."""

import json
import os
import platform
import re
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from obcat.export import read
from obcat.partition import PartitionFailed, cluster
from obcat.partition.cluster import LAST_DIGITS, Ended
from obcat.partition.launch import LOG
from tests.whole.small import Made, copy_build, environment, obcat
from tests.whole.test_partitions import LARGE, whole  # noqa: F401

pytestmark = pytest.mark.slow
OBCAT = (sys.executable, "-c", "from obcat.cli import main; main()")
KILLS = (0.8, 1.1, 1.4, 1.8, 2.2)  # moments, in seconds of CPU that a process has taken
DEARTHS = (0.6, 0.9, 1.2)  # where a library asks for a byte without asking whether it got it, the
# process dies without a word: so often (once in a hundred) that three are tried
PATIENCE = 900


@pytest.fixture
def survey(whole: Made, tmp_path: Path) -> Path:  # noqa: F811
    """Its file beside what was ingested, nothing built."""
    copy_build(whole, tmp_path / "small", "raw")
    toml = tmp_path / "survey.toml"
    said = (
        f"[engine]\nspectra = {LARGE}\nretries = {len(KILLS + DEARTHS) + 2}\ntask_minutes = 0.5\n"
    )
    toml.write_text(whole.toml.read_text() + said)
    return toml


def words(toml: Path, *more: str) -> list[str]:
    return ["build", str(toml), "--build", str(toml.parent), *more]


def children(driver: int) -> dict[int, float]:
    """Processes that build a partition for the driver, and the CPU they have taken, in seconds."""
    found = {}
    for process in started_by(driver):
        said, given = (_text(Path(f"/proc/{process}/{name}")) for name in ("stat", "cmdline"))
        fields = said.rpartition(")")[2].split()
        if fields and "--partition" in given.split("\0"):
            found[process] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return found


def started_by(process: int) -> list[int]:
    """The processes that it has started itself, and that are there."""
    tasks = Path(f"/proc/{process}/task").glob("*/children")
    return [int(child) for path in tasks for child in _text(path).split()]


def out_of_memory(process: int) -> None:
    """No byte more than it has."""
    resource.prlimit(process, resource.RLIMIT_AS, (2**20, 2**20))


def faults() -> Iterator[tuple[float, Callable[[int], object]]]:
    for moment in KILLS:
        yield moment, lambda process: os.kill(process, signal.SIGKILL)
    yield 1.2, lambda process: os.kill(process, signal.SIGSTOP)
    yield from ((moment, out_of_memory) for moment in DEARTHS)


def harmed(toml: Path, *more: str) -> tuple[int, str, int]:
    """Run the command; each process it starts has the next fault. Its exit code, what it said, the
    faults that were left.
    """
    driver = subprocess.Popen(
        [*OBCAT, *words(toml, *more)], stderr=subprocess.PIPE, text=True, env=environment()
    )
    left = list(faults())
    given: dict[int, tuple[float, Callable[[int], object]]] = {}
    end = time.monotonic() + PATIENCE
    while driver.poll() is None and time.monotonic() < end:
        now = children(driver.pid)
        for process, spent in now.items():
            if process not in given and left:
                given[process] = left.pop(0)
            if process in given and spent >= given[process][0] >= 0:
                given[process][1](process)
                given[process] = (-1.0, str)
        for process in given.keys() - now.keys():
            if given[process][0] >= 0:  # it was quicker
                left.append(given.pop(process))
        time.sleep(0.02)
    _, said = driver.communicate(timeout=PATIENCE)
    return driver.returncode, said, len(left)


def test_whatever_dies_the_catalog_is_that_of_one_build(whole, survey):  # noqa: F811
    minutes = ("task_minutes = 0.5", "task_minutes = 0.2")  # that the one is waited for that stops
    survey.write_text(survey.read_text().replace(*minutes))
    killed = subprocess.Popen([*OBCAT, *words(survey, "--cluster", "local:2")], env=environment())
    while not any(spent > KILLS[0] for spent in children(killed.pid).values()):
        assert killed.poll() is None
        time.sleep(0.02)
    started = children(killed.pid)
    killed.kill()
    killed.wait()
    assert started
    gone_by = time.monotonic() + 20
    while any(Path(f"/proc/{process}").exists() for process in started):
        assert time.monotonic() < gone_by
        time.sleep(0.1)
    code, said, left = harmed(survey, "--cluster", "local:2")
    assert (code, left) == (0, 0), said
    assert Made(survey, survey.parent / "small").csv == whole.csv
    told = [json.loads(line) for line in log_of(survey).read_text().splitlines()]
    built = Counter(line["partition"] for line in told if line["what"] == "built")
    assert set(built.values()) == {1}  # what dies loses what it had in hand, and no more
    reasons = {line["reason"] for line in told if line["what"] == "failed"}
    assert "killed by SIGKILL" in reasons
    no_room = re.compile("memory|failed to map", re.IGNORECASE)  # the second of what is imported
    assert any(map(no_room.search, reasons)), reasons
    assert "started once more" in said
    assert not list((survey.parent / "small" / "partitions").rglob(".*.partial"))


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("step 1\n", "killed by SIGABRT"),
        (
            "terminate called after throwing an instance of 'std::bad_alloc'\n",
            "killed by SIGABRT: out of memory, or of threads",
        ),
        (
            "terminate called after throwing an instance of 'std::system_error'\n"
            "  what():  Resource temporarily unavailable\n",
            "killed by SIGABRT: out of memory, or of threads",
        ),
    ],
)
def test_a_process_that_aborts_for_want_of_memory_says_so(said, reason):
    assert Ended(-signal.SIGABRT, said, "here").reason == reason


def log_of(toml: Path) -> Path:
    return toml.parent / "small" / "partitions" / LOG


def test_what_fails_still_is_put_aside(whole, survey):  # noqa: F811
    """A partition whose spectra are damaged: nothing is published but with --allow-missing."""
    toml = survey
    toml.write_text(toml.read_text().partition("[engine]")[0] + "[engine]\nretries = 1\n")
    folder = toml.parent / "small"
    assert obcat("partition", toml, "--build", toml.parent, "--spectra", f"{LARGE}").returncode == 0
    name = sorted(path.name for path in (folder / "partitions").glob("0-*"))[0]
    log_of(toml).write_text('{"partition": "0-')
    part = next((folder / "partitions" / name / "raw" / "spectra").iterdir())
    part.write_bytes(part.read_bytes()[:-100])
    failed = obcat(*words(toml, "--cluster", "local:1"))
    assert failed.returncode == 1
    assert f"failed: {name} before its first step: " in failed.stderr
    assert "1 of 2 partitions built, 1 failed" in failed.stderr
    assert not (folder / "obcat.duckdb").exists()
    aside = json.loads((folder / "partitions" / name / "failed.json").read_text())
    assert aside["partition"] == name
    assert "PartitionFailed" in aside["traceback"]
    cut, *told = log_of(toml).read_text().splitlines()
    assert cut == '{"partition": "0-'
    assert [json.loads(line)["what"] for line in told if name in line] == ["failed", "put aside"]
    without = obcat(*words(toml, "--cluster", "local:1", "--allow-missing"))
    assert without.returncode == 0, without.stderr
    assert f"left out: partition {name}, failed before its first step" in without.stderr


dask = pytest.mark.skipif(find_spec("distributed") is None, reason="distributed is not installed")


@dask
def test_dask_makes_the_same_though_a_worker_is_killed(whole, survey):  # noqa: F811
    """By a scheduler of this machine; no port is open but on loopback."""
    driver = subprocess.Popen(
        [*OBCAT, *words(survey, "--cluster", "dask:2")],
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    workers: list[int] = []
    while not workers:
        assert driver.poll() is None, driver.communicate()
        time.sleep(0.1)
        workers = [p for p in family(driver.pid) if max(children(p).values(), default=0) > 1]
    assert {address for p in family(driver.pid) for address in listening(p)} == {"127.0.0.1"}
    settings = [Path(f"/proc/{c}/environ").read_bytes() for w in workers for c in children(w)]
    assert settings
    assert not [one for one in settings if b"MALLOC_TRIM_THRESHOLD_" in one]
    os.kill(workers[0], signal.SIGKILL)
    _, said = driver.communicate(timeout=PATIENCE)
    assert driver.returncode == 0, said
    folder = survey.parent / "small"
    assert Made(survey, folder).csv == whole.csv
    hats = [pq.read_table(p, partitioning=None) for p in (folder / "catalog").rglob("Npix=*")]
    wanted = read(folder / "obcat.duckdb").rows["specid"].to_pylist()
    assert sorted(s for part in hats for s in part["specid"].to_pylist()) == wanted


def _text(path: Path) -> str:
    """Of a file of /proc; nothing where what it tells of has ended meanwhile."""
    try:
        return path.read_text()
    except OSError:
        return ""


def family(process: int) -> list[int]:
    """The process and all that it has started."""
    return [process, *(p for child in started_by(process) for p in family(child))]


def listening(process: int) -> list[str]:
    """Addresses on which it waits for somebody, as the kernel lists them."""
    own = {str(path.readlink()) for path in Path(f"/proc/{process}/fd").iterdir() if path.exists()}
    found = []
    for name in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
            local, state, inode = (line.split()[i] for i in (1, 3, 9))
            if state == "0A" and f"socket:[{inode}]" in own:
                packed = bytes.fromhex(local.partition(":")[0])
                found.append(".".join(map(str, reversed(packed))))
    return found


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("nowhere", "give local:N, N processes of this machine; dask:N"),
        ("local:0", "give local:N"),
        pytest.param("tcp://192.0.2.1:8786", "not encrypted", marks=dask),
        pytest.param(
            "tcp://127.0.0.1:9", "no scheduler answers", marks=[dask, pytest.mark.enable_socket]
        ),
        pytest.param("tls://127.0.0.1:9", "no scheduler answers", marks=dask),
    ],
)
def test_an_address_that_cannot_be_is_refused_in_a_line(tmp_path, monkeypatch, address, said):
    monkeypatch.setattr(cluster, "ANSWERS", 1)
    with pytest.raises(PartitionFailed, match=re.escape(said)):
        cluster.opened(address, tmp_path)


def test_without_the_extra_its_name_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "find_spec", lambda name: None)
    with pytest.raises(PartitionFailed, match=r'pip install "obcat\[cluster\]"'):
        cluster.opened("dask:2", tmp_path)


def test_nothing_of_dask_is_imported_where_it_is_not_asked_for():
    code = "import sys, obcat.partition.launch; print({'dask', 'distributed'} & sys.modules.keys())"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment(), check=True
    )
    assert done.stdout.strip() == "set()"


class Answering:
    """A client of Dask whose one worker finds other conditions."""

    def __init__(self, **other: str) -> None:
        self.other = other

    def close(self) -> None:
        pass

    def wait_for_workers(self, n: int, timeout: int) -> None:
        pass

    def run(self, function: Callable[..., dict[str, str]], *given: Path, **settings: bool) -> dict:
        return {"tcp://127.0.0.1:1": function(*given, **settings) | self.other}


def test_a_worker_of_another_release_is_refused(tmp_path, monkeypatch):
    """One that sees the same is not, wherever it was started: the folder may be a relative one."""
    monkeypatch.chdir(tmp_path)
    cluster._Dask("dask:1", Answering()).check(Path("build"), training=False)
    with pytest.raises(PartitionFailed, match=r"differs in duckdb: 0\.1 there, "):
        cluster._Dask("dask:1", Answering(duckdb="0.1")).check(tmp_path, training=False)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="kernels of one kind alone")
def test_a_worker_of_another_kind_of_processor_is_refused(tmp_path, monkeypatch):
    made = set()
    for kind in ("Haswell", "Sandybridge"):
        monkeypatch.setenv("OPENBLAS_CORETYPE", kind)
        made.add(cluster.conditions(tmp_path, training=False)[LAST_DIGITS])
    assert len(made) == 2
