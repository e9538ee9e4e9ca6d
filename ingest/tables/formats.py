"""FITS binary tables, VOTables and Parquet to Arrow: nulls, units and 64-bit integers kept."""

import io
import warnings
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from astropy.io import fits
from astropy.io import votable as vo
from astropy.utils.exceptions import AstropyUserWarning

from obcat.ingest.errors import IngestError, brief

__all__ = ["fits_table", "parquet", "votable"]

TABLES = (fits.BinTableHDU, fits.TableHDU)
MASK = ".mask"
VOPARQUET = b"IVOA.VOTable-Parquet.content"


def fits_table(data: bytes, name: str) -> tuple[pa.Table, dict[str, str]]:
    """The one table of a FITS file, units from TUNIT, nulls from TNULL; a wrong checksum stops."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.filterwarnings("error", r"(Checksum|Datasum) verification failed", AstropyUserWarning)
        warnings.filterwarnings("error", r"File may have been truncated", AstropyUserWarning)
        try:
            return _fits_columns(data, name)
        except (OSError, ValueError, TypeError, KeyError, IndexError, fits.VerifyError, AstropyUserWarning) as error:
            raise IngestError(f"{name}: damaged FITS ({brief(error)}); fetch the file again") from error


def _fits_columns(data: bytes, name: str) -> tuple[pa.Table, dict[str, str]]:
    with fits.open(io.BytesIO(data), memmap=False, checksum=True) as hdus:
        hdu = _only([h for h in hdus if isinstance(h, TABLES)], name)
        arrays = {c.name: _fits_array(hdu, c) for c in hdu.columns}
        units = {c.name: c.unit for c in hdu.columns if c.unit}
    return pa.table({n: a for n, a in arrays.items() if a is not None}), units


def _fits_array(hdu: Any, column: Any) -> pa.Array | None:
    values = np.asarray(hdu.data.field(column.name))
    integer = values.dtype.kind in "iu" and column.null not in (None, "")
    return _arrow(values, values == int(column.null) if integer else np.zeros(len(values), bool))


def votable(data: bytes, name: str) -> tuple[pa.Table, dict[str, str]]:
    """The one table of a VOTable with its units; a result cut at a row limit (OVERFLOW) or an error answer stops.

    A document that declares XML entities is refused before it is parsed.
    """
    if b"<!ENTITY" in data.replace(b"\0", b""):
        raise IngestError(f"{name}: declares XML entities, which no archive does; refused")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            document = vo.parse(io.BytesIO(data), verify="ignore")
        except (OSError, ValueError, TypeError, KeyError, IndexError, vo.exceptions.VOWarning) as error:
            raise IngestError(f"{name}: damaged VOTable ({brief(error)}); fetch the file again") from error
    _complete(document, name)
    table = _only([t for t in document.iter_tables() if t.fields], name)
    arrays = {f.name: _arrow(table.array[f.ID].data, table.array[f.ID].mask) for f in table.fields}
    columns = {n: a for n, a in arrays.items() if a is not None}
    return pa.table(columns), {f.name: str(f.unit) for f in table.fields if f.unit is not None}


def _complete(document: Any, name: str) -> None:
    infos = [i for r in document.resources for i in [*r.infos, *(i for t in r.tables for i in t.infos)]]
    for info in infos:
        if info.name == "QUERY_STATUS" and info.value in ("OVERFLOW", "ERROR"):
            raise IngestError(f"{name}: QUERY_STATUS is {info.value}: the table is not complete; fetch it in parts")


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
    return pa.array([None if hidden else v for v, hidden in zip(plain, mask.tolist(), strict=True)], pa.string())


def parquet(path: Path) -> tuple[pa.Table, dict[str, str]]:
    """The table, page checksums verified, and the units of its columns. The name is never read as a pattern.

    astropy writes a masked column as two, ``x`` and ``x.mask``: put together here, or the hidden values would show.
    """
    try:
        with pa.OSFile(str(path)) as file:
            table = pq.ParquetFile(file, page_checksum_verification=True).read(use_threads=False)
            return _masked(table), _units(table.schema)
    except (pa.ArrowException, OSError, ElementTree.ParseError) as error:
        raise IngestError(f"{path.name}: damaged Parquet ({brief(error)}); fetch the file again") from error


def _masked(table: pa.Table) -> pa.Table:
    masks = [n for n in table.column_names if n.endswith(MASK) and n.removesuffix(MASK) in table.column_names]
    for mask in masks:
        hidden, i = table[mask], table.column_names.index(mask.removesuffix(MASK))
        shown = pc.if_else(hidden, pa.scalar(None, table.schema.types[i]), table.column(i))
        table = table.set_column(i, table.column_names[i], shown)
    return table.drop_columns(masks)


def _units(schema: pa.Schema) -> dict[str, str]:
    metadata = schema.metadata or {}
    if b"table_meta_yaml" in metadata:
        return _astropy_units(metadata[b"table_meta_yaml"])
    if VOPARQUET in metadata and b"<!ENTITY" not in metadata[VOPARQUET]:
        return _votable_units(metadata[VOPARQUET])
    return {f.name: f.metadata[b"unit"].decode() for f in schema if f.metadata and f.metadata.get(b"unit")}


def _votable_units(header: bytes) -> dict[str, str]:
    """Units of a VOParquet header (IVOA Note 1.0)."""
    fields = [e.attrib for e in ElementTree.fromstring(header).iter() if e.tag.rpartition("}")[2] == "FIELD"]
    return {f["name"]: f["unit"] for f in fields if f.get("unit")}


def _astropy_units(header: bytes) -> dict[str, str]:
    from astropy.table.meta import YamlParseError, get_header_from_yaml

    try:
        columns = get_header_from_yaml(header.decode("utf-8", "replace").splitlines())["datatype"]
    except (YamlParseError, ValueError, KeyError, TypeError) as error:
        raise OSError(f"table_meta_yaml: {brief(error)}") from error
    return {c["name"]: str(c["unit"]) for c in columns if c.get("unit")}
