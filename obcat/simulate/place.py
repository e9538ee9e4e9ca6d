"""Where a simulated survey and its truth stand: in one folder, ``simulation``, so that one rename switches both.

The names that users know, ``survey`` and ``truth``, are links into it. The checksums that show that all of it is ours
stand beside the two, so that nothing in the survey is of the truth, its seed or the way it was made.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from obcat.checksums import SUMS, read_sums
from obcat.files import NotOurs, check_listed, publishing_folder, put_link

__all__ = ["KIND", "SURVEY", "TOGETHER", "TRUTH", "publishing_simulation"]

KIND = "simulation"
TOGETHER = "simulation"
SURVEY, TRUTH = NAMES = ("survey", "truth")


@contextmanager
def publishing_simulation(place: Path) -> Iterator[tuple[Path, Path]]:
    """Empty folders for survey and truth; at the end both appear in ``place`` by one rename, in place of earlier ones.

    Raises NotOurs where a survey, a truth or what holds them is there and is not, file by file, what obcat wrote; Busy
    where another process simulates into ``place``.
    """
    for name in NAMES:
        _check(place, name)
    with _no_links_to_nowhere(place), publishing_folder(place / TOGETHER, KIND) as partial:
        for name in NAMES:
            (partial / name).mkdir()
        yield partial / SURVEY, partial / TRUTH
        for name in NAMES:
            _check(place, name)
            _link(place, name)


def _check(place: Path, name: str) -> None:
    """Raises NotOurs unless the name is free, our link, an empty folder or a copy of what the link leads to.

    Copying a folder often makes a copy out of a link.
    """
    path = place / name
    if path.is_symlink() and path.readlink() != Path(TOGETHER, name):
        raise NotOurs(
            f"{path}: is a link to {path.readlink()}; move it away, or give another folder"
        )
    if path.is_symlink() or not path.exists():
        return
    check_listed(path, _listed(place, name), KIND)


def _listed(place: Path, name: str) -> dict[str, str]:
    """The checksums of the files below ``survey`` or ``truth``; none where nothing was simulated here."""
    if not (place / TOGETHER / SUMS).is_file():
        return {}
    every = read_sums(place / TOGETHER).items()
    return {
        path.removeprefix(f"{name}/"): sha for path, sha in every if path.startswith(f"{name}/")
    }


def _link(place: Path, name: str) -> None:
    if not (place / name).is_symlink():
        put_link(place / name, Path(TOGETHER, name))


@contextmanager
def _no_links_to_nowhere(place: Path) -> Iterator[None]:
    """Where the first simulation in a place fails, nothing stays: links are put in place just before it is."""
    try:
        yield
    finally:
        for path in (place / name for name in NAMES):
            if path.is_symlink() and path.readlink().parent == Path(TOGETHER) and not path.exists():
                path.unlink()
