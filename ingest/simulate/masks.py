"""Masks: pixels that cosmic rays hit or the detector lacks, and how a LAMOST file marks them, or does not."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat.kernels.grid import WAVELENGTH

__all__ = ["Marked", "hit", "marked"]

Array = NDArray[np.float64]
Float32 = NDArray[np.float32]
Bits = NDArray[np.uint8]
Integers = NDArray[np.int64]
N = len(WAVELENGTH)
# All counts: 1,030 files of DR5 to DR10 (pipeline 2.9), most of DR10.
MASKED_FILES = 0.73  # share of the files with any bit
RUNS, RUNS_SIGMA = 3.5, 1.25  # median number of runs in those, ln rms
LENGTHS, LENGTH_SHARES = (1, 2, 3, 4, 5, 10), (0.17, 0.42, 0.20, 0.11, 0.08, 0.02)
HALO = 2  # pixels without ivar on each side of a run
GAPS, GAP_LENGTH, GAP_SIGMA = 0.025, 150, 0.9  # share of the files with a long one, median pixels, ln rms
NO_FLUX, IN_ALL, OTHER_BIT = 0.35, 0.30, 0.003  # share of runs: flux 0; bad in all exposures; bit 2
BIT, SECOND_BIT = 1, 2
PLACES = (  # Angstrom, pixels with a bit shortward of it in the files of DR10
    (3700, 0), (3720, 160), (3800, 690), (4000, 2002), (4500, 5490), (5000, 8752), (5500, 11580), (5700, 12747),
    (5900, 14728), (6100, 15274), (6500, 18264), (7000, 18924), (7500, 19952), (8000, 21233), (8500, 22368),
    (9000, 23217), (9100, 23287),
)  # fmt: skip
BAD_NOISE = 5.0  # rms of the flux under a mask in units of its noise: not measured, a mask hides it
TAIL, TAIL_PILOT = (0, 17), (13, 32)  # last pixels of flux 0 and ivar above 0: DR7 to DR10; DR5 of 2011
SPIKES = (1.5e-4, 8e-4)  # unmarked pixels more than 5 sigma too bright, each arm: residuals of A stars of DR10
SPIKE_AT, SPIKE_SCALE = 5.0, 5.0  # sigma; one in five is above 10 sigma
WIDE = 0.4  # share that touch the next pixel too


class Marked(NamedTuple):
    """(n, 3909) each, as the rows of a file."""

    flux: Float32
    ivar: Float32
    andmask: Bits
    ormask: Bits


def hit(flux: Float32, sigma: Float32, red: int, rng: np.random.Generator) -> Float32:
    """Flux with cosmic rays that no mask marks; red is the first pixel of the red arm."""
    out, n = flux.copy(), len(flux)
    for rate, first, last in ((SPIKES[0], 0, red), (SPIKES[1], red, N)):
        size = rng.poisson(rate * n * (last - first))
        row, pixel = rng.integers(0, n, size), rng.integers(first, last, size)
        excess = (SPIKE_AT + rng.exponential(SPIKE_SCALE, size)).astype(np.float32)
        out[row, pixel] += excess * sigma[row, pixel]
        wide = (rng.random(size) < WIDE) & (pixel + 1 < N)
        row, pixel = row[wide], pixel[wide] + 1
        out[row, pixel] += excess[wide] / 2 * sigma[row, pixel]
    return out


def marked(flux: Float32, ivar: Float32, pilot: NDArray[np.bool_], rng: np.random.Generator) -> Marked:
    """Bits, ivar 0 beside them, flux 0 in some, and a tail without flux whose ivar hides it, as in real files."""
    n = len(flux)
    row, start, length = _runs(n, rng)
    kind = rng.random((3, len(row)))
    ormask = _spread(n, row, start, length).astype(np.uint8) * np.uint8(BIT)
    second, in_all, no_flux = kind[0] < OTHER_BIT, kind[1] < IN_ALL, kind[2] < NO_FLUX
    ormask[_spread(n, row[second], start[second], length[second])] |= np.uint8(SECOND_BIT)
    andmask = _spread(n, row[in_all], start[in_all], length[in_all]).astype(np.uint8) * np.uint8(BIT)
    bad = _spread(n, row, start - HALO, length + 2 * HALO)
    out = flux.copy()
    noise = BAD_NOISE * rng.standard_normal(np.count_nonzero(bad), dtype=np.float32)
    out[bad] += noise / np.sqrt(ivar[bad])
    out[_spread(n, row[no_flux], start[no_flux], length[no_flux])] = 0
    tail = np.where(pilot, rng.integers(*TAIL_PILOT, size=n), rng.integers(*TAIL, size=n))
    out[N - tail[:, None] <= np.arange(N)] = 0
    return Marked(out, np.where(bad, np.float32(0), ivar), andmask, ormask)


def _runs(n: int, rng: np.random.Generator) -> tuple[Integers, Integers, Integers]:
    """Spectrum, first pixel and length of each run of bad pixels."""
    usual = np.exp(np.log(RUNS) + RUNS_SIGMA * rng.standard_normal(n))
    count = np.where(rng.random(n) < MASKED_FILES, np.ceil(usual), 0).astype(np.int64)
    long = np.flatnonzero(rng.random(n) < GAPS)
    row = np.concatenate([np.repeat(np.arange(n), count), long])
    length = rng.choice(LENGTHS, p=LENGTH_SHARES, size=len(row))
    length[len(row) - len(long) :] = GAP_LENGTH * np.exp(GAP_SIGMA * rng.standard_normal(len(long)))
    wavelength, below = np.array(PLACES).T
    start = np.searchsorted(WAVELENGTH, np.interp(rng.random(len(row)) * below[-1], below, wavelength))
    return row, start.astype(np.int64), length.astype(np.int64)


def _spread(n: int, row: Integers, start: Integers, length: Integers) -> NDArray[np.bool_]:
    """(n, 3909) true in every run."""
    change = np.zeros((n, N + 1), dtype=np.int16)
    np.add.at(change, (row, np.clip(start, 0, N)), 1)
    np.add.at(change, (row, np.clip(start + length, 0, N)), -1)
    return np.cumsum(change, axis=1, dtype=np.int16)[:, :N] > 0
