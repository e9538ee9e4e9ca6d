"""Inputs of a build: raw tables as they were written, spectra in the order of their specid."""

import hashlib
import json
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from obcat import checksums
from obcat.data import REFERENCE
from obcat.db import StepFailed
from obcat.errors import no_room
from obcat.ingest.lamost import parts as written
from obcat.kernels.grid import N_PIXEL
from obcat.schema import arrow_schema, read_tables
from obcat.survey import TRAINING, Survey

__all__ = [
    "ARRAYS",
    "MERGED",
    "NAMES",
    "DamagedStore",
    "Part",
    "Pixels",
    "append_pixels",
    "content_hash",
    "cut_spectra",
    "heaps",
    "near_of",
    "ordered_spectra",
    "pixels_of",
    "provenance",
    "registered",
]

ROWS = 16_384  # of a table, 10 MB at most
BATCH = 256  # spectra, 8 MB: what is read ahead of the engine stays small
MERGED = 4096  # spectra of overlapping parts that are merged in memory, 128 MB
ARRAYS = ("flux", "ivar")
NAMES = "names.parquet"  # specid and sha256 of the spectra whose pixels stand beside it


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
    """specid, z, flux, ivar (``schema``) of the spectra that headers name, by specid; can be read
    once.

    A part may hold others: headers (specid, sha256, z) say which. ``scratch`` is a folder for the
    temporary file, 31 kB a spectrum of a large heap. Raises StepFailed where a part is damaged.
    """
    parts = [part for part in _named(paths, headers) if part.spectra.num_rows]
    stream = (batch for heap in heaps(parts) for batch in _batches(heap, schema, scratch))
    return pa.RecordBatchReader.from_batches(schema, stream)


def _named(paths: Iterable[Path], headers: pa.Table) -> Iterator[Part]:
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
    with _parquet(path) as file:
        return file.read(columns=columns, use_threads=False)


@contextmanager
def _parquet(path: Path) -> Iterator[pq.ParquetFile]:
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            yield file
    except (OSError, ValueError, pa.ArrowException) as error:
        if no_room(error):
            raise
        raise DamagedStore(path) from error


@dataclass(frozen=True)
class Pixels:
    """Spectra as a table of Arrow that may be read as often as it is asked for: ``names`` has the
    other columns, ``read`` gives (n, 3909) float32 of each of ARRAYS, of the rows of a slice; so
    many ``rows`` at a time.
    """

    names: pa.Table
    read: Callable[[slice], Sequence[np.ndarray]]
    rows: int = BATCH

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        fields = [pa.field(name, pa.list_(pa.float32(), N_PIXEL)) for name in ARRAYS]
        schema = pa.schema([*self.names.schema, *fields])
        reader = pa.RecordBatchReader.from_batches(schema, self._batches(schema))
        return reader.__arrow_c_stream__(requested_schema)

    def _batches(self, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        for start in range(0, self.names.num_rows, self.rows):
            columns = [c.combine_chunks() for c in self.names.slice(start, self.rows).columns]
            for values in self.read(slice(start, start + self.rows)):
                columns.append(pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), N_PIXEL))
            yield pa.record_batch(columns, schema=schema)


def pixels_of(folder: Path, rows: Any) -> list[np.ndarray]:
    """(n, 3909) float32 of each of ARRAYS, some rows of what `append_pixels` wrote there."""
    files = [np.memmap(folder / name, np.float32, "r") for name in ARRAYS]
    return [file.reshape(-1, N_PIXEL)[rows] for file in files]


def append_pixels(rows: pa.Table | pa.RecordBatch, folder: Path) -> None:
    """Write ARRAYS of rows, of which none is NULL, each to the end of a file."""
    for name in ARRAYS:
        column = rows[name]
        with (folder / name).open("ab") as file:
            for piece in getattr(column, "chunks", [column]):
                file.write(piece.flatten().to_numpy())


