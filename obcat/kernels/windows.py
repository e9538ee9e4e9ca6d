"""Which pixels of the grid are used for what (METHOD section 2); wavelengths in vacuum, Angstrom."""

from functools import cache

import numpy as np

from obcat.kernels.grid import WAVELENGTH

__all__ = [
    "BANDS",
    "EMISSION_LINES",
    "EMISSION_RANGES",
    "around",
    "clean_pixels",
    "full_pixels",
    "line_pixels",
]

# Telluric bands and Na I D, used by neither network: paper, section 5.1.
BANDS = ((5720, 6050), (6270, 6380), (6800, 6990), (7100, 7320), (7520, 7740), (8050, 8350))

# Out of the clean windows as a whole: Balmer lines crowd below 3,800, Paschen lines above 8,200 (assumed).
EMISSION_RANGES = ((3700, 3800), (8200, 9200))

# Lines seen in emission in hot stars and H II regions: name, vacuum wavelength (NIST), half width left out (assumed;
# the paper gives the windows in its figure 2 only). Multiplets carry their mean wavelength.
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


def between(low: float, high: float) -> np.ndarray:
    return (low <= WAVELENGTH) & (high >= WAVELENGTH)


def around(centre: float, halfwidth: float) -> np.ndarray:
    """(3909,) True within ``halfwidth`` of ``centre``, Angstrom."""
    return between(centre - halfwidth, centre + halfwidth)


@cache
def line_pixels() -> np.ndarray:
    """(3909,) True in the windows of the lines of `EMISSION_LINES`."""
    return frozen(
        np.any([around(centre, halfwidth) for _, centre, halfwidth in EMISSION_LINES], axis=0)
    )


@cache
def full_pixels(pca_min_wavelength: float, pca_max_wavelength: float) -> np.ndarray:
    """(3909,) True in the range used, the six bands left out: the pixels of the non-emission network."""
    bands = np.any([between(*band) for band in BANDS], axis=0)
    return frozen(between(pca_min_wavelength, pca_max_wavelength) & ~bands)


@cache
def clean_pixels(pca_min_wavelength: float, pca_max_wavelength: float) -> np.ndarray:
    """(3909,) True in the clean windows: as `full_pixels`, without lines and ranges seen in emission."""
    ranges = np.any([between(*limits) for limits in EMISSION_RANGES], axis=0)
    return frozen(full_pixels(pca_min_wavelength, pca_max_wavelength) & ~ranges & ~line_pixels())


def frozen(mask: np.ndarray) -> np.ndarray:
    mask.flags.writeable = False
    return mask
