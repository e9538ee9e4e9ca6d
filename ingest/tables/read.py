"""Tables as archives give them: FITS, VOTable, CSV, TSV, ECSV, IPAC, fixed width and Parquet, each
to Arrow.

Here every format becomes alike: text is string, exact decimals are integers, a column and its mask
are one column.
"""

import csv
import gzip
import hashlib
import io
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from xml.parsers import expat

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from obcat.ingest.errors import IngestError, UnreadableError, brief
from obcat.ingest.tables import fits, text, votable
from obcat.ingest.tables.names import unique

__all__ = [
    "VOTABLE_CAP", "Hats", "Tabular", "chosen_rows", "contents", "hats_catalog", "names_and_units",
    "read_table", "sha256",
]  # fmt: skip

VOTABLE_CAP = 500_000_000
CAP = 2_000_000_000
BOMB = 200  # times its own size that a gzip stream may inflate to; tables reach some 20
SMALL = 100_000_000  # bytes that anything may inflate to
CHUNK = 1 << 20
UNREADABLE = (
    pa.ArrowException, OSError, ValueError, MemoryError, RecursionError, expat.ExpatError,
)  # fmt: skip
DAMAGED = (EOFError, gzip.BadGzipFile, zlib.error)
MASK = ".mask"
TRUE, FALSE = ("true", "t", "1"), ("false", "f", "0", "")
VOPARQUET = b"IVOA.VOTable-Parquet.content"
OTHERS = {
    b"PK\x03\x04": "a zip archive or a spreadsheet",
    b"\x89HDF": "HDF5",
    b"ARROW1": "Arrow",
    b"SQLite format 3": "an SQLite database",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x1f\x9d": "compress",
    b"%PDF": "PDF",
    b"{": "JSON",
    b"[{": "JSON",
    b"[[": "JSON",
}
UTF_16 = (b"\xff\xfe", b"\xfe\xff")


class Tabular(NamedTuple):
    """A table with its own column names, and the units its file declares (column -> unit text).

    A name that is there twice is at neither of its columns: they are called ``name (column 3)``,
    ``name (column 7)``.
    """

    table: pa.Table
    units: dict[str, str]


def read_table(path: Path, votable_cap: int = VOTABLE_CAP) -> Tabular:
    """The one table of a file; its content, not its name, says which format it has.

    Delimited text (CSV, TSV, ECSV) comes as text columns, for the declared type to decide how it is
    read, so that an id never passes through a float. Every format but Parquet may be gzip. Raises
    IngestError, one line.
    """
    if _head(path).startswith(b"PAR1"):
        table, units = _parquet(path)
    else:
        data = contents(path)
        if _is_xml(data) and len(data) > votable_cap:
            raise IngestError(
                f"{path.name}: a VOTable larger than {votable_cap:,} bytes; give this table as "
                "FITS or CSV"
            )
        table, units = _reader(data, path)(data, path.name)
    return Tabular(_masked(_plain_types(table)), units)


def sha256(path: Path) -> str:
    with _opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def contents(path: Path, cap: int = CAP) -> bytes:
    """All bytes of the file, inflated if it is gzip.

    The gzip stream is read to its end, so that its CRC is checked. IngestError if the file is
    empty, damaged, or larger than ``cap`` bytes before or after inflation.
    """
    with _opened(path) as file:
        zipped = file.read(2) == b"\x1f\x8b"
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        stream = gzip.GzipFile(fileobj=file) if zipped else file
        cap = min(cap, max(SMALL, BOMB * size)) if zipped else cap
        try:
            data = _capped(stream, cap)
        except DAMAGED as error:
            raise IngestError(
                f"{path.name}: damaged gzip ({brief(error)}); fetch the file again"
            ) from error
    if data is None:
        raise IngestError(
            f"{path.name}: larger than {cap:,} bytes; give this table as Parquet or FITS, "
            "or in part"
        )
    if not data:
        raise IngestError(f"{path.name}: is empty; fetch the file again")
    return data


@contextmanager
def _opened(path: Path) -> Iterator[io.BufferedReader]:
    """The file for reading; UnreadableError where it is missing, no regular file,
    or not to be read.
    """
    try:
        if path.exists() and not path.is_file():
            raise UnreadableError(f"{path}: cannot be read (no file); check the path of this table")
        file = path.open("rb")
    except OSError as error:
        raise UnreadableError(
            f"{path}: cannot be read ({error.strerror}); check the path of this table"
        ) from error
    with file:
        yield file


def _capped(stream: io.BufferedReader | gzip.GzipFile, cap: int) -> bytes | None:
    parts, size = [], 0
    while part := stream.read(CHUNK):
        parts.append(part)
        size += len(part)
        if size > cap:
            return None
    return b"".join(parts)


def _head(path: Path) -> bytes:
    with _opened(path) as file:
        return file.read(4)


def _is_xml(data: bytes) -> bool:
    start = data[:400].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    return start.startswith((b"<?xml", b"<VOTABLE", b"<!--", b"<!DOCTYPE VOTABLE"))


