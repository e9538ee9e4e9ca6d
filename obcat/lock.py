"""One process at a time in a build folder."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from obcat.errors import ObcatError

__all__ = ["Locked", "locked"]

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
