"""Parquet files that say what they hold: a SHA-256 of every value, name and type, in the file's metadata.

The checksums of Parquet's pages do not cover its head and foot; a bit changed there can rename a column or drop rows.
"""

import hashlib
from collections.abc import Mapping

import numpy as np
import pyarrow as pa

__all__ = ["SEAL", "is_whole", "sealed"]

SEAL = b"obcat.sha256"


def sealed(table: pa.Table, facts: Mapping[str, str]) -> pa.Table:
    """The table with ``facts`` and its digest, which covers them, as the only metadata."""
    metadata = {name.encode(): text.encode() for name, text in facts.items()}
    return table.replace_schema_metadata({**metadata, SEAL: _digest(table, metadata)})


def is_whole(table: pa.Table) -> bool:
    """Whether a table that was read holds what was written; False where it has no digest."""
    metadata = dict(table.schema.metadata or {})
    return metadata.pop(SEAL, None) == _digest(table, metadata)


def _digest(table: pa.Table, metadata: Mapping[bytes, bytes]) -> bytes:
    names = [(field.name, str(field.type)) for field in table.schema]
    digest = hashlib.sha256(repr((table.num_rows, names, sorted(metadata.items()))).encode())
    for column in table.columns:
        digest.update(np.packbits(column.is_valid().to_numpy()).tobytes())
        digest.update(_values(column))
    return digest.hexdigest().encode()


def _values(column: pa.ChunkedArray) -> bytes:
    """The values of a column of numbers, truths or texts, NULL as 0 or ''."""
    if pa.types.is_string(column.type):
        texts = column.fill_null("").to_pylist()
        return repr([len(text) for text in texts]).encode() + "".join(texts).encode("utf-8", "surrogatepass")
    return column.fill_null(pa.scalar(0).cast(column.type)).to_numpy().tobytes()
