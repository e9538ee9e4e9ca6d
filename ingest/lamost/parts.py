"""The Parquet files of an ingest: spectra in parts named by their content and their bytes, headers, the list of files.

A part may hold spectra of files that are gone; readers join on sha256 with headers. Compression was chosen by
measurement: byte-stream split and LZ4 read as fast as uncompressed (1,024 real spectra) and take three quarters.
"""

import filecmp
import hashlib
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from obcat._version import __version__
from obcat.checksums import is_whole, sealed
from obcat.files import put, working
from obcat.ingest.lamost.inflate import zlib
from obcat.kernels.grid import N_PIXEL
from obcat.schema import arrow_schema

__all__ = [
    "READER_VERSION",
    "as_written",
    "digests",
    "read_table",
    "tidy",
    "write_part",
    "write_table",
]

READER_VERSION = "2"  # raise it whenever the same file would give another row
ROW_GROUP = 2048
ARRAYS = ("flux", "ivar")
PART = re.compile(r"part-[0-9a-f]{16}-([0-9a-f]{8})\.parquet")
DAMAGED = (
    OSError,
    ValueError,
    pa.ArrowException,
)  # a name in the foot that is no UTF-8 is a ValueError
PROVENANCE = {"obcat_version": __version__, "reader_version": READER_VERSION}


def _part_schema() -> pa.Schema:
    """specid, flux, ivar of raw.spectra, and sha256; array elements are never null, which reads a quarter faster."""
    declared = arrow_schema("raw.spectra")
    array = pa.list_(pa.field("item", pa.float32(), nullable=False), N_PIXEL)
    arrays = [declared.field(name).with_type(array) for name in ARRAYS]
    return pa.schema(
        [declared.field("specid"), *arrays, pa.field("sha256", pa.string(), nullable=False)]
    )


def write_part(
    folder: Path, specids: list[str], shas: list[str], flux: np.ndarray, ivar: np.ndarray
) -> None:
    """A part of n > 0 spectra; flux, ivar: (n, 3909) float32."""
    schema = _part_schema()
    arrays = [
        pa.FixedSizeListArray.from_arrays(pa.array(a.ravel()), type=schema.field("flux").type)
        for a in (flux, ivar)
    ]
    _write_spectra(folder, pa.table([pa.array(specids), *arrays, pa.array(shas)], schema=schema))


def _write_spectra(folder: Path, table: pa.Table) -> Path:
    content = "\n".join([READER_VERSION, *table["sha256"].to_pylist()])
    stem = f"part-{hashlib.sha256(content.encode()).hexdigest()[:16]}"
    encoding = {f"{name}.list.element": "BYTE_STREAM_SPLIT" for name in ARRAYS}
    table = table.replace_schema_metadata(PROVENANCE)
    with working(folder / stem) as work:
        new = work / stem
        _write(table, new, use_dictionary=False, column_encoding=encoding, compression="lz4")
        path = folder / f"{stem}-{_crc(new):08x}.parquet"
        put(new, path)
    return path


def as_written(part: Path) -> bool:
    """Whether the bytes of a part are those that its name says."""
    said = PART.fullmatch(part.name)
    return said is not None and int(said[1], 16) == _crc(part)


def _crc(path: Path) -> int:
    return zlib.crc32(path.read_bytes())


def write_table(table: pa.Table, path: Path) -> None:
    """The file appears whole or not at all; one that would not change is left alone."""
    with working(path) as work:
        new = work / path.name
        _write(sealed(table, PROVENANCE), new)
        if not (path.is_file() and filecmp.cmp(new, path, shallow=False)):
            put(new, path)


def _write(table: pa.Table, path: Path, **options: Any) -> None:
    pq.write_table(table, path, row_group_size=ROW_GROUP, write_page_checksum=True, **options)


def read_table(path: Path, name: str) -> pa.Table:
    """A declared table, without rows if the file is missing, damaged, or of another reader version."""
    schema = arrow_schema(name)
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            table = file.read(use_threads=False)
        good = _current(table.schema, schema) and is_whole(table)
    except DAMAGED:
        return schema.empty_table()
    return table.replace_schema_metadata() if good else schema.empty_table()


def _current(found: pa.Schema, declared: pa.Schema) -> bool:
    return (
        found.equals(declared)
        and (found.metadata or {}).get(b"reader_version") == READER_VERSION.encode()
    )


def digests(folder: Path) -> dict[Path, list[str]]:
    """Part -> sha256 of each of its spectra, in order; damaged parts and those of another reader are left out."""
    found = {}
    for path in sorted(folder.glob("part-*.parquet")):
        try:
            with pq.ParquetFile(path, page_checksum_verification=True) as file:
                if _current(file.schema_arrow, _part_schema()):
                    found[path] = file.read(columns=["sha256"], use_threads=False)[
                        "sha256"
                    ].to_pylist()
        except DAMAGED:
            continue
    return found


def tidy(folder: Path, live: Collection[str]) -> None:
    """Every spectrum at most once; when more than half are not ``live``, only those that are."""
    parts = digests(folder)
    stale = set(folder.glob("part-*.parquet")) - parts.keys()
    rewritten = {
        path: keep for path, keep in _compacted(parts, frozenset(live)).items() if not all(keep)
    }
    written = {_rewrite(path, keep) for path, keep in rewritten.items() if any(keep)}
    for path in (stale | rewritten.keys()) - written:
        path.unlink()


def _rewrite(path: Path, keep: list[bool]) -> Path:
    """A new part of the rows to keep; the old one stays for now."""
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        return _write_spectra(path.parent, file.read(use_threads=False).filter(pa.array(keep)))


def _compacted(parts: dict[Path, list[str]], live: frozenset[str]) -> dict[Path, list[bool]]:
    """Part -> which of its rows stay."""
    stored = [sha for shas in parts.values() for sha in shas]
    drop = 2 * len(live.intersection(stored)) < len(stored)
    seen: set[str] = set()
    return {path: [_stays(sha, seen, live, drop) for sha in shas] for path, shas in parts.items()}


def _stays(sha: str, seen: set[str], live: frozenset[str], drop: bool) -> bool:
    if sha in seen or (drop and sha not in live):
        return False
    seen.add(sha)
    return True
