"""The grids that all share: of wavelength, with placing, masking, S/N, and the windows without
H alpha; and the pixels of the sky.
"""

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

__all__ = [
    "BANDS",
    "DEEPEST",
    "EMISSION_LINES",
    "EMISSION_RANGES",
    "G_BAND",
    "HIGHER_BALMER",
    "LIGHT_SPEED",
    "LOG_START",
    "LOG_STEP",
    "N_PIXEL",
    "PHASE_TOLERANCE",
    "WAVELENGTH",
    "around",
    "clean_pixels",
    "full_pixels",
    "gapped_pixels",
    "lifted_pixels",
    "line_pixels",
    "median",
    "nebular_pixels",
    "on_grid",
    "placed",
    "sky_pixel",
    "snr_g",
    "usable",
]

N_PIXEL = 3909
LOG_START = 3.5682
LOG_STEP = 1e-4
WAVELENGTH = 10 ** (LOG_START + LOG_STEP * np.arange(N_PIXEL))
WAVELENGTH.flags.writeable = False
LIGHT_SPEED = 299792.458  # km/s
PHASE_TOLERANCE = (
    0.1  # pixel (7 km/s); the largest offset seen is 0.02, in files with FIB_MASK = -1
)
WIDEST_STEP = 4.0  # times the median step: more is a gap, not to be bridged
G_BAND = slice(*np.searchsorted(WAVELENGTH, (4000.0, 5500.0)).tolist())


def usable(flux: np.ndarray, ivar: np.ndarray, ormask: ArrayLike = 0) -> NDArray[np.bool_]:
    """Pixels with a finite flux other than 0, a finite inverse variance above 0 and no mask bit;
    shape as given.
    """
    with np.errstate(invalid="ignore"):
        return (
            np.isfinite(flux)
            & np.isfinite(ivar)
            & (flux != 0)
            & (ivar > 0)
            & (np.asarray(ormask) == 0)
        )


def placed(rows: np.ndarray, first: int, dtype: DTypeLike = np.float32) -> np.ndarray:
    """(..., p) values put on the grid from pixel ``first``: (..., 3909), 0 elsewhere;
    what lies outside is left out.
    """
    out = np.zeros((*rows.shape[:-1], N_PIXEL), dtype)
    start, end = max(first, 0), min(first + rows.shape[-1], N_PIXEL)
    if start < end:
        out[..., start:end] = rows[..., start - first : end - first]
    return out


def snr_g(flux: np.ndarray, ivar: np.ndarray) -> float:
    """Median of flux times the root of ivar over the good pixels (ivar > 0) from 4000 to 5500
    Angstrom.

    flux, ivar : (3909,); NaN where no pixel is good.
    """
    flux, ivar = flux[G_BAND].astype(float), ivar[G_BAND].astype(float)
    good = ivar > 0
    return median(flux[good] * np.sqrt(ivar[good])) if good.any() else np.nan


def median(values: np.ndarray) -> float:
    """The median of (n > 0,) finite values, as numpy.median but faster for a single row."""
    half = values.size // 2
    if values.size % 2:
        return float(np.partition(values, half)[half])
    low, high = np.partition(values, (half - 1, half))[half - 1 : half + 1]
    return (float(low) + float(high)) / 2


