"""Parts: the Parquet that spectra are kept in, and which file a spectrum is taken from.

What a run has read so far, piece by piece: a run that is killed loses only the files in hand.

A piece is a file of Arrow with the rows of raw.files of one job, each with its row of raw.headers.
It is written after the spectra of the job, and its name has its checksum, so that half of one says
nothing. At the end of a run all are folded into files.parquet and headers.parquet, and removed.
"""

import csv
import filecmp
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from obcat._version import __version__
from obcat.checksums import is_whole, sealed
from obcat.files import publishing, put, working
from obcat.ingest.errors import Quarantined
from obcat.ingest.lamost.spectrum import content_of, zlib
from obcat.kernels.grid import N_PIXEL
from obcat.schema import arrow_schema

__all__ = [
    "READER_VERSION",
    "SUPERSEDED",
    "Digests",
    "as_written",
    "clear_pieces",
    "digests",
    "one_each",
    "pieces_of",
    "read_pieces",
    "read_sealed",
    "read_table",
    "settled",
    "tidy",
    "write_pairs",
    "write_part",
    "write_piece",
    "write_table",
]

READER_VERSION = "2"  # raise it whenever the same file would give another row
ROW_GROUP, NARROW = 64, 65_536  # rows: of spectra, of files and headers
ARRAYS = ("flux", "ivar")
PART = re.compile(r"part-[0-9a-f]{16}-([0-9a-f]{8})\.parquet")
DAMAGED = (
    OSError,
    ValueError,
    pa.ArrowException,
)  # a name in the foot that is no UTF-8 is a ValueError
PROVENANCE = {"obcat_version": __version__, "reader_version": READER_VERSION}


def _part_schema() -> pa.Schema:
    """specid, flux, ivar of raw.spectra, and sha256;
    array elements are never null, which reads a quarter faster.
    """
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
        _write(sealed(table, PROVENANCE), new, rows=NARROW)
        if not (path.is_file() and filecmp.cmp(new, path, shallow=False)):
            put(new, path)


def _write(table: pa.Table, path: Path, *, rows: int = ROW_GROUP, **options: Any) -> None:
    pq.write_table(table, path, row_group_size=rows, write_page_checksum=True, **options)


def read_table(path: Path, name: str) -> pa.Table:
    """A declared table, without rows if the file is missing, damaged,
    or of another reader version.
    """
    return read_sealed(path, arrow_schema(name))


def read_sealed(path: Path, schema: pa.Schema) -> pa.Table:
    """A table that `write_table` wrote, without rows where `read_table` gives none."""
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


Digests = dict[Path, pa.Array]  # a part -> sha256 of each of its spectra, in order


def digests(folder: Path, known: Digests | None = None) -> Digests:
    """Of the parts of a folder; damaged parts and those of another reader are left out, those that
    are ``known`` are not opened.
    """
    every = sorted(folder.glob("part-*.parquet"))
    found = {path: known[path] for path in every if known and path in known}
    for path in (path for path in every if path not in found):
        try:
            with pq.ParquetFile(path, page_checksum_verification=True) as file:
                if _current(file.schema_arrow, _part_schema()):
                    shas = file.read(columns=["sha256"], use_threads=False)["sha256"]
                    found[path] = shas.combine_chunks()
        except DAMAGED:
            continue
    return found


def tidy(folder: Path, live: pa.ChunkedArray, known: Digests) -> None:
    """Every spectrum at most once; when more than half are not ``live`` (sha256), only those that
    are. Of ``known`` parts it is known what they hold.
    """
    parts = digests(folder, known)
    stale = set(folder.glob("part-*.parquet")) - parts.keys()
    kept = dict(zip(parts, _compacted(list(parts.values()), live), strict=True))
    rewritten = {path: keep for path, keep in kept.items() if not keep.all()}
    written = {_rewrite(path, keep) for path, keep in rewritten.items() if keep.any()}
    for path in (stale | rewritten.keys()) - written:
        path.unlink()


def _rewrite(path: Path, keep: np.ndarray) -> Path:
    """A new part of the rows to keep; the old one stays for now."""
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        return _write_spectra(path.parent, file.read(use_threads=False).filter(pa.array(keep)))


def _compacted(parts: list[pa.Array], live: pa.ChunkedArray) -> list[np.ndarray]:
    """Which rows of each part stay: those that are there for the first time."""
    stored = pa.chunked_array(parts, pa.string())
    lives = pc.is_in(stored, live).to_numpy()
    stays = np.zeros(len(stored), bool)
    each = stored.combine_chunks().dictionary_encode().indices.to_numpy()
    stays[np.unique(each, return_index=True)[1]] = True
    if 2 * np.sum(stays & lives) < len(stored):
        stays &= lives
    return np.split(stays, np.cumsum([len(part) for part in parts], dtype=int))[:-1]


SUPERSEDED = "superseded"
FILE_COLUMNS = (
    "sha256",
    "other_names",
)  # of a header row, what is of the file and not of its content

Row = dict[str, Any]


