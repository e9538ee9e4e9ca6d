"""Plain tables: CSV, Parquet with a VOTable inside that describes it (VOParquet 1.0), and FITS,
where every card that describes a column comes from columns.csv.
"""

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from astropy import units
from astropy.io import fits

from obcat.export import NOT_REAL, Published, ReleaseError, ascii_of, null_of, own_numbers, votable
from obcat.export.votable import BYTES
from obcat.schema import Column

__all__ = ["described_rows", "printed", "write_csv", "write_fits", "write_parquet"]

FORMULA = ("=", "+", "-", "@")


def write_csv(path: Path, catalog: Published) -> None:
    """Write the rows as UTF-8 text; the same rows give the same bytes."""
    with path.open("w", newline="", encoding="utf-8") as f:
        writer = csv.writer(f, lineterminator="\n")
        writer.writerow(c.column for c in catalog.columns)
        for part in catalog.pieces():
            columns = (
                _harmless(c, printed(c, part.rows[c.column].to_pylist())) for c in part.columns
            )
            writer.writerows(zip(*columns, strict=True))


def _harmless(column: Column, texts: list[str]) -> list[str]:
    """Texts, none of which is a formula."""
    if column.type != "VARCHAR":
        return texts
    return [f"'{text}" if text.startswith(FORMULA) else text for text in texts]


def printed(column: Column, values: Iterable[Any]) -> list[str]:
    """Values as text: F10.6 gives six decimals, E10.3 an exponent; integers and strings are exact;
    NULL is blank.
    """
    kind, _, digits = column.format.partition(".")
    if kind[:1] in ("F", "E"):
        spec = f".{digits}{kind[0].lower()}"
        return ["" if v is None else _unsigned_zero(format(v, spec)) for v in values]
    return ["" if v is None else str(v) for v in values]


def _unsigned_zero(text: str) -> str:
    return text[1:] if text[0] == "-" and not text.strip("-0.e+") else text


NULLABLE = {"BIGINT": "Int64", "INTEGER": "Int32", "SMALLINT": "Int16"}
PLACE = '<PARQUET type="Parquet-local-XML"/>\n'


def write_parquet(path: Path, catalog: Published) -> None:
    """Write one file with a checksum on every page; the same catalog gives the same bytes.

    The keys ``table::len`` are for astropy, whose reader stops at a NULL in text without them; the
    key ``pandas`` is for pandas, which makes doubles of integers with NULLs, and rounds them,
    without it.
    """
    pq.write_table(
        described_rows(catalog), path, compression="zstd", write_page_checksum=True,
        row_group_size=65_536,
    )  # fmt: skip


def described_rows(catalog: Published) -> pa.Table:
    """The rows, with what describes each column and the table in the keys of Parquet."""
    fields = [
        pa.field(
            c.column,
            c.arrow_type,
            nullable=not c.required,
            metadata=_described(c.description, c.unit, c.ucd),
        )
        for c in catalog.columns
    ]
    keys = {
        "IVOA.VOTable-Parquet.version": "1.0",
        "IVOA.VOTable-Parquet.content": "".join(votable.document(catalog, [PLACE])),
        **{f"table::len::{c.column}": c.format[1:] for c in catalog.columns if c.type == "VARCHAR"},
        **{f"obcat.{name}": value for name, value in votable.facts(catalog).items()},
        "pandas": json.dumps(_for_pandas(catalog.columns)),
    }
    return catalog.rows.cast(pa.schema(fields)).replace_schema_metadata(keys)


def _described(description: str, unit: str, ucd: str) -> dict[str, str]:
    return {
        name: text
        for name, text in (("description", description), ("unit", unit), ("ucd", ucd))
        if text
    }


def _for_pandas(columns: Iterable[Column]) -> dict[str, Any]:
    """What pandas keeps of a frame in a file: here, that an integer that may be NULL stays one.

    The names are those of pandas' developer guide; a reader looks at ``numpy_type``.
    """
    types = {c.column: _pandas_types(c) for c in columns}
    named = [{"name": n, "field_name": n, **kind, "metadata": None} for n, kind in types.items()]
    return {"index_columns": [], "column_indexes": [], "columns": named, "pandas_version": "2.2.0"}


def _pandas_types(column: Column) -> dict[str, str]:
    if column.type == "VARCHAR":
        return {"pandas_type": "unicode", "numpy_type": "object"}
    plain = str(column.arrow_type.to_pandas_dtype()().dtype)
    nullable = NULLABLE.get(column.type) if not column.required else None
    return {"pandas_type": plain, "numpy_type": nullable or plain}


CODES = {"DOUBLE": "D", "FLOAT": "E", "BIGINT": "K", "INTEGER": "J", "SMALLINT": "I"}
BLOCK = 2880  # bytes


