"""The machine: cores and memory that a process may use, and processes that work for it; one
process at a time in a build folder.
"""

import errno
import fcntl
import math
import os
import re
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any, NamedTuple, TypeVar

import msgspec

from obcat.errors import ObcatError

__all__ = [
    "LEAST",
    "Limits",
    "Locked",
    "MachineError",
    "Share",
    "WorkerDied",
    "check_address_space",
    "chosen",
    "cpus",
    "give_back",
    "in_threads",
    "in_words",
    "keep_memory",
    "kept_arrays",
    "locked",
    "memory",
    "ordered",
    "parsed",
    "without_pandas",
]

UNITS = {
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KIB": 2**10,
    "MIB": 2**20,
    "GIB": 2**30,
    "TIB": 2**40,
}
SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]i?B)\s*", re.IGNORECASE)
LEAST = (100 * 10**6, 300 * 10**6)  # of the engine: for any build, and for each thread besides
PER_THREAD = 750 * 10**6  # the engine is no faster with more
SHARE = 4  # the engine takes a quarter of what there is; batches and fits take more than it does
BESIDES = 2 * 10**9  # what there must be for each thread: its batches are in no engine's limit
ADDRESS_SPACE = 5 * 10**8  # bytes; with less no library of a query can be loaded
CGROUP = Path("/sys/fs/cgroup")
OWN_CGROUP = Path("/proc/self/cgroup")


class MachineError(Exception):
    """A limit that cannot be; one line that names it and the remedy."""


