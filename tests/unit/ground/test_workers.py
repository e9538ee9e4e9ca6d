"""Worker processes: results in order, an end with their parent, one line when one dies."""

import os
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread

import pytest

from obcat.machine import WorkerDied, ordered

ROOT = Path(__file__).parents[3]


def squared(number: int) -> int:
    time.sleep(0.002 * (number % 3))
    return number**2


def dies(number: int) -> int:
    if number == 3:
        os._exit(9)
    return number


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_the_order_of_the_items(workers):
    assert list(ordered(squared, iter(range(50)), workers, ahead=4)) == [n**2 for n in range(50)]


def test_items_are_taken_only_as_they_are_needed():
    taken = []

    def items():
        for n in range(1000):
            taken.append(n)
            yield n

    results = ordered(squared, items(), 2, ahead=2)
    assert next(results) == 0
    assert len(taken) == 5
    results.close()


def test_a_worker_that_dies_is_one_line():
    with pytest.raises(
        WorkerDied, match=r"^a worker process died; run again with one worker to see why$"
    ):
        list(ordered(dies, range(10), 2))


@pytest.mark.slow
def test_workers_end_when_their_parent_is_killed(tmp_path):
    script = tmp_path / "run.py"
    script.write_text(
        "import os, time\nfrom obcat.machine import ordered\n"
        "def pid_of(_):\n    return os.getpid()\n"
        "if __name__ == '__main__':\n"
        "    results = ordered(pid_of, range(300), 2, ahead=1)\n    print(next(results), "
        "flush=True)\n"
        "    time.sleep(60)\n",
        encoding="utf-8",
    )
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, str(script)], env=env, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        worker = int(process.stdout.readline())
        assert alive(worker)
        process.kill()
        process.wait()
    deadline = time.monotonic() + 10
    while alive(worker) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(worker)


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended but was not collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def imports_pandas(_: int) -> bool:
    return can_import_pandas()


def can_import_pandas() -> bool:
    try:
        import pandas  # noqa: F401
    except ModuleNotFoundError:
        return False
    return True


def test_workers_and_commands_do_not_load_pandas_and_a_users_process_does():
    assert can_import_pandas()
    assert not any(ordered(imports_pandas, range(4), 2))
    code = "import obcat.cli, sys; sys.argv[1:] = ['--version']\ntry: obcat.cli.main()\n"
    code += "except SystemExit: import pyarrow as pa, importlib.util as u; pa.array([1.0])\n"
    code += "print(u.find_spec('pandas') is not None, 'pandas' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.split()[-2:] == ["True", "False"]


def pages_cleared(_: int) -> int:
    """By the system, for a thread that ten times fills 32 MB."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    thread = Thread(target=lambda: [len(b"x" * size) for size in [2**25] * 10])
    thread.start()
    thread.join()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the allocator is another")
def test_workers_and_commands_keep_the_memory_of_arrays():
    """Any other process does not: not this one, in which another test may have run a command."""
    assert max(ordered(pages_cleared, range(4), 2)) < 20_000
    command = "import obcat.cli, sys; sys.argv[1:] = ['--version']\ntry: obcat.cli.main()\n"
    command += "except SystemExit: pass\n"
    here = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    cleared = [
        subprocess.run(
            [sys.executable, "-c", f"{first}import test_workers as t; print(t.pages_cleared(0))"],
            capture_output=True, text=True, check=True, env=here,
        ).stdout.split()[-1]
        for first in (command, "")
    ]  # fmt: skip
    assert int(cleared[0]) < 20_000 < int(cleared[1])
