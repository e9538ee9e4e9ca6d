"""LAMOST low-resolution spectra: a folder of FITS files -> raw.spectra, raw.headers and raw.files as Parquet."""

import os
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from obcat.ingest.errors import IngestError, UnreadableError
from obcat.ingest.lamost import parts
from obcat.ingest.lamost.chunk import Chunk, Entry, Job, read_chunk
from obcat.workers import ordered

__all__ = ["SUFFIXES", "ingest", "list_spectra"]

SUFFIXES = (".fits", ".fits.gz")
CHUNK = 512
RETRIED = ("unreadable", "not_a_file")  # may be mended without a trace in size or time

Progress = Callable[[int, int], None]


def ingest(source: Path, out: Path, *, workers: int = 2, progress: Progress | None = None) -> dict[str, int]:
    """Bring ``out`` (spectra/part-*.parquet, headers.parquet, files.parquet) up to date with the files of ``source``.

    Only files that are new or changed are read, by ``workers`` processes; ``progress(done, total)`` counts those. A
    run that is interrupted at any moment is put right by the next. Returns counts: found, read, ingested, duplicate,
    quarantined, and one for each reason of quarantine that occurred. Raises IngestError: a folder is empty, cannot be
    read or written, two files have one specid but different content, a reader process died.
    """
    entries = list_spectra(source)
    if not entries:
        raise IngestError(f"{source}: no *.fits or *.fits.gz below this folder; give the folder that holds the spectra")
    folder = out / "spectra"
    files, headers = _open_state(out)
    parts.clean((out, folder))
    stored = frozenset(sha for shas in parts.digests(folder).values() for sha in shas)
    kept = _unchanged(files, entries, stored & set(headers["sha256"].to_pylist()))
    new = [entry for entry in entries if entry.shown not in kept]
    if new or len(kept) < files.num_rows:
        chunks = list(_read_all(_chunked(source, folder, new, stored), workers, len(new), progress))
        files, headers = _merged(entries, [row for row in files.to_pylist() if row["path"] in kept], headers, chunks)
        _save(out, files, headers)
    statuses = Counter(files["status"].to_pylist()) + Counter(files["reason"].drop_null().to_pylist())
    return {"found": len(entries), "read": len(new), "ingested": 0, "duplicate": 0, "quarantined": 0} | statuses


def _open_state(out: Path) -> tuple[pa.Table, pa.Table]:
    """What the last run left in files.parquet and headers.parquet."""
    try:
        (out / "spectra").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise IngestError(f"{out}: {error.strerror}; choose a folder that can be written") from error
    return parts.read_table(out / "files.parquet", "raw.files"), parts.read_table(
        out / "headers.parquet", "raw.headers"
    )


def _unchanged(files: pa.Table, entries: list[Entry], complete: frozenset[str]) -> set[str]:
    """Paths that need not be read again: same size and time, and their spectrum, if any, is in ``complete``."""
    now = {(entry.shown, entry.size, entry.mtime_ns) for entry in entries}
    names = ("path", "size", "mtime_ns", "status", "reason", "sha256")
    return {
        path
        for path, size, mtime_ns, status, reason, sha in zip(*(files[name].to_pylist() for name in names), strict=True)
        if (path, size, mtime_ns) in now and (reason not in RETRIED if status == "quarantined" else sha in complete)
    }


def _chunked(source: Path, folder: Path, entries: list[Entry], stored: frozenset[str]) -> list[Job]:
    return [Job(source, folder, entries[i : i + CHUNK], stored) for i in range(0, len(entries), CHUNK)]


def _read_all(jobs: list[Job], workers: int, total: int, progress: Progress | None) -> Iterator[Chunk]:
    done = 0
    try:
        for chunk in ordered(read_chunk, jobs, min(workers, len(jobs))):
            done += chunk.files.num_rows
            if progress:
                progress(done, total)
            yield chunk
    except OSError as error:
        raise IngestError(f"{jobs[0].folder}: {error.strerror or error}; free space or mend it, run again") from error


