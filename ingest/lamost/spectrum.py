"""Which files of a folder are spectra, by their names; and a spectrum from a file: inflated, read,
checked.
"""

import hashlib
import io
import os
import re
import stat
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np

from obcat.ingest.errors import Quarantined, UnreadableError
from obcat.ingest.lamost.header import (
    KEYWORDS,
    Cards,
    Value,
    describe,
    identify,
    name_identity,
    position,
    text,
)
from obcat.ingest.lamost.layouts import Arrays, first_pixel, layout_of, read_arrays
from obcat.kernels.grid import median, placed, snr_g, usable

__all__ = [
    "MAGIC",
    "SIZE_CAP",
    "Entry",
    "Listed",
    "Spectrum",
    "bounded",
    "content_of",
    "inflate",
    "list_files",
    "list_spectra",
    "masked",
    "other_packing",
    "read_bytes",
    "read_spectrum",
    "unpacked",
]

zlib = import_module(
    "isal.isal_zlib" if find_spec("isal") else "zlib"
)  # ISA-L is not on every platform

MAGIC = b"\x1f\x8b"
SIZE_CAP = 10_000_000  # bytes; the largest LAMOST low-resolution file seen has 170 kB
MOST_MEMBERS = 1000  # bgzip makes one of 64 kB
GZIP = 31  # wbits of a stream with a gzip header and trailer
UNPACK = {
    ".fz": "funpack",
    ".bz2": "bunzip2",
    ".xz": "unxz",
    ".zst": "unzstd",
    ".lz4": "unlz4",
    ".z": "uncompress",
}
UNPACK |= {".zip": "unzip", ".7z": "7z x"}
MAGICS = {
    b"BZh": ".bz2",
    b"\xfd7zXZ": ".xz",
    b"\x28\xb5\x2f\xfd": ".zst",
    b"\x04\x22\x4d\x18": ".lz4",
}
MAGICS |= {b"\x1f\x9d": ".z", b"PK\x03\x04": ".zip", b"7z\xbc\xaf": ".7z"}


def inflate(packed: bytes, *, cap: int = SIZE_CAP) -> bytes:
    """The content of a gzip file: of all its members, one after the other; zeros may pad its end.

    Raises Quarantined: truncated_gzip, damaged_gzip or too_large.
    """
    content, rest = _member(packed, 0, cap)
    if not rest:
        return content
    members = [content]
    while rest := rest.lstrip(b"\0"):
        if not rest.startswith(MAGIC):
            raise Quarantined("damaged_gzip", f"{len(rest)} bytes after the end of the stream")
        if len(members) == MOST_MEMBERS:
            raise Quarantined("too_large", f"more than {MOST_MEMBERS} gzip streams in one file")
        content, rest = _member(rest, sum(map(len, members)), cap)
        members.append(content)
    return b"".join(members)


def _member(packed: bytes, before: int, cap: int) -> tuple[bytes, bytes]:
    """The content of the first member, and what follows it;
    ``before`` bytes were inflated already.
    """
    stream = zlib.decompressobj(wbits=GZIP)
    try:
        content = stream.decompress(packed, cap - before + 1)
    except zlib.error as error:
        raise Quarantined("damaged_gzip", str(error)) from error
    if before + len(content) > cap:
        raise Quarantined("too_large", f"inflates to more than {cap} bytes")
    if not stream.eof:
        raise Quarantined(
            "truncated_gzip", f"the stream ends after {len(packed)} bytes, {len(content)} inflated"
        )
    return content, stream.unused_data


def other_packing(name: str, begin: bytes) -> str | None:
    """How a file is packed that is neither plain nor gzip, by its first bytes or its ending,
    and what unpacks it.
    """
    ending = next((e for magic, e in MAGICS.items() if begin.startswith(magic)), None)
    ending = ending or next((e for e in UNPACK if name.lower().endswith(e)), None)
    return (
        f"packed as {ending}, which is not read; unpack it ({UNPACK[ending]})" if ending else None
    )


FITS = b"SIMPLE"
LONGEST_NAME = 60  # characters of fitsname, its format in columns.csv
HIGH_IVAR = 100  # times the median, the limit n_high_ivar is defined by


class Spectrum(NamedTuple):
    """``header``: the columns of raw.headers;
    ``flux``, ``ivar``: (3909,) float32 on the common grid.
    """

    header: dict[str, Value]
    flux: np.ndarray
    ivar: np.ndarray


