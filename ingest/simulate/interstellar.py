"""Interstellar: the lines that dust and gas between us and the star put on a spectrum."""

import numpy as np
from numpy.typing import NDArray

from obcat.ingest.simulate.emission import gaussian
from obcat.kernels.grid import LIGHT_SPEED

__all__ = ["transmission"]

LINES = (  # vacuum Angstrom, Angstrom of equivalent width per mag of E(B-V), full width at half maximum in Angstrom
    (3934.77, 0.40, 2.3), (3969.59, 0.25, 2.3), (4430.1, 2.0, 20.0), (5782.1, 0.50, 3.9), (5798.7, 0.17, 3.9),
    (5891.58, 0.65, 3.4), (5897.56, 0.50, 3.4), (6285.6, 1.0, 6.0), (6615.1, 0.20, 3.9),
)  # fmt: skip


def transmission(ebv: NDArray[np.float64]) -> NDArray[np.float32]:
    """(n, 3909) for lines of atoms and of diffuse bands (Friedman et al. 2011 in size), strength linear in E(B-V)."""
    return np.exp(-np.maximum(ebv, 0)[:, None] * _DEPTH).astype(np.float32)


def _depth() -> NDArray[np.float64]:
    widths = [(centre, ew, fwhm / 2.3548 / centre * LIGHT_SPEED) for centre, ew, fwhm in LINES]
    return np.sum([ew * gaussian(centre, sigma) for centre, ew, sigma in widths], axis=0)


_DEPTH = _depth()
