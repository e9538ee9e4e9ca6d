"""Where the bytes of a file of the summary are:
the file, packed, in parts, or every file of a folder.
"""

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

__all__ = ["Stored", "base_name", "outside", "stored"]

LIMIT = 1 << 30
PACKED = ".gz"
PART = re.compile(r"\.(\d{1,4})(?:\.gz)?$")
OTHERS = (
    *(".fits", ".fit", ".fts", ".tar", ".tgz", ".zip", ".Z", ".bz2", ".xz"),
    *(".gif", ".jpg", ".jpeg", ".png", ".ps", ".eps", ".pdf", ".mpg", ".mp4", ".avi"),
)


@dataclass(frozen=True)
class Stored:
    """A file of the summary as it lies in the folder; several paths are its parts, in order."""

    name: str
    paths: tuple[Path, ...]

    @property
    def is_text(self) -> bool:
        """Images, FITS files and archives are not tables;
        anything else is text, if it holds no zero.
        """
        return not base_name(self.name).endswith(OTHERS)

    def content(self) -> str:
        """The bytes, unpacked, one character each.
        Raises OSError, EOFError or zlib.error where they are damaged.
        """
        if (
            len(self.paths) > 1
            and (gap := _gap([_number(path) for path in self.paths])) is not None
        ):
            raise OSError(f"part {gap:02d} is missing")
        return b"".join(map(_unpacked, self.paths)).decode("latin-1")


def stored(folder: Path, name: str) -> tuple[Stored, ...]:
    """What a name of the summary stands for;
    nothing where there is no such file, or no file could have the name.
    """
    try:
        return _found(folder, name)
    except (OSError, ValueError):
        return ()


def _found(folder: Path, name: str) -> tuple[Stored, ...]:
    pattern = f"{name.rstrip('/')}/*" if name.endswith("/") or (folder / name).is_dir() else name
    if re.search(r"[*?\[]", pattern):
        found = sorted(p for p in folder.glob(pattern) if p.is_file())
        return tuple(Stored(p.relative_to(folder).as_posix(), (p,)) for p in found)
    for other in (name, f"{name}{PACKED}", name.removesuffix(PACKED)):
        if (folder / other).is_file():
            return (Stored(name, (folder / other,)),)
    parts = _parts(folder, name.removesuffix(PACKED))
    return (Stored(name, parts),) if parts else ()


def outside(name: str) -> bool:
    """Whether a name leads out of the folder, or is none."""
    path = PurePosixPath(name)
    return path.is_absolute() or ".." in path.parts or path.as_posix() != name.rstrip("/")


def base_name(name: str) -> str:
    """The name of a table without what says that it is packed, or a part:
    table1.dat.00.gz is of table1.dat.
    """
    return PART.sub("", name).removesuffix(PACKED)


def _parts(folder: Path, name: str) -> tuple[Path, ...]:
    """Parts .00, .01, ... in order; they begin with 0 or 1."""
    place = (folder / name).parent
    beside: Iterator[Path] = place.iterdir() if place.is_dir() else iter(())
    numbered = {
        _number(p): p
        for p in beside
        if (found := PART.search(p.name))
        and p.name[: found.start()] == PurePosixPath(name).name
        and p.is_file()
    }
    return tuple(numbered[n] for n in sorted(numbered))


def _number(path: Path) -> int:
    found = PART.search(path.name)
    return int(found[1]) if found else -1


def _gap(numbers: list[int]) -> int | None:
    """The first number that is missing."""
    expected = range(min(1, numbers[0]), numbers[-1])
    return next((n for n in expected if n not in numbers), None)


def _unpacked(path: Path) -> bytes:
    if path.suffix != PACKED:
        return path.read_bytes()
    with gzip.open(path) as f:
        data = f.read(LIMIT + 1)
    if len(data) > LIMIT:
        raise OSError(f"more than {LIMIT >> 20} MiB when unpacked")
    return data
