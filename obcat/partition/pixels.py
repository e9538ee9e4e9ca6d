"""Pixels of the sky that hold as many spectra each as one machine builds at a time."""

import numpy as np

__all__ = ["pixels"]

DEEPEST = 29  # of HEALPix in 64 bits


def pixels(ra: np.ndarray, dec: np.ndarray, most: int) -> list[str]:
    """The pixel of each position, 'ORDER-NUMBER' of HEALPix in nested order.

    A pixel with more than ``most`` positions is split into its four, as in HATS (adaptive order).

    ra, dec : (n,) degrees, ICRS; a position that is not known counts as 0, 0
    """
    deep = _deepest(np.nan_to_num(ra), np.nan_to_num(dec))
    found = np.full(len(deep), "", dtype="U24")
    for order in range(DEEPEST + 1):
        number = deep >> 2 * (DEEPEST - order)
        _, place, count = np.unique(number, return_inverse=True, return_counts=True)
        fits = (found == "") & ((count[place] <= most) | (order == DEEPEST))
        found[fits] = [f"{order}-{n}" for n in number[fits]]
    return found.tolist()


def _deepest(ra: np.ndarray, dec: np.ndarray) -> np.ndarray:
    """(n,) int64 pixel of the deepest order."""
    from astropy import units
    from astropy_healpix import lonlat_to_healpix

    return np.asarray(
        lonlat_to_healpix(ra * units.deg, dec * units.deg, 2**DEEPEST, order="nested"), np.int64
    )