def read_spectrum(source: Path | bytes, name: str | None = None) -> Spectrum:
    """Read a LAMOST low-resolution file, plain or gzip, of any release; ``name`` is its name on
    disk.

    Raises Quarantined with a reason from errors.REASONS, and MemoryError, and nothing else: it is
    the boundary of one file, where what no list of errors names puts it aside with its cause, and
    never stops the run.
    """
    stored = source if isinstance(source, bytes) else read_bytes(source)
    return bounded(lambda: _parse(stored, name if isinstance(source, bytes) else source.name))


def bounded(parse: Callable[[], Spectrum]) -> Spectrum:
    """What ``parse`` gives; whatever it raises but MemoryError is Quarantined."""
    try:
        return parse()
    except (Quarantined, MemoryError):
        raise
    except Exception as error:
        at = traceback.extract_tb(error.__traceback__)[-1]
        cause = (
            f"{type(error).__name__}: {' '.join(str(error).split())[:160]} "
            f"({Path(at.filename).name}:{at.lineno})"
        )
        raise Quarantined("unreadable", cause) from error


def content_of(path: Path) -> bytes:
    """The file's content, inflated. Raises Quarantined."""
    return unpacked(read_bytes(path), path.name)


def read_bytes(path: Path) -> bytes:
    """The file's content. Raises Quarantined: not_a_file, empty, too_large or unreadable."""
    with _quarantined_os_errors():
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise Quarantined("not_a_file", "a folder, pipe or device")
        with path.open("rb", buffering=0) as file:
            content = _read(file, status.st_size)
        if len(content) > SIZE_CAP:
            raise Quarantined("too_large", f"{max(status.st_size, len(content))} bytes")
    if not content:
        raise Quarantined("empty", "0 bytes")
    return content


def _read(file: io.FileIO, size: int) -> bytes:
    """The bytes to the end of the file, or one more than the cap, whatever size it claims; a buffer
    of the cap for every file would cost more than reading does.
    """
    content = file.read(min(size, SIZE_CAP) + 1) or b""
    while len(content) <= SIZE_CAP and (more := file.read(SIZE_CAP + 1 - len(content))):
        content += more
    return content


@contextmanager
def _quarantined_os_errors() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise Quarantined("not_a_file", "a broken link, or gone since it was listed") from error
    except OSError as error:
        raise Quarantined("unreadable", os.strerror(error.errno or 0)) from error


def _parse(stored: bytes, name: str | None) -> Spectrum:
    content = unpacked(stored, name or "")
    cards, arrays = read_arrays(content, KEYWORDS)
    header = _checked(cards, name)
    first, layout = first_pixel(cards, arrays.flux.size), layout_of(cards, arrays)
    flux, ivar, counts = masked(arrays)
    flux, ivar = placed(flux, first), placed(ivar, first)
    header |= {"sha256": hashlib.sha256(stored).hexdigest(), "other_names": None, "layout": layout}
    header |= {
        "first_pixel": first,
        "n_pixel": arrays.flux.size,
        "snr_g_computed": _known(snr_g(flux, ivar)),
        **counts,
    }
    return Spectrum(header, flux, ivar)


def unpacked(stored: bytes, name: str) -> bytes:
    """The content of a file that is plain FITS or gzip.
    Raises Quarantined: other_packing and what inflate raises.
    """
    if stored.startswith(MAGIC):
        return inflate(stored)
    packing = None if stored.startswith(FITS) else other_packing(name, stored[:8])
    if packing:
        raise Quarantined("other_packing", packing)
    return stored


def _checked(cards: Cards, name: str | None) -> dict[str, Value]:
    """The columns that the header alone gives, once it holds what it must."""
    identity = identify(cards, name)
    if cards.get("VACUUM") is not True or cards.get("HELIO") is not True:
        raise Quarantined(
            "not_vacuum_heliocentric", f"VACUUM {cards.get('VACUUM')}, HELIO {cards.get('HELIO')}"
        )
    ra, dec = position(cards)
    filename = text(cards, "FILENAME")
    named = filename and len(filename) <= LONGEST_NAME and name_identity(filename)
    fitsname = filename if named else identity.fitsname
    row: dict[str, Value] = {"specid": identity.specid, "fitsname": fitsname, **identity._asdict()}
    return row | {"ra": ra, "dec": dec} | describe(cards)


