"""Gzip, inflated whole in memory: size capped, every checksum checked, nothing but more gzip or zeros after the end."""

from importlib import import_module
from importlib.util import find_spec

from obcat.ingest.errors import Quarantined

__all__ = ["MAGIC", "SIZE_CAP", "inflate", "other_packing"]

zlib = import_module(
    "isal.isal_zlib" if find_spec("isal") else "zlib"
)  # ISA-L is not on every platform

MAGIC = b"\x1f\x8b"
SIZE_CAP = 10_000_000  # bytes; the largest LAMOST low-resolution file seen has 170 kB
MOST_MEMBERS = 1000  # bgzip makes one of 64 kB
GZIP = 31  # wbits of a stream with a gzip header and trailer
UNPACK = {
    ".fz": "funpack",
    ".bz2": "bunzip2",
    ".xz": "unxz",
    ".zst": "unzstd",
    ".lz4": "unlz4",
    ".z": "uncompress",
}
UNPACK |= {".zip": "unzip", ".7z": "7z x"}
MAGICS = {
    b"BZh": ".bz2",
    b"\xfd7zXZ": ".xz",
    b"\x28\xb5\x2f\xfd": ".zst",
    b"\x04\x22\x4d\x18": ".lz4",
}
MAGICS |= {b"\x1f\x9d": ".z", b"PK\x03\x04": ".zip", b"7z\xbc\xaf": ".7z"}


def inflate(packed: bytes, *, cap: int = SIZE_CAP) -> bytes:
    """The content of a gzip file: of all its members, one after the other; zeros may pad its end.

    Raises Quarantined: truncated_gzip, damaged_gzip or too_large.
    """
    content, rest = _member(packed, 0, cap)
    if not rest:
        return content
    members = [content]
    while rest := rest.lstrip(b"\0"):
        if not rest.startswith(MAGIC):
            raise Quarantined("damaged_gzip", f"{len(rest)} bytes after the end of the stream")
        if len(members) == MOST_MEMBERS:
            raise Quarantined("too_large", f"more than {MOST_MEMBERS} gzip streams in one file")
        content, rest = _member(rest, sum(map(len, members)), cap)
        members.append(content)
    return b"".join(members)


def _member(packed: bytes, before: int, cap: int) -> tuple[bytes, bytes]:
    """The content of the first member, and what follows it; ``before`` bytes were inflated already."""
    stream = zlib.decompressobj(wbits=GZIP)
    try:
        content = stream.decompress(packed, cap - before + 1)
    except zlib.error as error:
        raise Quarantined("damaged_gzip", str(error)) from error
    if before + len(content) > cap:
        raise Quarantined("too_large", f"inflates to more than {cap} bytes")
    if not stream.eof:
        raise Quarantined(
            "truncated_gzip", f"the stream ends after {len(packed)} bytes, {len(content)} inflated"
        )
    return content, stream.unused_data


def other_packing(name: str, begin: bytes) -> str | None:
    """How a file is packed that is neither plain nor gzip, by its first bytes or its ending, and what unpacks it."""
    ending = next((e for magic, e in MAGICS.items() if begin.startswith(magic)), None)
    ending = ending or next((e for e in UNPACK if name.lower().endswith(e)), None)
    return (
        f"packed as {ending}, which is not read; unpack it ({UNPACK[ending]})" if ending else None
    )
