"""FITS files that are too large to be read whole."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from obcat.ingest.errors import Quarantined, brief

__all__ = ["first_table", "mapped_fits"]


@contextmanager
def mapped_fits(path: Path) -> Iterator[Any]:
    """The extensions of a file, read as they are asked for. Raises Quarantined: unreadable."""
    from astropy.io import fits
    from astropy.utils.exceptions import AstropyWarning

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", AstropyWarning)
            with fits.open(path, memmap=True, lazy_load_hdus=True) as hdus:
                yield hdus
    except (OSError, ValueError, TypeError, LookupError, fits.VerifyError, AstropyWarning) as error:
        raise Quarantined("unreadable", f"astropy: {brief(error)}") from error


@contextmanager
def first_table(path: Path) -> Iterator[Any]:
    """The first binary table of a file. Raises Quarantined: unreadable, unknown_layout."""
    from astropy.io import fits

    with mapped_fits(path) as hdus:
        tables = [hdu for hdu in hdus if isinstance(hdu, fits.BinTableHDU)]
        if not tables:
            raise Quarantined("unknown_layout", "a FITS file without a binary table")
        yield tables[0]
