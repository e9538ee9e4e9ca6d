"""A disk that is full, has no inode left, or is read-only, in the commands that write: one line
that says so, the old result whole, and the same command gives the new one once there is room.

python -m bench.full_disk [--stars 24] [--folder FOLDER] [COMMAND ...]   (as root: it mounts)
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from bench.kills import LEFT, Task, run, tasks
from tests.whole.small import OBCAT, environment

SHARES = (0.02, 0.3, 0.6, 0.9)  # of what the command needs, that there is room for
PAGE = 4096  # bytes
PLENTY = "rw,size=2g,nr_inodes=1000000"


@contextmanager
def mounted(place: Path) -> Iterator[None]:
    """An empty file system in memory, with room, at a folder."""
    place.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", PLENTY, "tmpfs", str(place)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def remounted(place: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(place)], check=True)


def used(place: Path) -> int:
    """Bytes in use on the file system of a folder, in whole pages."""
    return shutil.disk_usage(place).used


def conditions(place: Path, needed: int) -> Iterator[tuple[str, str]]:
    """What to say of each, and the options that make it so."""
    for share in SHARES:
        room = used(place) + max(int(share * needed), PAGE)
        yield f"room for {share:.0%}", f"rw,size={room // PAGE * PAGE}"
    inodes = os.statvfs(place)
    yield "6 inodes left", f"rw,nr_inodes={inodes.f_files - inodes.f_ffree + 6}"
    yield "read-only", "ro"


def tried(name: str, task: Task, folder: Path) -> Iterator[tuple[str, int, str, list[str]]]:
    """Condition, exit code, last line said, and what was wrong, of each condition."""
    old = folder / "old"
    task.prepare(old)
    before, place = task.state(old), folder / "disk"
    for number in range(len(SHARES) + 2):
        with mounted(place):
            shutil.copytree(old, place / "x", symlinks=True)
            start = used(place)
            if not number:
                shutil.copytree(old, place / "whole", symlinks=True)
                run(task.words(place / "whole"))
                new, needed = task.state(place / "whole"), used(place) - 2 * start
                shutil.rmtree(place / "whole")
            condition, options = list(conditions(place, max(needed, 20 * PAGE)))[number]
            remounted(place, options)
            done = subprocess.run(
                [*OBCAT, *task.words(place / "x")],
                env=environment(), capture_output=True, text=True, check=False, timeout=600,
            )  # fmt: skip
            remounted(place, PLENTY)
            wrong = _faults(done, task.steps or task.state(place / "x") in (before, new))
            run(task.words(place / "x"))
            wrong += ["unequal"] if task.state(place / "x") != new else []
            wrong += [p.name for p in (place / "x").rglob("*") if p.suffix in LEFT]
            last = (done.stderr.strip().splitlines() or [""])[-1]
            yield condition, done.returncode, last.replace(str(place / "x"), "…"), wrong


def _faults(done: "subprocess.CompletedProcess[str]", kept: bool) -> list[str]:
    wrong = [] if kept else ["lost"]
    if "Traceback" in done.stderr:
        wrong.append("traceback")
    if done.returncode not in (0, 1, 2, 3):
        wrong.append(f"exit code {done.returncode}")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("commands", nargs="*")
    parser.add_argument("--stars", type=int, default=24)
    parser.add_argument("--folder", type=Path, help="to work in, kept; default: a temporary one")
    asked = parser.parse_args()
    place = nullcontext(asked.folder) if asked.folder else tempfile.TemporaryDirectory()
    wrong = 0
    with place as root, tasks(Path(root), asked.stars) as known:
        for name in asked.commands or known:
            folder = Path(root) / f"full-{name}"
            folder.mkdir()
            for condition, code, said, faults in tried(name, known[name], folder):
                wrong += bool(faults)
                print(f"{name:<9} {condition:<14} {code:>3} {' '.join(faults):<10} {said[:160]}",
                      flush=True)  # fmt: skip
            shutil.rmtree(folder)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
