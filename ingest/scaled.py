"""Astropy reads what the plain reader does not: scaled or integer data, tables with other column types."""

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO

import numpy as np

from obcat.ingest.errors import Quarantined

__all__ = ["columns", "image"]


def image(content: bytes) -> np.ndarray:
    """The primary image, (5, n), scaled; its shape is checked by the caller before. Raises Quarantined."""
    with opened(content) as hdus:
        return np.array(hdus[0].data)


def columns(content: bytes, names: Iterable[str]) -> dict[str, np.ndarray]:
    """Columns of the first row of the first extension, (n,) each, scaled. Raises Quarantined."""
    with opened(content) as hdus:
        row = hdus[1].data[0]
        return {name: np.array(row[name], dtype=float) for name in names}


@contextmanager
def opened(content: bytes) -> Iterator:
    from astropy.io import fits
    from astropy.utils.exceptions import AstropyWarning

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", AstropyWarning)
            with fits.open(BytesIO(content), memmap=False) as hdus:
                yield hdus
    except (OSError, ValueError, TypeError, LookupError, AttributeError, fits.VerifyError, AstropyWarning) as error:
        raise Quarantined("unreadable", f"astropy: {' '.join(str(error).split())[:200]}") from error
