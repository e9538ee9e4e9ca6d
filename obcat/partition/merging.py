"""One catalog of the partitions: what their kernels made is copied, all else is made once more.

The steps of a build without a kernel are narrow SQL: they run here on the whole survey, so that the
limits, ranks and names they give are those of an ordinary build. Rows that a kernel made are taken
from the partition that owns their star. Then the catalog of each partition is compared with this.

All partitions of a survey on one machine, several at a time, each in a process of its own.
"""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pyarrow.compute as pc

from obcat import db
from obcat.build.fitting import fingerprint
from obcat.build.run import Say, Step, publish, read_inputs, run_step
from obcat.db import qualified
from obcat.errors import ObcatError
from obcat.machine import Share, chosen, cpus, ordered
from obcat.partition import (
    PILOT,
    PartitionFailed,
    Plan,
    build_partition,
    check_built,
    home_of,
    lent,
    read_plan,
    size_of,
)
from obcat.partition.cut import cut
from obcat.schema import columns_of, quoted, read_tables
from obcat.survey import Survey

__all__ = ["launch", "merge", "workers_of"]

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
    for name in missing:
        say(f"left out: partition {name}, not built")
    built = [name for name in plan.names if name not in missing]
    mark = fingerprint(given, read)
    made = {**read, **({"partitions left out": ", ".join(missing)} if missing else {})}
    return publish(
        given,
        folder,
        made,
        f"{mark} without {', '.join(missing)}" if missing else mark,
        chosen(Share(memory, threads), survey.build),
        say=say,
        step=_step(plan, built, missing),
        attach={_alias(name): home_of(folder, name) / "obcat.duckdb" for name in built},
    )


def _alias(name: str) -> str:
    return f"partition {name}"


def _missing(survey: Survey, folder: Path, plan: Plan, *, allow_missing: bool) -> list[str]:
    """Partitions that are not built. Raises PartitionFailed where they may not be missing, and
    where one that is there cannot be used.
    """
    pilot = [PILOT] if plan.pilot else []
    found = [name for name in [*pilot, *plan.names] if check_built(survey, folder, name, plan.mark)]
    if found and not allow_missing:
        more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
        raise PartitionFailed(
            f"{folder / 'partitions'}: not built: {', '.join(found[:NAMED])}{more}; `obcat build` "
            "with --partition, or --allow-missing"
        )
    return found


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


RETRIES = 2
LOCAL = re.compile(r"local:([1-9][0-9]{0,3})")


class _Task(NamedTuple):
    """One partition to build, and the share of the machine it may take."""

    survey: Survey
    folder: Path
    name: str
    threads: int
    memory: str | None


def workers_of(address: str) -> int:
    """N of 'local:N'. Raises PartitionFailed for any other address."""
    found = LOCAL.fullmatch(address)
    if found is None:
        raise PartitionFailed(
            f"--cluster {address}: give local:N, N processes of this machine; on other machines "
            "start `obcat build --partition` yourself, as an array job does"
        )
    return int(found[1])


def launch(
    survey: Survey, folder: Path, workers: int, *, spectra: int, say: Say, memory: str | None = None
) -> bool:
    """Cut the survey, or take it as it is cut, build its partitions by so many processes, merge;
    False where nothing has changed. Without a cut a partition has at most ``spectra`` spectra.

    Results are files: a process that dies loses its partition alone, which is tried again, twice.
    What still fails is named at the end, when all others are built. Raises PartitionFailed.
    """
    plan = cut(survey, folder, spectra=size_of(folder) or spectra, say=say)
    threads = max(1, cpus() // workers)
    for lot in ([PILOT] if plan.pilot else [], plan.names):
        tasks = [_Task(survey, folder, name, threads, memory) for name in lot]
        failed = _all(tasks, workers, say)
        if failed:
            raise PartitionFailed(
                f"{folder / 'partitions'}: failed: {'; '.join(failed)}; the same command tries "
                "again, `obcat merge` with --allow-missing goes on without"
            )
    return merge(survey, folder, say=say, memory=memory)


def _all(tasks: list[_Task], workers: int, say: Say) -> list[str]:
    """Build them; what failed, each with its reason."""
    failed = []
    with ThreadPoolExecutor(workers) as pool:
        running = {pool.submit(_tried, task): task.name for task in tasks}
        for done, future in enumerate(as_completed(running), start=1):
            error = future.exception()
            name = running[future]
            if error is not None:
                failed.append(f"{name}: {error}")
            how = "built" if error is None else "failed"
            say(f"partition {name} {how}, {done} of {len(tasks)}")
    return failed


def _tried(task: _Task) -> bool:
    for _ in range(RETRIES):
        try:
            return _in_process(task)
        except ObcatError:
            continue
    return _in_process(task)


def _in_process(task: _Task) -> bool:
    """Of two workers one is asked, so that it is another process. Raises ObcatError."""
    made, reason = next(iter(ordered(_build, [task], 2)))
    if reason:
        raise PartitionFailed(reason)
    return made


def _build(task: _Task) -> tuple[bool, str]:
    """Whether it was built, and what went wrong, in one line."""
    try:
        made = build_partition(
            task.survey,
            task.folder,
            task.name,
            say=_unsaid,
            threads=task.threads,
            memory=task.memory,
        )
    except ObcatError as error:
        return False, str(error)
    return made, ""


def _unsaid(_: str) -> None:
    """What a step took is not told: lines of several partitions would mix."""
