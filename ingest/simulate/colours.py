"""Colours: how far the stars' colours are from those of the isochrones that the build uses."""

import numpy as np
from numpy.typing import NDArray

from obcat.ingest.simulate.be_discs import BAND_WAVELENGTH
from obcat.ingest.simulate.dust import BANDS

__all__ = ["AMPLITUDE", "TILT", "colour_offsets"]

Array = NDArray[np.float64]
AMPLITUDE = 0.012  # mag, wave in log Teff with another phase in each band: as PARSEC and MIST differ (Chen et al. 2019)
TILT = 0.008  # mag between blue and red ends of the bands: as much as hot stars' colours depend on the Teff scale
MIDDLE, WIDTH = 4.15, 0.15  # log Teff where the tilt changes sign; and how fast


def colour_offsets(teff: Array) -> Array:
    """(n, bands) mag, never more than AMPLITUDE + TILT: 0.02."""
    x = np.log10(teff)[:, None]
    wave = np.sin((x - 4.0) * 4 + 1.3 * np.arange(len(BANDS)))
    number = np.array([1e4 / BAND_WAVELENGTH[band] for band in BANDS])
    colour = 2 * (number - number.min()) / np.ptp(number) - 1
    return AMPLITUDE * wave + TILT * np.tanh((x - MIDDLE) / WIDTH) * colour
