"""One process at a time in a build folder."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from obcat.errors import ObcatError

__all__ = ["Locked", "locked"]


class Locked(ObcatError):
    """Another obcat is at work in the folder; one line."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, or raise Locked at once; the kernel drops the lock when a process dies."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Locked(f"{folder}: another obcat is at work here; wait for it to end") from None
        yield
