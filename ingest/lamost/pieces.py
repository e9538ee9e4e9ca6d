"""What a run has read so far, piece by piece: a run that is killed loses only the files in hand.

A piece is a file of Arrow with the rows of raw.files of one job, each with its row of raw.headers.
It is written after the spectra of the job, and its name has its checksum, so that half of one says
nothing. At the end of a run all are folded into files.parquet and headers.parquet, and removed.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from obcat.ingest.lamost.parts import PROVENANCE
from obcat.ingest.lamost.spectrum import zlib
from obcat.schema import arrow_schema

__all__ = ["clear_pieces", "pieces_of", "read_pieces", "write_piece"]

HEADER = "header_"
PIECE = re.compile(r"piece-[0-9a-f]{16}-([0-9a-f]{8})\.arrow")


def _schema() -> pa.Schema:
    headers = [pa.field(HEADER + field.name, field.type) for field in arrow_schema("raw.headers")]
    return pa.schema([*arrow_schema("raw.files"), *headers], metadata=PROVENANCE)


def write_piece(
    folder: Path, rows: list[dict[str, Any]], headers: Mapping[str, Mapping[str, Any]]
) -> Path:
    """Rows of raw.files; a header (sha256 -> row of raw.headers) goes with the first of its sha."""
    left = {
        sha: {HEADER + name: value for name, value in header.items()}
        for sha, header in headers.items()
    }
    table = pa.Table.from_pylist(
        [row | left.pop(row.get("sha256") or "", {}) for row in rows], _schema()
    )
    content = _written(table)
    of = repr([(row["path"], row["size"], row["mtime_ns"]) for row in rows])
    stem = f"piece-{hashlib.sha256(of.encode()).hexdigest()[:16]}"
    folder.mkdir(exist_ok=True)
    path = folder / f"{stem}-{zlib.crc32(content):08x}.arrow"
    path.write_bytes(content)
    return path


def _written(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def pieces_of(folder: Path) -> list[Path]:
    return sorted(folder.glob("piece-*.arrow"))


def read_pieces(paths: Iterable[Path]) -> tuple[pa.Table, pa.Table]:
    """raw.files and raw.headers of pieces, in their order; one that is damaged, or of another
    version of the reader, has no rows.
    """
    found = [_read(path) for path in paths]
    table = pa.concat_tables([_schema().empty_table(), *found])
    files, headers = arrow_schema("raw.files"), arrow_schema("raw.headers")
    own = table.filter(pc.is_valid(table[f"{HEADER}sha256"]))
    columns = own.select([HEADER + name for name in headers.names])
    return table.select(files.names).cast(files), columns.rename_columns(headers.names).cast(
        headers
    )


def _read(path: Path) -> pa.Table:
    said, content = PIECE.fullmatch(path.name), path.read_bytes()
    if said is None or int(said[1], 16) != zlib.crc32(content):
        return _schema().empty_table()
    table = pa.ipc.open_file(pa.BufferReader(content)).read_all()
    same = table.schema.equals(_schema(), check_metadata=True)
    return table if same else _schema().empty_table()


def clear_pieces(folder: Path) -> None:
    """Remove the pieces, and their folder if nothing else is in it."""
    for path in pieces_of(folder):
        path.unlink()
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
