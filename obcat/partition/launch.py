"""All partitions of a survey: each built by a process of its own, on this machine or on those of a
Dask scheduler; tried again, twice; put aside where it fails still.
"""

import json
import os
import shutil
import sys
import time
from collections import Counter, deque
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pyarrow as pa

from obcat.build.run import Say, read_inputs
from obcat.files import clear_left, publishing, sync
from obcat.machine import cpus, give_back, locked, memory
from obcat.partition import (
    FAILED,
    PILOT,
    PartitionFailed,
    Plan,
    home_of,
    is_made,
    mark_of,
    plan_mark,
    read_plan,
    size_of,
)
from obcat.partition.cluster import Cluster, Command, Ended, most_at_once, opened
from obcat.partition.cut import (
    Known,
    assigned,
    cut,
    is_ready,
    narrow_database,
    write_plan,
    write_stores,
)
from obcat.partition.merging import merge
from obcat.survey import Engine, Survey

__all__ = ["cut_in_lots", "launch"]

LOG = "manifest.jsonl"
LOT, LOTS = 2**17, 4  # spectra of a lot, lots: at least, at most; all are read for each lot
# bytes of the disk for a spectrum: that waits in a lot, whose partition is being built, or is built
WAITS, BEING_BUILT, BUILT = 31_500, 80_000, 4_500
TAKEN = 0.9  # of what is free on the disk
CACHED, TURNS = 3, 2  # the part of the memory that keeps files; partitions each process may have
EVERY = 10.0  # seconds between two lines of progress
TICK = 0.5  # seconds
UNCHANGED = "nothing has changed"


