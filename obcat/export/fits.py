"""FITS binary table; every card that describes a column comes from columns.csv."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from astropy import units
from astropy.io import fits

from obcat.export.published import (
    NOT_REAL,
    Published,
    ReleaseError,
    ascii_of,
    null_of,
    own_numbers,
)
from obcat.schema import Column

__all__ = ["write"]

CODES = {"DOUBLE": "D", "FLOAT": "E", "BIGINT": "K", "INTEGER": "J", "SMALLINT": "I"}


def write(path: Path, catalog: Published) -> None:
    """Write the rows as one binary table. Floats keep all their bits; a NULL is NaN, TNULL or an
    empty string.

    Raises ReleaseError where a value stands for NULL in its column, or text is not plain.
    """
    table = fits.BinTableHDU.from_columns(
        [_described(c, catalog.rows[c.column]) for c in catalog.columns],
        name=catalog.table.partition(".")[2].upper(),
    )
    table.header["LONGSTRN"] = ("OGIP 1.0", "long descriptions go on in CONTINUE cards")
    for number, column in enumerate(catalog.columns, start=1):
        _describe(table.header, number, column)
    hdus = fits.HDUList([fits.PrimaryHDU(), table])
    for hdu in hdus:
        _add_provenance(hdu.header, catalog)
        hdu.add_checksum(when="of this HDU", override_datasum=False)
    hdus.writeto(path)


def _described(column: Column, values: pa.ChunkedArray) -> fits.Column:
    """A column with its values, size, unit, display format and the integer that stands for NULL."""
    array, code = (_as_text if column.type == "VARCHAR" else _as_numbers)(column, values)
    return fits.Column(
        name=column.column,
        format=code,
        unit=units.Unit(column.unit).to_string("fits") if column.unit else None,
        null=null_of(column),
        disp=column.format if code[-1] != "A" else f"A{code[:-1]}",
        array=array,
    )


def _as_text(column: Column, values: pa.ChunkedArray) -> tuple[np.ndarray, str]:
    texts = [ascii_of(column, v or "") for v in values.to_pylist()]
    size = max([1, *map(len, texts)])
    return np.array(texts, dtype=f"S{size}"), f"{size}A"


def _as_numbers(column: Column, values: pa.ChunkedArray) -> tuple[np.ndarray, str]:
    null = null_of(column)
    if null is None:
        filled = values if column.required else values.fill_null(np.nan)
        return filled.to_numpy(), CODES[column.type]
    filled = values.fill_null(null).to_numpy()
    if values.null_count != np.count_nonzero(filled == null):
        raise ReleaseError(
            f"{column.table}.{column.column}: a star has {null}, which stands for NULL in a FITS "
            "file"
        )
    return filled, CODES[column.type]


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
