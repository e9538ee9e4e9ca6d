"""The answers about all chunks as one table, the same whatever the order in which they came."""

import pyarrow as pa
import pyarrow.parquet as pq

from obcat.fetch.errors import Failed

__all__ = ["merged", "parquet_of"]

Part = tuple[pa.Table, dict[str, str]]


def merged(parts: list[Part], where: str) -> Part:
    """Rows of all parts in the order of their values. Raises Failed: unusable, where columns or units differ."""
    table, units = parts[0]
    for other, their_units in parts[1:]:
        if other.schema.remove_metadata() != table.schema.remove_metadata() or their_units != units:
            names = sorted(set(other.column_names) ^ set(table.column_names))
            raise Failed("unusable", f"{where}: columns or units differ between two answers {names or ''}".rstrip())
    whole = pa.concat_tables([part for part, _ in parts])
    return whole.sort_by([(name, "ascending") for name in whole.column_names]), units


def parquet_of(table: pa.Table, units: dict[str, str]) -> bytes:
    """A Parquet file with the unit of each column beside it."""
    fields = [f.with_metadata({b"unit": units[f.name].encode()}) if f.name in units else f for f in table.schema]
    sink = pa.BufferOutputStream()
    pq.write_table(table.cast(pa.schema(fields)), sink, compression="zstd", write_page_checksum=True)
    return sink.getvalue().to_pybytes()