class Share(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[build] of a survey file, or the options of the command: what is None follows the machine."""

    memory: str | None = None
    threads: int | None = None


class Limits(NamedTuple):
    """Threads, and bytes for the database engine."""

    threads: int
    memory: int


def chosen(*wishes: Share, enough: int = sys.maxsize, least: int = 0) -> Limits:
    """The first wish that says something, for each of the two; else what suits the machine, and no
    more than ``enough`` bytes, or than the threads that are wished for need, unless ``least``
    says more.

    Raises MachineError for a memory that is no size, or too small for the threads.
    """
    threads = next((w.threads for w in wishes if w.threads is not None), None)
    size = next((w.memory for w in wishes if w.memory is not None), None)
    if threads is not None and threads < 1:
        raise MachineError(f"threads: {threads} is less than 1")
    if size is None:
        threads = threads or _threads_of(enough)
        suits = min(memory() // SHARE, max(least, min(PER_THREAD * threads, enough)))
        return Limits(threads, max(_least(threads), suits))
    given = parsed(size)
    threads = threads or _threads_of(given)
    if given < _least(threads):
        needed = f"{in_words(_least(threads))} or more for {in_threads(threads)}"
        raise MachineError(f"memory: {size} is too little; give {needed}")
    return Limits(threads, given)


def parsed(text: str) -> int:
    """'1500MB', '2 GiB' -> bytes. Raises MachineError."""
    found = SIZE.fullmatch(text)
    if not found:
        raise MachineError(
            f"memory: {text!r} is no size; give a number with MB, GB, MiB or GiB, for example 2GB"
        )
    return int(float(found.group(1)) * UNITS[found.group(2).upper()])


def in_words(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 10**9 else f"{math.ceil(size / 1e6)} MB"


def in_threads(number: int) -> str:
    return f"{number} thread{'s' if number > 1 else ''}"


def _least(threads: int) -> int:
    return LEAST[0] + LEAST[1] * threads


def _threads_of(size: int) -> int:
    """As many as so many bytes are enough for."""
    return max(1, min(_threads(), (size - LEAST[0]) // LEAST[1]))


def _threads() -> int:
    """As many as there are CPUs, if there is memory for their batches."""
    return max(1, min(cpus(), memory() // BESIDES))


def cpus() -> int:
    """CPUs that this process may use: its affinity, and the quota of its control group,
    rounded up.
    """
    affinity = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    return max(1, min([affinity, *(math.ceil(quota) for quota in _quotas())]))


def memory() -> int:
    """Bytes that this process may use:
    of the machine, of its control group, of its own limit (ulimit -v).
    """
    import resource  # not on every system

    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    own = resource.getrlimit(resource.RLIMIT_AS)[0]
    limits = [
        int(text)
        for text in _settings("memory", "memory.max", "memory.limit_in_bytes")
        if text.isdigit()
    ]
    return min([physical, *limits, *([own] if own != resource.RLIM_INFINITY else [])])


def _quotas() -> list[float]:
    """CPUs by the quota over its period, of the group and of those above it."""
    pairs = [text.split() for text in _settings("cpu", "cpu.max")]
    old = zip(
        _settings("cpu", "cpu.cfs_quota_us"), _settings("cpu", "cpu.cfs_period_us"), strict=False
    )
    return [
        int(q) / int(p)
        for q, p in [*(x for x in pairs if len(x) == 2), *old]
        if q.isdigit() and int(p) > 0
    ]


def _settings(controller: str, *names: str) -> list[str]:
    """What files of these names say, in the group of this process and in those above it,
    version 2 or 1.
    """
    found = [folder / name for folder in _groups(controller) for name in names]
    return [path.read_text(encoding="ascii").strip() for path in found if path.is_file()]


def _groups(controller: str) -> list[Path]:
    lines = OWN_CGROUP.read_text(encoding="utf-8").splitlines() if OWN_CGROUP.is_file() else []
    groups = []
    for _, controllers, path in (line.split(":", 2) for line in lines):
        if controllers == "" or controller in controllers.split(","):
            root = CGROUP / controllers if controllers else CGROUP
            inner = root / path.lstrip("/")
            groups += [
                folder
                for folder in (inner, *inner.parents)
                if folder == root or root in folder.parents
            ]
    return list(dict.fromkeys(groups))


Item = TypeVar("Item")
Result = TypeVar("Result")
AHEAD = 32  # items a worker: enough to stay busy while items are made, few enough to keep in memory


class WorkerDied(ObcatError):
    """A worker process was killed, or had not enough memory; one line."""


def ordered(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int, ahead: int = AHEAD
) -> Iterator[Result]:
    """function of each item, in order, in so many processes; items are taken as they are needed.

    One worker is this process. Spawned, not forked: the caller may have threads. Raises WorkerDied
    where a worker ends without an answer.
    """
    if workers < 2:
        yield from map(function, items)
        return
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _follow_parent)
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > ahead * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise WorkerDied("a worker process died; run again with one worker to see why") from error
    finally:
        pool.shutdown(cancel_futures=True)


# of glibc's mallopt: from what size on an array gets pages of its own, how much may lie free at the
# end of the heap, and how many heaps there are for threads, for those beyond the first are small
KEPT = {-3: 2**30, -1: 2**31 - 1, -8: 1}
ARROW_POOL = "ARROW_DEFAULT_MEMORY_POOL"


def keep_memory() -> None:
    """For a process of our own: glibc keeps the memory of an array that is freed for the next one,
    in place of returning it to the system, which clears it page by page. Elsewhere nothing.
    """
    import ctypes

    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        for setting, value in KEPT.items():
            library.mallopt(setting, value)


@contextmanager
def kept_arrays() -> Iterator[None]:
    """Meanwhile Arrow, if it is imported only now, has its memory from glibc, which keeps it:
    tables are read, put in order and written one after the other.
    """
    given = os.environ.get(ARROW_POOL)
    os.environ[ARROW_POOL] = given or "system"
    try:
        yield
    finally:
        if given is None:
            del os.environ[ARROW_POOL]


def give_back() -> None:
    """What is kept so, and free, goes back to the system: before a step that needs little of it."""
    import ctypes

    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):
        library.malloc_trim(0)


def check_address_space() -> None:
    """Raises ObcatError where ulimit -v leaves too little: the libraries would end the process in
    words of their own.
    """
    import resource  # not on every system

    own = resource.getrlimit(resource.RLIMIT_AS)[0]
    if own != resource.RLIM_INFINITY and own < ADDRESS_SPACE:
        raise ObcatError(
            f"ulimit -v gives {own / 1e6:.0f} MB of address space, and obcat needs "
            f"{ADDRESS_SPACE / 1e6:.0f}: raise it, or ulimit -v unlimited"
        )


def without_pandas() -> None:
    """For a process of our own: pyarrow and lightgbm load pandas wherever it is installed, at 0.3 s
    a process, and no command needs it.
    """
    sys.meta_path.insert(0, SimpleNamespace(find_spec=_no_pandas))  # type: ignore[arg-type]


def _no_pandas(name: str, *_: object) -> ModuleSpec | None:
    """That it is there astropy may know; what imports it is told that it is not."""
    loader: Any = SimpleNamespace(create_module=_refuse, exec_module=_refuse)
    return ModuleSpec(name, loader) if name == "pandas" else None


def _refuse(spec: object) -> None:
    raise ModuleNotFoundError("no command of obcat needs pandas", name="pandas")


def _follow_parent() -> None:
    """A worker leaves signals to its parent and ends when the parent does, however that ends."""
    keep_memory()
    without_pandas()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)
OPENED = os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class Locked(ObcatError):
    """Another command of obcat uses the folder, or it cannot be written; one line."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, or raise Locked at once; the kernel drops the lock when a process
    dies.

    On a file system without locks (NFS without lockd) there is none to hold: docs/limits.md says
    so. A link is not followed. Raises Locked too where the folder cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / ".lock", OPENED, 0o666)
    except OSError as error:
        raise Locked(
            f"{error.filename}: {error.strerror}; give a folder of builds that can be written"
        ) from error
    try:
        _hold(handle, folder)
        yield
    finally:
        os.close(handle)


def _hold(handle: int, folder: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Locked(
            f"{folder}: another obcat command is using this folder; wait for it to end"
        ) from None
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise Locked(f"{folder}: cannot be locked ({error.strerror})") from error
