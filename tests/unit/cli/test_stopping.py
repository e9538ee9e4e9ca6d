"""How a command ends early: one line, an exit code, and no traceback unless it was asked for."""

import errno
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import duckdb
import pytest
from click.testing import CliRunner

from obcat.cli.group import BROKEN_PIPE, HEEDED, PATIENCE, SECTIONS, Stopping, main, reading
from obcat.errors import ObcatError, one_line
from obcat.ingest.errors import FetchError, IngestError, UnreadableError
from obcat.simulate.ingredients import UnknownIngredient

ROOT = Path(__file__).parents[3]
WAITS = """
import signal, sys, time
from obcat.cli.group import Stopping
with Stopping():
    print("ready", flush=True)
    {wait}
"""
IN_PYTHON = "time.sleep(60)"
DEAF = "signal.pthread_sigmask(signal.SIG_BLOCK, []); import ctypes; ctypes.CDLL(None).sleep(60)"
FINALIZER = "type('C', (), {'__del__': lambda _: time.sleep(60)})(); time.sleep(60)"


class Unusable(ObcatError):
    """An input that cannot be used."""

    exit_code = 2


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (Unusable("a.toml: no\nname"), 2, "Error: a.toml: no name"),
        (
            OSError(errno.ENOSPC, "No space left on device", "x/y.fits"),
            1,
            "Error: x/y.fits: No space left on device",
        ),
        (PermissionError("held"), 1, "Error: held"),
        (
            MemoryError(),
            1,
            "Error: not enough memory, or threads; close other programs, or use a machine with more",
        ),
        (KeyError("flux"), 1, "Error: KeyError: 'flux'; --debug shows where"),
        (
            ValueError("\x1b[2Jgone\u202e"),
            1,
            "Error: ValueError: \\x1b[2Jgone\\u202e; --debug shows where",
        ),
    ],
)
def test_an_error_is_one_line_and_an_exit_code(capsys, error, code, said):
    with pytest.raises(SystemExit) as end, Stopping():
        raise error
    assert end.value.code == code
    assert capsys.readouterr().err == said + "\n"


def test_a_catalog_too_large_for_the_engine_is_not_called_a_wrong_file():
    settings = {"memory_limit": "4MB", "temp_directory": "", "threads": 1}
    with (
        pytest.raises(
            click.ClickException, match=r"^a\.duckdb: Out of Memory.*too large for"
        ) as end,
        reading(Path("a.duckdb")),
        duckdb.connect(config=settings) as con,
    ):
        con.execute("SELECT list(i) FROM range(10_000_000) AS r(i)").fetchall()
    assert "obcat build`" not in end.value.message
    assert "\n" not in end.value.message


def test_debug_shows_where(capsys):
    with pytest.raises(SystemExit), Stopping(debug=True):
        raise KeyError("flux")
    assert "Traceback" in capsys.readouterr().err


def test_what_click_says_is_left_to_click():
    with pytest.raises(click.UsageError), Stopping():
        raise click.UsageError("no")


def test_handlers_are_put_back():
    import signal

    before, warnings = signal.getsignal(signal.SIGTERM), os.environ.get("PYTHONWARNINGS", "")
    with Stopping():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before
    assert os.environ["PYTHONWARNINGS"] == warnings


def test_a_signal_that_is_ignored_stays_ignored():
    """As nohup has it for SIGHUP, and a shell without job control for SIGINT."""
    import signal

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Stopping():
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
            os.kill(os.getpid(), signal.SIGHUP)
            assert signal.getsignal(signal.SIGTERM) != signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(
    "wait", [IN_PYTHON, DEAF, FINALIZER], ids=["python", "library", "finalizer"]
)
@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_ends_it_in_time_with_one_line(wait, name, code):
    """Also where a library holds the main thread and Python never gets to hear of the signal."""
    import signal

    env = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", WAITS.format(wait=wait)]
    with subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        started = time.monotonic()
        process.send_signal(getattr(signal, name))
        _, said = process.communicate(timeout=30)
        assert time.monotonic() - started < PATIENCE + 3
    assert process.returncode == code
    assert said == f"stopped by {name}; what was there before is unchanged\n"


BUSY_WORKERS = """
import time
from obcat.cli.group import Stopping
from obcat.machine import ordered

if __name__ == "__main__":
    with Stopping():
        results = ordered(time.sleep, [0, 60, 60], 2, ahead=1)
        next(results)
        print("ready", flush=True)
        next(results)
"""


