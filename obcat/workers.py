"""Processes that work for a command: spawned, ended with it however it ends, results in order."""

import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import TypeVar

from obcat.errors import ObcatError

__all__ = ["WorkerDied", "ordered"]

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


def _follow_parent() -> None:
    """A worker leaves signals to its parent and ends when the parent does, however that ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
