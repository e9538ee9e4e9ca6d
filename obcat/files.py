"""Results that appear whole under their names, or not at all: one file, or one folder with its checksums.

``with publishing(path) as partial`` for a file, ``with publishing_folder(path, "release") as partial`` for a folder:
what is written to ``partial`` is on the disk before one rename puts it at ``path``. An error, a signal or a kill
leaves what was there before; what a kill leaves beside it is cleared by the next run. Two at once wait for each other.

Nothing is replaced or removed but what is shown to be ours: a folder whose SHA256SUMS says which kind of result it
is and lists every file in it, each as it was written; and the working folder ``.NAME.partial``, by the stamp in it.
"""

import ctypes
import errno
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from obcat.sums import SUMS, NoSums, digest, notes_of, read_sums, write_sums
from obcat.working import BEFORE, WAIT, Busy, NotOurs, working

__all__ = ["Busy", "NotOurs", "check_ours", "publishing", "publishing_folder", "sync"]

MADE = "made by obcat"
NEW = "new"
MANY = 200  # files from which one sync of everything is quicker than one each
NO_EXCHANGE = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)
MEND = "move it away, or give another folder"
Listing = dict[str, tuple[int, int, int]]


@contextmanager
def publishing(path: Path, *, wait: float = WAIT) -> Iterator[Path]:
    """A path of the same name to write a file to; at the end the file is put at ``path``, in place of a file there.

    Raises NotOurs where ``path`` is there and is no file, Busy where another process writes it for ``wait`` seconds;
    both are OSErrors of one line.
    """
    final = Path(os.path.realpath(path))
    _check_file(final)
    if not final.parent.is_dir():
        raise NotOurs(f"{path}: there is no folder {final.parent}; make it first")
    with _space(final, wait) as (partial, _):
        yield partial
        _check_file(final)
        sync(partial)
        partial.replace(final)
        sync(final.parent)


@contextmanager
def publishing_folder(
    path: Path, kind: str, *, facts: Mapping[str, str] | None = None, wait: float = WAIT
) -> Iterator[Path]:
    """An empty folder to write to; at the end it gets SHA256SUMS and is put at ``path``, in place of one of its kind.

    ``facts`` (name -> text, as the fingerprint of a build) stand at the head of SHA256SUMS. Parents are made.
    Raises NotOurs where ``path`` holds anything that is not as obcat wrote it, Busy as ``publishing``.
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
            raise NotOurs(f"{path}: was changed while its next version was written; it is left as it is")
        _switch(partial, final, before)
        sync(final.parent)


def check_ours(folder: Path, kind: str) -> Listing:
    """The files of a folder that may be replaced by a result of this kind; none where there is no folder.

    Raises NotOurs where the folder is not empty and is not, file by file, what obcat wrote there as such a result.
    """
    if not os.path.lexists(folder):
        return {}
    if not folder.is_dir():
        raise NotOurs(f"{folder}: is there and is no folder; give another name")
    made, stated = _claimed(folder) if any(folder.iterdir()) else (kind, {})
    if made != kind:
        what = f"a {made} of obcat" if made else "not made by obcat"
        raise NotOurs(f"{folder}: {what}, and a {kind} would replace it; {MEND}")
    found = _listing(folder)
    for name in sorted(found.keys() - {SUMS}):
        if name not in stated:
            raise NotOurs(f"{folder}: holds {name!r}, which is no part of the {kind}; {MEND}")
        if not (folder / name).is_file() or digest(folder / name) != stated[name]:
            raise NotOurs(f"{folder}: {name!r} was changed since obcat wrote it; {MEND}")
    return found


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _space(final: Path, wait: float) -> Iterator[tuple[Path, Path]]:
    """Where to write the new result, and where to put the old one aside."""
    with working(final, wait) as work:
        (work / NEW).mkdir()
        yield work / NEW / final.name, work / BEFORE


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
    """Name -> size, time, inode of all that is in a folder, links and empty folders too; no link is followed."""
    found: Listing = {}
    for path in folder.rglob("*"):
        if path.is_symlink() or not path.is_dir() or not any(path.iterdir()):
            stat = path.lstat()
            found[path.relative_to(folder).as_posix()] = (stat.st_size, stat.st_mtime_ns, stat.st_ino)
    return found


def _sync_tree(folder: Path) -> None:
    paths = [folder, *folder.rglob("*")]
    if len(paths) > MANY:
        os.sync()
        return
    for path in paths:
        sync(path)


def _switch(partial: Path, final: Path, before: Path) -> None:
    """Put a folder at its place: one rename, or one exchange of two names where a folder is there.

    Where names cannot be exchanged the old folder is moved aside; ``working`` puts it back if the second step fails.
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
