"""Plain tables: CSV, Parquet with a VOTable inside that describes it (VOParquet 1.0), and FITS,
where every card that describes a column comes from columns.csv.
"""

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from astropy import units
from astropy.io import fits

from obcat.export import NOT_REAL, Published, ReleaseError, ascii_of, null_of, own_numbers, votable
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


def write_fits(path: Path, catalog: Published) -> None:
    """Write the rows as one binary table. Floats keep all their bits; a NULL is NaN, TNULL or an
    empty string.

    Raises ReleaseError where a value stands for NULL in its column, or text is not plain.
    """
    table = fits.BinTableHDU.from_columns(
        [_described_fits(c, catalog.rows[c.column]) for c in catalog.columns],
        nrows=catalog.rows.num_rows,
        name=catalog.table.partition(".")[2].upper(),
    )
    _fill(table.data, catalog)
    table.header["LONGSTRN"] = ("OGIP 1.0", "long descriptions go on in CONTINUE cards")
    for number, column in enumerate(catalog.columns, start=1):
        _describe(table.header, number, column)
    hdus = fits.HDUList([fits.PrimaryHDU(), table])
    for hdu in hdus:
        _add_provenance(hdu.header, catalog)
        hdu.add_checksum(when="of this HDU", override_datasum=False)
    hdus.writeto(path)


def _fill(data: fits.FITS_rec, catalog: Published) -> None:
    """The numbers, by pieces, straight to where they are written from."""
    numbers = [c for c in catalog.columns if c.type != "VARCHAR"]
    end = 0
    for part in catalog.pieces():
        start, end = end, end + part.rows.num_rows
        for c in numbers:
            data.field(c.column)[start:end] = _as_numbers(c, part.rows[c.column])


def _described_fits(column: Column, values: pa.ChunkedArray) -> fits.Column:
    """A column with its size, unit, display format and the integer that stands for NULL; values
    where these are text.
    """
    texts = _as_text(column, values) if column.type == "VARCHAR" else None
    code = CODES[column.type] if texts is None else f"{texts.itemsize}A"
    return fits.Column(
        name=column.column,
        format=code,
        unit=units.Unit(column.unit).to_string("fits") if column.unit else None,
        null=null_of(column),
        disp=column.format if texts is None else f"A{texts.itemsize}",
        array=texts,
    )


def _as_text(column: Column, values: pa.ChunkedArray) -> np.ndarray:
    texts = [ascii_of(column, v or "") for v in values.to_pylist()]
    return np.array(texts, dtype=f"S{max([1, *map(len, texts)])}")


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
