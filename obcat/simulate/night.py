"""Night: what the sky sends into a fibre, what its subtraction leaves, tellurics, resolution, and
what the calibration of each of the sixteen spectrographs does wrong in every exposure alike.
"""

import zlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat.kernels.grid import LOG_STEP, WAVELENGTH
from obcat.simulate.ingredients import Recipe
from obcat.simulate.survey_files import Value
from obcat.statistics import Array, Float32

__all__ = [
    "AIRGLOW",
    "AMOUNTS",
    "CONTINUUM",
    "RESOLUTION",
    "SHARED",
    "Air",
    "airs",
    "blurred",
    "draw_resolution",
    "left_over",
    "residue",
    "response",
    "wrong_sky",
]

RESOLUTION = 1800.0  # without this ingredient; Luo et al. (2015)
# Angstrom: widths of sky lines in the stated noise of 530 files of DR7, DR8, DR10, single lines
# only
FWHM_AT = (
    (3700, 2.55), (4360, 2.58), (5460, 2.60), (5700, 2.85), (5800, 3.80), (6300, 3.60),
    (7320, 3.40), (7520, 3.55), (7980, 3.95), (8400, 4.35), (9100, 4.90),
)  # fmt: skip
# ln rms of the width: medians of the 16 spectrographs at 5577 Angstrom scatter 0.11, errors
# included
FIBRE = 0.08
SHARPEST, BROADEST = 0.88, 1.25  # limits of that factor
PASSES = 3  # of a kernel of three pixels