def _reader(data: bytes, path: Path) -> Callable[[bytes, str], tuple[pa.Table, dict[str, str]]]:
    if data.startswith(b"SIMPLE  ="):
        return fits.fits_table
    if _is_xml(data):
        return votable.votable
    if data.startswith(UTF_16):
        return _utf_16
    kind = next((kind for magic, kind in OTHERS.items() if data.startswith(magic)), "")
    if kind or data.lstrip()[:1] == b"<" or b"\0" in data[:4096]:
        what = f"{kind}, " if kind else ""
        raise IngestError(
            f"{path.name}: {what}not a table (begins with {data[:16]!r}); give FITS, VOTable, "
            "CSV, ECSV or Parquet"
        )
    return text.text_table


def _utf_16(data: bytes, name: str) -> tuple[pa.Table, dict[str, str]]:
    """What a spreadsheet calls Unicode text."""
    try:
        return text.text_table(data.decode("utf-16").encode(), name)
    except UnicodeDecodeError as error:
        raise IngestError(
            f"{name}: damaged UTF-16 text ({brief(error)}); save it as UTF-8"
        ) from error


def _parquet(path: Path) -> tuple[pa.Table, dict[str, str]]:
    """The table, page checksums verified, and the units of its columns.
    The name is never read as a pattern.
    """
    with _parquet_file(path) as parquet:
        table = parquet.read(use_threads=False)
        units = _units(table.schema)
    return table.rename_columns(unique([n.strip() for n in table.column_names])), units


@contextmanager
def _parquet_file(path: Path) -> Iterator[pq.ParquetFile]:
    try:
        with pa.OSFile(str(path)) as file:
            parquet = pq.ParquetFile(file, page_checksum_verification=True)
            _check_claims(parquet.metadata, path)
            yield parquet
    except UNREADABLE as error:
        raise IngestError(
            f"{path.name}: damaged Parquet ({brief(error)}); fetch the file again"
        ) from error


def _check_claims(metadata: pq.FileMetaData, path: Path) -> None:
    claimed, size = metadata.num_rows * metadata.num_columns * 8, path.stat().st_size
    if claimed > max(1 << 30, BOMB * size):
        raise OSError(
            f"its header claims {metadata.num_rows:,} rows of {metadata.num_columns} columns in "
            f"{size} bytes"
        )


def _units(schema: pa.Schema) -> dict[str, str]:
    metadata = schema.metadata or {}
    if b"table_meta_yaml" in metadata:
        return text.yaml_units(metadata[b"table_meta_yaml"].decode("utf-8", "replace").splitlines())
    if VOPARQUET in metadata:
        return _votable_units(metadata[VOPARQUET])
    named = {f.name: f.metadata[b"unit"] for f in schema if f.metadata and f.metadata.get(b"unit")}
    return {name.strip(): unit.decode("utf-8", "replace") for name, unit in named.items()}


def _votable_units(header: bytes) -> dict[str, str]:
    """Units of a VOParquet header (IVOA Note 1.0); one with a document type has none."""
    units: dict[str, str] = {}

    def field(tag: str, attributes: dict[str, str]) -> None:
        if tag.rpartition(":")[2] == "FIELD" and attributes.get("unit"):
            units[attributes.get("name", "")] = attributes["unit"]

    def doctype(*_: object) -> None:
        raise ValueError("its VOTable header declares a document type (DTD), which no archive does")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.StartDoctypeDeclHandler = field, doctype
    parser.Parse(header, True)
    return units


def _plain_types(table: pa.Table) -> pa.Table:
    """Text of any kind as string, decimals without fraction as integers, half floats as floats."""
    return pa.Table.from_arrays([_plain(c) for c in table.columns], table.column_names)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_dictionary(column.type):
        column = column.cast(kind)
    if _is_binary(kind):
        return pa.chunked_array([_decoded(column)])
    if pa.types.is_large_string(kind) or kind == pa.string_view() or pa.types.is_null(kind):
        return column.cast(pa.string())
    if pa.types.is_float16(kind):
        return column.cast(pa.float32())
    return _without_fraction(column) if pa.types.is_decimal(kind) and kind.scale <= 0 else column


def _decoded(column: pa.ChunkedArray) -> pa.Array:
    texts = (
        None if v is None else v.rstrip(b"\0").decode("utf-8", "replace")
        for v in column.to_pylist()
    )
    return pa.array(texts, pa.string())


def _without_fraction(column: pa.ChunkedArray) -> pa.ChunkedArray:
    try:
        return column.cast(pa.int64())
    except pa.ArrowInvalid:  # beyond 64 bits: as text, which says so where an id is meant
        return column.cast(pa.string())


def _masked(table: pa.Table) -> pa.Table:
    """A masked column that came as two, ``x`` and ``x.mask`` (astropy), as one,
    or the hidden values would show.
    """
    for mask in [
        n
        for n in table.column_names
        if n.endswith(MASK) and n.removesuffix(MASK) in table.column_names
    ]:
        hidden, i = _as_booleans(table[mask]), table.column_names.index(mask.removesuffix(MASK))
        if hidden is not None:
            shown = pc.if_else(hidden, pa.scalar(None, table.schema.types[i]), table.column(i))
            table = table.set_column(i, table.column_names[i], shown).drop_columns([mask])
    return table


