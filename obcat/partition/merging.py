"""One catalog of the partitions: what their kernels made is copied, all else is made once more.

The steps of a build without a kernel are narrow SQL: they run here on the whole survey, so that the
limits, ranks and names they give are those of an ordinary build. Rows that a kernel made are taken
from the partition that owns their star. Then the catalog of each partition is compared with this.

All partitions of a survey: each built by a process of its own, on this machine or on those of a
Dask scheduler; tried again, twice; put aside where it fails still.
"""

import json
import os
import time
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.compute as pc

from obcat import db
from obcat.build.fitting import fingerprint
from obcat.build.run import Say, Step, publish, read_inputs, run_step
from obcat.db import qualified
from obcat.files import publishing, sync
from obcat.machine import Share, chosen, cpus
from obcat.partition import (
    FAILED,
    PILOT,
    UNBUILT,
    PartitionFailed,
    Plan,
    check_built,
    database_of,
    home_of,
    lent,
    manifest_of,
    read_plan,
    size_of,
)
from obcat.partition.cluster import Cluster, Command, Ended, opened
from obcat.partition.cut import cut
from obcat.schema import columns_of, quoted, read_tables
from obcat.survey import Engine, Survey

__all__ = ["launch", "merge"]

Arrays = dict[str, Any]


CHUNK = 2048  # spectra of a table with arrays that are put in order at a time, 64 MB
HERE = "55_training"  # few stars, of no partition: their kernels run here
COMPARED = ("sample.stars", "catalog.ob_stars")
FIRST = "meta.survey"  # the first step
NAMED = 5


def merge(
    survey: Survey,
    folder: Path,
    *,
    say: Say,
    allow_missing: bool = False,
    threads: int | None = None,
    memory: str | None = None,
) -> bool:
    """Make ``folder/obcat.duckdb`` of the partitions below it; False where nothing has changed.

    With ``allow_missing`` the stars of partitions that are not built are left out. Raises
    PartitionFailed where one is missing, damaged, of other inputs or of other code, or where one
    decided otherwise about a star than the whole survey does.
    """
    plan = read_plan(folder)
    given = lent(survey, folder, plan.names[0])
    read = read_inputs(given, folder)
    missing = _missing(survey, folder, plan, allow_missing=allow_missing)
    for name, why in missing.items():
        say(f"left out: partition {name}, {why}")
    built = [name for name in plan.names if name not in missing]
    _check_arithmetic(folder, built)
    mark = fingerprint(given, read)
    made = {**read, **({"partitions left out": ", ".join(missing)} if missing else {})}
    return publish(
        given,
        folder,
        made,
        f"{mark} without {', '.join(missing)}" if missing else mark,
        chosen(Share(memory, threads), survey.build),
        say=say,
        step=_step(plan, built, list(missing)),
        attach={_alias(name): database_of(folder, name) for name in built},
    )


def _alias(name: str) -> str:
    return f"partition {name}"


def _missing(survey: Survey, folder: Path, plan: Plan, *, allow_missing: bool) -> dict[str, str]:
    """Partitions that are not built, and why. Raises PartitionFailed where they may not be missing,
    and where one that is there cannot be used.
    """
    pilot = [PILOT] if plan.pilot else []
    every = {n: check_built(survey, folder, n, plan.mark) for n in [*pilot, *plan.names]}
    found = {name: why for name, why in every.items() if why}
    if found and not allow_missing:
        named = [n if why == UNBUILT else f"{n} ({why})" for n, why in list(found.items())[:NAMED]]
        more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
        raise PartitionFailed(
            f"{folder / 'partitions'}: not built: {', '.join(named)}{more}; `obcat build` "
            "with --partition, or --allow-missing"
        )
    return found


def _check_arithmetic(folder: Path, built: list[str]) -> None:
    """PartitionFailed where two were built by processors that give other last digits."""
    kinds = {str(manifest_of(home_of(folder, name)).get("arithmetic")): name for name in built}
    if len(kinds) > 1:
        one, other = sorted(kinds.values())[:2]
        hosts = [manifest_of(home_of(folder, name)).get("host") for name in (one, other)]
        raise PartitionFailed(
            f"{folder / 'partitions'}: {one} (on {hosts[0]}) and {other} (on {hosts[1]}) were "
            "built by processors of two kinds, whose sums differ in the last digits; set "
            "OPENBLAS_CORETYPE=Haswell everywhere, and build again"
        )


def _step(plan: Plan, built: list[str], missing: list[str]) -> Step:
    """In place of `run_step`: copies what kernels made of the sample's spectra."""

    def step(
        con: duckdb.DuckDBPyConnection,
        file: db.SqlFile,
        folder: Path,
        models_from: Path | None,
        fitted: Arrays,
        say: Say,
    ) -> None:
        if file.relation == FIRST:
            con.register("given_owners", plan.owners)
            con.execute("CREATE TEMP TABLE owners AS FROM given_owners")
        if file.header("UDFs") and file.path.parent.name != HERE and not file.header("Fit"):
            _copy(con, file.relation, plan, built)
            return
        run_step(con, file, folder, models_from, fitted, say)
        if file.relation == COMPARED[0]:
            _leave_out(con, plan, missing)
        if file.relation in COMPARED:
            _compare(con, file.relation, built)

    return step


