"""Parquet: the columns as the database has them, described by a VOTable in the file (VOParquet 1.0)."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from obcat.export import vo
from obcat.export.published import Published

__all__ = ["write"]

PLACE = '<PARQUET type="Parquet-local-XML"/>\n'


def write(path: Path, catalog: Published) -> None:
    """Write one file with a checksum on every page; the same catalog gives the same bytes.

    The keys ``table::len`` are for astropy, whose reader stops at a NULL in text without them.
    """
    fields = [
        pa.field(c.column, c.arrow_type, nullable=not c.required, metadata=described(c.description, c.unit, c.ucd))
        for c in catalog.columns
    ]
    keys = {
        "IVOA.VOTable-Parquet.version": "1.0",
        "IVOA.VOTable-Parquet.content": "".join(vo.document(catalog, PLACE)),
        **{f"table::len::{c.column}": c.format[1:] for c in catalog.columns if c.type == "VARCHAR"},
        **{f"obcat.{name}": value for name, value in vo.facts(catalog).items()},
    }
    table = catalog.rows.cast(pa.schema(fields)).replace_schema_metadata(keys)
    pq.write_table(table, path, compression="zstd", write_page_checksum=True, row_group_size=65_536)


def described(description: str, unit: str, ucd: str) -> dict[str, str]:
    return {name: text for name, text in (("description", description), ("unit", unit), ("ucd", ucd)) if text}