def _merged(
    entries: list[Entry], kept: list[dict[str, Any]], headers: pa.Table, chunks: list[Chunk]
) -> tuple[pa.Table, pa.Table]:
    """raw.files in the order of ``entries``, raw.headers by specid: one row a content, the first name its owner."""
    rows = {row["path"]: row for row in kept} | {row["path"]: row for c in chunks for row in c.files.to_pylist()}
    files = [rows[entry.shown] for entry in entries]
    names: dict[str, list[str]] = {}
    for row in files:
        if row["status"] != "quarantined":
            names.setdefault(row["sha256"], []).append(row["path"])
            row["status"] = "ingested" if len(names[row["sha256"]]) == 1 else "duplicate"
    table = _one_each(pa.concat_tables([headers, *(c.headers for c in chunks)]), names)
    _refuse_conflicts(table, names)
    return pa.Table.from_pylist(files, parts.arrow_schema("raw.files")), table


def _one_each(headers: pa.Table, names: dict[str, list[str]]) -> pa.Table:
    """One header a sha256 in ``names``, with its further names, by specid."""
    first: dict[str, int] = {}
    for i, sha in enumerate(headers["sha256"].to_pylist()):
        if sha in names:
            first.setdefault(sha, i)
    table = headers.take(pa.array(first.values(), pa.int64()))
    others = [" ".join(names[sha][1:]) or None for sha in first]
    i = table.schema.get_field_index("other_names")
    table = table.set_column(i, table.schema.field(i), pa.array(others, pa.string()))
    return table.take(pc.sort_indices(table, sort_keys=[("specid", "ascending"), ("sha256", "ascending")]))


def _refuse_conflicts(headers: pa.Table, names: dict[str, list[str]]) -> None:
    """Raises IngestError if two different files claim one specid."""
    specids, shas = headers["specid"].to_pylist(), headers["sha256"].to_pylist()
    pairs = [i for i in range(1, len(specids)) if specids[i] == specids[i - 1]]
    if pairs:
        i = pairs[0]
        one, other = names[shas[i - 1]][0], names[shas[i]][0]
        more = f" (and {len(pairs) - 1} more such pairs)" if len(pairs) > 1 else ""
        raise IngestError(f"{specids[i]} is in {one} and, different, in {other}{more}; keep one of them")


def _save(out: Path, files: pa.Table, headers: pa.Table) -> None:
    """files.parquet last: until it is there the next run does the work again."""
    try:
        parts.write_table(headers, out / "headers.parquet")
        parts.tidy(out / "spectra", headers["sha256"].to_pylist())
        parts.write_table(files, out / "files.parquet")
    except pa.ArrowException as error:
        raise IngestError(f"{out}: damaged Parquet ({error}); delete this folder and run again") from error
    except OSError as error:
        raise IngestError(f"{out}: {error.strerror or error}; free space or mend it, run again") from error


def list_spectra(folder: Path) -> list[Entry]:
    """Everything below ``folder`` named *.fits or *.fits.gz, folders and broken links too, by name, then path.

    Linked folders are followed, each folder once. Raises UnreadableError for a folder that is missing or unreadable.
    """
    return sorted(_walk(folder, "", set()), key=lambda entry: (entry.name, entry.path))


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
        raise UnreadableError(f"{path}: {error.strerror}; give a folder of spectra that can be read") from error
    for entry in entries:
        name = below + entry.name
        if entry.name.lower().endswith(SUFFIXES):
            yield _described(entry, name)
        elif entry.is_dir():
            yield from _walk(folder, f"{name}/", seen)


def _described(entry: os.DirEntry[str], path: str) -> Entry:
    """Size and time of a file, or of a link that leads nowhere; only regular files have a size here."""
    try:
        status = entry.stat()
    except OSError:
        status = entry.stat(follow_symlinks=False)
    return Entry(path, status.st_size if stat.S_ISREG(status.st_mode) else 0, status.st_mtime_ns)
