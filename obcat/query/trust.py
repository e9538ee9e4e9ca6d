"""Which database files are opened without asking: DuckDB warns that a file made to harm can harm
like a program.

A file is ours if it lies in the folder of a build, beside what was ingested or fitted, or if
SHA256SUMS beside it says that it is the file that was released. That tells where a file comes from
by its place and that it is whole; it does not tell that whoever made the release means well.
"""

from pathlib import Path

from obcat.checksums import SUMS, NoSums, digest, read_sums
from obcat.errors import ObcatError

__all__ = ["NotTrusted", "check"]

BUILT = ("raw", "models")  # folders that `obcat ingest` and `obcat build` leave beside the database
REMEDY = "--trust opens it all the same, if you know who made it"


class NotTrusted(ObcatError):
    """A database that is neither a build nor part of a whole release; one line."""


def check(database: Path) -> None:
    """Raises NotTrusted. A file that is not there is for the reader to complain of."""
    folder = database.resolve().parent
    if not database.is_file():
        return
    if (folder / SUMS).is_file():
        _check_release(database, folder)
    elif not any((folder / name).is_dir() for name in BUILT):
        raise NotTrusted(
            f"{database.name}: neither of a build nor of a release with {SUMS}; {REMEDY}"
        )


def _check_release(database: Path, folder: Path) -> None:
    name = database.resolve().name
    try:
        stated = read_sums(folder).get(name)
    except NoSums as error:
        raise NotTrusted(f"{database.name}: {SUMS} beside it is damaged; {REMEDY}") from error
    if stated is None:
        raise NotTrusted(f"{database.name}: not in the {SUMS} beside it; {REMEDY}")
    if (folder / f"{name}.wal").exists():
        raise NotTrusted(
            f"{database.name}: {name}.wal beside it would change it, and is no part of a release"
        )
    if digest(database) != stated:
        raise NotTrusted(
            f"{database.name}: changed since its release, by the {SUMS} beside it; {REMEDY}"
        )
