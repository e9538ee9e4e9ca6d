"""Parquet tables, with the units and masks that VOParquet and astropy put beside the columns."""

from pathlib import Path
from xml.etree import ElementTree

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from obcat.ingest.contents import brief
from obcat.ingest.errors import IngestError

__all__ = ["parquet"]

MASK = ".mask"
VOPARQUET = b"IVOA.VOTable-Parquet.content"


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
