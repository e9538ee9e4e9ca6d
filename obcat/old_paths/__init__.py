"""Names that modules had in an earlier house: they answer for one release, with a warning."""

import warnings
from collections.abc import Callable
from pkgutil import resolve_name
from typing import Any

__all__ = ["old_paths"]


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
