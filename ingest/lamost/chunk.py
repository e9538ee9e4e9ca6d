"""Read a chunk of spectrum files in one process: a part of spectra on disk, rows for headers and files back."""

import hashlib
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from obcat.ingest.errors import Quarantined
from obcat.ingest.lamost import parts
from obcat.ingest.lamost.spectrum import Spectrum, read_bytes, read_spectrum
from obcat.schema import arrow_schema

__all__ = ["Chunk", "Entry", "Job", "read_chunk"]


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
    """Files below ``source``, of which spectra not in ``stored`` (sha256) become a part in ``folder``."""

    source: Path
    folder: Path
    entries: list[Entry]
    stored: Collection[str]


class Chunk(NamedTuple):
    """raw.files, one row per entry, and raw.headers, one row per spectrum."""

    files: pa.Table
    headers: pa.Table


def read_chunk(job: Job) -> Chunk:
    files: list[dict[str, Any]] = []
    spectra: dict[str, Spectrum] = {}
    for entry in job.entries:
        row, spectrum = _read_entry(job.source, entry)
        files.append(row)
        if spectrum:
            spectra.setdefault(row["sha256"], spectrum)
    _write_new(job, spectra)
    headers = [spectrum.header for spectrum in spectra.values()]
    return Chunk(
        pa.Table.from_pylist(files, arrow_schema("raw.files")),
        pa.Table.from_pylist(headers, arrow_schema("raw.headers")),
    )


def _write_new(job: Job, spectra: dict[str, Spectrum]) -> None:
    new = {sha: spectrum for sha, spectrum in spectra.items() if sha not in job.stored}
    if new:
        flux, ivar = (np.stack([getattr(s, name) for s in new.values()]) for name in parts.ARRAYS)
        parts.write_part(
            job.folder, [str(s.header["specid"]) for s in new.values()], list(new), flux, ivar
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
