"""Progress on stderr: a bar on a terminal, now and then a plain line elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["progress", "working"]

Step = Callable[[int, int], None]


@contextmanager
def progress(title: str) -> Iterator[Step]:
    """A function of (done, total) to call as work goes on;
    quiet for whatever takes less than 2 s.
    """
    if sys.stderr.isatty():
        with _bar(title) as step:
            yield step
    else:
        yield _plain(title)


@contextmanager
def _bar(title: str) -> Iterator[Step]:
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(title)
        yield lambda done, total: shown.update(task, completed=done, total=total)


def _plain(title: str, every: float = 10.0) -> Step:
    last = time.monotonic() - every + 2

    def step(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last >= every:
            last = time.monotonic()
            print(f"{title}: {done:,} of {total:,}", file=sys.stderr, flush=True)

    return step


@contextmanager
def working(title: str) -> Iterator[None]:
    """On a terminal a line that says what is being done, gone when it is done;
    nothing elsewhere.
    """
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(title):
        yield