def _as_booleans(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """As booleans, null is false; None where it holds something else."""
    if not pa.types.is_boolean(column.type):
        if not (pa.types.is_string(column.type) or pa.types.is_integer(column.type)):
            return None
        words = pc.utf8_lower(pc.utf8_trim_whitespace(column.cast(pa.string())))
        known = pc.is_in(words, pa.array([*TRUE, *FALSE, None], pa.string()))
        if not pc.all(known, min_count=0).as_py():
            return None
        column = pc.is_in(words, pa.array(TRUE))
    return pc.fill_null(column, False)


def _is_binary(kind: pa.DataType) -> bool:
    of_kind = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary)
    return kind == pa.binary_view() or any(is_kind(kind) for is_kind in of_kind)


PROPERTIES = ("hats.properties", "properties")
COLLECTION, PRIMARY = "collection.properties", "hats_primary_table_url"
WITH_ROWS = ("object", "source")  # kinds of a HATS catalog; others are margins, indexes, maps
BATCH = 1 << 14  # rows of a partition that are looked at together


class Hats(NamedTuple):
    """A HATS catalog: what its properties say, and of each partition order, pixel (HEALPix, nested)
    and file or folder, along the curve of the pixels.
    """

    properties: dict[str, str]
    parts: list[tuple[int, int, Path]]


def hats_catalog(folder: Path) -> Hats:
    """The catalog in ``folder``, or the one that a HATS collection there names as its own; nothing
    outside of it is read. Raises IngestError, one line, for a folder that is none.
    """
    named = _properties(folder, COLLECTION).get(PRIMARY)
    folder = folder / named if named in {path.name for path in folder.iterdir()} else folder
    said = _properties(folder, *PROPERTIES)
    kind = said.get("dataproduct_type", WITH_ROWS[0]) if said else f"without {PROPERTIES[0]}"
    if kind not in WITH_ROWS:
        raise IngestError(f"{folder}: no HATS catalog of sources ({kind}); give the folder of one")
    suffix = said.get("hats_npix_suffix", ".parquet").replace("/", "")
    parts = [
        (k, n, folder / f"dataset/Norder={k}/Dir={n // 10_000 * 10_000}/Npix={n}{suffix}")
        for k, n in _listed(folder / "partition_info.csv")
    ]
    return Hats(said, sorted(parts, key=lambda part: part[1] << 2 * (29 - part[0])))


def _properties(folder: Path, *names: str) -> dict[str, str]:
    """What the first of the files that is there says, key=value; nothing where none is."""
    path = next((folder / name for name in names if (folder / name).is_file()), None)
    text = contents(path, SMALL).decode("utf-8", "replace") if path else ""
    lines = (line.partition("=") for line in text.splitlines() if not line.startswith("#"))
    return {key.strip(): value.strip() for key, found, value in lines if found}


def _listed(path: Path) -> list[tuple[int, int]]:
    """Order and pixel of every partition, as the catalog lists them."""
    rows = csv.DictReader(contents(path, SMALL).decode("utf-8", "replace").splitlines())
    try:
        found = [(int(row["Norder"]), int(row["Npix"])) for row in rows]
        if all(0 <= order <= 29 and 0 <= pixel < 12 << 2 * order for order, pixel in found):
            return found
    except (KeyError, TypeError, ValueError, csv.Error):
        pass
    raise IngestError(f"{path}: damaged, not a list of Norder and Npix; fetch it again")


def names_and_units(part: Path) -> tuple[list[str], dict[str, str]]:
    """Of the columns of a partition."""
    path = min(part.glob("*.parquet"), default=part) if part.is_dir() else part
    with _opened(path), _parquet_file(path) as parquet:
        return unique(parquet.schema_arrow.names), _units(parquet.schema_arrow)


def chosen_rows(
    part: Path, columns: Sequence[str], needed: Sequence[str], choose: Callable[[Tabular], Any]
) -> pa.Table:
    """Rows of a partition, by row groups: those that ``choose`` marks, told from the columns
    ``needed`` of them. Raises IngestError where the file is damaged or has no such columns.
    """
    kept = []
    for path in sorted(part.glob("*.parquet")) if part.is_dir() else [part]:
        with _opened(path), _parquet_file(path) as parquet:
            schema = parquet.schema_arrow
            if gone := set(columns) - set(schema.names):
                raise IngestError(f"{path}: has no column {min(gone)}, as others of its catalog")
            for i in range(parquet.num_row_groups):
                few = parquet.iter_batches(BATCH, [i], list(needed), use_threads=False)
                tables = (Tabular(_plain_types(pa.table(rows)), _units(schema)) for rows in few)
                rows = pa.array(np.concatenate([np.zeros(0, bool), *map(choose, tables)]))
                if pc.any(rows).as_py():
                    read = parquet.read_row_group(i, list(columns), use_threads=False)
                    kept.append(read.select(columns).filter(rows))
            kept.append(schema.empty_table().select(columns))
    return _plain_types(pa.concat_tables(kept))
