"""The table of a VOTable: what the document itself holds,
and nothing that it only names or claims.
"""

import io
import re
import warnings
from typing import Any
from xml.parsers import expat

import numpy as np
import pyarrow as pa

from obcat.ingest.errors import IngestError, brief
from obcat.ingest.tables.names import unique

__all__ = ["votable"]

DEEPEST = 64  # elements within elements; archives have some ten
MOST_FIELDS = 20_000
LARGEST = 1 << 30  # bytes that the declared widths of the columns may take, all rows together
# systems that are neither ICRS nor FK5 at J2000: IVOA VOTable 1.5, section 3.1
OTHER_FRAME = re.compile(r"\s*(eq_)?FK4|(super)?_?gal|ecl|barycentric|geo", re.IGNORECASE)
BYTES = {  # of one value, IVOA VOTable 1.5, table 4; char as astropy keeps it
    "boolean": 1, "bit": 1, "unsignedByte": 1, "short": 2, "int": 4, "long": 8, "char": 4,
    "unicodeChar": 4, "float": 4, "double": 8, "floatComplex": 8, "doubleComplex": 16,
}  # fmt: skip


def votable(data: bytes, name: str) -> tuple[pa.Table, dict[str, str]]:
    """The one table of a VOTable with its units; a result cut at a row limit (OVERFLOW) or an error
    answer stops.

    Refused before it is parsed: a document type (with it entities and default attributes), a
    reference out of the document (``STREAM href``), more rows claimed than there are, nesting
    without end.
    """
    from astropy.io import votable as vo

    fields = _guarded(data, name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            document = vo.parse(io.BytesIO(data), verify="ignore")
            _complete(document, name)
            table = _only([t for t in document.iter_tables() if t.fields], name)
            arrays = [_arrow(table.array[f.ID].data, table.array[f.ID].mask) for f in table.fields]
        except (
            OSError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError,
            RuntimeError, MemoryError, vo.exceptions.VOWarning,
        ) as error:  # fmt: skip
            raise IngestError(
                f"{name}: damaged VOTable ({brief(error)}); fetch the file again"
            ) from error
    if len(fields) != len(arrays):
        raise IngestError(f"{name}: damaged VOTable (a table within a table); fetch the file again")
    units = [field.get("unit", "") for field in fields]
    there = [
        (f.name or f.ID, a, unit)
        for f, a, unit in zip(table.fields, arrays, units, strict=True)
        if a is not None
    ]
    names = unique([n for n, *_ in there])
    columns = pa.Table.from_arrays([a for _, a, _ in there], names)
    return columns, {
        n: unit.strip() for n, (*_, unit) in zip(names, there, strict=True) if unit.strip()
    }


class _Guard:
    """What a first reading of the document sees, so that nothing is believed before it was seen."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.depth = 0
        self.rows = 0
        self.claimed = 0
        self.fields: list[dict[str, str]] = []
        self.frames: dict[str, str] = {}
        self.of_table: list[dict[str, str]] = []
        self.is_binary = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise IngestError(
                f"{self.name}: elements {DEEPEST} deep within each other, which no archive "
                "has; refused"
            )
        tag = tag.rpartition(":")[2]
        if tag in ("TR", "TD"):
            self.rows += tag == "TR"
        elif tag == "STREAM" and "href" in attributes:
            raise IngestError(
                f"{self.name}: its data are elsewhere (STREAM "
                f"href={attributes['href'][:80]!r}), and no reference out "
                f"of a file is followed; save the table with its data inside"
            )
        elif tag == "TABLE":
            self._table(attributes)
        elif tag == "COOSYS" and OTHER_FRAME.match(attributes.get("system", "")):
            self.frames[attributes.get("ID", "")] = attributes["system"].strip()
        elif tag == "FIELD":
            if frame := self.frames.get(attributes.get("ref", "-")):
                attributes["unit"] = f"{attributes.get('unit', '')} in frame {frame}"
            self.of_table.append(attributes)
        elif tag in ("BINARY", "BINARY2", "FITS"):
            self.is_binary = True

    def end(self, tag: str) -> None:
        self.depth -= 1
        if tag.rpartition(":")[2] == "TABLE" and self.of_table:
            self.fields = self.of_table

    def doctype(self, *_: Any) -> None:
        raise IngestError(
            f"{self.name}: declares XML entities or default values (a DTD), which no archive "
            "does; refused"
        )

    def _table(self, attributes: dict[str, str]) -> None:
        self.of_table, self.rows = [], 0
        claimed = attributes.get("nrows", "").strip()
        self.claimed = (
            int(claimed) if claimed.isdecimal() and len(claimed) < 19 else -1 if claimed else 0
        )


def _guarded(data: bytes, name: str) -> list[dict[str, str]]:
    """The attributes of the fields of the last table that has any. Raises IngestError."""
    guard = _Guard(name)
    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = guard.start, guard.end
    parser.StartDoctypeDeclHandler = guard.doctype
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise IngestError(
            f"{name}: damaged VOTable ({brief(error)}); fetch the file again"
        ) from error
    _check_sizes(guard, len(data))
    return guard.fields


def _check_sizes(guard: _Guard, size: int) -> None:
    if len(guard.fields) > MOST_FIELDS:
        raise IngestError(f"{guard.name}: {len(guard.fields):,} columns; give a table with fewer")
    most = (
        size // max(1, sum(_least(f) for f in guard.fields)) + 1 if guard.is_binary else guard.rows
    )
    if guard.claimed < 0 or guard.claimed > most:
        raise IngestError(
            f"{guard.name}: claims {guard.claimed} rows and holds fewer; fetch the file again"
        )
    rows = max(guard.rows, guard.claimed)
    for field in guard.fields:
        if _width(field) * max(rows, 1) > LARGEST:
            shown = field.get("name", "")[:40]
            raise IngestError(
                f"{guard.name}: column {shown!r} has arraysize "
                f"{field['arraysize'][:40]!r}, too large"
            )


def _width(field: dict[str, str]) -> int:
    """Bytes of a value as declared; lists of no fixed length take what they hold."""
    product = BYTES.get(field.get("datatype", ""), 16)
    for n in field.get("arraysize", "1").split("x"):
        product *= int(n) if n.strip().isdecimal() else 1
    return product


def _least(field: dict[str, str]) -> int:
    """Bytes that a value takes in a stream at least."""
    one = 1 if field.get("datatype") in ("char", "bit") else BYTES.get(field.get("datatype", ""), 1)
    return 4 if "*" in field.get("arraysize", "") else one


def _complete(document: Any, name: str) -> None:
    infos = [
        i for r in document.resources for i in [*r.infos, *(i for t in r.tables for i in t.infos)]
    ]
    for info in infos:
        if info.name == "QUERY_STATUS" and info.value in ("OVERFLOW", "ERROR"):
            raise IngestError(
                f"{name}: QUERY_STATUS is {info.value}: the table is not complete; fetch "
                "it in parts"
            )


def _only(tables: list[Any], name: str) -> Any:
    if len(tables) != 1:
        raise IngestError(f"{name}: holds {len(tables)} tables; give a file with exactly one")
    return tables[0]


def _arrow(values: np.ndarray, mask: np.ndarray) -> pa.Array | None:
    """A column as Arrow; None for what has no place here: vectors, complex numbers, lists."""
    if values.ndim != 1 or values.dtype.kind not in "biufSUO":
        return None
    mask = np.broadcast_to(mask, values.shape)
    if values.dtype.kind in "SUO":
        return _text(values, mask)
    return pa.array(values.astype(values.dtype.newbyteorder("=")), mask=mask)


def _text(values: np.ndarray, mask: np.ndarray) -> pa.Array | None:
    plain = [v.decode("utf-8", "replace") if isinstance(v, bytes) else v for v in values.tolist()]
    if not all(v is None or isinstance(v, str) for v in plain):
        return None
    return pa.array(
        [None if hidden else v for v, hidden in zip(plain, mask.tolist(), strict=True)], pa.string()
    )
