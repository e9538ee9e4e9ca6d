"""Workers: processes that make spectra while the next ones are being drawn."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

__all__ = ["ordered"]

Item = TypeVar("Item")
Result = TypeVar("Result")
AHEAD = 32  # items a worker: enough to stay busy while a chunk is drawn, few enough to keep in memory


def ordered(function: Callable[[Item], Result], items: Iterator[Item], workers: int) -> Iterator[Result]:
    """function of each item, in order, in so many processes (1: in this one); items are taken as they are needed."""
    if workers < 2:
        yield from map(function, items)
        return
    waiting: deque[Future[Result]] = deque()
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > AHEAD * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
