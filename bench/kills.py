"""SIGKILL at moments of chance in the commands that write: is the old result or the new one there,
whole; does the same command again give what an uninterrupted one gives; is anything left behind?

python -m bench.kills [--kills 15] [--seed 1] [--stars 36] [--folder FOLDER] [COMMAND ...]
python -m bench.kills --stars 1000 cluster

The command is killed alone, as a machine out of memory does it; its processes must end by
themselves. From a checkout, since the archives of `fetch` are those of its tests, on loopback.
`cluster`: how much CPU is lost where processes of `obcat build --cluster local:2`, or the command
itself, are killed, stopped or without memory.
"""

import argparse
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import NamedTuple

from tests.whole.small import (
    OBCAT,
    VARYING,
    Made,
    copy_build,
    csv_of,
    environment,
    make,
    tables_of,
    write_survey,
)
from tests.whole.test_cluster import children, out_of_memory

LEFT = (".partial", ".tmp", ".wal", ".old", ".part")
DATABASES = ("obcat.duckdb", "downloads.duckdb")  # their bytes differ, what is in them does not
LOGS = ("downloads.duckdb", "files.parquet")
GONE = 10.0  # seconds that processes of a killed command may take to end


class Task(NamedTuple):
    """``words``: of the command that writes to a folder; ``prepare`` puts there what was before;
    ``state``: digest of the result in it, '' where there is none; ``steps``: whether it may also be
    found half done, as an ingest that the next one goes on with.
    """

    words: Callable[[Path], list[str]]
    prepare: Callable[[Path], object]
    state: Callable[[Path], str]
    steps: bool = False


class Kill(NamedTuple):
    """``hit``: before its end; ``kept``: the old result or the new; ``equal``: after the same
    command again; ``left``: names that should not be there.
    """

    hit: bool
    kept: bool
    equal: bool
    left: list[str]
    orphans: bool


def run(words: list[str], **changes: str) -> float:
    """Seconds that a command takes. Raises where it fails."""
    start = time.monotonic()
    done = subprocess.run(
        [*OBCAT, *words], env=environment(**changes), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"obcat {' '.join(words)}: {done.stderr[-500:]}")
    return time.monotonic() - start