def draw_resolution(n: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Sharpest resolution of each spectrum (n,), and the factor of its widths (n,)."""
    factor = np.clip(np.exp(FIBRE * rng.standard_normal(n)), SHARPEST, BROADEST)
    return _RESOLUTION.max() / factor, factor


def blurred(flux: Float32, factor: Array) -> Float32:
    """Flux (n, 3909) of the sharpest resolution -> of its own at each wavelength,
    a Gaussian to the second moment.
    """
    share = (_MORE[None] * (factor[:, None] ** 2 / (2 * PASSES))).astype(np.float32)
    out = flux
    for _ in range(PASSES):
        out = out.copy() if out is flux else out
        step = np.diff(out, axis=1)
        flow = step * (share[:, 1:] + share[:, :-1]) / 2
        out[:, :-1] += flow
        out[:, 1:] -= flow
    return out


_RESOLUTION = WAVELENGTH / np.interp(WAVELENGTH, *np.array(FWHM_AT).T)
_SIGMA = 1 / (_RESOLUTION * np.sqrt(8 * np.log(2)) * LOG_STEP * np.log(10))  # pixels
_MORE = _SIGMA**2 - _SIGMA.min() ** 2


# Variance of the sky beside that of an A star as faint as S/N 10 to 20, photons of the star in g
# being 1. Fitted to the stated inverse variances of 530 A stars of DR10 in five bins of S/N. Vacuum
# Angstrom.
CONTINUUM_AT = (
    (3700, 40.0), (3750, 35.0), (3800, 21.0), (3900, 8.5), (4000, 4.2), (4250, 2.1), (4500, 2.3),
    (4600, 1.3), (4750, 0.60), (5000, 0.50), (5500, 0.50), (5800, 0.55), (6000, 0.25),
    (6500, 0.035), (7000, 0.02), (9100, 0.02),
)  # fmt: skip
# of the fitted strengths below: their unit is another one; set by the comparison `obcat realism`
LINE_SHARE = 2.2
LINES = (
    (4359.1, 0.52), (5462.6, 0.14), (5578.3, 19.0), (5891.1, 2.06), (5896.6, 1.44), (5934.7, 0.20),
    (6302.3, 1.65), (6365.0, 0.26), (6865.9, 0.21), (7244.4, 0.42), (7277.8, 0.78), (7318.1, 0.53),
    (7343.4, 0.60), (7370.6, 0.34), (7404.6, 0.17), (7526.6, 0.28), (7573.6, 0.14), (7601.5, 0.54),
    (7717.9, 0.65), (7751.8, 1.19), (7762.5, 0.16), (7796.5, 0.66), (7810.9, 0.13), (7823.5, 0.93),
    (7843.3, 0.13), (7856.0, 1.03), (7872.3, 0.33), (7881.3, 0.15), (7892.2, 0.32), (7915.9, 1.59),
    (7932.3, 0.15), (7967.1, 1.09), (7981.8, 0.19), (7994.7, 1.12), (8027.9, 0.67), (8064.9, 0.21),
    (8289.0, 0.87), (8300.4, 1.13), (8311.9, 0.18), (8348.3, 4.14), (8356.0, 0.71), (8367.6, 0.17),
    (8383.0, 0.43), (8402.3, 2.65), (8417.8, 0.64), (8433.3, 3.42), (8454.7, 0.51), (8468.4, 2.20),
    (8495.7, 0.31), (8507.5, 0.92), (8548.7, 0.24), (8631.8, 0.46), (8640.0, 0.45), (8648.0, 0.45),
    (8656.0, 0.50), (8663.6, 0.57), (8677.6, 0.21), (8766.0, 3.05), (8780.1, 2.87),
    (8792.2, 0.56), (8830.8, 11.74), (8838.9, 2.90), (8851.2, 0.61), (8869.5, 2.02), (8887.9, 6.99),
    (8906.4, 1.87), (8922.8, 9.10), (8945.4, 2.11), (8959.8, 8.02), (8990.8, 1.22), (9003.3, 4.67),
    (9040.7, 0.75), (9051.1, 2.04),
)  # fmt: skip
STAR_AT = (
    (5400, 0.78),
    (6300, 0.60),
    (7200, 0.46),
    (8000, 0.38),
    (9100, 0.33),
)  # flux of an A star, g being 1
SKY_LEFT, LEFT_LINE = (
    0.35,
    0.7,
)  # what is left in units of the lines' noise: of all together, and by wavelength
OXYGEN, OXYGEN_END = (
    2.3,
    6400.0,
)  # times that in the lines of atomic oxygen, which change faster than the hydroxyl's
LEFT_SPREAD = 0.5  # ln rms between spectra; all four: residuals of A stars of S/N 8 to 80, DR10
SHIFTED = 0.7  # of lines taken off a little to one side: residuals two pixels apart are opposite
WRONG = (0.3, 1.5)  # wrong sky: its continuum over the star's flux in g


def residue(sky_sigma: Float32, rng: np.random.Generator) -> Float32:
    """(n, 3909) flux left where lines were taken off; sky_sigma is the noise of the lines alone."""
    n, _ = sky_sigma.shape
    out = rng.standard_normal(sky_sigma.shape, dtype=np.float32)
    out *= np.float32(LEFT_LINE)
    all_lines, shift = rng.standard_normal((2, n, 1), dtype=np.float32)
    out += np.float32(SKY_LEFT) * all_lines + np.float32(SHIFTED) * shift * _SLOPE
    size = np.exp(LEFT_SPREAD * rng.standard_normal((n, 1))).astype(np.float32)
    out *= sky_sigma * _LEFT * size
    return out


def wrong_sky(level: float, rng: np.random.Generator) -> Array:
    """(3909,) the light of a sky that was not taken off, or taken off twice,
    of a star with this flux in g.
    """
    sign = 1 if rng.random() < 0.5 else -1
    return sign * level * rng.uniform(*WRONG) * (1 + AIRGLOW)


def _airglow() -> Array:
    width = np.interp(WAVELENGTH, *np.array(FWHM_AT).T) / np.sqrt(8 * np.log(2))
    lines = (s * np.exp(-0.5 * ((WAVELENGTH - centre) / width) ** 2) for centre, s in LINES)
    return (
        LINE_SHARE
        * sum(lines, np.zeros(len(WAVELENGTH)))
        * np.interp(WAVELENGTH, *np.array(STAR_AT).T)
    )


CONTINUUM = np.interp(WAVELENGTH, *np.array(CONTINUUM_AT).T)
AIRGLOW = _airglow()
_LEFT = np.where(WAVELENGTH < OXYGEN_END, OXYGEN, 1.0).astype(np.float32)
# of the lines by pixel, over their strength
_SLOPE = np.clip(np.gradient(AIRGLOW) / (AIRGLOW + 1e-3), -1, 1).astype(np.float32)


LATITUDE = np.radians(40.39)  # of LAMOST
HOUR_ANGLE = np.radians(22.5)  # it follows a field for one and a half hours about the meridian
BANDS = {  # centre, half width (Angstrom), share of the deepest
    "oxygen": (
        (6884, 16, 0.7),
        (6915, 25, 0.35),
        (7605, 14, 1.0),
        (7640, 28, 0.7),
        (6288, 10, 0.15),
    ),
    "water": (
        (7185, 30, 0.6),
        (7245, 50, 0.5),
        (7300, 30, 0.3),
        (8160, 40, 0.5),
        (8230, 60, 0.7),
        (8310, 40, 0.3),
    ),
    "far": ((8990, 60, 0.7), (9060, 70, 1.0)),
}
# rms of the depth left at airmass 1.2, by spectrograph and by fibre, and its median: depths of 570
# A stars of DR10
# (S/N above 40) and 125 spectra of DR8 between side bands, less what the same measure gives where
# no band is
AIR_LEFT = {
    "oxygen": (0.006, 0.004, 0.002),
    "water": (0.005, 0.004, 0.002),
    "far": (0.03, 0.02, 0.0),
}
AIRMASS, WATER_SPREAD = 1.2, 0.5  # typical; ln rms of the column of water between nights


class Air(NamedTuple):
    """What the stars of one spectrograph share on one night."""

    airmass: float
    water: float
    excess: Array


def airs(cards: Sequence[Mapping[str, Value]], recipe: Recipe) -> list[Air]:
    """The air above each visit, from streams keyed by plate, night and spectrograph."""
    names = [(f"{c['PLANID']}-{c['LMJD']}", int(c["SPID"]), float(c["DEC"])) for c in cards]
    return [_air(*name, recipe) for name in names]


def _air(plate: str, spectrograph: int, dec: float, recipe: Recipe) -> Air:
    key = zlib.crc32(plate.encode())
    night, own = recipe.rng("tellurics", key), recipe.rng("tellurics", key, spectrograph)
    hour, d = HOUR_ANGLE * night.uniform(-1, 1), np.radians(dec)
    height = np.sin(LATITUDE) * np.sin(d) + np.cos(LATITUDE) * np.cos(d) * np.cos(hour)
    return Air(
        1 / max(height, 0.3),
        np.exp(WATER_SPREAD * night.standard_normal()),
        own.standard_normal(len(BANDS)),
    )


def left_over(above: Sequence[Air], rng: np.random.Generator) -> Float32:
    """(n, 3909) factors on the flux: bands left, or overcorrected,
    in proportion to the air and water passed.
    """
    spectrograph, fibre, median = np.array([AIR_LEFT[name] for name in BANDS]).T
    air = np.array([a.airmass for a in above])[:, None] / AIRMASS
    column = air * np.stack(
        [np.ones(len(above)), *[np.array([a.water for a in above])] * 2], axis=1
    )
    own = rng.standard_normal((len(above), len(BANDS)))
    depth = column * (median + spectrograph * np.array([a.excess for a in above]) + fibre * own)
    return (1 - depth @ _SHAPES).astype(np.float32)


def _shape(band: tuple[tuple[float, float, float], ...]) -> Array:
    humps = (
        share * np.exp(-np.log(2) * ((WAVELENGTH - centre) / half) ** 2)
        for centre, half, share in band
    )
    return sum(humps, np.zeros(len(WAVELENGTH)))


_SHAPES = np.stack([_shape(band) for band in BANDS.values()])


# ln of the response beside that of all spectrographs, three shapes: the arms do not meet, and the
# red one begins with waves. From 250 A stars of DR10 (nights of 2021 and 2022), one half of the
# real files at hand, medians by spectrograph; the shapes hold 0.98 of their variance between
# 5,500 and 8,500 Angstrom. Nights before 2018 have little of it.
AT = (
    5600, 5750, 5820, 5860, 5880, 5900, 5920, 5940, 5960, 5980, 6000, 6020, 6050, 6080, 6110, 6150,
    6200, 6250, 6300, 6350, 6400, 6450, 6500, 6650, 6800, 7300, 7440, 7560, 7760, 7840, 7920, 8060,
    8300, 8500,
)  # fmt: skip
SHAPES = (
    (0.00, -0.02, -0.10, -0.01, 0.22, 0.62, 0.85, 0.80, 0.50, 0.00, -0.44, -0.75, -1.00, -0.99,
    -0.90, -0.90, -0.74, -0.62, -0.56, -0.66, -0.84, -0.87, -0.80, -0.74, -0.80, -0.78, -0.76,
    -0.78, -0.80, -0.65, -0.84, -0.77, -0.80, -0.78),
    (0.00, -0.06, 0.10, 0.04, -0.02, -0.10, -0.21, -0.67, -0.99, -1.00, -0.82, -0.53, -0.02, 0.31,
    0.37, 0.21, -0.02, -0.23, -0.21, -0.08, 0.02, 0.11, 0.06, -0.05, 0.00, -0.05, 0.02, -0.06,
    -0.01, -0.04, -0.05, 0.00, -0.03, 0.01),
    (0.00, 0.08, 0.02, 0.26, 0.55, 0.73, 1.00, 0.82, 0.22, -0.27, -0.61, -0.78, -0.57, -0.23, 0.02,
    0.14, 0.10, 0.17, 0.13, -0.13, -0.04, 0.01, 0.07, -0.02, 0.05, 0.07, 0.11, 0.06, 0.07, 0.21,
    -0.01, 0.11, 0.01, -0.04),
)  # fmt: skip
AMOUNTS = (  # of each shape, by spectrograph
    (-0.100, -0.081, -0.021), (-0.125, -0.044, -0.024), (0.034, 0.072, -0.028),
    (0.015, 0.040, -0.009), (0.012, -0.054, -0.019), (0.134, -0.094, -0.047),
    (0.012, 0.015, 0.003), (0.005, 0.018, 0.010), (0.031, -0.049, -0.015), (0.010, 0.005, 0.006),
    (0.022, 0.045, -0.024), (0.010, 0.028, -0.030), (0.079, -0.021, 0.038),
    (0.025, -0.088, 0.033), (0.008, 0.009, 0.021), (-0.006, -0.041, 0.033),
)  # fmt: skip
# those amounts in a survey few of whose nights are so late; their rms between visits, same stars
SIZE, VISIT = 0.85, 0.15
# rms of ripples of a visit, ln, and the pixels they change over: depths at 6,700 Angstrom, where no
# band is, of A stars of S/N above 150: 0.0034, half the range of two in three
RIPPLE, RIPPLE_PIXELS = 0.0025, 40
# ln, all spectrographs and releases alike: a wave, and an edge in the water band. Median of 224 A
# stars of S/N above 40 of the same half, less what the hot stars' own spectra have there
SHARED = (
    (6070, 0.0), (6095, 0.003), (6140, -0.005), (6167, -0.009), (6190, 0.003), (6217, 0.009),
    (6240, 0.002), (6270, 0.0), (8180, 0.0), (8200, 0.004), (8240, 0.0), (8268, 0.0),
    (8276, -0.015), (8310, -0.011), (8341, -0.011), (8351, 0.006), (8420, 0.004), (8450, 0.0),
)  # fmt: skip


def response(spectrograph: NDArray[np.int64], rng: np.random.Generator) -> Float32:
    """(n, 3909) factors on the flux, from numbers of spectrographs (n,), 1 to 16."""
    drawn = rng.standard_normal((len(spectrograph), 1 + len(_RIPPLES)), dtype=np.float32)
    size = SIZE + VISIT * drawn[:, :1]
    amount = np.array(AMOUNTS, dtype=np.float32)[spectrograph - 1] * size
    return np.exp(amount @ _RESPONSES + drawn[:, 1:] @ _RIPPLES + _SHARED)


def _ripples() -> Float32:
    """A triangle about each point of equal distance: straight lines between them."""
    at = np.arange(0, len(WAVELENGTH) + RIPPLE_PIXELS, RIPPLE_PIXELS)
    pixel = np.arange(len(WAVELENGTH))
    unit = np.eye(len(at))
    return np.stack([RIPPLE * np.interp(pixel, at, row) for row in unit]).astype(np.float32)


_RESPONSES = np.stack([np.interp(WAVELENGTH, AT, shape) for shape in SHAPES]).astype(np.float32)
_RIPPLES = _ripples()
_SHARED = np.interp(WAVELENGTH, *np.array(SHARED).T).astype(np.float32)
