"""The stars of a list, and the chunks in which their positions go to an archive."""

import hashlib
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from obcat.fetch.answer import STAR
from obcat.fetch.errors import Failed

if TYPE_CHECKING:
    from astropy.table import Table

__all__ = ["Chunk", "chunks", "stars_of"]

NSIDE = 4096  # HEALPix cells of 0.9 arcmin: only the order of the stars on the sky depends on it


class Chunk(NamedTuple):
    """Some stars that are near each other on the sky: ids, right ascensions and declinations (degrees)."""

    ids: np.ndarray
    ra: np.ndarray
    dec: np.ndarray

    def name(self, query: str) -> str:
        """The same for the same stars and query, so that a chunk that is done is known again."""
        digest = hashlib.sha256(query.encode() + self.ids.tobytes() + self.ra.tobytes() + self.dec.tobytes())
        return digest.hexdigest()[:16]

    def table(self) -> "Table":
        """What is uploaded; the names of the positions are not those of any archive, and so come back unmistaken."""
        from astropy.table import Table

        return Table({STAR: self.ids, "star_ra": self.ra, "star_dec": self.dec})


def stars_of(targets: pa.Table) -> Chunk:
    """The distinct positions of a list (raw.targets), numbered from 1 along a HEALPix nested curve.

    Raises Failed: unusable, where the list has no positions.
    """
    import astropy.units as u
    from astropy_healpix import lonlat_to_healpix

    given = targets.select(["ra", "dec"]).drop_null()
    if not given.num_rows:
        raise Failed("unusable", "the list of targets has no positions (ra, dec) to ask other archives for")
    ra, dec = np.unique(np.array([given["ra"].to_numpy(), given["dec"].to_numpy()]), axis=1)
    cell = lonlat_to_healpix(ra * u.deg, dec * u.deg, NSIDE, order="nested")
    order = np.lexsort((dec, ra, cell))
    return Chunk(np.arange(1, ra.size + 1), ra[order], dec[order])


def chunks(stars: Chunk, size: int) -> list[Chunk]:
    """At most ``size`` stars each."""
    return [Chunk(*(a[i : i + size] for a in stars)) for i in range(0, stars.ids.size, size)]
