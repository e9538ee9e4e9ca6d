"""Threads and memory of a build follow the machine, the control group,
the survey and the options.
"""

import os
import resource
import subprocess
import sys

import pytest

from obcat import machine
from obcat.machine import Limits, MachineError, Share, chosen, in_words, parsed

GB = 10**9


def looks(monkeypatch, cpus, size):
    monkeypatch.setattr(machine, "cpus", lambda: cpus)
    monkeypatch.setattr(machine, "memory", lambda: size)


@pytest.mark.parametrize(
    ("cpus", "size", "limits"),
    [
        (2, 24 * GB, Limits(2, 1_500_000_000)),
        (2, 4 * GB, Limits(2, GB)),
        (8, 8 * GB, Limits(4, 2 * GB)),
        (64, 256 * GB, Limits(64, 48 * GB)),
        (64, 16 * GB, Limits(8, 4 * GB)),
        (4, GB, Limits(1, 400_000_000)),
    ],
)
def test_without_a_wish_both_follow_the_machine(monkeypatch, cpus, size, limits):
    looks(monkeypatch, cpus, size)
    assert chosen(Share(), Share()) == limits


def test_an_option_comes_before_the_survey_and_both_before_the_machine(monkeypatch):
    looks(monkeypatch, 8, 64 * GB)
    survey = Share(memory="2 GB", threads=3)
    assert chosen(Share(), survey) == Limits(3, 2 * GB)
    assert chosen(Share(threads=1), survey) == Limits(1, 2 * GB)
    assert chosen(Share(memory="4GiB"), survey) == Limits(3, 4 * 2**30)
    assert chosen(Share(threads=3)) == Limits(3, 3 * machine.PER_THREAD)


def test_where_less_is_enough_no_more_is_taken_unless_it_is_wished_for(monkeypatch):
    looks(monkeypatch, 8, 64 * GB)
    assert chosen(Share(), enough=550_000_000) == Limits(1, 550_000_000)
    assert chosen(Share(), enough=800_000_000) == Limits(2, 800_000_000)
    assert chosen(Share(threads=4), enough=800_000_000) == Limits(4, 1_300_000_000)
    assert chosen(Share(memory="3GB"), enough=800_000_000) == Limits(8, 3 * GB)
    assert chosen(Share(), enough=10**13) == Limits(8, 6 * GB)
    assert chosen(Share(), enough=8 * GB, least=8 * GB) == Limits(8, 8 * GB)
    assert chosen(Share(), enough=10**13, least=10**13) == Limits(8, 16 * GB)
    assert chosen(Share(memory="3GB"), least=8 * GB) == Limits(8, 3 * GB)


def test_little_memory_takes_threads_away_unless_they_are_asked_for(monkeypatch):
    looks(monkeypatch, 8, 64 * GB)
    assert chosen(Share(memory="700MB")) == Limits(2, 700_000_000)
    assert chosen(Share(memory="699MB")) == Limits(1, 699_000_000)
    with pytest.raises(
        MachineError, match=r"^memory: 1200MB is too little; give 1.3 GB or more for 4 threads$"
    ):
        chosen(Share(memory="1200MB", threads=4))
    with pytest.raises(
        MachineError, match=r"^memory: 399MB is too little; give 400 MB or more for 1 thread$"
    ):
        chosen(Share(memory="399MB"))
    with pytest.raises(MachineError, match="threads: 0 is less than 1"):
        chosen(Share(threads=0))


@pytest.mark.parametrize(
    ("text", "size"),
    [("1500MB", 1_500_000_000), ("2 gib", 2**31), ("1.5GB", 1_500_000_000), (" 1TiB ", 2**40)],
)
def test_sizes(text, size):
    assert parsed(text) == size


@pytest.mark.parametrize("text", ["", "2", "GB", "-1GB", "2 G", "1e3MB", "80%", "2GB 3"])
def test_what_is_no_size_is_named(text):
    with pytest.raises(MachineError, match=r"is no size; give a number with MB, GB, MiB or GiB"):
        parsed(text)