def write_fits(path: Path, catalog: Published) -> None:
    """Write the rows as one binary table. Floats keep all their bits; a NULL is NaN, TNULL or an
    empty string. A piece of the rows is in memory at a time.

    Raises ReleaseError where a value stands for NULL in its column, or text is not plain.
    """
    widths = {c.column: _width(c, catalog) for c in catalog.columns if c.type == "VARCHAR"}
    table = fits.BinTableHDU.from_columns(
        [_described_fits(c, widths.get(c.column)) for c in catalog.columns],
        name=catalog.table.partition(".")[2].upper(),
    )
    table.header["NAXIS2"] = catalog.rows.num_rows
    table.header["LONGSTRN"] = ("OGIP 1.0", "long descriptions go on in CONTINUE cards")
    for number, column in enumerate(catalog.columns, start=1):
        _describe(table.header, number, column)
    first = fits.PrimaryHDU()
    for hdu in (first, table):
        _add_provenance(hdu.header, catalog)
    with path.open("wb") as f:
        f.write(_head(first, 0))
        begin = f.tell()
        f.write(_head(table, 0))
        total = _write_rows(f, catalog, widths)
        f.seek(begin)
        f.write(_head(table, total))


def _head(hdu: Any, datasum: int) -> bytes:
    """The cards, with the checksums of an HDU whose data have the sum ``datasum``."""
    hdu._calculate_datasum = lambda: datasum  # astropy would have all rows in memory, three times
    hdu.add_checksum(when="of this HDU", override_datasum=False)
    return bytes(hdu.header.tostring(), "ascii")


def _write_rows(file: BinaryIO, catalog: Published, widths: dict[str, int]) -> int:
    """Write the rows, and zeros to the end of the block; their sum of 32 bits, the carry added."""
    total, left, size = 0, b"", 0
    for part in catalog.pieces():
        content = _packed(part, widths)
        size += file.write(content)
        content = left + content
        whole = len(content) // 4 * 4
        total += int(np.frombuffer(content[:whole], ">u4").sum(dtype=np.uint64))
        left = content[whole:]
    file.write(bytes(-size % BLOCK))
    total += int.from_bytes(left.ljust(4, b"\0"), "big")
    while total >> 32:
        total = (total & 0xFFFFFFFF) + (total >> 32)
    return total


def _packed(part: Published, widths: dict[str, int]) -> bytes:
    """Rows as they stand in a binary table, the high byte first."""
    kinds = {c.column: BYTES.get(c.type) or f"S{widths[c.column]}" for c in part.columns}
    rows = np.zeros(part.rows.num_rows, list(kinds.items()))
    for c in part.columns:
        values = part.rows[c.column]
        text = c.type == "VARCHAR"
        rows[c.column] = _as_text(c, values) if text else _as_numbers(c, values)
    return rows.tobytes()


def _described_fits(column: Column, width: int | None) -> fits.Column:
    """A column with its size, unit, display format and the integer that stands for NULL; ``width``
    of text.
    """
    return fits.Column(
        name=column.column,
        format=f"{width}A" if width else CODES[column.type],
        unit=units.Unit(column.unit).to_string("fits") if column.unit else None,
        null=null_of(column),
        disp=f"A{width}" if width else column.format,
    )


def _width(column: Column, catalog: Published) -> int:
    """Of the longest text, and no less than 1."""
    parts = (_as_text(column, part.rows[column.column]) for part in catalog.pieces())
    return max([1, *(max(map(len, texts), default=0) for texts in parts)])


def _as_text(column: Column, values: pa.ChunkedArray) -> list[str]:
    return [ascii_of(column, v or "") for v in values.to_pylist()]


def _as_numbers(column: Column, values: pa.ChunkedArray) -> np.ndarray:
    null = null_of(column)
    if null is None:
        filled = values if column.required else values.fill_null(np.nan)
        return filled.to_numpy()
    filled = values.fill_null(null).to_numpy()
    if values.null_count != np.count_nonzero(filled == null):
        raise ReleaseError(
            f"{column.table}.{column.column}: a star has {null}, which stands for NULL in a FITS "
            "file"
        )
    return filled


def _describe(header: fits.Header, number: int, column: Column) -> None:
    header[f"TUCD{number}"] = column.ucd
    header[f"TCOMM{number}"] = column.description


def _add_provenance(header: fits.Header, catalog: Published) -> None:
    """Cards that say what made the table, and, first of all, whether its stars exist."""
    cards: list[tuple[str, Any, str]] = [
        ("SIMULATD", catalog.simulated, "T: simulated stars; F: real stars"),
        ("SURVEY", catalog.survey, "name of the survey"),
        ("RELEASE", catalog.provenance.get("release"), "data release of the spectra"),
        (
            "CREATOR",
            f"obcat {catalog.provenance.get('obcat', '')}".strip(),
            "program that wrote this file",
        ),
        ("OBCATFP", catalog.provenance.get("fingerprint"), ""),
        ("METHOD", catalog.status, "paper: that of REFERENC; obcat: beyond it"),
        ("REFERENC", "2021ApJS..253...22X", "paper of the method"),
    ]
    header.update(
        {key: (value, comment) for key, value, comment in cards if value not in (None, "")}
    )
    if catalog.simulated:
        header.add_comment(NOT_REAL)
    if catalog.lent:
        header.add_comment(catalog.lent)
    header.add_comment("The fingerprint OBCATFP is a hash of inputs, code and versions.")
    for number in own_numbers(catalog):
        header.add_comment(f"Parameter {number}")
    header.add_comment("A NULL is NaN in a float, TNULL in an integer, an empty string in text.")