def settled(
    rows: list[Row], headers: pa.Table, find: Callable[[str], Path]
) -> dict[str, list[str]]:
    """Give every spectrum one file, the first by name of its newest release; ``find`` leads from
    ``path`` to the file.

    rows : raw.files; ``status``, ``reason``, ``detail`` are set, and ``sha256`` where a file is
        another's content, packed otherwise, to that of the other. Returns sha256 -> the paths that
        share its row, the owner first.
    """
    names: dict[str, list[str]] = {}
    claims: dict[str, dict[str, str]] = {}  # specid -> sha256 -> first path
    read = [row for row in rows if row["status"] != "quarantined"]
    for row in read:
        claims.setdefault(row["specid"], {}).setdefault(row["sha256"], row["path"])
    disputed = {specid: shas for specid, shas in claims.items() if len(shas) > 1}
    owners = _owners(disputed, headers, find)
    for row in read:
        sha = owners.get(row["sha256"], row["sha256"])
        if sha is None:
            row |= {"status": "quarantined", "reason": SUPERSEDED, "detail": ""}
            continue
        names.setdefault(sha, []).append(row["path"])
        row |= {"sha256": sha, "status": "ingested" if len(names[sha]) == 1 else "duplicate"}
    _tell(rows, headers, names)
    return names


def one_each(headers: pa.Table, names: dict[str, list[str]], stay: pa.ChunkedArray) -> pa.Table:
    """One header a sha256, by specid: of ``names`` with its further names, of ``stay`` as it is."""
    new = pa.array(names, pa.string())
    wanted = pa.chunked_array([new, *stay.chunks], pa.string())
    at = pc.unique(pc.index_in(wanted, headers["sha256"]).drop_null())
    keys = headers.select(["specid", "sha256"]).take(at)
    order = pc.sort_indices(keys, sort_keys=[("specid", "ascending"), ("sha256", "ascending")])
    table = headers.take(at.take(order))
    others = pa.array([" ".join(paths[1:]) or None for paths in names.values()], pa.string())
    named = pc.index_in(table["sha256"], new)
    column = pc.if_else(named.is_valid(), others.take(named), table["other_names"])
    i = table.schema.get_field_index("other_names")
    return table.set_column(i, table.schema.field(i), column)


def write_pairs(rows: Iterable[Row], path: Path) -> None:
    """``path`` (CSV): every file set aside, and the one kept in its place;
    no file where there is none.
    """
    aside = [row for row in rows if row["reason"] == SUPERSEDED]
    if not aside:
        path.unlink(missing_ok=True)
        return
    with publishing(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("specid", "set_aside", "detail"))
        table.writerows((row["specid"], f"./{row['path']}", row["detail"]) for row in aside)


def _owners(
    disputed: dict[str, dict[str, str]], headers: pa.Table, find: Callable[[str], Path]
) -> dict[str, str | None]:
    """sha256 of a disputed spectrum -> that of the file whose row it shares;
    None if it is set aside.
    """
    wanted = pa.array([sha for shas in disputed.values() for sha in shas], pa.string())
    rows = {
        row["sha256"]: row
        for row in headers.filter(pc.is_in(headers["sha256"], wanted)).to_pylist()
    }
    owners: dict[str, str | None] = {}
    for shas in disputed.values():
        same = _same_content({sha: find(path) for sha, path in shas.items()}, rows)
        best = max(
            dict.fromkeys(same.values()), key=lambda sha: _age(rows[sha])
        )  # the first of equals
        owners |= {sha: owner if owner == best else None for sha, owner in same.items()}
    return owners


def _same_content(paths: dict[str, Path], rows: dict[str, Row]) -> dict[str, str]:
    """sha256 -> the first sha256 whose file has the same content;
    files whose headers differ are not opened.
    """
    first: dict[object, str] = {}
    heads = {sha: repr([v for k, v in rows[sha].items() if k not in FILE_COLUMNS]) for sha in paths}
    alike = [head for head in heads.values() if list(heads.values()).count(head) > 1]
    return {
        sha: first.setdefault(_digest(path, sha) if heads[sha] in alike else sha, sha)
        for sha, path in paths.items()
    }


def _digest(path: Path, otherwise: str) -> str:
    try:
        return hashlib.sha256(content_of(path)).hexdigest()
    except Quarantined:  # gone since it was read
        return otherwise


def _age(row: Row) -> tuple[list[int], list[int]]:
    """What orders releases: the numbers of DATA_V (none before DR3), then those of the pipeline."""
    return _numbers(row["data_v"]), _numbers(row["verspipe"])


def _numbers(text: str | None) -> list[int]:
    return [int(digits) for digits in re.findall(r"[0-9]{1,9}", text or "")]


def _tell(rows: list[Row], headers: pa.Table, names: dict[str, list[str]]) -> None:
    """Files set aside name the file kept in their place;
    what they said of themselves when they were read stays.
    """
    aside = [row for row in rows if row["reason"] == SUPERSEDED]
    if not aside:
        return
    owner = {row["specid"]: row for row in rows if row["status"] == "ingested"}
    releases = zip(headers["sha256"].to_pylist(), headers["data_v"].to_pylist(), strict=True)
    release = {sha: f"of {data_v or 'no release named'}" for sha, data_v in releases}
    for row in aside:
        kept = owner[row["specid"]]["sha256"]
        own = row["detail"].partition("; ")[0] or release[row["sha256"]]
        row["detail"] = f"{own}; kept: {names[kept][0]} {release[kept]}"


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
