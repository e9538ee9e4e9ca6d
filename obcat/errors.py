"""The one family of errors that stop a command, each of one line; text made fit for a terminal;
and names of an earlier house, which answer for one release with a warning.
"""

import errno
import os
import warnings
from collections.abc import Callable
from pkgutil import resolve_name
from typing import Any

__all__ = [
    "FULL",
    "ObcatError",
    "no_room",
    "old_paths",
    "one_line",
    "printable",
    "reason_of",
    "told",
]

FULL = os.strerror(errno.ENOSPC)

# as C++, and the system of memory and of threads, say it in the words of a library
NO_ROOM = ("bad_alloc", "Cannot allocate memory", "Resource temporarily unavailable")


class ObcatError(Exception):
    """What stops a command: one line that names what is wrong, where, and the remedy.

    ``exit_code`` is that of the command: 1 where something failed, 2 where what was given cannot
    be used, 3 where it cannot be read.
    """

    exit_code = 1


def one_line(text: object) -> str:
    """The text on one line, its white space single; what cannot be printed is named."""
    return printable(" ".join(str(text).split()))


def reason_of(error: BaseException) -> str:
    """What the operating system said, where a library tells it in words of its own; else those."""
    said: BaseException | None = error
    while said is not None:
        if isinstance(said, OSError) and said.strerror:
            return said.strerror
        said = said.__context__
    return str(error)


def no_room(said: BaseException | str) -> bool:
    """Whether what was wrong is a want of memory, or of threads: no fault of what was read."""
    return isinstance(said, MemoryError) or any(words in str(said) for words in NO_ROOM)


def told(error: BaseException) -> str:
    """One line for an error; one that nobody foresaw says its kind, and how to see where it is."""
    if isinstance(error, ObcatError):
        return one_line(error)
    if isinstance(error, OSError) and error.strerror:
        place = "" if error.filename is None else f"{error.filename}: "
        return one_line(f"{place}{error.strerror}")
    if isinstance(error, OSError) and str(error):
        return one_line(error)
    if no_room(error):
        return "not enough memory, or threads; close other programs, or use a machine with more"
    first = (str(error).strip().splitlines() or [""])[0]
    if FULL in first:  # in the words of a library, as DuckDB's
        return one_line(f"{first}; free space, and run again")
    return one_line(f"{type(error).__name__}: {first}; --debug shows where")


def printable(text: str) -> str:
    r"""The text with what cannot be printed named: ESC is \x1b.

    Control characters of C0 and C1 and the marks of writing direction would move, colour or
    reorder what a terminal shows.
    """
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def old_paths(module: str, home: str, names: str) -> Callable[[str], Any]:
    """A ``__getattr__`` for ``module``: ``names``, separated by blanks, are taken from their home.

    Each is given with a FutureWarning that says what it is called now.
    """
    known = names.split()

    def find(name: str) -> Any:
        if name not in known:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        warnings.warn(
            f"{module}.{name} is called {home}.{name}; the old name goes with the next release",
            FutureWarning,
            stacklevel=2,
        )
        return resolve_name(f"{home}.{name}")

    return find
