"""A signal in any command: its exit code in time, one line, no process left;
the next run is right.
"""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.whole.small import OBCAT, copy_build, environment

pytestmark = pytest.mark.slow
SLOW_QUERY = "SELECT count(*) FROM range(1000000000000) AS t(a) WHERE hash(a) = 1"
SIGNALS = {signal.SIGINT: 130, signal.SIGTERM: 143}


def words(command: str, made, files: Path, folder: Path) -> list[str]:
    """A command that takes some seconds, writing below ``folder``."""
    database = str(made.database)
    if command == "ingest":
        return ["ingest", str(made.toml), "--build", str(folder), "--workers", "2"]
    if command == "build":
        copy_build(made, folder / "small", "raw")
        return ["build", str(made.toml), "--build", str(folder)]
    return {
        "simulate": ["simulate", str(folder / "sky"), "--stars", "4000"],
        "sql": ["sql", database, SLOW_QUERY],
        "export": ["export", database, "--out", str(folder / "release")],
        "report": ["report", database, "--out", str(folder / "report")],
        "page": ["page", database, "--out", str(folder / "page.html")],
    }[command]


@pytest.mark.parametrize("number", SIGNALS, ids=lambda n: n.name)
@pytest.mark.parametrize(
    "command", ["simulate", "ingest", "build", "sql", "export", "report", "page"]
)
def test_a_signal_ends_a_command(first, files, tmp_path, command, number):
    """Sent to the command alone, as a job runner does; its worker processes end with it."""
    given = words(command, first, files, tmp_path)
    process, said = stopped(command, given, number, tmp_path)
    if command == "ingest" and process.returncode == 0:  # done before the signal came: once more
        shutil.rmtree(tmp_path / "small")
        process, said = stopped(command, given, number, tmp_path)
    assert process.returncode == SIGNALS[number]
    assert "Traceback" not in said
    assert said.splitlines()[-1] == f"stopped by {number.name}; what was there before is unchanged"
    assert gone(process.pid)
    finished = subprocess.run(
        [*OBCAT, *given], capture_output=True, text=True, env=environment(), check=False
    ) if command in ("export", "ingest") else None  # fmt: skip
    assert finished is None or finished.returncode == 0, finished.stderr
    shutil.rmtree(tmp_path, ignore_errors=True)


def stopped(
    command: str, given: list[str], number: signal.Signals, folder: Path
) -> tuple[subprocess.Popen[str], str]:
    """The command after the signal, and what it said."""
    process = subprocess.Popen(
        [*OBCAT, *given], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environment(PYTHONUNBUFFERED="1"), start_new_session=True,
    )  # fmt: skip
    until_begun(process, command, folder)
    if process.poll() is not None:
        pytest.fail(f"{command} ended too soon to be stopped: {process.communicate()}")
    started = time.monotonic()
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert time.monotonic() - started < 4  # two seconds, and as many for a busy machine
    return process, said


def until_begun(process: subprocess.Popen[str], command: str, folder: Path) -> None:
    """Until the command has begun to write, or, where it writes nothing at first, has taken 0.7 s of
    CPU; at most for 1.5 s.
    """
    end = time.monotonic() + (20 if command in ("export", "page", "ingest") else 1.5)
    while time.monotonic() < end and process.poll() is None:
        if command == "ingest" and (folder / "small" / "raw").is_dir():
            return
        if command in ("export", "page") and any(folder.glob(".*.partial")):
            return
        if command not in ("export", "page", "ingest") and spent(process.pid) > 0.7:
            return
        time.sleep(0.005)


def spent(process: int) -> float:
    """Seconds of CPU that it has taken, as Linux tells; 0 elsewhere."""
    stat = Path(f"/proc/{process}/stat")
    fields = stat.read_text().rpartition(")")[2].split() if stat.exists() else ["0"] * 13
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def gone(session: int) -> bool:
    """Whether all processes of a session have ended, or do so within five seconds."""
    end = time.monotonic() + 5
    while others_of(session) and time.monotonic() < end:
        time.sleep(0.05)
    return not others_of(session)


def others_of(session: int) -> list[int]:
    """Processes of a session that still run."""
    running = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            running.append(int(stat.parent.name))
    return [pid for pid in running if pid != os.getpid()]
