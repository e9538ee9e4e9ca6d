"""The stars of a list, the chunks that go to an archive,
and what must be true of the tables that come back.
"""

import hashlib
import re
from collections.abc import Collection
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple
from xml.parsers import expat

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from obcat.ingest.errors import Failed, IngestError

if TYPE_CHECKING:
    from astropy.table import Table

__all__ = [
    "STAR",
    "Chunk",
    "check_bytes",
    "check_document",
    "check_stars",
    "chunks",
    "merged",
    "parquet_of",
    "stars_of",
    "table_of",
]

STAR = "star_id"
STATUS = re.compile(
    rb"<INFO\b[^>]*\bname=[\"']QUERY_STATUS[\"'][^>]*>(?:\s*<!\[CDATA\[)?([^<\]]*)", re.IGNORECASE
)
VALUE = re.compile(rb"\bvalue=[\"'](\w+)[\"']")
DEEPEST = 64  # elements within elements; archives have some ten
WIDEST = 100_000  # values in one cell
INTEGER = re.compile(r"[+-]?\d+|0[xX][0-9a-fA-F]+", re.ASCII)
DECIMAL = re.compile(
    r"[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|nan|inf(inity)?)", re.ASCII | re.IGNORECASE
)
KINDS = {  # IVOA VOTable 1.5, section 2.1
    "boolean", "bit", "unsignedByte", "short", "int", "long", "char", "unicodeChar", "float",
    "double", "floatComplex", "doubleComplex",
}  # fmt: skip
NUMBERS = dict.fromkeys(("short", "int", "long", "unsignedByte"), INTEGER) | dict.fromkeys(
    ("float", "double"), DECIMAL
)
NSIDE = 4096  # HEALPix cells of 0.9 arcmin: only the order of the stars on the sky depends on it
Part = tuple[pa.Table, dict[str, str]]


class Chunk(NamedTuple):
    """Some stars that are near each other on the sky:
    ids, right ascensions and declinations (degrees).
    """

    ids: np.ndarray
    ra: np.ndarray
    dec: np.ndarray

    def name(self, query: str) -> str:
        """The same for the same stars and query, so that a chunk that is done is known again."""
        digest = hashlib.sha256(
            query.encode() + self.ids.tobytes() + self.ra.tobytes() + self.dec.tobytes()
        )
        return digest.hexdigest()[:16]

    def table(self) -> "Table":
        """What is uploaded; the names of the positions are not those of any archive,
        and so come back unmistaken.
        """
        from astropy.table import Table

        return Table({STAR: self.ids, "star_ra": self.ra, "star_dec": self.dec})


def stars_of(targets: pa.Table) -> Chunk:
    """The distinct positions of a list (raw.targets), numbered from 1 along a HEALPix nested curve.

    Raises Failed: unusable, where the list has no positions.
    """
    import astropy.units as u
    from astropy_healpix import lonlat_to_healpix

    given = targets.select(["ra", "dec"]).drop_null()
    if not given.num_rows:
        raise Failed(
            "unusable", "the list of targets has no positions (ra, dec) to ask other archives for"
        )
    ra, dec = np.unique(np.array([given["ra"].to_numpy(), given["dec"].to_numpy()]), axis=1)
    cell = lonlat_to_healpix(ra * u.deg, dec * u.deg, NSIDE, order="nested")
    order = np.lexsort((dec, ra, cell))
    return Chunk(np.arange(1, ra.size + 1), ra[order], dec[order])


def chunks(stars: Chunk, size: int) -> list[Chunk]:
    """At most ``size`` stars each."""
    return [Chunk(*(a[i : i + size] for a in stars)) for i in range(0, stars.ids.size, size)]


# ---- answers


def check_bytes(body: bytes, where: str) -> None:
    """Raises Failed unless ``body`` is a VOTable to its last tag,
    and says of itself that nothing was cut off.
    """
    start = body[:400].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    if re.match(rb"(?i)<!doctype html|<html", start):
        raise Failed("html", f"{where}: a web page instead of a table")
    if not start.startswith((b"<?xml", b"<VOTABLE", b"<!--")):
        raise Failed("damaged", f"{where}: begins with {start[:20]!r}, which is no VOTable")
    for info in STATUS.finditer(body):
        status = VALUE.search(info.group())
        _check_status(status[1] if status else b"OK", info[1], where)
    if not body.rstrip().endswith((b"VOTABLE>", b"-->")):
        raise Failed(
            "damaged", f"{where}: the VOTable ends after {len(body):,} bytes, before its last tag"
        )


def _check_status(status: bytes, message: bytes, where: str) -> None:
    if status == b"OVERFLOW":
        raise Failed("overflow", f"{where}: QUERY_STATUS is OVERFLOW")
    if status == b"ERROR":
        raise Failed(
            "job_failed",
            f"{where}: {message.decode('utf-8', 'replace').strip()[:200] or 'QUERY_STATUS ERROR'}",
        )


def table_of(body: bytes, where: str) -> tuple[pa.Table, dict[str, str]]:
    """The one table of a checked VOTable, and the units of its columns. Raises Failed: damaged."""
    from obcat.ingest.tables.votable import votable

    check_bytes(body, where)
    check_document(body, where)
    try:
        return votable(body, where)
    except (IngestError, AttributeError, RuntimeError, ArithmeticError, MemoryError) as error:
        raise Failed("damaged", str(error)) from error