def test_sizes_in_words():
    assert [in_words(n) for n in (350_000_000, 1_500_000_000)] == ["350 MB", "1.5 GB"]


def groups(tmp_path, monkeypatch, lines, files):
    """A tree of control groups, and which of them this process is in."""
    monkeypatch.setattr(machine, "CGROUP", tmp_path / "cgroup")
    monkeypatch.setattr(machine, "OWN_CGROUP", tmp_path / "own")
    (tmp_path / "own").write_text("\n".join(lines) + "\n")
    for name, text in files.items():
        path = tmp_path / "cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")


MINE, FOREIGN = "0::/user/job", {"other/memory.max": "5", "other/cpu.max": "100 100000"}


@pytest.mark.parametrize(
    ("lines", "files", "size", "count"),
    [
        ([MINE], {"user/job/memory.max": "max", "user/job/cpu.max": "max 100000"} | FOREIGN, None, None),
        ([MINE], {"user/job/memory.max": "3000000", "user/memory.max": "2000000"} | FOREIGN, 2000000, None),
        (["0::/"], {"memory.max": "1000000", "cpu.max": "50000 100000"}, 1000000, 1),
        ([MINE], {"user/cpu.max": "150000 100000"}, None, 2),
        (["5:memory:/a/b", "4:cpu,cpuacct:/c"],
         {"memory/a/memory.limit_in_bytes": "4000000", "memory/a/b/memory.limit_in_bytes": "9223372036854771712",
          "cpu,cpuacct/c/cpu.cfs_quota_us": "100000", "cpu,cpuacct/c/cpu.cfs_period_us": "100000"}, 4000000, 1),
        (["4:cpu:/"], {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None, None),
        (["0::/../../elsewhere"], {"memory.max": "6000000"}, 6000000, None),
    ],
)  # fmt: skip
def test_control_groups_of_both_versions_and_those_above_count(
    tmp_path, monkeypatch, lines, files, size, count
):
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    monkeypatch.setattr(
        resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    )
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(6)), raising=False)
    groups(tmp_path, monkeypatch, lines, files)
    assert machine.memory() == (size or physical)
    assert machine.cpus() == (count or 6)


def test_affinity_and_a_limit_of_the_process_count(tmp_path, monkeypatch):
    groups(tmp_path, monkeypatch, ["0::/"], {})
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3}, raising=False)
    monkeypatch.setattr(resource, "getrlimit", lambda _: (7_000_000, 8_000_000))
    assert (machine.cpus(), machine.memory()) == (1, 7_000_000)


KEEPS = """
import numpy as np
from obcat.machine import give_back, keep_memory

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 1e6

keep_memory()
held = [np.ones(2**17) for _ in range(100)]  # 1 MB each
last = np.ones(1000)
del held
kept = resident()
give_back()
print(kept - resident() > 80)
"""


def test_memory_that_is_kept_is_given_back():
    done = subprocess.run([sys.executable, "-c", KEEPS], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


POOL = """
import obcat.cli.build, obcat.survey  # as the command has them: they leave Arrow to the reader
from obcat.machine import kept_arrays

with kept_arrays():
    import pyarrow as pa
print(pa.default_memory_pool().backend_name)
"""


@pytest.mark.parametrize(
    ("given", "used"), [({}, "system"), ({machine.ARROW_POOL: "jemalloc"}, None)]
)
def test_arrow_that_is_imported_meanwhile_has_its_memory_from_glibc(monkeypatch, given, used):
    monkeypatch.delenv(machine.ARROW_POOL, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with machine.kept_arrays():
        assert os.environ[machine.ARROW_POOL] == (used or given[machine.ARROW_POOL])
    assert os.environ.get(machine.ARROW_POOL) == given.get(machine.ARROW_POOL)
    if used:
        done = subprocess.run(
            [sys.executable, "-c", POOL], capture_output=True, text=True, check=True
        )
        assert done.stdout == f"{used}\n"
