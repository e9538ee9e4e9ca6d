"""A folder to work in beside a result: held by one process at a time, cleared of what a kill left in it.

It is called ``.NAME.partial`` and holds a stamp, by which it is known to be ours, and whose lock is the lock of the
result: the kernel drops it when a process dies.
"""

import errno
import fcntl
import os
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["BEFORE", "WAIT", "Busy", "NotOurs", "working"]

STAMP = "made-by-obcat"
SIGN = "obcat, "
BEFORE = "before"
WAIT = 60.0  # seconds
PAUSE = 0.1  # seconds
NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS)


class NotOurs(OSError):
    """Something at that place cannot be shown to be made by obcat; one line."""


class Busy(OSError):
    """Another process writes the same result; one line that says which."""


@contextmanager
def working(final: Path, wait: float = WAIT) -> Iterator[Path]:
    """The working folder of a result, empty but for the stamp; removed at the end, whatever happens.

    A result that a killed run had moved aside, to BEFORE, is put back first.
    Raises NotOurs where something else is at that place, Busy where another process holds it for ``wait`` seconds.
    """
    work = final.with_name(f".{final.name}.partial")
    handle = _taken(work, final, wait)
    try:
        _clear(work, final)
        yield work
    finally:
        try:
            _clear(work, final)
            (work / STAMP).unlink()
            _remove_if_empty(work)
        finally:
            os.close(handle)


def _taken(work: Path, final: Path, wait: float) -> int:
    """The open stamp of the working folder, locked and signed. Waits for whoever holds it."""
    end = time.monotonic() + wait
    while True:
        try:
            new = _made(work)
            handle = os.open(work / STAMP, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
        except FileNotFoundError:  # who held it has just removed it
            if not work.parent.is_dir():
                raise
            continue
        held = False
        try:
            held = _locked(handle, work, new) and _is_there(handle, work / STAMP)
            if held:
                _sign(handle)
                return handle
            holder = os.pread(handle, 200, 0).decode(errors="replace").strip()
        finally:
            if not held:
                os.close(handle)
        if time.monotonic() > end:
            raise Busy(f"{final}: {holder or 'another obcat'} is writing it; try again when that has ended")
        time.sleep(PAUSE)


def _made(work: Path) -> bool:
    """Whether the working folder is new. Raises NotOurs where there is one without our stamp."""
    try:
        work.mkdir()
        return True
    except FileExistsError:
        pass
    if work.is_dir() and not work.is_symlink():
        others = [path.name for path in work.iterdir() if path.name != STAMP]
        if not others or _signed(work / STAMP):
            return False
    raise NotOurs(f"{work}: is in the way and is no working folder of obcat; move it away")


def _signed(stamp: Path) -> bool:
    return stamp.is_file() and not stamp.is_symlink() and stamp.read_bytes().startswith(SIGN.encode())


def _locked(handle: int, work: Path, new: bool) -> bool:
    """Whether the lock is ours; where a file system has no locks, that of a folder that we made ourselves is."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        if not new:
            raise Busy(f"{work}: no locks here to tell whether another obcat is at work; else remove it") from error
    return True


def _is_there(handle: int, stamp: Path) -> bool:
    """Whether the file we locked is still the one of that name: who held it before may have removed it."""
    try:
        return os.path.samestat(os.fstat(handle), stamp.lstat())
    except FileNotFoundError:
        return False


def _sign(handle: int) -> None:
    """The sign is never away while the folder holds anything."""
    text = f"{SIGN}process {os.getpid()} on {socket.gethostname()}\n".encode()
    os.pwrite(handle, text, 0)
    os.ftruncate(handle, len(text))


def _clear(work: Path, final: Path) -> None:
    """Empty the folder but for its stamp; a result that was moved aside, with none in its place, is put back."""
    before = work / BEFORE
    if before.exists() and not os.path.lexists(final):
        before.rename(final)
    for path in work.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != STAMP:
            path.unlink()


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError as error:  # the next process has already put its stamp there
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
