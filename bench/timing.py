"""Time of an action, and a table of times as multiples of the first one."""

import os
import time
from collections.abc import Callable
from typing import NamedTuple

__all__ = ["THREADS", "Row", "seconds", "show"]

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""Set to 1 by run.py before numpy is loaded: every ratio is one core against one core."""


class Row(NamedTuple):
    name: str
    seconds: float


def seconds(
    action: Callable[[], object], repeats: int = 3, clock: Callable[[], float] = time.process_time
) -> float:
    """Seconds of the cheapest of several runs: of CPU, all threads of this process counted,
    unless another clock is given.
    """

    def once() -> float:
        start = clock()
        action()
        return clock() - start

    return min(once() for _ in range(repeats))


def show(title: str, rows: list[Row], count: int, unit: str) -> None:
    """CPU time of each row, for one of ``count`` units, and its ratio to the first row."""
    print(title)
    for name, value in rows:
        print(
            f"    {name:<50} {readable(value / count):>10} a {unit:<10} "
            f"{value / rows[0].seconds:9.2f}"
        )
    unset = [name for name in THREADS if os.environ.get(name) != "1"]
    if unset:
        print(f"    (not one thread: {', '.join(unset)} not 1; bench/run.py sets them)")
    print()


def readable(value: float) -> str:
    """A time of three or more digits in s, ms or us."""
    factor, name = next(((f, n) for f, n in ((1, "s"), (1e3, "ms")) if value * f >= 1), (1e6, "us"))
    return f"{value * factor:.3g} {name}"
