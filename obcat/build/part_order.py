"""The spectra of all parts as one stream in the order of specid; they pass through no sort, nor join, of the engine.

Its sort holds arrays in memory, and the rows of its join keep their order with one thread only. Here
parts are taken by their first specid and each is sorted by itself. Parts whose specids overlap are
merged in memory while they are few; a larger heap is put in order in a temporary file, a row straight
to its place, so that memory does not depend on how the files were ordered.
"""

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from obcat.db import StepFailed
from obcat.kernels.grid import N_PIXEL

__all__ = ["MERGED", "Part", "heaps", "ordered_spectra"]

BATCH = 256  # spectra, 8 MB: what is read ahead of the engine stays small
MERGED = 4096  # spectra of overlapping parts that are merged in memory, 128 MB
ARRAYS = ("flux", "ivar")


class Part(NamedTuple):
    """A file, and its spectra in the order of specid: specid, z and their rows in the file."""

    path: Path
    spectra: pa.Table

    @property
    def first(self) -> str:
        return str(self.spectra["specid"][0])

    @property
    def last(self) -> str:
        return str(self.spectra["specid"][-1])


def ordered_spectra(
    paths: Iterable[Path], headers: pa.Table, schema: pa.Schema, scratch: Path
) -> pa.RecordBatchReader:
    """specid, z, flux, ivar (``schema``) of the spectra that headers name, by specid; can be read once.

    A part may hold others: headers (specid, sha256, z) say which. ``scratch`` is a folder for the
    temporary file, 31 kB a spectrum of a large heap. Raises StepFailed where a part is damaged.
    """
    parts = [part for part in named(paths, headers) if part.spectra.num_rows]
    stream = (batch for heap in heaps(parts) for batch in _batches(heap, schema, scratch))
    return pa.RecordBatchReader.from_batches(schema, stream)


def named(paths: Iterable[Path], headers: pa.Table) -> Iterator[Part]:
    """The parts, with those of their spectra that headers name."""
    known = headers["sha256"].combine_chunks()
    for path in paths:
        ids = _read(path, ["specid", "sha256"])
        at = pc.index_in(ids["sha256"], known)
        same = pc.fill_null(pc.equal(ids["specid"], headers["specid"].take(at)), False)
        rows = pa.array(np.arange(ids.num_rows))
        table = pa.table({"specid": ids["specid"], "z": headers["z"].take(at), "row": rows}).filter(
            same
        )
        yield Part(path, table.sort_by("specid").combine_chunks())


def heaps(parts: Iterable[Part]) -> list[list[Part]]:
    """Parts by their first specid; those whose specids overlap stand together."""
    found: list[list[Part]] = []
    reached = ""
    for part in sorted(parts, key=lambda p: (p.first, p.last)):
        if found and part.first <= reached:
            found[-1].append(part)
        else:
            found.append([part])
        reached = max(reached, part.last)
    return found


def _batches(heap: list[Part], schema: pa.Schema, scratch: Path) -> Iterator[pa.RecordBatch]:
    spectra = pa.concat_tables([part.spectra for part in heap]).combine_chunks()
    order = pc.sort_indices(spectra["specid"]).to_numpy()
    spectra = spectra.take(pa.array(order))
    if len(heap) > 1 and len(order) > MERGED:
        pixels = _through_file(heap, order, scratch)
    else:
        pixels = _slices(np.concatenate([_pixels(part) for part in heap]), order)
    for start, values in zip(range(0, len(order), BATCH), pixels, strict=True):
        yield _batch(spectra.slice(start, BATCH), values, schema)


def _slices(pixels: np.ndarray, order: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(order), BATCH):
        yield pixels[order[start : start + BATCH]]


def _through_file(heap: list[Part], order: np.ndarray, scratch: Path) -> Iterator[np.ndarray]:
    """The pixels in order, each spectrum written to its place in a file that has no name."""
    places = iter(np.argsort(order))
    row = np.dtype((np.float32, (len(ARRAYS), N_PIXEL)))
    with tempfile.TemporaryFile(dir=scratch) as file:
        for part in heap:
            for spectrum in _pixels(part):
                file.seek(int(next(places)) * row.itemsize)
                file.write(spectrum.data)
        file.seek(0)
        for start in range(0, len(order), BATCH):
            yield np.fromfile(file, row, min(BATCH, len(order) - start))


def _pixels(part: Part) -> np.ndarray:
    """(n, 2, 3909) flux and inverse variance of the spectra of a part."""
    table = _read(part.path, list(ARRAYS))
    columns = (table[name].combine_chunks().flatten().to_numpy() for name in ARRAYS)
    rows = part.spectra["row"].to_numpy()
    return np.stack([column.reshape(-1, N_PIXEL)[rows] for column in columns], axis=1)


def _batch(spectra: pa.Table, pixels: np.ndarray, schema: pa.Schema) -> pa.RecordBatch:
    columns = {name: spectra[name].combine_chunks() for name in ("specid", "z")}
    for i, name in enumerate(ARRAYS):
        values = pa.array(np.ascontiguousarray(pixels[:, i]).ravel())
        columns[name] = pa.FixedSizeListArray.from_arrays(values, type=schema.field(name).type)
    return pa.record_batch([columns[name] for name in schema.names], schema=schema)


def _read(path: Path, columns: list[str]) -> pa.Table:
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            return file.read(columns=columns, use_threads=False)
    except (OSError, ValueError, pa.ArrowException) as error:
        reason = str(error).splitlines()[0]
        raise StepFailed(
            f"{path}: damaged ({reason}); `obcat ingest --again` with the survey makes it anew"
        ) from error
