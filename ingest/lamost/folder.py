"""A folder of spectra, read in chunks by several processes; only what is new or changed."""

import hashlib
import os
import re
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from obcat.files import clear_left
from obcat.ingest.errors import IngestError, Quarantined, UnreadableError
from obcat.ingest.lamost import parts, pieces
from obcat.ingest.lamost.spectrum import UNPACK, Spectrum, read_bytes, read_spectrum
from obcat.machine import ordered

__all__ = ["PAIRS", "Entry", "Job", "ingest", "list_spectra", "read_chunk"]


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


class Job(NamedTuple):
    """Files below ``source``, of which spectra not in ``stored`` (sha256) become a part, and the
    rows a piece, of the store ``out``.
    """

    source: Path
    out: Path
    entries: list[Entry]
    stored: frozenset[str]


def read_chunk(job: Job) -> Path:
    """Read the files of a job and put its spectra, then its piece, on the disk; the path of that."""
    files: list[dict[str, Any]] = []
    spectra: dict[str, Spectrum] = {}
    for entry in job.entries:
        row, spectrum = _read_entry(job.source, entry)
        files.append(row)
        if spectrum:
            spectra.setdefault(row["sha256"], spectrum)
    _write_new(job, spectra)
    headers = {sha: spectrum.header for sha, spectrum in spectra.items()}
    return pieces.write_piece(job.out / PIECES, files, headers)


def _write_new(job: Job, spectra: dict[str, Spectrum]) -> None:
    new = {sha: spectrum for sha, spectrum in spectra.items() if sha not in job.stored}
    if new:
        flux, ivar = (np.stack([getattr(s, name) for s in new.values()]) for name in parts.ARRAYS)
        parts.write_part(
            job.out / "spectra",
            [str(s.header["specid"]) for s in new.values()],
            list(new),
            flux,
            ivar,
        )


def _read_entry(source: Path, entry: Entry) -> tuple[dict[str, Any], Spectrum | None]:
    """The row of raw.files, and the spectrum unless the file is quarantined."""
    row = {
        "path": entry.shown,
        "size": entry.size,
        "mtime_ns": entry.mtime_ns,
        "status": "ingested",
    }
    row["reader_version"] = parts.READER_VERSION
    stored = None
    try:
        stored = read_bytes(source / entry.path)
        spectrum = read_spectrum(stored, Path(entry.path).name)
    except Quarantined as fault:
        sha = hashlib.sha256(stored).hexdigest() if stored else None
        return row | {
            "status": "quarantined",
            "sha256": sha,
            "reason": fault.reason,
            "detail": fault.detail,
        }, None
    return row | {name: spectrum.header[name] for name in ("sha256", "specid")}, spectrum


SPECTRUM = re.compile(rf"(?is).*\.(fits?|fts)(\.gz|{'|'.join(map(re.escape, UNPACK))})?")
ENDING = re.compile(r"\.[A-Za-z0-9_~-]{1,12}")
PAIRS = "superseded.csv"
PIECES = "pieces"
CHUNK = 512  # files of a job at most, and at least a few:
FEWEST, SHARE = 16, 40  # a kill loses the jobs in hand, each at most one of so many of the run
MOST_ENDINGS = 8
RETRIED = ("unreadable", "not_a_file")  # may be repaired without a trace in size or time

Progress = Callable[[int, int], None]