def on_grid(
    wavelength: np.ndarray, flux: np.ndarray, ivar: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """A user's spectra on the common grid: by offset where they are on it, else by linear
    interpolation.

    Pixels that they do not reach, or in a gap of theirs, are masked.

    Parameters
    ----------
    wavelength : (p,) Angstrom, vacuum, heliocentric, ascending
    flux, ivar : (n, p), inverse variance; what is not ``usable`` counts as masked

    Returns
    -------
    flux, ivar : (n, 3909) float32; flux 0 and ivar 0 where masked. Interpolation carries the
        variance of the weighted sum; that neighbouring pixels are correlated by it is not told

    Raises
    ------
    ValueError where shapes do not agree or wavelengths do not ascend
    """
    if flux.shape != ivar.shape or flux.ndim != 2 or wavelength.shape != flux.shape[1:]:
        raise ValueError(
            f"wavelength {wavelength.shape}, flux {flux.shape}, ivar {ivar.shape}: need (p,), "
            "(n, p), (n, p)"
        )
    if len(wavelength) < 2 or not (wavelength[0] > 0 and (np.diff(wavelength) > 0).all()):
        raise ValueError("wavelengths must be positive and ascend, two at least")
    good = usable(flux, ivar)
    flux, ivar = np.where(good, flux, 0), np.where(good, ivar, 0)
    pixel = (np.log10(wavelength) - LOG_START) / LOG_STEP
    whole = np.round(pixel).astype(int)
    if np.abs(pixel - whole).max() <= PHASE_TOLERANCE and (np.diff(whole) == 1).all():
        return placed(flux, int(whole[0])), placed(ivar, int(whole[0]))
    return _interpolated(pixel, flux, ivar)


def _interpolated(
    pixel: np.ndarray, flux: np.ndarray, ivar: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Values at pixels 0 ... 3908 between samples at ``pixel`` (p,), linear in log wavelength."""
    target = np.arange(N_PIXEL)
    below = np.clip(np.searchsorted(pixel, target, side="right") - 1, 0, len(pixel) - 2)
    step = np.diff(pixel)
    upper = (target - pixel[below]) / step[below]
    reached = (upper >= 0) & (upper <= 1) & (step[below] <= WIDEST_STEP * max(np.median(step), 1.0))
    lower, upper = np.where(reached, 1 - upper, 0), np.where(reached, upper, 0)
    good = (
        reached & ((ivar[:, below] > 0) | (lower == 0)) & ((ivar[:, below + 1] > 0) | (upper == 0))
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.where(lower > 0, lower**2 / ivar[:, below], 0) + np.where(
            upper > 0, upper**2 / ivar[:, below + 1], 0
        )
        value = lower * flux[:, below] + upper * flux[:, below + 1]
        return np.where(good, value, 0).astype(np.float32), np.where(good, 1 / variance, 0).astype(
            np.float32
        )


# Telluric bands and Na I D, used by neither network: paper, section 5.1.
BANDS = ((5720, 6050), (6270, 6380), (6800, 6990), (7100, 7320), (7520, 7740), (8050, 8350))

# Out of the clean windows as a whole: Balmer lines crowd below 3,800, Paschen lines above 8,200
# (assumed).
EMISSION_RANGES = ((3700, 3800), (8200, 9200))

# Lines seen in emission in hot stars and H II regions: name, vacuum wavelength (NIST), half width
# left out (assumed; the paper gives the windows in its figure 2 only). Multiplets carry their mean
# wavelength.
EMISSION_LINES = (
    ("H alpha", 6564.6, 40),
    ("H beta", 4862.7, 30),
    ("H gamma", 4341.7, 25),
    ("H delta", 4102.9, 25),
    ("H epsilon", 3971.2, 15),
    ("H 8", 3890.2, 15),
    ("H 9", 3836.5, 15),
    ("He I 5876", 5877.2, 12),
    ("He I 6678", 6680.0, 12),
    ("He I 7065", 7067.2, 12),
    ("O I 7774", 7776.3, 15),
    ("O I 8446", 8448.7, 15),
    ("Ca II 8498", 8500.4, 15),
    ("Ca II 8542", 8544.4, 15),
    ("Ca II 8662", 8664.5, 15),
    ("Fe II 5018", 5019.8, 8),
    ("Fe II 5169", 5170.5, 8),
    ("Fe II 5317", 5318.1, 8),
    ("[N II] 6548", 6549.9, 8),
    ("[N II] 6583", 6585.3, 8),
    ("[S II] 6716", 6718.3, 8),
    ("[S II] 6731", 6732.7, 8),
    ("[O III] 4959", 4960.3, 8),
    ("[O III] 5007", 5008.2, 8),
)


# They emit little and absorb much: the pseudo-continuum is taken with them, without the rest.
HIGHER_BALMER = frozenset({"H gamma", "H delta", "H epsilon", "H 8", "H 9"})


def _between(low: float, high: float) -> np.ndarray:
    return (low <= WAVELENGTH) & (high >= WAVELENGTH)


def around(centre: float, halfwidth: float) -> np.ndarray:
    """(3909,) True within ``halfwidth`` of ``centre``, Angstrom."""
    return _between(centre - halfwidth, centre + halfwidth)


@cache
def line_pixels() -> np.ndarray:
    """(3909,) True in the windows of the lines of `EMISSION_LINES`."""
    return _frozen(
        np.any([around(centre, halfwidth) for _, centre, halfwidth in EMISSION_LINES], axis=0)
    )


@cache
def lifted_pixels() -> np.ndarray:
    """(3909,) True in the windows of the lines of `EMISSION_LINES` but the `HIGHER_BALMER` ones:
    in emission they would lift a smoothed spectrum.
    """
    windows = [around(*window) for name, *window in EMISSION_LINES if name not in HIGHER_BALMER]
    return _frozen(np.any(windows, axis=0))


NEBULAR = ("H ", "He I ", "[")  # how the names of lines begin that nebulae emit
NEBULAR_HALFWIDTH = 6.0  # Angstrom: all of an unresolved line at R = 1800


@cache
def nebular_pixels() -> np.ndarray:
    """(3909,) True in the cores of the lines of `EMISSION_LINES` that nebulae emit; what is beside
    them is the star's.
    """
    cores = [
        around(centre, NEBULAR_HALFWIDTH)
        for name, centre, _ in EMISSION_LINES
        if name.startswith(NEBULAR)
    ]
    return _frozen(np.any(cores, axis=0))


@cache
def full_pixels(pca_min_wavelength: float, pca_max_wavelength: float) -> np.ndarray:
    """(3909,) True in the range used, the six bands left out:
    the pixels of the non-emission network.
    """
    bands = np.any([_between(*band) for band in BANDS], axis=0)
    return _frozen(_between(pca_min_wavelength, pca_max_wavelength) & ~bands)


@cache
def gapped_pixels(
    pca_min_wavelength: float, pca_max_wavelength: float, full_gap_min: float, full_gap_max: float
) -> np.ndarray:
    """(3909,) `full_pixels` without those from ``full_gap_min`` to ``full_gap_max``, Angstrom;
    without any gap where the first is not below the second.
    """
    full = full_pixels(pca_min_wavelength, pca_max_wavelength)
    return _frozen(full & ~(_between(full_gap_min, full_gap_max) & (full_gap_min < full_gap_max)))


@cache
def clean_pixels(pca_min_wavelength: float, pca_max_wavelength: float) -> np.ndarray:
    """(3909,) True in the clean windows:
    as `full_pixels`, without lines and ranges seen in emission.
    """
    ranges = np.any([_between(*limits) for limits in EMISSION_RANGES], axis=0)
    return _frozen(full_pixels(pca_min_wavelength, pca_max_wavelength) & ~ranges & ~line_pixels())


def _frozen(mask: np.ndarray) -> np.ndarray:
    mask.flags.writeable = False
    return mask


DEEPEST = 29  # of HEALPix in 64 bits
SPREAD = (
    (16, 0x0000FFFF0000FFFF),
    (8, 0x00FF00FF00FF00FF),
    (4, 0x0F0F0F0F0F0F0F0F),
    (2, 0x3333333333333333),
    (1, 0x5555555555555555),
)


def sky_pixel(ra: ArrayLike, dec: ArrayLike) -> NDArray[np.int64]:
    """(n,) pixel of HEALPix of the deepest order, nested: the face of the sky, and in it the bits
    of x and y in turn (Gorski et al. 2005). Libraries that know it take longer to be loaded than
    to cut a survey.

    ra, dec : (n,) degrees, ICRS; NaN counts as 0
    """
    ra, dec = np.nan_to_num(np.asarray(ra, float)), np.nan_to_num(np.asarray(dec, float))
    side = 2**DEEPEST
    turn, z = np.mod(ra, 360) / 90, np.sin(np.radians(dec))
    falling, rising = (np.floor(side * (0.5 + turn + s * 0.75 * z)).astype(int) for s in (-1, 1))
    a, b = falling // side, rising // side
    face = np.where(a == b, a % 4 + 4, np.where(a < b, a, b + 8))
    x, y = rising % side, side - 1 - falling % side
    quarter = np.minimum(turn.astype(int), 3)
    out = side * np.cos(np.radians(dec)) * np.sqrt(3 / (1 + np.abs(z)))  # from the pole
    left, right = (
        np.minimum((part * out).astype(int), side - 1)
        for part in (turn - quarter, 1 + quarter - turn)
    )
    polar, north = np.abs(z) > 2 / 3, z > 0
    face = np.where(polar, np.where(north, quarter, quarter + 8), face)
    x = np.where(polar, np.where(north, side - 1 - right, left), x)
    y = np.where(polar, np.where(north, side - 1 - left, right), y)
    return (face << 2 * DEEPEST) | _spread(x) | (_spread(y) << 1)


def _spread(bits: NDArray[np.int64]) -> NDArray[np.int64]:
    """Each bit at twice its place."""
    for shift, mask in SPREAD:
        bits = (bits | bits << shift) & mask
    return bits