def _copy(con: duckdb.DuckDBPyConnection, table: str, plan: Plan, built: list[str]) -> None:
    """The rows of owners, in the order of their key."""
    if not built:
        return
    key = read_tables()[table].key.split()[0]
    wide = any(c.size for c in columns_of(table))
    rows = " UNION ALL ".join(_owned(table, key, name, wide=wide) for name in built)
    insert = f"INSERT INTO {qualified(table)} BY NAME {rows} ORDER BY {quoted(key)}"
    for within in _ranges(plan, key) if wide else [{}]:
        con.execute(insert, within or None)


def _owned(table: str, key: str, name: str, *, wide: bool) -> str:
    """The rows of a table whose star or spectrum the partition owns."""
    place = f"{quoted(_alias(name))}.{qualified(table)}"
    within = f" AND {quoted(key)} BETWEEN $first AND $last" if wide else ""
    own = f"SELECT {quoted(key)} FROM owners WHERE partition = '{name}'"
    return f"(SELECT * FROM {place} WHERE {quoted(key)} IN ({own}){within})"


def _ranges(plan: Plan, key: str) -> Iterator[dict[str, str]]:
    """The first and last of so many keys at a time, in order."""
    found = pc.unique(plan.owners[key].combine_chunks().drop_null())
    found = found.take(pc.sort_indices(found))
    for start in range(0, len(found), CHUNK):
        lot = found.slice(start, CHUNK)
        yield {"first": lot[0].as_py(), "last": lot[-1].as_py()}


def _leave_out(con: duckdb.DuckDBPyConnection, plan: Plan, missing: list[str]) -> None:
    """The stars of partitions that are not there are no stars of the sample."""
    if not missing:
        return
    for table, declared in read_tables().items():
        names = {c.column for c in columns_of(table)}
        of_stars = table.startswith("sample.") and names & {"specid", "star_id"}
        if of_stars and declared.kind == "table":
            key = "specid" if "specid" in names and table != COMPARED[0] else "star_id"
            gone = f"SELECT {key} FROM owners WHERE list_contains($missing, partition)"
            con.execute(
                f"DELETE FROM {qualified(table)} WHERE {key} IN ({gone})", {"missing": missing}
            )


def _compare(con: duckdb.DuckDBPyConnection, table: str, built: list[str]) -> None:
    """PartitionFailed where a partition made another row of one of its own stars."""
    key = read_tables()[table].key
    for name in built:
        other = f"{_owned(table, key, name, wide=False)} EXCEPT SELECT * FROM {qualified(table)}"
        found = con.execute(f"SELECT {key} FROM ({other}) ORDER BY {key}").fetchall()
        if found:
            raise PartitionFailed(
                f"partition {name}: {len(found)} rows of {table} are not those of the whole "
                f"survey, the first {found[0][0]}; please report it"
            )


LOG = "manifest.jsonl"
EVERY = 10.0  # seconds between two lines of progress
TICK = 0.5  # seconds
UNCHANGED = "nothing has changed"


def launch(
    survey: Survey,
    toml: Path,
    folder: Path,
    address: str,
    *,
    spectra: int,
    say: Say,
    memory: str | None = None,
    allow_missing: bool = False,
    insecure: bool = False,
) -> bool:
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
    plan = cut(survey, folder, spectra=most, say=say)
    failed: dict[str, Ended] = {}
    cluster = opened(address, folder, insecure=insecure, training=plan.pilot)
    try:
        threads = max(1, cpus() // cluster.room()) if address.startswith("local:") else 1
        for lot in ([PILOT] if plan.pilot else [], plan.names):
            commands = [_command(toml, folder, name, threads, memory) for name in lot]
            failed |= _Run(commands, cluster, engine, folder, _spectra(plan), say).all()
            if lot == [PILOT] and failed:
                break
    finally:
        cluster.close()
    if failed and not (allow_missing and PILOT not in failed):
        told = "; ".join(f"{name} {end.step}: {end.reason}" for name, end in failed.items())
        raise PartitionFailed(
            f"{folder / 'partitions'}: failed: {told}; the same command tries again, with "
            "--allow-missing the catalog is made without"
        )
    return merge(survey, folder, say=say, memory=memory, allow_missing=allow_missing)


def _command(toml: Path, folder: Path, name: str, threads: int, memory: str | None) -> Command:
    words = ["--debug", "build", toml.absolute(), "--build", folder.absolute().parent, "--trust"]
    words += ["--partition", name, "--threads", threads]
    return Command(name, tuple(map(str, [*words, *(["--memory", memory] if memory else [])])))


def _spectra(plan: Plan) -> Counter[str]:
    """How many each partition owns; the pilot's are counted with none."""
    counts = plan.owners["partition"].value_counts().to_pylist()
    return Counter({one["values"]: one["counts"] for one in counts})


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
