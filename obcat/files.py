"""Results that appear whole under their names, or not at all: one file, or one folder with its
checksums.

``with publishing(path) as partial`` for a file, ``with publishing_folder(path, "release") as
partial`` for a folder: what is written to ``partial`` is on the disk before one rename puts it at
``path``. An error, a signal or a kill leaves what was there before; what a kill leaves beside it is
cleared by the next run. Two at once wait for each other.

Nothing is replaced or removed but what is shown to be ours: a folder whose SHA256SUMS says which
kind of result it is and lists every file in it, each as it was written; and the working folder
``.NAME.partial``, by the stamp in it, whose lock is the lock of the result: the kernel drops it
when a process dies.
"""

import ctypes
import errno
import fcntl
import os
import shutil
import socket
import stat
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from obcat.checksums import SUMS, NoSums, digest, notes_of, read_sums, write_sums
from obcat.errors import reason_of

__all__ = [
    "BEFORE",
    "WAIT",
    "Busy",
    "NotOurs",
    "check_listed",
    "check_ours",
    "clear_left",
    "publishing",
    "publishing_folder",
    "put",
    "put_link",
    "refusal",
    "switch",
    "sync",
    "working",
]

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
    """The working folder of a result, empty but for the stamp; removed at the end, whatever
    happens.

    A result that a killed run had moved aside, to BEFORE, is put back first.
    Raises NotOurs where something else is at that place, Busy where another process holds it for
    ``wait`` seconds.
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
        new = _made(work)
        try:
            handle = os.open(work / STAMP, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
        except FileNotFoundError:  # who held it has just removed it
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
            raise Busy(
                f"{final}: {holder or 'another obcat'} is writing it; try again when that has ended"
            )
        time.sleep(PAUSE)


def _made(work: Path) -> bool:
    """Whether the working folder is new. Raises NotOurs where there is one without our stamp."""
    try:
        work.mkdir()
        return True
    except FileExistsError:
        pass
    with suppress(FileNotFoundError):  # who held it removes it
        if stat.S_ISDIR(work.lstat().st_mode):
            others = [path.name for path in work.iterdir() if path.name != STAMP]
            if not others or _signed(work / STAMP):
                return False
        raise NotOurs(f"{work}: is in the way and is no working folder of obcat; move it away")
    return False


def _signed(stamp: Path) -> bool:
    return (
        stamp.is_file() and not stamp.is_symlink() and stamp.read_bytes().startswith(SIGN.encode())
    )


def _locked(handle: int, work: Path, new: bool) -> bool:
    """Whether the lock is ours; where there are no locks, that of a folder that we made is."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        if not new:
            raise Busy(
                f"{work}: no locks here to tell whether another obcat command is using it; "
                "else remove it"
            ) from error
    return True


def _is_there(handle: int, stamp: Path) -> bool:
    """Whether the file we locked is still the one of that name:
    who held it before may have removed it.
    """
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
    """Empty the folder but for its stamp;
    a result that was moved aside, with none in its place, is put back.
    """
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


MADE = "made by obcat"
NEW = "new"
MANY = 200  # files from which one sync of everything is quicker than one each
NO_EXCHANGE = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)
REMEDY = "move it away, or give another folder"
Listing = dict[str, tuple[int, int, int]]


@contextmanager
def publishing(path: Path, *, wait: float = WAIT) -> Iterator[Path]:
    """A path of the same name to write a file to; at the end the file is put at ``path``, in place
    of a file there.

    Raises NotOurs where ``path`` is there and is no file, Busy where another process writes it for
    ``wait`` seconds; both are OSErrors of one line.
    """
    final = Path(os.path.realpath(path))
    _check_file(final)
    if not final.parent.is_dir():
        raise NotOurs(f"{path}: there is no folder {final.parent}; make it first")
    with _space(final, wait) as (partial, _):
        yield partial
        _check_file(final)
        put(partial, final)


@contextmanager
def publishing_folder(
    path: Path, kind: str, *, facts: Mapping[str, str] | None = None, wait: float = WAIT
) -> Iterator[Path]:
    """An empty folder to write to; at the end it gets SHA256SUMS and is put at ``path``, in place
    of one of its kind.

    ``facts`` (name -> text, as the fingerprint of a build) stand at the head of SHA256SUMS. Parents
    are made. Raises NotOurs where ``path`` holds anything that is not as obcat wrote it, Busy as
    ``publishing``.
    """
    final = Path(os.path.realpath(path))
    check_ours(final, kind)
    final.parent.mkdir(parents=True, exist_ok=True)
    with _space(final, wait) as (partial, before):
        found = check_ours(final, kind)
        partial.mkdir()
        yield partial
        write_sums(partial, {MADE: kind, **(facts or {})})
        _sync_tree(partial)
        if _listing(final) != found:
            raise NotOurs(
                f"{path}: was changed while its next version was written; it is left as it is"
            )
        switch(partial, final, before)
        sync(final.parent)


