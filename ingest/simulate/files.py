"""Files: one gzipped FITS image a spectrum, byte for byte the same wherever it is made."""

import struct
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from obcat.ingest.simulate.header import Value, header_bytes
from obcat.kernels.grid import WAVELENGTH

__all__ = ["fits_bytes", "gzipped", "write_spectrum"]

Pixels = NDArray[np.float32] | NDArray[np.uint8]
BLOCK = 2880
GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"  # no name, time 0, unknown system
LEVEL = 1


def fits_bytes(rows: Sequence[Pixels], values: Mapping[str, Value]) -> bytes:
    """Image of five rows: flux, ivar, wavelength, andmask, ormask; `rows` are these without wavelength, (n,) each."""
    flux, ivar, andmask, ormask = rows
    n = len(flux)
    image = np.empty((5, n), dtype=">f4")
    image[0], image[1], image[2], image[3], image[4] = flux, ivar, WAVELENGTH[:n], andmask, ormask
    data = image.tobytes()
    return header_bytes({"NAXIS1": n, **values}) + data + b"\0" * (-len(data) % BLOCK)


def gzipped(content: bytes) -> bytes:
    compressor = isal_zlib.compressobj(LEVEL, isal_zlib.DEFLATED, -15)
    body = compressor.compress(content) + compressor.flush()
    return GZIP_HEADER + body + struct.pack("<II", zlib.crc32(content), len(content) & 0xFFFFFFFF)


def write_spectrum(path: Path, rows: Sequence[Pixels], values: Mapping[str, Value]) -> None:
    path.write_bytes(gzipped(fits_bytes(rows, values)))