class DamagedStore(StepFailed):
    """A file that `obcat ingest` wrote is not as it was written; names it and the remedy."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path}: damaged since it was written; `obcat ingest --again` with the survey "
            "makes it anew"
        )


@contextmanager
def registered(
    con: duckdb.DuckDBPyConnection, survey: Survey, raw: Path, *, without: Collection[str] = ()
) -> Iterator[None]:
    """Register every input but the raw tables ``without``. File names go to pyarrow, never to
    DuckDB, which would read them as globs.
    """
    relations = {
        "survey": _survey(survey),
        **_reference(),
        **{name: _raw(raw, name) for name in _raw_names() if name not in without},
    }
    for name, relation in relations.items():
        con.register(f"input_{name}", relation)
    yield
    for name in relations:
        con.unregister(f"input_{name}")


def _raw_names() -> list[str]:
    return [name.partition(".")[2] for name in read_tables() if name.startswith("raw.")]


def _raw(raw: Path, name: str) -> pa.Table | pa.RecordBatchReader | Pixels:
    """An input by its name, to be read once, some rows at a time; ``training_headers``,
    ``training_files`` and ``training_spectra`` are those of the store of the training stars.
    """
    folder, _, own = name.rpartition("_")
    if folder == TRAINING:
        return _raw(raw / TRAINING, own)
    schema = arrow_schema(f"raw.{name}")
    if name == "spectra":
        if cut := cut_spectra(raw):
            return cut
        parts = sorted((raw / "spectra").glob("*.parquet"))
        for part in parts:
            if not written.as_written(part):
                raise DamagedStore(part)
        return ordered_spectra(parts, _named_headers(raw), schema, raw.parent)
    path = raw / f"{name}.parquet"
    if not path.is_file():
        return schema.empty_table()
    for _ in _columns(path):
        pass
    return pa.RecordBatchReader.from_batches(pq.read_schema(path).remove_metadata(), _pieces(path))


def cut_spectra(raw: Path) -> Pixels | None:
    """The spectra of a partition that headers name, in their order; None of a whole survey."""
    if not (raw / "spectra" / NAMES).is_file():
        return None
    found, headers = _read(raw / "spectra" / NAMES, ["specid", "sha256"]), _named_headers(raw)
    at = pc.index_in(headers["sha256"], found["sha256"])
    same = pc.fill_null(pc.equal(headers["specid"], found["specid"].take(at)), False)
    names, rows = headers.select(["specid", "z"]).filter(same), at.filter(same).to_numpy()
    return Pixels(names, lambda which: pixels_of(raw / "spectra", rows[which]))


def _named_headers(raw: Path) -> pa.Table:
    """Which spectra headers name: specid, sha256, z."""
    path = raw / "headers.parquet"
    if not path.is_file():
        return arrow_schema("raw.headers").empty_table()
    return pa.table({n: c for n, c in _columns(path) if n in ("specid", "sha256", "z")})


def _pieces(path: Path) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        yield from file.iter_batches(ROWS, use_threads=False)


def _columns(path: Path) -> Iterator[tuple[str, pa.ChunkedArray]]:
    """The columns of a small table, each by its name and in one piece, one at a time; names of
    files are never read as patterns. Raises DamagedStore, where it has a seal after the last.
    """
    with _parquet(path) as file:
        schema = file.schema_arrow
        facts = dict(schema.metadata or {})
        seal = facts.pop(checksums.SEAL, None)
        digest = checksums.seal_begun(schema, file.metadata.num_rows, facts)
        for name in schema.names:
            column = pa.chunked_array([file.read([name]).column(0).combine_chunks()])
            if seal:
                checksums.add_column(digest, column)
            yield name, column
    if seal and seal != digest.hexdigest().encode():
        raise DamagedStore(path)


def _reference() -> dict[str, pa.Table]:
    name = "bolometric_corrections_lowg.parquet"
    return {
        "bolometric_corrections": pa.table(dict(_columns(REFERENCE / name))),
        "extinction_coefficients": pacsv.read_csv(REFERENCE / "extinction_coefficients.csv"),
        "extinction_law": pacsv.read_csv(REFERENCE / "extinction_law.csv"),
        "parallax_zero_point": _zero_point_coefficients(),
    }


def _zero_point_coefficients() -> pa.Table:
    """Tables 9 and 10 of Lindegren et al.
    2021 from the package gaiadr3-zeropoint, one row per coefficient.
    """
    package = find_spec("zero_point")
    folders = package.submodule_search_locations if package else None
    assert folders, "gaiadr3-zeropoint is among the requirements"
    folder = Path(folders[0]) / "coefficients"
    rows = []
    for solution in (5, 6):
        lines = (folder / f"z{solution}_200720.txt").read_text(encoding="utf-8").split("\n")
        j, k, *table = [[float(x) for x in line.split(",")] for line in lines if line.strip()]
        rows += [
            {"solution": solution, "j": int(a), "k": int(b), "g": line[0], "q": q}
            for line in table
            for a, b, q in zip(j[1:], k[1:], line[1:], strict=True)
        ]
    return pa.Table.from_pylist(rows, schema=arrow_schema("reference.parallax_zero_point"))


def _survey(survey: Survey) -> pa.Table:
    row = {
        "name": survey.name,
        "simulated": int(survey.simulated),
        "release": survey.release,
        "models_from": str(survey.models_from.name) if survey.models_from else None,
        "zero_point": survey.zero_point or None,
    }
    return pa.Table.from_pylist([row], schema=arrow_schema("meta.survey"))


def content_hash(hashes: Mapping[str, str]) -> str:
    """One SHA-256 of the hashes that `provenance` gives."""
    return hashlib.sha256(repr(sorted(hashes.items())).encode()).hexdigest()


def provenance(raw: Path) -> dict[str, str]:
    """Input table -> SHA-256 of its content, for all that a build registers.

    Times at which files were written do not enter. Spectra stand in ``files``, each with the
    SHA-256 of its file.
    """
    paths = {path.stem: path for path in sorted(raw.glob("*.parquet"))}
    paths |= {
        f"{TRAINING}_{path.stem}": path for path in sorted((raw / TRAINING).glob("*.parquet"))
    }
    found = {name: _content_of(name, path) for name, path in paths.items()}
    return found | {f"reference {name}": _table_hash(t) for name, t in _reference().items()}


def _content_of(name: str, path: Path) -> str:
    columns = dict(_columns(path))
    if name in ("files", f"{TRAINING}_files"):
        del columns["mtime_ns"]
    fields = [field for field in pq.read_schema(path).remove_metadata() if field.name in columns]
    return _table_hash(pa.table(list(columns.values()), pa.schema(fields)))


def near_of(path: Path) -> dict[str, float] | None:
    """Within how many arcsec of places at which epoch rows of a HATS catalog were read, as
    `obcat ingest` noted; None of a table that was read whole.
    """
    noted = (pq.read_schema(path).metadata or {}).get(b"obcat.provenance", b"{}")
    near: dict[str, float] | None = json.loads(noted).get("report", {}).get("near")
    return near


def _table_hash(table: pa.Table) -> str:
    """SHA-256 of a table as Arrow writes it, in one piece; nothing is copied for it."""
    digest = hashlib.sha256()
    sink = SimpleNamespace(
        write=digest.update, flush=lambda: None, close=lambda: None, closed=False
    )
    with pa.ipc.new_stream(pa.PythonFile(sink, "w"), table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return digest.hexdigest()
