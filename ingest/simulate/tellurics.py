"""Tellurics: what the correction of the Earth's oxygen and water bands left over or took off too much."""

import zlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat.ingest.simulate.header import Value
from obcat.ingest.simulate.recipe import Recipe
from obcat.kernels.grid import WAVELENGTH

__all__ = ["Air", "airs", "left_over"]

Array = NDArray[np.float64]
Float32 = NDArray[np.float32]
LATITUDE = np.radians(40.39)  # of LAMOST
HOUR_ANGLE = np.radians(22.5)  # it follows a field for one and a half hours about the meridian
BANDS = {  # centre, half width (Angstrom), share of the deepest
    "oxygen": ((6884, 16, 0.5), (6915, 25, 0.25), (7605, 14, 1.0), (7640, 28, 0.7), (6288, 10, 0.15)),
    "water": ((7185, 30, 0.6), (7245, 50, 0.5), (7300, 30, 0.3), (8160, 40, 0.5), (8230, 60, 0.7), (8310, 40, 0.3)),
    "far": ((8990, 60, 0.7), (9060, 70, 1.0)),
}
# rms of the depth left at airmass 1.2, by spectrograph and by fibre, and its median: depths of 570 A stars of DR10
# (S/N above 40) and 125 spectra of DR8 between side bands, less what the same measure gives where no band is
LEFT = {"oxygen": (0.006, 0.004, 0.002), "water": (0.005, 0.004, 0.002), "far": (0.03, 0.02, 0.0)}
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
    return Air(1 / max(height, 0.3), np.exp(WATER_SPREAD * night.standard_normal()), own.standard_normal(len(BANDS)))


def left_over(above: Sequence[Air], rng: np.random.Generator) -> Float32:
    """(n, 3909) factors on the flux: bands left, or overcorrected, in proportion to the air and water passed."""
    spectrograph, fibre, median = np.array([LEFT[name] for name in BANDS]).T
    air = np.array([a.airmass for a in above])[:, None] / AIRMASS
    column = air * np.stack([np.ones(len(above)), *[np.array([a.water for a in above])] * 2], axis=1)
    own = rng.standard_normal((len(above), len(BANDS)))
    depth = column * (median + spectrograph * np.array([a.excess for a in above]) + fibre * own)
    return (1 - depth @ _SHAPES).astype(np.float32)


def _shape(band: tuple[tuple[float, float, float], ...]) -> Array:
    humps = (share * np.exp(-np.log(2) * ((WAVELENGTH - centre) / half) ** 2) for centre, half, share in band)
    return sum(humps, np.zeros(len(WAVELENGTH)))


_SHAPES = np.stack([_shape(band) for band in BANDS.values()])