def launch(
    survey: Survey, toml: Path, folder: Path, address: str, *, spectra: int, say: Say,
    memory: str | None = None, allow_missing: bool = False, insecure: bool = False,
) -> bool:  # fmt: skip
    """Cut the survey ``toml``, or take it as it is cut, build its partitions by a cluster, merge;
    False where nothing has changed. Without a cut a partition has at most ``spectra`` spectra.

    Results are files: a process that dies loses its partition alone, which is tried again. What
    still fails is put aside: ``failed.json`` of the partition says in which step and why, all
    others are built, and nothing is merged unless with ``allow_missing``. A partition that takes
    longer than [engine] task_minutes is started once more; the first that ends has made it. Raises
    PartitionFailed.
    """
    engine = survey.engine
    most = size_of(folder) or engine.spectra or spectra
    failed: dict[str, Ended] = {}
    training = not survey.models_from
    with ExitStack() as stack:
        lots = stack.enter_context(closing(_lots(survey, folder, most, say, address)))
        lot = next(lots, [])
        cluster = stack.enter_context(
            closing(opened(address, folder, insecure=insecure, training=training))
        )
        threads = max(1, cpus() // cluster.room()) if address.startswith("local:") else 1
        spectra_of = Counter(read_plan(folder).sizes)
        while lot and PILOT not in failed:
            commands = [_command(toml, folder, name, threads, memory) for name in lot]
            failed |= _Run(commands, cluster, engine, folder, spectra_of, say).all()
            lot = next(lots, [])
    if failed and not (allow_missing and PILOT not in failed):
        told = "; ".join(f"{name} {end.step}: {end.reason}" for name, end in failed.items())
        raise PartitionFailed(
            f"{folder / 'partitions'}: failed: {told}; the same command tries again, with "
            "--allow-missing the catalog is made without"
        )
    give_back()
    return merge(survey, folder, say=say, memory=memory, allow_missing=allow_missing)


def _lots(
    survey: Survey, folder: Path, spectra: int, say: Say, address: str
) -> Generator[list[str]]:
    """Partitions that are cut, the pilot by itself first."""
    if not survey.engine.keep_spectra:
        at_once = most_at_once(address)
        yield from cut_in_lots(survey, folder, spectra=spectra, say=say, at_once=at_once)
        return
    plan = cut(survey, folder, spectra=spectra, say=say)
    if plan.pilot:
        yield [PILOT]
    yield plan.names


def cut_in_lots(
    survey: Survey, folder: Path, *, spectra: int, say: Say, at_once: int = sys.maxsize
) -> Iterator[list[str]]:
    """As `cut`, but the list first, and then by lots what partitions read that are not built: each
    lot is to be built, ``at_once`` partitions at a time, and loses its spectra, before the next is
    written. So the disk has the spectra of one lot twice, and not all. Raises as `cut`.
    """
    read = read_inputs(survey, folder)
    mark = plan_mark(survey, read, spectra)
    with locked(folder / "partitions"):
        if mark_of(home_of(folder, "plan")) == mark:
            every = [name for lot in _by_room(read_plan(folder), LOT) for name in lot]
            if all(is_made(survey, folder, name, mark) for name in every):
                return
        clear_left(folder / "partitions")
        with narrow_database(survey, folder) as con:
            lent = survey.models_from
            names = assigned(con, spectra, pilot=not lent)
            facts = {"plan": mark, "spectra": str(spectra), "pilot": "no" if lent else "yes"}
            if mark_of(home_of(folder, "plan")) != mark:
                write_plan(con, folder, names, facts)
            known: Known = {}
            plan = read_plan(folder)
            room = _room_of(plan, shutil.disk_usage(folder).free, memory(), at_once)
            for lot in _by_room(plan, room):
                todo = [name for name in lot if not is_ready(survey, folder, name, mark)]
                if todo:
                    write_stores(con, folder, todo, mark, known)
                say(f"{len(todo)} of {len(names)} partitions written, {lot[0]} to {lot[-1]}")
                pa.default_memory_pool().release_unused()
                give_back()
                yield lot
                for name in lot:
                    _leave_spectra(survey, folder, name, mark)


def _room_of(plan: Plan, free: int, size: int, at_once: int) -> int:
    """Spectra of a lot for whose pixels a disk with so many bytes free has room; where processes of
    this machine build them, of ``size`` bytes of memory, also the memory, so that what was written
    is not read from the disk.
    """
    largest = max(plan.sizes.values())
    left = int(TAKEN * free) - BUILT * sum(plan.sizes.values())
    every = left // (WAITS + BEING_BUILT)  # where all of a lot is built at once
    room = max(every, (left - BEING_BUILT * largest * min(at_once, len(plan.sizes))) // WAITS)
    return min(room, max(size // CACHED // WAITS, TURNS * largest * at_once))


def _by_room(plan: Plan, room: int) -> Iterator[list[str]]:
    """Partitions for whose spectra there is room; the pilot, by itself, first."""
    most = max(LOT, sum(plan.sizes.values()) // LOTS, room)
    lot = [PILOT] if plan.pilot else []
    held = most if lot else 0  # nothing is built beside it
    for name in plan.names:
        if lot and held + plan.sizes[name] > most:
            yield lot
            lot, held = [], 0
        lot.append(name)
        held += plan.sizes[name]
    yield lot


def _leave_spectra(survey: Survey, folder: Path, name: str, mark: str) -> None:
    """Remove the spectra of a partition that is built; the pilot's are kept."""
    if name != PILOT and is_made(survey, folder, name, mark):
        shutil.rmtree(home_of(folder, name) / "raw" / "spectra", ignore_errors=True)


def _command(toml: Path, folder: Path, name: str, threads: int, memory: str | None) -> Command:
    words = ["--debug", "build", toml.absolute(), "--build", folder.absolute().parent, "--trust"]
    words += ["--partition", name, "--threads", threads]
    return Command(name, tuple(map(str, [*words, *(["--memory", memory] if memory else [])])))


class _Run:
    """Commands until each has ended well, or has failed once more than it may be tried again."""

    def __init__(
        self,
        commands: list[Command],
        cluster: Cluster,
        engine: Engine,
        folder: Path,
        spectra: Counter[str],
        say: Say,
    ) -> None:
        self._commands, self._cluster, self._engine = commands, cluster, engine
        self._folder, self._spectra, self._say = folder, spectra, say
        self._waiting = deque(commands)
        self._running: dict[Any, tuple[Command, float]] = {}
        self._late: set[Any] = set()
        self._stopped: set[Any] = set()
        self._tries: Counter[str] = Counter()
        self._built: set[str] = set()
        self._failed: dict[str, Ended] = {}
        self._began = self._told = time.monotonic()
        self._made = 0  # spectra of what was built now

    def all(self) -> dict[str, Ended]:
        """Those that failed, and how."""
        while self._waiting or self._running:
            while self._waiting and len(self._running) < self._room():
                self._start(self._waiting.popleft())
            for handle, end in self._cluster.ended(list(self._running), TICK):
                self._note(handle, end)
            self._look_for_late()
            if time.monotonic() - self._told > EVERY:
                self._tell()
        if self._commands:
            self._tell()
        return self._failed

    def _start(self, command: Command) -> None:
        self._tries[command.name] += 1
        self._running[self._cluster.start(command)] = (command, time.monotonic())

    def _others(self, name: str) -> list[Any]:
        return [handle for handle, (command, _) in self._running.items() if command.name == name]

    def _may_again(self, name: str) -> bool:
        return self._tries[name] <= self._engine.retries

    def _note(self, handle: Any, end: Ended) -> None:
        command, began = self._running.pop(handle, (None, 0.0))
        self._late.discard(handle)
        if command is None or command.name in self._built:
            return
        if handle in self._stopped:
            end = end._replace(code=1, said=f"{end.said}\nError: {self._too_long()}")
        name, seconds = command.name, time.monotonic() - began
        if end.code == 0:
            self._built.add(name)
            self._made += self._spectra[name] if UNCHANGED not in end.said else 0
            self._log(name, "built", end, seconds)
            self._stop(name)
        elif self._others(name):
            self._log(name, "failed", end, seconds)
        elif self._may_again(name):
            self._log(name, "failed", end, seconds)
            self._say(f"partition {name}: {end.step}: {end.reason}; tried again")
            self._waiting.append(command)
        else:
            self._failed[name] = end
            self._log(name, "put aside", end, seconds)
            self._put_aside(name, end)

    def _room(self) -> int:
        """Where all are late there is one more, twice as many at most: they may be stopped."""
        room = self._cluster.room()
        return min(max(room, len(self._late) + 1), 2 * room)

    def _look_for_late(self) -> None:
        """What takes too long is started once more, when nothing else is left to be started; what
        takes longer than all its tries may is ended.
        """
        now, most = time.monotonic(), 60 * self._engine.task_minutes
        ages: dict[str, float] = {}
        for handle, (command, began) in self._running.items():
            ages[command.name] = min(now - began, ages.get(command.name, now))
            if now - began > most:
                self._late.add(handle)
        for command in [c for c in self._commands if ages.get(c.name, 0.0) > most]:
            free = not self._waiting and len(self._running) < self._room()
            if self._may_again(command.name) and free:
                self._say(f"partition {command.name}: {self._too_long()}; started once more")
                self._start(command)
            elif ages[command.name] > most * (1 + self._engine.retries):
                self._stop(command.name)

    def _stop(self, name: str) -> None:
        for handle in self._others(name):
            self._stopped.add(handle)
            self._cluster.stop(handle)

    def _too_long(self) -> str:
        return f"not done after {self._engine.task_minutes:g} minutes ([engine] task_minutes)"

    def _tell(self) -> None:
        """Partitions done and failed, spectra a second, time left."""
        self._told = time.monotonic()
        speed = self._made / (self._told - self._began)
        open_ = {c.name for c in self._commands} - self._built - self._failed.keys()
        left = sum(self._spectra[name] for name in open_)
        line = f"{len(self._built)} of {len(self._commands)} partitions built"
        line += f", {len(self._failed)} failed"
        if speed:
            line += f", {speed:,.0f} spectra/s"
        if speed and left:
            line += f", {_duration(left / speed)} left"
        self._say(line)

    def _log(self, name: str, what: str, end: Ended, seconds: float) -> None:
        """A line of its own in the log; half a line of a run that was killed is ended first."""
        line = {"partition": name, "what": what, "try": self._tries[name], "host": end.host}
        line |= {"seconds": round(seconds, 1), "time": time.strftime("%FT%TZ", time.gmtime())}
        if end.code:
            line |= _told(end)
        path = self._folder / "partitions" / LOG
        with path.open("ab+") as log:
            if log.tell():
                log.seek(-1, os.SEEK_END)
                log.write(b"" if log.read(1) == b"\n" else b"\n")
            log.write(json.dumps(line).encode() + b"\n")
        sync(path)

    def _put_aside(self, name: str, end: Ended) -> None:
        self._say(f"partition {name}: {end.step}: {end.reason}; put aside")
        with publishing(home_of(self._folder, name) / FAILED) as partial:
            line = {"partition": name, "host": end.host, **_told(end)}
            partial.write_text(json.dumps(line, indent=1) + "\n", encoding="utf-8")


def _told(end: Ended) -> dict[str, Any]:
    return {"step": end.step, "reason": end.reason, "code": end.code, "traceback": end.trace}


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