def check_ours(folder: Path, kind: str) -> Listing:
    """The files of a folder that may be replaced by a result of this kind; none where there is no
    folder.

    Raises NotOurs where the folder is not empty and is not, file by file, what obcat wrote there as
    such a result.
    """
    if not os.path.lexists(folder):
        return {}
    if not folder.is_dir():
        raise NotOurs(f"{folder}: is there and is no folder; give another name")
    made, stated = _claimed(folder) if any(folder.iterdir()) else (kind, {})
    if made != kind:
        what = f"a {made} of obcat" if made else "not made by obcat"
        raise NotOurs(f"{folder}: {what}, and a {kind} would replace it; {REMEDY}")
    return check_listed(folder, stated, kind)


def check_listed(folder: Path, stated: Mapping[str, str], kind: str) -> Listing:
    """The files of a folder that holds nothing but these: name -> checksum.
    Raises NotOurs where it does.
    """
    if not folder.is_dir():
        raise NotOurs(f"{folder}: is there and is no folder; give another name")
    found = _listing(folder)
    for name in sorted(found.keys() - {SUMS}):
        if name not in stated:
            raise NotOurs(f"{folder}: holds {name!r}, which is no part of the {kind}; {REMEDY}")
        if not (folder / name).is_file() or digest(folder / name) != stated[name]:
            raise NotOurs(f"{folder}: {name!r} was changed since obcat wrote it; {REMEDY}")
    return found


def put(partial: Path, final: Path) -> None:
    """Put a file that was written in a working folder at its place by one rename."""
    sync(partial)
    partial.replace(final)
    sync(final.parent)


def clear_left(folder: Path) -> None:
    """Remove the working folders in a folder that processes left which were killed;
    those in use stay.
    """
    for work in folder.glob(".*.partial"):
        with suppress(NotOurs, Busy), working(folder / work.name[1:].removesuffix(".partial"), 0):
            pass


def put_link(path: Path, target: Path, *, wait: float = WAIT) -> None:
    """Put a link at ``path`` by one rename, in place of a folder there:
    who calls has shown that it may go.
    """
    with working(path, wait) as work:
        link = work / NEW
        link.symlink_to(target)
        switch(link, path, work / BEFORE)
        sync(path.parent)


def refusal(path: Path, error: OSError) -> str:
    """In one line, why a result cannot be put at ``path``."""
    if isinstance(error, NotOurs | Busy):
        return str(error)
    return f"{path}: {reason_of(error)}; choose a folder that can be written"


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _space(final: Path, wait: float) -> Iterator[tuple[Path, Path]]:
    """Where to write the new result, and where to put the old one aside. Temporary files of
    libraries go there too, for the next run to clear.
    """
    with working(final, wait) as work:
        (work / NEW).mkdir()
        before, tempfile.tempdir = tempfile.tempdir, str(work)
        try:
            yield work / NEW / final.name, work / BEFORE
        finally:
            tempfile.tempdir = before


def _check_file(path: Path) -> None:
    if os.path.lexists(path) and not path.is_file():
        raise NotOurs(f"{path}: is there and is no file; give another name")


def _claimed(folder: Path) -> tuple[str, dict[str, str]]:
    """The kind of result that SHA256SUMS says the folder is, '' if none, and the checksums."""
    try:
        return notes_of(folder).get(MADE, ""), read_sums(folder)
    except NoSums:
        return "", {}


def _listing(folder: Path) -> Listing:
    """Name -> size, time, inode of all that is in a folder, links and empty folders too;
    no link is followed.
    """
    found: Listing = {}
    for path in folder.rglob("*"):
        if path.is_symlink() or not path.is_dir() or not any(path.iterdir()):
            stat = path.lstat()
            found[path.relative_to(folder).as_posix()] = (
                stat.st_size,
                stat.st_mtime_ns,
                stat.st_ino,
            )
    return found


def _sync_tree(folder: Path) -> None:
    paths = [folder, *folder.rglob("*")]
    if len(paths) > MANY:
        os.sync()
        return
    for path in paths:
        sync(path)


def switch(partial: Path, final: Path, before: Path) -> None:
    """Put a folder at its place: one rename, or one exchange of two names where a folder is there.

    Where names cannot be exchanged the old folder is moved aside; ``working`` puts it back if the
    second step fails.
    """
    if not final.exists():
        partial.rename(final)
    elif not _exchanged(partial, final):
        final.rename(before)
        partial.rename(final)


def _exchanged(one: Path, other: Path) -> bool:
    """Exchange two names in one step; False where the system, or this disk, cannot."""
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if call is None or not sys.platform.startswith("linux"):
        return False
    here, exchange = -100, 2
    if call(here, os.fsencode(one), here, os.fsencode(other), exchange) == 0:
        return True
    number = ctypes.get_errno()
    if number in NO_EXCHANGE:
        return False
    raise OSError(number, os.strerror(number), str(other))
