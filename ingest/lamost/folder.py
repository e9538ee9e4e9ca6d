"""A folder of spectra, read in chunks by several processes; only what is new or changed."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from obcat.files import clear_left
from obcat.ingest.errors import IngestError, Quarantined
from obcat.ingest.lamost import parts
from obcat.ingest.lamost.spectrum import (
    Entry,
    Listed,
    Spectrum,
    list_files,
    read_bytes,
    read_spectrum,
)
from obcat.kernels.grid import sky_pixel
from obcat.machine import ordered

__all__ = [
    "PAIRS",
    "Found",
    "Job",
    "Read",
    "Reader",
    "ingest",
    "read_chunk",
    "read_file",
]


Found = tuple[str | None, Spectrum | Quarantined]
Read = Callable[[Path, Entry], Found]  # source, entry -> SHA-256 where quarantined, and what it is


class Reader(NamedTuple):
    """How a source gives its spectra: ``find`` lists them, one entry each, and counts what it
    passes over; ``read`` reads one. Both go to other processes: functions of a module.
    """

    find: Callable[[Path], Listed]
    read: Read
    mark: str = ""  # what else than the reader's version decides its rows
    what: str = "*.fits or *.fits.gz"


class Job(NamedTuple):
    """Files below ``source``, of which spectra not in ``stored`` (sha256) become a part, and the
    rows a piece, of the store ``out``.
    """

    source: Path
    out: Path
    entries: list[Entry]
    stored: frozenset[str]
    read: Read
    version: str


def read_chunk(job: Job) -> Path:
    """Read the files of a job; put its spectra, then its piece, on the disk: the path of that."""
    files: list[dict[str, Any]] = []
    spectra: dict[str, Spectrum] = {}
    for entry in job.entries:
        row, spectrum = _read_entry(job, entry)
        files.append(row)
        if spectrum:
            spectra.setdefault(row["sha256"], spectrum)
    _write_new(job, spectra)
    headers = {sha: spectrum.header for sha, spectrum in spectra.items()}
    return parts.write_piece(job.out / PIECES, files, headers)


def _write_new(job: Job, spectra: dict[str, Spectrum]) -> None:
    """A part of what is not stored, along the sky: a reader of some of it passes over the rest."""
    new = [(sha, spectrum) for sha, spectrum in spectra.items() if sha not in job.stored]
    if new:
        places = [(s.header["ra"], s.header["dec"]) for _, s in new]
        along = np.argsort(sky_pixel(*np.array(places, float).T), kind="stable")
        shas, found = zip(*(new[i] for i in along), strict=True)
        flux, ivar = (np.stack([getattr(s, name) for s in found]) for name in parts.ARRAYS)
        specids = [str(s.header["specid"]) for s in found]
        parts.write_part(job.out / "spectra", specids, list(shas), flux, ivar)


def _read_entry(job: Job, entry: Entry) -> tuple[dict[str, Any], Spectrum | None]:
    """The row of raw.files, and the spectrum unless the file is quarantined."""
    row = {
        "path": entry.shown,
        "size": entry.size,
        "mtime_ns": entry.mtime_ns,
        "status": "ingested",
    }
    row["reader_version"] = job.version
    sha, found = job.read(job.source, entry)
    if isinstance(found, Quarantined):
        fault = {"reason": found.reason, "detail": found.detail}
        return row | {"status": "quarantined", "sha256": sha} | fault, None
    return row | {name: found.header[name] for name in ("sha256", "specid")}, found


def read_file(path: Path, read: Callable[[bytes, str], Spectrum]) -> Found:
    """The spectrum of a file, or why there is none."""
    stored = None
    try:
        stored = read_bytes(path)
        return None, read(stored, path.name)
    except Quarantined as fault:
        return hashlib.sha256(stored).hexdigest() if stored else None, fault


def _read_lamost(source: Path, entry: Entry) -> Found:
    return read_file(source / entry.path, read_spectrum)


PAIRS = "superseded.csv"
PIECES = "pieces"
CHUNK = 512  # files of a job at most, and at least a few:
FEWEST, SHARE = 16, 40  # a kill loses the jobs in hand, each at most one of so many of the run
RETRIED = ("unreadable", "not_a_file")  # may be repaired without a trace in size or time

Progress = Callable[[int, int], None]


def ingest(
    source: Path,
    out: Path,
    *,
    workers: int = 2,
    progress: Progress | None = None,
    again: bool = False,
    keep: bool = False,
    reader: Reader | None = None,
) -> dict[str, int]:
    """Bring ``out`` (spectra/part-*.parquet, headers.parquet, files.parquet) up to date with the
    files of ``source``.

    Only files that are new or changed are read, by ``workers`` processes; ``progress(done, total)``
    counts those. A run that is interrupted at any moment is put right by the next. With ``again``
    every file is read, whatever its size and time say, and a store that is damaged is made anew.
    With ``keep`` what was read of files that are gone stays: files come and go in batches.
    Returns counts: found, read, ingested, duplicate, quarantined, one for each reason of quarantine
    that occurred, and of files passed over by their ending. Files that differ but hold one spectrum
    are told in superseded.csv. Raises IngestError: a folder is empty, cannot be read or written, a
    reader process died.
    """
    reader = reader or LAMOST
    entries, others = reader.find(source)
    if not (entries or (keep and (out / "files.parquet").is_file())):
        shown = f" ({', '.join(f'{n:,} {what}' for what, n in others.items())})" if others else ""
        raise IngestError(
            f"{source}: no {reader.what} below this folder{shown}; give the folder of the spectra"
        )
    folder = out / "spectra"
    if again:
        _forget(out)
    files, headers = _open_state(out)
    begun = parts.pieces_of(out / PIECES)
    for place in (out, folder, out / PIECES, out / "rejected"):
        clear_left(place)
    kept, new, jobs, stored = _planned(source, out, reader, entries, files, headers, keep=keep)
    if new or begun or len(kept) < files.num_rows:
        read = parts.read_pieces(list(_read_all(jobs, workers, len(new), progress)))
        del jobs
        stay, kept_rows = _parted(files, kept, read[0]["specid"], anew=bool(begun))
        files, headers = _merged(source, entries, stay, kept_rows, headers, *read)
        _save(out, files, headers, stored)
    found = files.num_rows if keep else len(entries)
    return {"found": found, "read": len(new)} | _statuses(files) | others


def _planned(
    source: Path,
    out: Path,
    reader: Reader,
    entries: list[Entry],
    files: pa.Table,
    headers: pa.Table,
    *,
    keep: bool,
) -> tuple[pa.Array, list[Entry], list[Job], parts.Digests]:
    """The paths of the files that need not be read; those that must; the jobs of these; and what
    the parts hold.
    """
    stored = parts.digests(out / "spectra")
    known = files.filter(pc.equal(files["reader_version"], _version(reader)))
    complete = _in(headers["sha256"], pa.chunked_array(stored.values(), pa.string()))
    shown = pa.array([entry.shown for entry in entries], pa.string())
    kept = _unchanged(known, entries, shown, headers["sha256"].filter(complete), keep=keep)
    old = _in(shown, kept).to_pylist()
    new = [entry for entry, is_old in zip(entries, old, strict=True) if not is_old]
    return kept, new, _jobs(source, out, new, _candidates(files, new, stored), reader), stored


def _in(values: Any, among: Any) -> Any:
    """Which values, (n,), are among others; NULL is not."""
    return pc.and_(pc.is_valid(values), pc.is_in(values, among))


def _version(reader: Reader) -> str:
    return parts.READER_VERSION + reader.mark


def _parted(
    files: pa.Table, kept: pa.Array, read: pa.ChunkedArray, *, anew: bool
) -> tuple[pa.Table, list[dict[str, Any]]]:
    """Of the rows that are kept those that stay as they are, for no file of their spectra is new or
    gone; and those of spectra (specid) that were ``read`` or lost a file. With ``anew`` none stays.
    """
    known = pc.is_in(files["path"], kept)
    moved = [*files.filter(pc.invert(known))["specid"].chunks, *read.chunks]
    moved = pa.chunked_array(moved, pa.string()).drop_null()
    same = pc.invert(pc.is_in(files["specid"], moved)) if not anew else pa.scalar(False)
    others = files.filter(pc.and_(known, pc.invert(same)))
    return files.filter(pc.and_(known, same)), others.to_pylist()


def _statuses(files: pa.Table) -> dict[str, int]:
    counted = {"ingested": 0, "duplicate": 0, "quarantined": 0}
    for name in ("status", "reason"):
        values, counts = pc.value_counts(files[name].drop_null()).flatten()
        counted |= dict(zip(values.to_pylist(), counts.to_pylist(), strict=True))
    return counted


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
    later = parts.read_pieces(parts.pieces_of(out / PIECES))
    return tuple(
        pa.concat_tables([parts.read_table(out / f"{name}.parquet", f"raw.{name}"), table])
        for name, table in zip(("files", "headers"), later, strict=True)
    )


def _unchanged(
    files: pa.Table,
    entries: list[Entry],
    shown: pa.Array,
    complete: pa.ChunkedArray,
    *,
    keep: bool,
) -> pa.Array:
    """Paths that need not be read again: same size and time, or gone and to be kept, and their
    spectrum, if any, is in ``complete``.

    A file that another stands for (a duplicate, another release) stays only with that other.
    """
    at = pc.index_in(files["path"], shown)
    size, time = (pa.array([entry[i] for entry in entries], pa.int64()) for i in (1, 2))
    same = pc.and_(
        pc.equal(files["size"], size.take(at)), pc.equal(files["mtime_ns"], time.take(at))
    )
    rows = files.filter(pc.fill_null(same, keep))
    read = pc.and_(pc.equal(rows["status"], "ingested"), _in(rows["sha256"], complete))
    aside = pc.and_(
        pc.equal(rows["status"], "quarantined"),
        pc.fill_null(pc.not_equal(rows["reason"], parts.SUPERSEDED), False),
    )
    stays = pc.if_else(
        aside,
        pc.invert(_in(rows["reason"], pa.array(RETRIED))),
        _in(rows["specid"], rows["specid"].filter(read)),
    )
    return pc.unique(rows["path"].filter(stays))


def _forget(out: Path) -> None:
    """Remove the store, the list of files first:
    a run that is interrupted here is put right by the next.
    """
    try:
        for name in ("files.parquet", "headers.parquet"):
            (out / name).unlink(missing_ok=True)
        parts.clear_pieces(out / PIECES)
        for path in (out / "spectra").glob("part-*.parquet"):
            path.unlink()
    except OSError as error:
        raise IngestError(
            f"{out}: {error.strerror or error}; repair the folder, run again"
        ) from error


def _candidates(
    files: pa.Table, new: list[Entry], stored: parts.Digests
) -> dict[object, frozenset[str]]:
    """Path, or size and time, of a new file -> stored sha256 of files that had the same: what it
    may hold though it was touched or renamed.
    """
    paths = pa.array([entry.shown for entry in new], pa.string())
    sizes, times = (pa.array([entry[i] for entry in new], pa.int64()) for i in (1, 2))
    alike = pc.and_(_in(files["size"], sizes), _in(files["mtime_ns"], times))
    some = files.filter(pc.or_(_in(files["path"], paths), alike))
    some = some.filter(_in(some["sha256"], pa.chunked_array(stored.values(), pa.string())))
    found: dict[object, set[str]] = {}
    for row in some.select(["path", "size", "mtime_ns", "sha256"]).to_pylist():
        for key in (row["path"], (row["size"], row["mtime_ns"])):
            found.setdefault(key, set()).add(row["sha256"])
    return {key: frozenset(shas) for key, shas in found.items()}


def _jobs(
    source: Path,
    out: Path,
    entries: list[Entry],
    candidates: dict[object, frozenset[str]],
    reader: Reader,
) -> list[Job]:
    """Jobs of few files each in a small run, so that a kill loses little of it."""
    size = min(CHUNK, max(FEWEST, len(entries) // SHARE))
    lots = [entries[i : i + size] for i in range(0, len(entries), size)]
    return [
        Job(source, out, lot, _of(lot, candidates), reader.read, _version(reader)) for lot in lots
    ]


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
    stay: pa.Table,
    kept: list[dict[str, Any]],
    headers: pa.Table,
    read: pa.Table,
    read_headers: pa.Table,
) -> tuple[pa.Table, pa.Table]:
    """raw.files by name, then path, and raw.headers by specid: one row per spectrum. Those of the
    files that ``stay`` are as they were; all others are settled.
    """
    there = {entry.shown: entry.path for entry in entries}
    rows = {row["path"]: row for row in [*kept, *read.to_pylist()]}
    settled = sorted(rows.values(), key=lambda row: (row["path"].rpartition("/")[2], row["path"]))
    table = pa.concat_tables([headers, read_headers])
    names = parts.settled(settled, table, lambda path: source / there.get(path, path))
    files = pa.concat_tables([stay, pa.Table.from_pylist(settled, parts.arrow_schema("raw.files"))])
    last = pc.replace_substring_regex(files["path"], "(?s)^.*/", "")
    order = pc.sort_indices(pc.binary_join_element_wise(last, files["path"], "\0"))
    return files.take(order), parts.one_each(table, names, stay["sha256"])


def _save(out: Path, files: pa.Table, headers: pa.Table, stored: parts.Digests) -> None:
    """files.parquet last: until it is there the next run does the work again."""
    try:
        parts.write_table(headers, out / "headers.parquet")
        parts.tidy(out / "spectra", headers["sha256"], stored)
        aside = files.filter(pc.equal(files["reason"], parts.SUPERSEDED))
        parts.write_pairs(aside.to_pylist(), out / PAIRS)
        parts.write_table(files, out / "files.parquet")
        parts.clear_pieces(out / PIECES)
    except pa.ArrowException as error:
        raise IngestError(
            f"{out}: damaged Parquet ({error}); `obcat ingest --again` makes it anew"
        ) from error
    except OSError as error:
        raise IngestError(
            f"{out}: {error.strerror or error}; free space or repair it, run again"
        ) from error


LAMOST = Reader(list_files, _read_lamost)
