"""A query in a process of its own:
bounded in time and memory whatever it does, ended with whoever asked.
"""

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

import obcat
from obcat.cli import main
from obcat.query.isolated import MEMORY, Bounds, QueryRefused, asked
from obcat.query.sql import answer, ask

RUNAWAY = "SELECT count(*) FROM generate_series(1, 1000000000000)"
# none of these looks at the clock, or at the limit of memory, while it works
LATE = {
    "a function": "SELECT length(printf('%900000000d', 7)) + levenshtein(repeat('p', 90000), "
    "repeat('q', 90000))",
    "the parser": "SELECT " + " OR ".join(["false"] * 400_000),
    "the planner": "SELECT " + ",".join(f"{i} AS k{i}" for i in range(200_000)),
}
LARGE = {
    "one value": "SELECT md5(repeat('y', 1500000000))",
    "a list": "SELECT len([i * 2 FOR i IN range(200000000)])",
    "the answer": "SELECT repeat('y', 500000) AS s FROM range(20000)",
}


def run(database, *words, **more):
    return CliRunner().invoke(main, ["sql", "--trust", str(database), *map(str, words)], **more)


def children() -> set[str]:
    """Processes that this one began and that are there."""
    tasks = f"/proc/self/task/{os.getpid()}/children"
    with open(tasks, encoding="ascii") as found:  # noqa: PTH123
        return set(found.read().split())


@pytest.mark.parametrize(("form", "made"), [("csv", "a,b\n1,\n2,x\n"), ("json", None)])
def test_the_answer_is_that_of_the_process_itself(database, form, made):
    from obcat.query.formats import text_of

    query = "SELECT * FROM (VALUES (1, NULL), (2, 'x')) AS t(a, b)"
    with asked(database, query, form, Bounds()) as reply:
        text = b"".join(reply.chunks()).decode()
    assert text == (made or text_of(answer(database, query).table, form))


@pytest.mark.parametrize("query", LATE.values(), ids=LATE)
def test_time_ends_whatever_it_does(database, query):
    start, before = time.monotonic(), children()
    with (
        pytest.raises(QueryRefused, match=r"stopped after 0\.5 s; ask for less"),
        asked(database, query, "csv", Bounds(time_limit=0.5)),
    ):
        pass
    assert time.monotonic() - start < 0.5 + 2
    assert children() <= before


@pytest.mark.parametrize("query", LARGE.values(), ids=LARGE)
def test_memory_ends_whatever_it_does(database, query):
    """In a process of its own: the largest child of this one may be that of another test."""
    script = (
        "import resource, sys\nfrom pathlib import Path\n"
        "from obcat.query.isolated import Bounds, QueryRefused, asked\n"
        "try:\n    with asked(Path(sys.argv[1]), sys.argv[2], 'csv', Bounds(60, 600 * 10**6)):\n"
        "        pass\nexcept QueryRefused as refused:\n    print(refused)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(database), query],
        capture_output=True, text=True, check=True, cwd=Path(obcat.__file__).parents[1],
    )  # fmt: skip
    said, largest = done.stdout.splitlines()
    assert "--memory" in said
    assert int(largest) < 600 * 10**6


def test_memory_that_is_enough_is_given(database):
    query = "SELECT length(repeat('y', 300000000)) AS n"
    with (
        pytest.raises(QueryRefused),
        asked(database, query, "csv", Bounds(memory=500 * 10**6)),
    ):
        pass
    assert run(database, query, "--memory", "1500MB").stdout == "n\n300000000\n"


@pytest.mark.parametrize("given", ["100MB", "much"])
def test_a_memory_that_cannot_be_is_refused(database, given):
    done = run(database, "SELECT 1", "--memory", given)
    assert done.exit_code == 2
    assert given in done.stderr


def test_the_catalog_asks_apart_on_request(database):
    with obcat.open(database, trust=True) as catalog:
        assert catalog.sql("SELECT 7 AS x", isolated=True).to_pylist() == [{"x": 7}]
        with pytest.raises(QueryRefused, match=r"after 0\.5 s"):
            catalog.sql(LATE["the planner"], isolated=True, time_limit=0.5)
        assert catalog.sql("SELECT 8 AS x").to_pylist() == [{"x": 8}]


def test_a_breakdown_is_one_line(database, monkeypatch):
    """Of the process of the query, as by a fault in DuckDB: here it kills itself."""
    from obcat.query import isolated

    monkeypatch.setattr(isolated, "START", "import os; os.kill(os.getpid(), 11)")
    done = run(database, "SELECT 1")
    assert done.exit_code == 1
    (line,) = done.stderr.splitlines()
    assert "SIGSEGV" in line


@pytest.mark.parametrize("megabytes", [250, 450, 650, 800])
def test_little_memory_is_one_line(database, megabytes):
    """As `ulimit -v` gives it: an answer, or one line and exit code 1; no signal, no traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "obcat.cli", "sql", "--trust", str(database), "SELECT 1 AS x"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (megabytes * 10**6,) * 2),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        assert done.returncode == 1
        assert len(done.stderr.splitlines()) == 1
        assert done.stderr.startswith("Error: ")
    else:
        assert done.stdout == "x\n1\n"


def begun(database) -> tuple[subprocess.Popen[bytes], int]:
    """A command with a query that does not end, and the number of the process that runs it."""
    asking = subprocess.Popen(
        [sys.executable, "-m", "obcat.cli", "sql", "--trust", str(database), RUNAWAY],
        stderr=subprocess.PIPE,
    )
    task = f"/proc/{asking.pid}/task/{asking.pid}/children"
    for _ in range(600):
        with open(task, encoding="ascii") as found:  # noqa: PTH123
            if numbers := found.read().split():
                return asking, int(numbers[0])
        time.sleep(0.05)
    raise AssertionError("no process of the query")


def gone(number: int) -> bool:
    for _ in range(100):
        try:
            with open(f"/proc/{number}/stat", encoding="ascii") as found:  # noqa: PTH123
                if found.read().rpartition(")")[2].split()[0] == "Z":
                    return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)]
)
def test_it_ends_with_whoever_asked(database, number, code):
    asking, child = begun(database)
    with asking:
        asking.send_signal(number)
        _, said = asking.communicate(timeout=20)
    assert asking.returncode == code
    assert gone(child)
    assert b"Traceback" not in said


def test_no_module_comes_from_the_folder_that_one_stands_in(database, tmp_path, monkeypatch):
    (tmp_path / "duckdb.py").write_text("raise SystemExit('mine')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert run(database, "SELECT 1 AS x").stdout == "x\n1\n"


def test_three_quarters_of_the_memory_are_for_duckdb(database):
    assert MEMORY == 2 * 10**9
    query = "SELECT current_setting('memory_limit') AS m"
    assert ask(database, query) == run(database, query).stdout == "m\n1.3 GiB\n"
    assert run(database, query, "--memory", "4GB").stdout == "m\n2.7 GiB\n"