def tree(folder: Path) -> str:
    """Digest of what users see in a folder; working folders are none of it."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*") if folder.is_dir() else ()):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.is_file() and path.name not in (*VARYING, *LOGS) and not hidden:
            content = re.sub(rb'(id="database">)[^<]*', rb"\1", path.read_bytes())
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + content)
    return digest.hexdigest()


def killed(task: Task, folder: Path, moment: float, old: str, new: str) -> Kill:
    """Kill the command after ``moment`` seconds, look, and run it again."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(folder.with_name("old"), folder, symlinks=True)
    temporary = folder.with_name("temporary")
    temporary.mkdir(exist_ok=True)
    words = task.words(folder)
    process = subprocess.Popen(
        [*OBCAT, *words], env=environment(TMPDIR=str(temporary)), start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    time.sleep(moment)
    process.kill()
    hit = process.wait() != 0
    orphans = not gone(process.pid)
    kept = task.steps or task.state(folder) in (old, new)
    run(words, TMPDIR=str(temporary))
    left = [p.name for p in folder.rglob("*") if p.suffix in LEFT]
    left += [p.name for p in temporary.iterdir()]
    shutil.rmtree(temporary)
    return Kill(hit, kept, task.state(folder) == new, left, orphans)


def gone(session: int) -> bool:
    """Whether no process of a session is left, or ends in time."""
    end = time.monotonic() + GONE
    while time.monotonic() < end:
        if subprocess.run(["pgrep", "-s", str(session)], stdout=subprocess.DEVNULL).returncode:
            return True
        time.sleep(0.1)
    return False


def tried(name: str, task: Task, folder: Path, kills: int, seed: int) -> Iterator[Kill]:
    """``kills`` of a command at moments that its seed and its length decide."""
    whole = folder / "whole"
    task.prepare(folder / "old")
    shutil.copytree(folder / "old", whole, symlinks=True)
    old, took = task.state(whole), run(task.words(whole))
    new = task.state(whole)
    if old == new:
        raise RuntimeError(f"{name}: the old result and the new one are the same")
    moments = random.Random(f"{name} {seed}")
    for _ in range(kills):
        yield killed(task, folder / "killed", moments.uniform(0.3, 1.02) * took, old, new)


@contextmanager
def tasks(folder: Path, stars: int) -> Iterator[dict[str, Task]]:
    """Every command that writes: what stands of one survey gives way to what is made of another."""
    one, two = (surveyed(folder / name, stars, name) for name in ("1", "2"))
    with fetched(two.root / "survey", two.folder / "raw") as fetching:
        yield {
            "simulate": simulating(stars // 3),
            "ingest": Task(
                lambda to: ["ingest", str(two.toml), "--build", str(to), "--workers", "2"],
                lambda to: copy_build(one, to / "small", "raw"),
                lambda to: tree(to / "small" / "raw"),
                steps=True,
            ),
            "build": Task(
                lambda to: ["build", str(two.toml), "--build", str(to)],
                lambda to: (
                    copy_build(two, to / "small", "raw"),
                    copy_build(one, to / "small", "obcat.duckdb"),
                ),
                lambda to: hashlib.sha256(csv_of(to / "small" / "obcat.duckdb")).hexdigest(),
            ),
            **{
                command: publishing(command, one.database, two.database, out, *more)
                for command, out, more in (
                    ("export", "release", ()),
                    ("page", "page.html", ("--spectra", "20")),
                    ("report", "report", ()),
                )
            },
            "fetch": fetching,
        }


def surveyed(root: Path, stars: int, seed: str) -> Made:
    """A simulated survey and its catalog; small, so that few models are trained."""
    files = root / "survey"
    if not (root / "small" / "obcat.duckdb").exists():
        run(["simulate", str(root), "--stars", str(stars), "--seed", seed])
    toml = write_survey(root / "survey.toml", files / "spectra", tables_of(files))
    return make(toml, root)


def simulating(stars: int) -> Task:
    def words(to: Path, seed: int = 2) -> list[str]:
        return ["simulate", str(to), "--stars", str(stars), "--seed", str(seed)]

    return Task(words, lambda to: run(words(to, 1)), tree)


def publishing(command: str, old: Path, new: Path, out: str, *more: str) -> Task:
    def words(to: Path, database: Path = new) -> list[str]:
        return [command, "--trust", str(database), "--out", str(to / out), *more]

    def prepare(to: Path) -> None:
        to.mkdir()
        run(words(to, old))

    return Task(words, prepare, tree)


@contextmanager
def fetched(files: Path, raw: Path) -> Iterator[Task]:
    """`fetch` from archives on loopback that know the survey; what stays is spectra and tables."""
    import pyarrow.parquet as pq

    from tests.fetch.archives import serving
    from tests.fetch.simulated import archives_of
    from tests.whole.test_fetched import shipped

    known = archives_of(files, pq.read_table(raw / "headers.parquet"))
    with serving(known) as url:

        def prepare(to: Path) -> None:
            to.mkdir()
            shipped(to / "survey.toml", files, url)

        yield Task(lambda to: ["fetch", str(to / "survey.toml")], prepare, tree, steps=True)


def shown(name: str, kills: list[Kill], seconds: float) -> bool:
    """A row of the table; whether nothing was lost or left."""
    n = len(kills)
    left = sorted({name for kill in kills for name in kill.left})
    numbers = [n, sum(k.hit for k in kills), n - sum(k.kept for k in kills)]
    numbers += [n - sum(k.equal for k in kills), sum(bool(k.left) for k in kills)]
    numbers += [sum(k.orphans for k in kills)]
    print(f"{name:<10}" + "".join(f"{x:>10}" for x in numbers), *left[:4], f"{seconds:.0f} s",
          flush=True)  # fmt: skip
    return not any(numbers[2:])


MOMENTS = (0.1, 0.3, 0.5, 0.7, 0.9)  # of the CPU of a partition
MOST = 2.0  # partitions whose CPU may be lost
CLUSTER = ("--cluster", "local:2")


class Fault(NamedTuple):
    """What is done to a partition's process, or to the command, when that process has taken a part
    of a partition's CPU.
    """

    name: str
    moment: float
    harm: Callable[[int], object]
    command: bool = False


def kill(process: int) -> None:
    os.kill(process, signal.SIGKILL)


FAULTS = (
    *(Fault(f"a process killed at {moment:.0%}", moment, kill) for moment in MOMENTS),
    Fault("one stopped at 50%", 0.5, lambda process: os.kill(process, signal.SIGSTOP)),
    Fault("one without memory from 30% on", 0.3, out_of_memory),
    Fault("the command killed at 50%, and given again", 0.5, kill, command=True),
)


class Used(NamedTuple):
    """Seconds of CPU of a command and of all that it started, and of what died of them, when it
    was seen last; how the command ended.
    """

    cpu: float
    lost: float
    code: int


def clustered(folder: Path, stars: int) -> bool:
    """A row of CPU for each fault, beside that of nothing done; whether little was lost."""
    one = surveyed(folder / "1", stars, "1")
    toml = write_survey(folder / "survey.toml", folder, {}, models_from=one.database)
    toml.write_text(f"{toml.read_text()}[engine]\nspectra = {stars // 2}\ntask_minutes = 1\n")
    wanted, all_ = built_of(one, toml, None, 0.0)
    spent = [json.loads(p.read_text())["cpu_s"] for p in folder.rglob("built/manifest.json")]
    each = sum(spent) / len(spent)
    print(
        f"{len(spent)} partitions of {each:.1f} CPU s; with nothing killed {all_.cpu:.0f} CPU s\n\n"
        "| | CPU lost, s | partitions | of all, s | the same catalog |\n|---|---|---|---|---|"
    )
    good = True
    for fault in FAULTS:
        digest, used = built_of(one, toml, fault, each)
        lost, same = used.lost / each, digest == wanted
        said = f"{used.lost:.1f} | {lost:.2f} | {used.cpu:.0f} | {'yes' if same else 'NO'}"
        print(f"| {fault.name} | {said} |", flush=True)
        good &= same and 0 < lost <= MOST
    return good


def built_of(one: Made, toml: Path, fault: Fault | None, each: float) -> tuple[str, Used]:
    """Digest of the catalog, and what was used until it was there."""
    place = toml.with_name("small")
    shutil.rmtree(place, ignore_errors=True)
    copy_build(one, place, "raw")
    used = used_by(toml, fault, each)
    if used.code and fault and fault.command:
        again = used_by(toml, None, 0.0)
        used = Used(used.cpu + again.cpu, used.lost, again.code)
    if used.code:
        raise RuntimeError(f"{fault}: exit code {used.code}")
    return hashlib.sha256(csv_of(place / "obcat.duckdb")).hexdigest(), used


def used_by(toml: Path, fault: Fault | None, each: float) -> Used:
    driver = subprocess.Popen(
        [*OBCAT, "build", str(toml), "--build", str(toml.parent), *CLUSTER],
        env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    seen: dict[int, float] = {}
    dying: list[int] = []
    while not (ended := os.wait4(driver.pid, os.WNOHANG))[0]:
        now = children(driver.pid)
        seen |= now
        late = [process for process, cpu in now.items() if fault and cpu >= fault.moment * each]
        if fault and late:
            dying = list(now) if fault.command else late[:1]
            fault.harm(driver.pid if fault.command else late[0])
            fault = None
        time.sleep(0.02)
    driver.returncode = os.waitstatus_to_exitcode(ended[1])
    lost = sum(seen[process] for process in dying)
    orphans = lost if driver.returncode < 0 else 0.0  # of which nobody tells
    cpu = ended[2].ru_utime + ended[2].ru_stime + orphans
    return Used(cpu, lost, driver.returncode)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("commands", nargs="*")
    parser.add_argument("--kills", type=int, default=15)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--stars", type=int, default=36)
    parser.add_argument("--folder", type=Path, help="to work in, kept; default: a temporary one")
    asked = parser.parse_args()
    place = nullcontext(asked.folder) if asked.folder else tempfile.TemporaryDirectory()
    if asked.commands == ["cluster"]:
        with place as root:
            return 0 if clustered(Path(root), asked.stars) else 1
    with place as root, tasks(Path(root), asked.stars) as known:
        heads = ("kills", "in time", "lost", "unequal", "left", "orphans")
        print(f"{'command':<10}" + "".join(f"{head:>10}" for head in heads))
        went_well = []
        for name in asked.commands or known:
            start = time.monotonic()
            folder = Path(root) / f"at-{name}"
            folder.mkdir(exist_ok=True)
            found = list(tried(name, known[name], folder, asked.kills, asked.seed))
            went_well.append(shown(name, found, time.monotonic() - start))
            shutil.rmtree(folder)
    return 0 if all(went_well) else 1


if __name__ == "__main__":
    sys.exit(main())