def ingest(
    source: Path,
    out: Path,
    *,
    workers: int = 2,
    progress: Progress | None = None,
    again: bool = False,
) -> dict[str, int]:
    """Bring ``out`` (spectra/part-*.parquet, headers.parquet, files.parquet) up to date with the
    files of ``source``.

    Only files that are new or changed are read, by ``workers`` processes; ``progress(done, total)``
    counts those. A run that is interrupted at any moment is put right by the next. With ``again``
    every file is read, whatever its size and time say, and a store that is damaged is made anew.
    Returns counts: found, read, ingested, duplicate, quarantined, one for each reason of quarantine
    that occurred, and of files passed over by their ending. Files that differ but hold one spectrum
    are told in superseded.csv. Raises IngestError: a folder is empty, cannot be read or written, a
    reader process died.
    """
    entries, others = _listed(source)
    if not entries:
        shown = f" ({', '.join(f'{n:,} {what}' for what, n in others.items())})" if others else ""
        raise IngestError(
            f"{source}: no *.fits or *.fits.gz below this folder{shown}; give the folder of "
            "the spectra"
        )
    folder = out / "spectra"
    if again:
        _forget(out)
    files, headers = _open_state(out)
    begun = pieces.pieces_of(out / PIECES)
    for place in (out, folder, out / PIECES, out / "rejected"):
        clear_left(place)
    stored = frozenset(sha for shas in parts.digests(folder).values() for sha in shas)
    kept = _unchanged(files, entries, stored & set(headers["sha256"].to_pylist()))
    new = [entry for entry in entries if entry.shown not in kept]
    if new or begun or len(kept) < files.num_rows:
        jobs = _jobs(source, out, new, _candidates(files, new, stored))
        read = pieces.read_pieces(list(_read_all(jobs, workers, len(new), progress)))
        files, headers = _merged(source, entries, _rows_of(files, kept), headers, *read)
        _save(out, files, headers)
    return {"found": len(entries), "read": len(new)} | _statuses(files) | others


def _rows_of(files: pa.Table, kept: set[str]) -> list[dict[str, Any]]:
    return [row for row in files.to_pylist() if row["path"] in kept]


def _statuses(files: pa.Table) -> dict[str, int]:
    counted = Counter(files["status"].to_pylist()) + Counter(
        files["reason"].drop_null().to_pylist()
    )
    return {"ingested": 0, "duplicate": 0, "quarantined": 0} | counted


def _open_state(out: Path) -> tuple[pa.Table, pa.Table]:
    """What the last run left: files.parquet and headers.parquet, and the pieces of one that was
    killed.
    """
    try:
        (out / "spectra").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise IngestError(
            f"{out}: {error.strerror}; choose a folder that can be written"
        ) from error
    later = pieces.read_pieces(pieces.pieces_of(out / PIECES))
    return tuple(
        pa.concat_tables([parts.read_table(out / f"{name}.parquet", f"raw.{name}"), table])
        for name, table in zip(("files", "headers"), later, strict=True)
    )


def _unchanged(files: pa.Table, entries: list[Entry], complete: frozenset[str]) -> set[str]:
    """Paths that need not be read again: same size and time, and their spectrum, if any, is in
    ``complete``.

    A file that another stands for (a duplicate, another release) stays only with that other.
    """
    now = {(entry.shown, entry.size, entry.mtime_ns) for entry in entries}
    names = ("path", "size", "mtime_ns", "status", "reason", "sha256", "specid")
    rows = [
        row
        for row in zip(*(files[name].to_pylist() for name in names), strict=True)
        if row[:3] in now
    ]
    owned = {
        specid for *_, status, _, sha, specid in rows if status == "ingested" and sha in complete
    }
    return {
        path
        for path, _, _, status, reason, _, specid in rows
        if (
            reason not in RETRIED
            if status == "quarantined" and reason != parts.SUPERSEDED
            else specid in owned
        )
    }


def _forget(out: Path) -> None:
    """Remove the store, the list of files first:
    a run that is interrupted here is put right by the next.
    """
    try:
        for name in ("files.parquet", "headers.parquet"):
            (out / name).unlink(missing_ok=True)
        pieces.clear_pieces(out / PIECES)
        for path in (out / "spectra").glob("part-*.parquet"):
            path.unlink()
    except OSError as error:
        raise IngestError(
            f"{out}: {error.strerror or error}; repair the folder, run again"
        ) from error


def _candidates(
    files: pa.Table, new: list[Entry], stored: frozenset[str]
) -> dict[object, frozenset[str]]:
    """Path, or size and time, of a new file -> stored sha256 of files that had the same: what it
    may hold though it was touched or renamed.
    """
    wanted = {key for entry in new for key in (entry.shown, entry[1:])}
    found: dict[object, set[str]] = {}
    names = ("path", "size", "mtime_ns", "sha256")
    for path, size, time, sha in zip(*(files[name].to_pylist() for name in names), strict=True):
        for key in wanted.intersection((path, (size, time))) if sha in stored else ():
            found.setdefault(key, set()).add(sha)
    return {key: frozenset(shas) for key, shas in found.items()}


