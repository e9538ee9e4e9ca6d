"""The common grid of LAMOST low-resolution spectra (METHOD section 1): log10 of vacuum wavelength in Angstrom."""

import numpy as np

__all__ = ["LIGHT_SPEED", "LOG_START", "LOG_STEP", "N_PIXEL", "WAVELENGTH"]

N_PIXEL = 3909
LOG_START = 3.5682
LOG_STEP = 1e-4
WAVELENGTH = 10 ** (LOG_START + LOG_STEP * np.arange(N_PIXEL))
WAVELENGTH.flags.writeable = False
LIGHT_SPEED = 299792.458  # km/s