def masked(arrays: Arrays) -> tuple[np.ndarray, np.ndarray, dict[str, Value]]:
    """(n,) float32 flux and ivar, ivar 0 where METHOD section 1 masks, and the counts of
    raw.headers.

    A pixel is masked if flux == 0, ivar <= 0, ormask != 0, or flux or ivar is not finite (flux is 0
    there).
    """
    with np.errstate(over="ignore", invalid="ignore"):
        flux, ivar = arrays.flux.astype(np.float32), arrays.ivar.astype(np.float32)
        finite = np.isfinite(flux)
        wrong = ~(finite & (ivar >= 0) & (ivar < np.inf))
        good = usable(flux, ivar, arrays.ormask)
        zero_flux = (flux == 0) & (ivar > 0)
    if not finite.all():
        flux = np.where(finite, flux, np.float32(0))
    values = ivar[good]
    counts: dict[str, Value] = {
        "n_masked": good.size - values.size,
        "n_zero_flux": int(np.count_nonzero(zero_flux)),
        "n_not_finite": int(np.count_nonzero(wrong)),
        "n_high_ivar": _n_high(values),
    }
    return flux, np.where(good, ivar, np.float32(0)), counts


def _n_high(ivar: np.ndarray) -> int:
    """How many of (n,) values above 0 exceed ``HIGH_IVAR`` times their median.

    Where more than half of them reach the largest over ``HIGH_IVAR`` none does, and the median need
    not be looked for.
    """
    if not ivar.size or 2 * np.count_nonzero(ivar > ivar.max() / (0.99 * HIGH_IVAR)) > ivar.size:
        return 0
    return int(np.count_nonzero(ivar > HIGH_IVAR * median(ivar)))


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value


ENDINGS = tuple(
    f".{kind}{packed}" for kind in ("fits", "fit", "fts") for packed in ("", ".gz", *UNPACK)
)
ENDING = re.compile(r"\.[A-Za-z0-9_~-]{1,12}")
MOST_ENDINGS = 8


class Entry(NamedTuple):
    """A file found: ``path`` below the folder, as the operating system has it; size in bytes."""

    path: str
    size: int
    mtime_ns: int

    @property
    def shown(self) -> str:
        """The path in valid Unicode; bytes that are none are written as escapes."""
        return os.fsencode(self.path).decode("utf-8", "backslashreplace")

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]


Listed = tuple[list[Entry], dict[str, int]]


def list_spectra(folder: Path) -> list[Entry]:
    """Everything below ``folder`` named *.fits, *.fit or *.fts, packed or not, by name, then path.

    Folders and broken links of such names too. Linked folders are followed, each folder once.
    Raises UnreadableError for a folder that is missing or unreadable.
    """
    return list_files(folder)[0]


def list_files(folder: Path) -> Listed:
    """The spectra, and how many other files there are by ending."""
    found: dict[bool, list[Entry]] = {True: [], False: []}
    for entry in _walk(folder, "", set()):
        found[_of_spectrum(entry.name)].append(entry)
    spectra = sorted(found[True], key=lambda entry: (entry.name, entry.path))
    return spectra, _passed_over(entry.name for entry in found[False])


def _of_spectrum(name: str) -> bool:
    return name.lower().endswith(ENDINGS)


def _passed_over(names: Iterable[str]) -> dict[str, int]:
    """How many files there are by ending, the most frequent first."""
    endings = (Path(name).suffix.lower() for name in names)
    counts = Counter(
        f"*{ending}" if ENDING.fullmatch(ending) else "other names" for ending in endings
    )
    shown = counts.most_common(MOST_ENDINGS)
    rest = counts.total() - sum(n for _, n in shown)
    return {f"passed over: {what}": n for what, n in [*shown, ("further endings", rest)] if n}


def _walk(folder: Path, below: str, seen: set[tuple[int, int]]) -> Iterator[Entry]:
    path = folder / below
    try:
        status = path.stat()
        if (status.st_dev, status.st_ino) in seen:
            return
        seen.add((status.st_dev, status.st_ino))
        with os.scandir(path) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        raise UnreadableError(
            f"{path}: {error.strerror}; give a folder of spectra that can be read"
        ) from error
    for entry in entries:
        name = below + entry.name
        if not _of_spectrum(entry.name) and entry.is_dir():
            yield from _walk(folder, f"{name}/", seen)
        else:
            yield _described(entry, name)


def _described(entry: os.DirEntry[str], path: str) -> Entry:
    """Size and time of a file, or of a link that leads nowhere;
    only regular files have a size here.
    """
    try:
        status = entry.stat()
    except OSError:
        status = entry.stat(follow_symlinks=False)
    return Entry(path, status.st_size if stat.S_ISREG(status.st_mode) else 0, status.st_mtime_ns)