@pytest.mark.parametrize("warnings", ["", "error"])
def test_workers_that_are_busy_end_with_it_in_one_line(tmp_path, warnings):
    """Not two more of multiprocessing's, which clears the locks that they leave."""
    (tmp_path / "busy.py").write_text(BUSY_WORKERS, encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, str(tmp_path / "busy.py")], stdout=subprocess.PIPE, text=True,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": warnings},
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.terminate()
        _, said = process.communicate(timeout=30)
    assert process.returncode == 143
    assert said == "stopped by SIGTERM; what was there before is unchanged\n"


def test_two_threads_that_end_it_say_so_once(capsys):
    stopping = Stopping()
    for _ in range(2):
        stopping._end(signal.SIGTERM)
    assert capsys.readouterr().err == "stopped by SIGTERM; what was there before is unchanged\n"


ABORTS = """
import enum, os, signal, time
from contextlib import nullcontext
from obcat.cli.fetch import stopped_by_signals
from obcat.cli.group import Stopping

made = enum.EnumMeta._create_

def signalled(*words, **settings):
    enum.EnumMeta._create_ = made
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0)
    return made(*words, **settings)

with Stopping(), {context}:
    enum.EnumMeta._create_ = signalled
    import _duckdb
    time.sleep(60)
"""


@pytest.mark.parametrize(
    ("context", "said"),
    [
        ("nullcontext()", "stopped by SIGTERM; what was there before is unchanged\n"),
        (
            "stopped_by_signals('obcat fetch a')",
            "Stopped; what is done is kept, and the same command goes on: obcat fetch a\n",
        ),
    ],
    ids=["command", "fetch"],
)
def test_a_signal_while_a_library_is_loaded_aborts_nothing(context, said):
    """DuckDB's makes its enumerations by Python's own code, and calls abort() where that raises."""
    started = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-c", ABORTS.format(context=context)],
        env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=30,
        check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (143, said)
    assert time.monotonic() - started < 10


def test_closed_standard_files_are_quiet(tmp_path):
    command = f"'{sys.executable}' -c 'from obcat.cli import main; main()' --help"
    done = subprocess.run(
        f"{command} >&-; {command} 2>&- >&- <&-",
        shell=True, cwd=ROOT, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_every_command_has_its_section():
    listed = [name for names in SECTIONS.values() for name in names]
    assert sorted(listed) == sorted(set(listed))
    assert set(main.commands) <= set(listed)
    said = CliRunner().invoke(main, ["-h"]).output
    assert all(title in said for title in SECTIONS)
    assert "Further" not in said


@pytest.mark.parametrize("name", sorted(main.commands))
def test_short_help_works_everywhere(name):
    done = CliRunner().invoke(main, [name, "-h"])
    assert (done.exit_code, "Usage" in done.output) == (0, True)


def test_one_line_keeps_what_people_write():
    assert one_line("  Kurucz\tgrid –  5 µm\n å ") == "Kurucz grid – 5 µm å"
    assert one_line("a\x9b31mb") == "a\\x9b31mb"


def test_the_docs_list_every_exit_code():
    text = (ROOT / "docs" / "limits.md").read_text(encoding="utf-8")
    table = text.partition("## Exit codes")[2]
    listed = {
        int(n) for cells in re.findall(r"^\| ([\d, ]+) \|", table, re.M) for n in cells.split(",")
    }
    known = {kind.exit_code for kind in (ObcatError, *ObcatError.__subclasses__())}
    known |= {e.exit_code for e in (IngestError, UnreadableError, FetchError, UnknownIngredient)}
    assert listed == known | {0, BROKEN_PIPE} | {128 + number for number in HEEDED}


FULL = os.strerror(errno.ENOSPC)
ARROW = f"Error writing bytes to file. Detail: [errno {errno.ENOSPC}] {FULL}"


@pytest.mark.parametrize("said", [(errno.ENOSPC, FULL), (ARROW,)])
def test_a_full_disk_is_told_with_the_place(tmp_path, monkeypatch, said):
    """What writes has no name for it: the folder that was given is named."""

    def full(*_, **__):
        raise OSError(*said)

    monkeypatch.setattr("obcat.simulate.simulate", full)
    done = CliRunner().invoke(main, ["simulate", str(tmp_path / "sky"), "--stars", "1"])
    assert done.exit_code == 1
    assert done.stderr.splitlines()[-1] == f"Error: {tmp_path / 'sky'}: No space left on device"


def test_a_full_disk_in_the_words_of_a_library(capsys):
    said = 'IO Error: Could not write file "x.duckdb": No space left on device'
    with pytest.raises(SystemExit) as caught, Stopping():
        raise RuntimeError(f"{said}\nand more")
    assert caught.value.code == 1
    assert capsys.readouterr().err == f"Error: {said}; free space, and run again\n"