def _jobs(
    source: Path, out: Path, entries: list[Entry], candidates: dict[object, frozenset[str]]
) -> list[Job]:
    """Jobs of few files each in a small run, so that a kill loses little of it."""
    size = min(CHUNK, max(FEWEST, len(entries) // SHARE))
    lots = [entries[i : i + size] for i in range(0, len(entries), size)]
    return [Job(source, out, lot, _of(lot, candidates)) for lot in lots]


def _of(lot: list[Entry], candidates: dict[object, frozenset[str]]) -> frozenset[str]:
    keys = (key for entry in lot for key in (entry.shown, entry[1:]))
    return frozenset[str]().union(*(candidates.get(key, frozenset()) for key in keys))


def _read_all(
    jobs: list[Job], workers: int, total: int, progress: Progress | None
) -> Iterator[Path]:
    """The pieces, in the order of jobs."""
    done = 0
    try:
        answers = ordered(read_chunk, jobs, min(workers, len(jobs)))
        for job, piece in zip(jobs, answers, strict=True):
            done += len(job.entries)
            if progress:
                progress(done, total)
            yield piece
    except OSError as error:
        raise IngestError(
            f"{jobs[0].out}: {error.strerror or error}; free space or repair it, run again"
        ) from error


def _merged(
    source: Path,
    entries: list[Entry],
    kept: list[dict[str, Any]],
    headers: pa.Table,
    read: pa.Table,
    read_headers: pa.Table,
) -> tuple[pa.Table, pa.Table]:
    """raw.files in the order of ``entries``, raw.headers by specid: one row per spectrum."""
    rows = {row["path"]: row for row in [*kept, *read.to_pylist()]}
    files = [rows[entry.shown] for entry in entries]
    table = pa.concat_tables([headers, read_headers])
    where = {entry.shown: entry.path for entry in entries}
    names = parts.settled(files, table, lambda path: source / where[path])
    return pa.Table.from_pylist(files, parts.arrow_schema("raw.files")), parts.one_each(
        table, names
    )


def _save(out: Path, files: pa.Table, headers: pa.Table) -> None:
    """files.parquet last: until it is there the next run does the work again."""
    try:
        parts.write_table(headers, out / "headers.parquet")
        parts.tidy(out / "spectra", headers["sha256"].to_pylist())
        parts.write_pairs(
            files.select(["path", "specid", "reason", "detail"]).to_pylist(), out / PAIRS
        )
        parts.write_table(files, out / "files.parquet")
        pieces.clear_pieces(out / PIECES)
    except pa.ArrowException as error:
        raise IngestError(
            f"{out}: damaged Parquet ({error}); `obcat ingest --again` makes it anew"
        ) from error
    except OSError as error:
        raise IngestError(
            f"{out}: {error.strerror or error}; free space or repair it, run again"
        ) from error


def list_spectra(folder: Path) -> list[Entry]:
    """Everything below ``folder`` named *.fits, *.fit or *.fts, packed or not, by name, then path.

    Folders and broken links of such names too. Linked folders are followed, each folder once.
    Raises UnreadableError for a folder that is missing or unreadable.
    """
    return _listed(folder)[0]


def _listed(folder: Path) -> tuple[list[Entry], dict[str, int]]:
    """The spectra, and how many other files there are by ending."""
    found = list(_walk(folder, "", set()))
    spectra = (entry for entry in found if SPECTRUM.fullmatch(entry.name))
    return sorted(spectra, key=lambda entry: (entry.name, entry.path)), _passed_over(
        entry.name for entry in found
    )


def _passed_over(names: Iterable[str]) -> dict[str, int]:
    """How many of the files have no name of a spectrum, by ending, the most frequent first."""
    endings = (Path(name).suffix.lower() for name in names if not SPECTRUM.fullmatch(name))
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
        if not SPECTRUM.fullmatch(entry.name) and entry.is_dir():
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
