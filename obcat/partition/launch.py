"""All partitions of a survey on one machine, several at a time, each in a process of its own."""

import re
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

from obcat.build.run import Say
from obcat.errors import ObcatError
from obcat.machine import cpus, ordered
from obcat.partition.cut import cut
from obcat.partition.layout import PILOT, PartitionFailed, size_of
from obcat.partition.merging import merge
from obcat.partition.one import build_partition
from obcat.survey import Survey

__all__ = ["launch", "workers_of"]

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
