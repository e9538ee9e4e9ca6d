"""Gzip streams, inflated whole in memory: size capped, checksum checked, nothing allowed after the end."""

from importlib import import_module
from importlib.util import find_spec

from obcat.ingest.errors import Quarantined

__all__ = ["MAGIC", "SIZE_CAP", "inflate"]

zlib = import_module("isal.isal_zlib" if find_spec("isal") else "zlib")  # ISA-L is not on every platform

MAGIC = b"\x1f\x8b"
SIZE_CAP = 10_000_000  # bytes; the largest LAMOST low-resolution file seen has 170 kB
GZIP = 31  # wbits of a stream with a gzip header and trailer


def inflate(packed: bytes, *, cap: int = SIZE_CAP) -> bytes:
    """The content of a gzip stream. Raises Quarantined: truncated_gzip, damaged_gzip or too_large."""
    stream = zlib.decompressobj(wbits=GZIP)
    try:
        content = stream.decompress(packed, cap + 1)
    except zlib.error as error:
        raise Quarantined("damaged_gzip", str(error)) from error
    if len(content) > cap:
        raise Quarantined("too_large", f"inflates to more than {cap} bytes")
    if not stream.eof:
        raise Quarantined("truncated_gzip", f"the stream ends after {len(packed)} bytes, {len(content)} inflated")
    if stream.unused_data:
        raise Quarantined("damaged_gzip", f"{len(stream.unused_data)} bytes after the end of the stream")
    return content