def check_document(body: bytes, where: str) -> None:
    """Raises Failed where a document reaches out of itself, or claims what is not in it: a DTD,
    data elsewhere, other
    numbers of rows, wide columns, elements without end within each other, text where a number is
    declared.
    """
    seen = _Document(where)
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = seen.start, seen.end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = seen.text, seen.doctype
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise seen.wrong(f"no XML, {error}") from error
    for n in filter(None, seen.claimed):
        if not re.fullmatch(r"\d{1,9}", n) or (
            int(n) != seen.rows if seen.rows else int(n) > len(body)
        ):
            raise seen.wrong(f"claims {n[:20]} rows and has {seen.rows:,}")


class _Document:
    """What has been seen of a VOTable while it is read through."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.depth, self.rows, self.column = 0, 0, 0
        self.claimed: list[str] = []
        self.kinds: list[re.Pattern[str] | None] = []
        self.cell: list[str] | None = None

    def wrong(self, what: str) -> Failed:
        return Failed("damaged", f"{self.where}: {what}")

    def doctype(self, *_: Any) -> None:
        raise self.wrong("declares a document type (DTD), which no archive does")

    def start(self, tag: str, given: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.wrong(f"elements {self.depth} deep within each other")
        tag = tag.rpartition(":")[2]
        if tag == "TD":
            self.cell = []
        elif tag == "TR":
            self.rows, self.column = self.rows + 1, 0
        elif tag == "TABLE":
            self.claimed.append(given.get("nrows", "").strip())
            self.kinds = []
        elif tag == "FIELD":
            self._field(given)
        elif tag == "STREAM" and ("href" in given or given.get("encoding", "base64") != "base64"):
            raise self.wrong(
                f"its data are elsewhere, or packed: {(given.get('href') or 'packed')[:80]!r}"
            )

    def _field(self, given: dict[str, str]) -> None:
        size, kind = given.get("arraysize", "1"), given.get("datatype", "")
        if kind not in KINDS:
            raise self.wrong(
                f"column {given.get('name', '')[:40]!r} has the unknown datatype {kind[:40]!r}"
            )
        if prod(int(n) for n in size.split("x") if n.strip().isdecimal()) > WIDEST:
            raise self.wrong(
                f"column {given.get('name', '')[:40]!r} has cells of {size[:40]!r} values"
            )
        self.kinds.append(NUMBERS.get(kind) if size.strip() in ("1", "") else None)

    def text(self, text: str) -> None:
        if self.cell is not None:
            self.cell.append(text)

    def end(self, tag: str) -> None:
        self.depth -= 1
        tag = tag.rpartition(":")[2]
        if tag == "TR" and self.column != len(self.kinds):
            raise self.wrong(
                f"row {self.rows:,} has {self.column} cells for {len(self.kinds)} columns"
            )
        if tag == "TD" and self.cell is not None:
            self._cell("".join(self.cell).strip())

    def _cell(self, value: str) -> None:
        self.cell = None
        kind = self.kinds[self.column] if self.column < len(self.kinds) else None
        self.column += 1
        if value and kind and not kind.fullmatch(value):
            raise self.wrong(
                f"row {self.rows:,}, column {self.column}: {value[:40]!r} is no number"
            )


def check_stars(table: pa.Table, asked: Collection[int], where: str) -> None:
    """Raises Failed unless every row is of a star in ``asked``, and no row is there twice."""
    if STAR not in table.column_names or not pa.types.is_integer(table[STAR].type):
        raise Failed("unusable", f"{where}: {STAR} did not come back as the integer that was sent")
    others = set(pc.unique(table[STAR]).to_pylist()) - set(asked)
    if others:
        raise Failed(
            "unasked",
            f"{where}: rows of {len(others)} stars that were not asked for, as {min(others)}",
        )
    distinct = table.group_by(table.column_names, use_threads=False).aggregate([]).num_rows
    if distinct != table.num_rows:
        raise Failed("unasked", f"{where}: {table.num_rows - distinct} rows are there twice")


# ---- merged


def merged(parts: list[Part], where: str) -> Part:
    """Rows of all parts in the order of their values.
    Raises Failed: unusable, where columns or units differ.
    """
    table, units = parts[0]
    for other, their_units in parts[1:]:
        if other.schema.remove_metadata() != table.schema.remove_metadata() or their_units != units:
            names = sorted(set(other.column_names) ^ set(table.column_names))
            raise Failed(
                "unusable",
                f"{where}: columns or units differ between two answers {names or ''}".rstrip(),
            )
    whole = pa.concat_tables([part for part, _ in parts])
    return whole.sort_by([(name, "ascending") for name in whole.column_names]), units


def parquet_of(table: pa.Table, units: dict[str, str]) -> bytes:
    """A Parquet file with the unit of each column beside it."""
    fields = [
        f.with_metadata({b"unit": units[f.name].encode()}) if f.name in units else f
        for f in table.schema
    ]
    sink = pa.BufferOutputStream()
    pq.write_table(
        table.cast(pa.schema(fields)), sink, compression="zstd", write_page_checksum=True
    )
    return sink.getvalue().to_pybytes()
