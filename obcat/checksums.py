"""Checksums: SHA256SUMS of a release, and the seal that a Parquet table of ours carries."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from obcat.errors import ObcatError

__all__ = [
    "SEAL",
    "SUMS",
    "NoSums",
    "add_column",
    "digest",
    "is_whole",
    "notes_of",
    "read_sums",
    "seal_begun",
    "sealed",
    "write_sums",
]

SUMS = "SHA256SUMS"
LINE = re.compile(r"([0-9a-f]{64})  (\S.*)")
NOTE = re.compile(r"# ([^:]+): (.*)")


class NoSums(ObcatError):
    """There are no checksums to compare with, or they are damaged themselves; one line."""


def digest(path: Path) -> str:
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def write_sums(folder: Path, notes: Mapping[str, str]) -> None:
    """Write the checksums of every file in the folder, and of those below it; notes are lines ``#
    name: text``.

    Raises ValueError where the name of a file, or a note, does not fit into a line.
    """
    names = sorted(
        p.relative_to(folder).as_posix()
        for p in folder.rglob("*")
        if p.is_file() and p != folder / SUMS
    )
    lines = [f"# {name}: {text}" for name, text in notes.items()]
    lines += [f"{digest(folder / name)}  {name}" for name in names]
    for line in lines:
        if not line.isprintable():
            raise ValueError(f"{SUMS}: {line!r} is no line of plain text")
    (folder / SUMS).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def read_sums(folder: Path) -> dict[str, str]:
    """Name of a file -> its checksum. Raises NoSums where there is no SHA256SUMS in the folder,
    or it is damaged.
    """
    path = folder / SUMS
    lines = [
        (number, line)
        for number, line in enumerate(_lines(path), start=1)
        if not line.startswith("#")
    ]
    found = {number: LINE.fullmatch(line) for number, line in lines}
    for number, line in lines:
        match = found[number]
        if match is None or _outside(match[2]):
            raise NoSums(f"{path}: line {number} is damaged: {line[:40]!r}")
    if not found:
        raise NoSums(f"{path}: empty")
    return {match[2]: match[1] for match in found.values() if match}


def notes_of(folder: Path) -> dict[str, str]:
    """What the comments of SHA256SUMS say: name -> text.
    Raises NoSums where there is no such file.
    """
    found = (NOTE.fullmatch(line) for line in _lines(folder / SUMS))
    return {match[1]: match[2] for match in found if match}


def _lines(path: Path) -> list[str]:
    try:
        return path.read_bytes().decode("utf-8", errors="replace").splitlines()
    except OSError as error:
        raise NoSums(
            f"{path}: {error.strerror}; a release made by `obcat export` has one"
        ) from error


def _outside(name: str) -> bool:
    return Path(name).is_absolute() or ".." in Path(name).parts


SEAL = b"obcat.sha256"


def sealed(table: pa.Table, facts: Mapping[str, str]) -> pa.Table:
    """The table with ``facts`` and its digest, which covers them, as the only metadata."""
    metadata = {name.encode(): text.encode() for name, text in facts.items()}
    return table.replace_schema_metadata({**metadata, SEAL: _digest(table, metadata)})


def is_whole(table: pa.Table) -> bool:
    """Whether a table that was read holds what was written; False where it has no digest."""
    metadata = dict(table.schema.metadata or {})
    return metadata.pop(SEAL, None) == _digest(table, metadata)


def _digest(table: pa.Table, metadata: Mapping[bytes, bytes]) -> bytes:
    digest = seal_begun(table.schema, table.num_rows, metadata)
    for column in table.columns:
        add_column(digest, column)
    return digest.hexdigest().encode()


def seal_begun(schema: pa.Schema, rows: int, metadata: Mapping[bytes, bytes]) -> Any:
    """The SHA-256 of a table to which its columns are added, in order; ``metadata`` without its
    own.
    """
    names = [(field.name, str(field.type)) for field in schema]
    return hashlib.sha256(repr((rows, names, sorted(metadata.items()))).encode())


def add_column(digest: Any, column: pa.ChunkedArray) -> None:
    digest.update(np.packbits(column.is_valid().to_numpy()).tobytes())
    for values in _values(column):
        digest.update(values)


def _values(column: pa.ChunkedArray) -> Iterator[bytes]:
    """The values of a column of numbers, truths or texts, NULL as 0 or ''; before texts how many
    letters each has.
    """
    if pa.types.is_string(column.type):
        from pyarrow.compute import binary_join, utf8_length

        texts = column.fill_null("")
        lengths = utf8_length(texts).cast(pa.string()).combine_chunks()
        listed = binary_join(pa.ListArray.from_arrays([0, len(lengths)], lengths), ", ")
        yield f"[{listed[0]}]".encode()
        yield from map(_text_of, texts.chunks)
    else:
        yield column.fill_null(pa.scalar(0).cast(column.type)).to_numpy().tobytes()


def _text_of(chunk: pa.Array) -> bytes:
    """The texts of a chunk one after the other, in UTF-8."""
    _, offsets, content = chunk.buffers()
    if not content:
        return b""
    first, last = np.frombuffer(offsets, np.int32)[[chunk.offset, chunk.offset + len(chunk)]]
    return content[first:last].to_pybytes()
