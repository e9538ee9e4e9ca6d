"""Detector: noise and the variance stated for it, masks, errors of the response, spoilt spectra."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat.kernels.grid import WAVELENGTH
from obcat.simulate import night
from obcat.simulate.ingredients import Recipe
from obcat.simulate.night import wrong_sky
from obcat.statistics import Array, Float32, Integers, Rows

__all__ = [
    "BANDS",
    "JOIN_PIXEL",
    "PILOT_END",
    "SIZES",
    "SPOILED",
    "SPOIL_ARM",
    "STEP",
    "Marked",
    "Observed",
    "add_sky",
    "band_snr",
    "calibration",
    "hit",
    "marked",
    "observe",
    "spoil",
    "stated_variance",
]

JOIN, JOIN_WIDTH = 5860.0, 12.0  # Angstrom
# Principal components of ln ratios between 81 pairs of visits of 63 stars (DR8, DR10), unit rms
# over 4,000 to 8,900
# Angstrom: a tilt; a bend; a difference of the arms. They hold 0.89 of the variance.
AT = (
    3700, 3750, 3800, 3900, 4000, 4200, 4400, 4700, 5000, 5300, 5600, 5750, 5850, 5950, 6100, 6400,
    6800, 7200, 7600, 8000, 8400, 8800, 9000, 9100,
)  # fmt: skip
COMPONENTS = (
    (-3.31, -3.20, -3.00, -2.65, -2.38, -1.98, -1.59, -1.16, -0.80, -0.47, -0.20, -0.09, -0.03,
    0.02, 0.10, 0.28, 0.46, 0.61, 0.76, 0.91, 1.07, 1.17, 0.97, 0.85),
    (9.27, 6.91, 4.86, 2.70, 1.84, 1.06, 0.47, 0.00, -0.30, -0.60, -0.81, -0.99, -1.37, -1.19,
    -0.91, -0.68, -0.16, 0.62, 1.12, 1.40, 1.76, 2.07, 2.73, 3.08),
    (-6.97, -4.53, -2.66, -1.43, -0.73, -0.06, 0.35, 0.82, 1.25, 1.86, 2.01, 1.44, 0.95, -0.03,
    -0.66, -0.72, -0.56, 0.00, 0.32, 0.83, 1.15, 1.34, 0.79, 0.84),
)  # fmt: skip
# scale of each in one visit, that of a pair over the root of 2: 41 pairs of one half of the handed
# files, less a tenth, for pairs elsewhere differ by less
SIZES = (0.059, 0.012, 0.010)
FREEDOM, FARTHEST = (
    3,
    6.0,
)  # the tilt has a Student's tail (pairs: median 0.07, 95 per cent 0.36); limit of any draw
STEP = 0.015  # scale; step of a visit beside that of its spectrograph, same pairs: rms 0.025


def calibration(n: int, rng: np.random.Generator) -> Float32:
    """(n, 3909) factors on the flux."""
    amount = np.stack(
        [rng.standard_t(FREEDOM, n), rng.standard_normal(n), rng.standard_normal(n)], axis=1
    )
    amount = np.clip(amount, -FARTHEST, FARTHEST) * SIZES
    step = STEP * rng.standard_t(FREEDOM, (n, 1)).clip(-FARTHEST, FARTHEST)
    return np.exp(amount.astype(np.float32) @ _SHAPES + step.astype(np.float32) * _RED)


def _shapes() -> Float32:
    """The tables, smoothed over the distance of their points."""
    reach = 60
    kernel = np.hanning(2 * reach + 1) / reach
    rows = [np.pad(np.interp(WAVELENGTH, AT, row), reach, mode="edge") for row in COMPONENTS]
    return np.stack([np.convolve(row, kernel, mode="valid") for row in rows]).astype(np.float32)


_SHAPES = _shapes()
_RED = (1 / (1 + np.exp((JOIN - WAVELENGTH) / JOIN_WIDTH))).astype(np.float32)


Bits = NDArray[np.uint8]
N = len(WAVELENGTH)
# All counts: 491 files of DR7 to DR10 (pipeline 2.9), one half of those handed, most of DR10.
MASKED_FILES = 0.79  # share of the files with any bit
RUNS, RUNS_SIGMA = 3.2, 1.45  # median number of runs in those, ln rms
LENGTHS, LENGTH_SHARES = (1, 2, 3, 4, 5, 6, 10), (0.17, 0.54, 0.17, 0.05, 0.03, 0.03, 0.01)
HALO = 2  # pixels without ivar on each side of a run
# share of the files with a long one, median pixels, ln rms: nine files, two in a hundred; longer
# than their 430, for elsewhere one file in a hundred lacks a fifth of its pixels
GAPS, GAP_LENGTH, GAP_SIGMA = 0.03, 480, 0.6
NO_FLUX = 0.30  # share of runs with flux 0
IN_ALL, IN_ALL_GAPS = 0.175, 0.55  # share of runs, and of long ones, bad in all exposures
OF_RUN = 0.6  # of those the share of which only the first pixel is
OTHER_BIT = 0.0045  # share of short runs with bit 2 alone; too rare for a half: all files
BIT, SECOND_BIT = 1, 2
PLACES = (  # Angstrom, pixels with a bit shortward of it in the files of DR10
    (3700, 0), (3720, 160), (3800, 690), (4000, 2002), (4500, 5490), (5000, 8752), (5500, 11580),
    (5700, 12747), (5900, 14728), (6100, 15274), (6500, 18264), (7000, 18924), (7500, 19952),
    (8000, 21233), (8500, 22368), (9000, 23217), (9100, 23287),
)  # fmt: skip
BAD_NOISE = 5.0  # rms of the flux under a mask in units of its noise: not measured, a mask hides it
# last pixels of flux 0 and ivar above 0: share of the files of DR7 to DR10 and their number; of
# DR5 of 2011
TAILS, TAIL, TAIL_PILOT = 0.56, (1, 17), (13, 32)
SPIKES = (
    1.5e-4,
    8e-4,
)  # unmarked pixels more than 5 sigma too bright, each arm: residuals of A stars of DR10
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


def marked(
    flux: Float32, ivar: Float32, pilot: NDArray[np.bool_], rng: np.random.Generator
) -> Marked:
    """Bits, ivar 0 beside them, flux 0 in some, and a tail without flux whose ivar hides it,
    as in real files.
    """
    n = len(flux)
    row, start, length = _runs(n, rng)
    kind = rng.random((3, len(row)))
    ormask = _spread(n, row, start, length).astype(np.uint8) * np.uint8(BIT)
    second, no_flux = (kind[0] < OTHER_BIT) & (length <= LENGTHS[-1]), kind[2] < NO_FLUX
    ormask[_spread(n, row[second], start[second], length[second])] = SECOND_BIT
    andmask = _in_all(n, row, start, length, kind[1])
    bad = _spread(n, row, start - HALO, length + 2 * HALO)
    out = flux.copy()
    noise = BAD_NOISE * rng.standard_normal(np.count_nonzero(bad), dtype=np.float32)
    out[bad] += noise / np.sqrt(ivar[bad])
    out[_spread(n, row[no_flux], start[no_flux], length[no_flux])] = 0
    tail = np.where(rng.random(n) < TAILS, rng.integers(*TAIL, size=n), 0)
    tail = np.where(pilot, rng.integers(*TAIL_PILOT, size=n), tail)
    out[N - tail[:, None] <= np.arange(N)] = 0
    return Marked(out, np.where(bad, np.float32(0), ivar), andmask, ormask)


def _in_all(n: int, row: Integers, start: Integers, length: Integers, kind: Array) -> Bits:
    """ANDMASK (n, 3909): some runs, of most of them one pixel."""
    long = length > LENGTHS[-1]
    share = np.where(long, IN_ALL_GAPS, IN_ALL)
    own = np.where(long | (kind > OF_RUN * share), length, 1)
    bad = kind < share
    return _spread(n, row[bad], start[bad], own[bad]).astype(np.uint8) * np.uint8(BIT)


def _runs(n: int, rng: np.random.Generator) -> tuple[Integers, Integers, Integers]:
    """Spectrum, first pixel and length of each run of bad pixels."""
    usual = np.exp(np.log(RUNS) + RUNS_SIGMA * rng.standard_normal(n))
    count = np.where(rng.random(n) < MASKED_FILES, np.ceil(usual), 0).astype(np.int64)
    long = np.flatnonzero(rng.random(n) < GAPS)
    row = np.concatenate([np.repeat(np.arange(n), count), long])
    length = rng.choice(LENGTHS, p=LENGTH_SHARES, size=len(row))
    length[len(row) - len(long) :] = GAP_LENGTH * np.exp(GAP_SIGMA * rng.standard_normal(len(long)))
    wavelength, below = np.array(PLACES).T
    start = np.searchsorted(
        WAVELENGTH, np.interp(rng.random(len(row)) * below[-1], below, wavelength)
    )
    return row, start.astype(np.int64), length.astype(np.int64)


def _spread(n: int, row: Integers, start: Integers, length: Integers) -> NDArray[np.bool_]:
    """(n, 3909) true in every run."""
    change = np.zeros((n, N + 1), dtype=np.int16)
    np.add.at(change, (row, np.clip(start, 0, N)), 1)
    np.add.at(change, (row, np.clip(start + length, 0, N)), -1)
    return np.cumsum(change, axis=1, dtype=np.int16)[:, :N] > 0


SPOILED = ("", "wavelength", "arms", "sky")  # what is wrong with a spectrum, by mode
WAVELENGTH_SCALE, ARMS, SKY = 1, 2, 3
SHIFT, SPOIL_ARM = (
    (8, 40),
    (0.35, 1.1),
)  # pixels; |ln| of the step between the arms: assumed, no such file is known
JOIN_PIXEL = int(np.searchsorted(WAVELENGTH, 5800.0))
G = slice(*np.searchsorted(WAVELENGTH, (4000.0, 5500.0)))


def spoil(flux: Float32, mode: NDArray[np.int64], rng: np.random.Generator) -> Float32:
    """Flux (n, 3909) with the fault of each mode:
    one arm shifted in wavelength, or arms that do not meet.
    """
    out = flux.copy()
    for row in np.flatnonzero((mode == WAVELENGTH_SCALE) | (mode == ARMS)):
        arm = slice(JOIN_PIXEL, None) if rng.random() < 0.5 else slice(0, JOIN_PIXEL)
        sign = 1 if rng.random() < 0.5 else -1
        if mode[row] == WAVELENGTH_SCALE:
            out[row, arm] = np.roll(flux[row], sign * rng.integers(*SHIFT))[arm]
        else:
            out[row, arm] *= np.exp(sign * rng.uniform(*SPOIL_ARM))
    return out


def add_sky(
    out: Float32, flux: Float32, mode: NDArray[np.int64], rng: np.random.Generator
) -> Float32:
    """Observed flux (n, 3909) with the sky not taken off, or taken off twice, where mode says so;
    flux has no noise.
    """
    rows = np.flatnonzero(mode == SKY)
    out = out.copy()
    for row in rows:
        out[row] += wrong_sky(float(np.median(flux[row, G])), rng).astype(np.float32)
    return out


BANDS = {
    "u": (3700, 3900),
    "g": (3900, 5350),
    "r": (5600, 6900),
    "i": (6900, 8200),
    "z": (8200, 9000),
}
PILOT_END = 56_190  # LMJD; before the survey of autumn 2012 the red arms were noisier than stated
# Stated variance over flux, 4,000 to 5,500 Angstrom being 1, of bright stars: 530 A stars of DR10,
# see sky_lines.
PHOTONS = (
    (3700, 9.0), (3720, 8.2), (3750, 6.8), (3800, 5.2), (3850, 4.3), (3900, 3.7), (3950, 3.2),
    (4000, 2.73), (4100, 2.28), (4200, 1.87), (4300, 1.61), (4400, 1.39), (4500, 1.22),
    (4600, 1.08), (4700, 0.96), (4800, 0.84), (5000, 0.76), (5200, 0.755), (5400, 0.76),
    (5600, 0.82), (5700, 0.90), (5800, 0.96), (5850, 1.00), (5900, 0.93), (5950, 0.75),
    (6000, 0.64), (6100, 0.52), (6250, 0.43), (6400, 0.36), (6500, 0.33), (6700, 0.27),
    (7000, 0.229), (7300, 0.22), (7550, 0.21), (7590, 0.22), (7606, 1.26), (7618, 0.45),
    (7630, 0.57), (7650, 0.28), (7700, 0.22), (8100, 0.244), (8300, 0.27), (8600, 0.33),
    (8800, 0.35), (8950, 0.43), (9000, 0.47), (9100, 0.53),
)  # fmt: skip
# ln rms of that curve between spectra of S/N 80 to 150, all points together: the arms are exposed
# and weighted apart
RESPONSE = (
    (3700, -0.25), (3800, -0.22), (4000, -0.14), (4250, -0.10), (4750, 0.0), (5000, 0.07),
    (5500, 0.16), (5800, 0.28), (6000, 0.28), (6500, 0.24), (9100, 0.24),
)  # fmt: skip
SKY_SPREAD = (
    1.15  # ln rms of the sky's brightness beside the star's, same S/N: 8348 Angstrom, S/N 8 to 40
)
SKY_EQUAL = 45.0  # S/N in g at which the sky has half its share of the variance; same stars
# Scatter over stated error of A stars of S/N 8 to 40 about 30 eigenspectra, DR10; the same of all
# with S/N above 150 gives the floor, in parts of the flux; lines of A stars that no eigenspectrum
# has are in it. In the red less 0.03 for what sky lines leave, which comes on top; so is NEIGHBOUR
# less 0.01 to 0.05.
SCATTER = (
    (3700, 0.84), (4000, 0.83), (4400, 0.79), (4800, 0.78), (5200, 0.735), (5550, 0.705),
    (5850, 0.71), (6000, 0.83), (6300, 0.80), (6700, 0.81), (7000, 0.83), (7400, 0.81),
    (7800, 0.86), (8200, 0.78), (8600, 0.76), (8800, 0.85), (8950, 1.02), (9100, 1.1),
)  # fmt: skip
FLOOR = (
    (3700, 0.014), (4000, 0.011), (4400, 0.007), (4800, 0.0045), (5200, 0.0038), (5600, 0.0033),
    (5850, 0.005), (5950, 0.0054), (6300, 0.003), (6700, 0.0027), (7400, 0.0022), (7800, 0.0024),
    (8200, 0.0022), (8600, 0.0033), (8950, 0.0075), (9100, 0.012),
)  # fmt: skip
# Correlation of neighbours, same residuals; that of two pixels apart is its square over 1 + 2
# NEIGHBOUR^2.
NEIGHBOUR = (
    (3700, 0.075), (4400, 0.055), (5200, 0.042), (5600, 0.045), (5900, 0.06), (6000, 0.03),
    (6300, 0.03), (7400, 0.035), (7900, 0.045), (8500, 0.04), (8600, 0.10), (8750, 0.08),
    (8900, 0.06), (9100, 0.06),
)  # fmt: skip
PILOT_SCATTER = (
    (5700, 1.0),
    (6000, 1.2),
    (6300, 1.4),
    (7200, 1.5),
    (9100, 1.5),
)  # over SCATTER: 80 spectra of 2011
PILOT_NEIGHBOUR = 0.28  # in the red arm; same spectra
COMMON, ARM = (
    0.085,
    0.075,
)  # ln rms of scatter over stated error: of the spectrum, and of each arm; S/N 20 to 40


class Observed(NamedTuple):
    """(n, 3909): flux with noise, the inverse variance stated, and the true error of each pixel."""

    flux: Float32
    ivar: Float32
    sigma: Float32


def observe(
    flux: Float32, snr_g: Array, pilot: Rows, recipe: Recipe, key: tuple[int, int]
) -> Observed:
    """Flux (n, 3909) as the telescope gives it,
    with stated median S/N per pixel snr_g (n,) in g.
    """
    photons, lines = stated_variance(flux, snr_g, recipe.rng("exposures", *key))
    stated = np.sqrt(photons + lines)
    out, sigma, rng = flux, stated, recipe.rng("noise", *key)
    if recipe.has("noise"):
        sigma = stated * _miscalibration(pilot, rng)
        out = out + sigma * _correlated(pilot, rng) + flux * _FLOOR * _waves(len(flux), rng)
    if recipe.has("sky_lines"):
        out = out + night.residue(np.sqrt(lines), recipe.rng("sky_lines", *key))
    return Observed(out, 1 / stated**2, sigma)


def stated_variance(
    flux: Float32, snr_g: Array, rng: np.random.Generator
) -> tuple[Float32, Float32]:
    """Of the star and the sky's continuum, and of the sky's lines,
    scaled so that the median S/N over g is snr_g.
    """
    first, last = _G
    level = np.median(flux[:, first:last:8], axis=1)[:, None]
    response, bright = rng.standard_normal((2, len(flux), 1), dtype=np.float32)
    sky = (level * np.exp(SKY_SPREAD * bright) / (1 + (snr_g[:, None] / SKY_EQUAL) ** 2)).astype(
        np.float32
    )
    photons = (
        np.maximum(flux, 1e-3 * level) * _PHOTONS * np.exp(response * _RESPONSE) + sky * _CONTINUUM
    )
    lines = sky * _AIRGLOW
    snr = flux[:, first:last:8] / np.sqrt((photons + lines)[:, first:last:8])
    scale = ((np.median(snr, axis=1) / snr_g) ** 2)[:, None].astype(np.float32)
    return photons * scale, lines * scale


def _miscalibration(pilot: Rows, rng: np.random.Generator) -> Float32:
    """True over stated error: a curve, wrong by some per cent for each spectrum and arm."""
    n = len(pilot)
    arms = COMMON * rng.standard_normal((n, 1)) + ARM * rng.standard_normal((n, 2))
    each = np.exp(arms).astype(np.float32)[:, (np.arange(N) >= JOIN_PIXEL).astype(int)]
    return each * _SCATTER[pilot.astype(int)]


def _correlated(pilot: Rows, rng: np.random.Generator) -> Float32:
    """Unit variance in each pixel, correlated with its neighbours."""
    white = rng.standard_normal((len(pilot), N + 2), dtype=np.float32)
    side, middle = _SIDES[pilot.astype(int)], _MIDDLES[pilot.astype(int)]
    return middle * white[:, 1:-1] + side * (white[:, 2:] + white[:, :-2])


def _waves(n: int, rng: np.random.Generator) -> Float32:
    """Unit variance, correlated over some pixels:
    straight lines between normal deviates two pixels apart.
    """
    knots = rng.standard_normal((n, N // 2 + 2), dtype=np.float32)
    out = np.empty((n, 2 * (N // 2 + 1)), dtype=np.float32)
    out[:, ::2] = knots[:, :-1]
    out[:, 1::2] = (knots[:, 1:] + knots[:, :-1]) * np.float32(np.sqrt(0.5))
    return out[:, :N]


def band_snr(observed: Observed) -> dict[str, Array]:
    """Median S/N per pixel in each band, by the stated noise."""
    snr = observed.flux * np.sqrt(observed.ivar)
    edges = {band: np.searchsorted(WAVELENGTH, limits) for band, limits in BANDS.items()}
    return {band: np.median(snr[:, a:b], axis=1).astype(float) for band, (a, b) in edges.items()}


def _curve(points: tuple[tuple[float, float], ...]) -> Float32:
    return np.interp(WAVELENGTH, *np.array(points).T).astype(np.float32)


def _kernels() -> tuple[Float32, Float32]:
    """Weights of a pixel and of each neighbour that give the correlation wanted:
    (2, 3909), by pilot.
    """
    usual = _curve(NEIGHBOUR)
    pilot = np.where(np.arange(N) >= JOIN_PIXEL, np.float32(PILOT_NEIGHBOUR), usual)
    rho = np.stack([usual, pilot])
    side = (1 - np.sqrt(1 - 2 * rho**2)) / (2 * rho)
    middle = 1 / np.sqrt(1 + 2 * side**2)
    return middle.astype(np.float32), (side * middle).astype(np.float32)


_PHOTONS, _RESPONSE, _FLOOR = _curve(PHOTONS), _curve(RESPONSE), _curve(FLOOR)
_CONTINUUM, _AIRGLOW = night.CONTINUUM.astype(np.float32), night.AIRGLOW.astype(np.float32)
_SCATTER = np.stack([_curve(SCATTER), _curve(SCATTER) * _curve(PILOT_SCATTER)])
_MIDDLES, _SIDES = _kernels()
_G = tuple(np.searchsorted(WAVELENGTH, BANDS["g"]).tolist())
