"""FITS files that are too large to be read whole."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from obcat.ingest.errors import IngestError, Quarantined, brief
from obcat.ingest.tables.read import contents

__all__ = ["believed", "first_table", "mapped_fits"]


def believed(rows: int, path: Path) -> int:
    """The rows that a header claims, of a spectrum each. Raises Quarantined: unreadable, where the
    file has not even a byte for each.
    """
    size = path.stat().st_size
    if not 0 <= rows <= size:
        raise Quarantined("unreadable", f"its header claims {rows:,} spectra in {size:,} bytes")
    return rows


@contextmanager
def mapped_fits(path: Path, *, sums: bool = False) -> Iterator[Any]:
    """The extensions of a file, read as they are asked for; a packed one is inflated whole, its CRC
    verified.

    With ``sums`` each extension is held against its CHECKSUM and DATASUM when it is reached. Raises
    Quarantined: unreadable, checksum.
    """
    from astropy.io import fits
    from astropy.utils.exceptions import AstropyWarning

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", AstropyWarning)
            packed = path.suffix.lower() == ".gz"
            with (
                io.BytesIO(contents(path)) if packed else path.open("rb") as file,
                fits.open(file, memmap=not packed, checksum=sums) as hdus,
            ):
                yield hdus
    except IngestError as error:
        raise Quarantined("unreadable", brief(error)) from error
    except (OSError, ValueError, TypeError, LookupError, fits.VerifyError, AstropyWarning) as error:
        raise Quarantined(_reason_of(error), f"astropy: {brief(error)}") from error


def _reason_of(error: Exception) -> str:
    """Of what astropy says: checksum or unreadable."""
    return "checksum" if "sum verification failed" in str(error) else "unreadable"


@contextmanager
def first_table(path: Path, *, sums: bool = False) -> Iterator[Any]:
    """The first binary table of a file, with ``sums`` checked.
    Raises Quarantined: unreadable, checksum, unknown_layout.
    """
    from astropy.io import fits

    with mapped_fits(path, sums=sums) as hdus:
        tables = [hdu for hdu in hdus if isinstance(hdu, fits.BinTableHDU)]
        if not tables:
            raise Quarantined("unknown_layout", "a FITS file without a binary table")
        yield tables[0]
