"""Interstellar: the lines that gas and dust between us and the star put on a spectrum."""

import numpy as np
from numpy.typing import NDArray

from obcat.ingest.simulate.lines import FREQUENCY, PIXEL, stamped
from obcat.kernels.grid import LIGHT_SPEED

__all__ = ["DIB", "equivalent_widths", "gas_velocity", "transmission"]

Array = NDArray[np.float64]
Float32 = NDArray[np.float32]
DIB = (  # vacuum Angstrom, Angstrom per mag of E(B-V), full width: Friedman et al. (2011); 4430: Snow et al. (2002)
    (4430.1, 2.0, 20.0), (5782.1, 0.50, 2.1), (5798.7, 0.17, 0.8), (6285.6, 1.0, 4.5), (6615.1, 0.20, 1.0),
)  # fmt: skip
SODIUM = ((5891.58, 2.16, 1.91), (5897.56, 2.47, 1.76))  # log E(B-V) = slope EW - offset: Poznanski et al. (2012)
CALCIUM = ((3934.77, 0.40, 0.35), (3969.59, 0.25, 0.22))  # Angstrom per mag at first, Angstrom at most: assumed
FAINTEST = 0.03  # mag; sodium is linear in E(B-V) below, where the relation has lost its stars
CLOUD = 15.0  # km/s, sigma of the atoms' velocities along a line of sight
SOLAR_MOTION = (11.1, 12.24, 7.25)  # km/s toward l, b = (0, 0), (90, 0), (, 90): Schoenrich et al. (2010)
TO_GALACTIC = np.array(  # rows: Galactic axes in ICRS, Hipparcos catalogue vol. 1
    [
        [-0.0548755604, -0.8734370902, -0.4838350155],
        [0.4941094279, -0.4448296300, 0.7469822445],
        [-0.8676661490, -0.1980763734, 0.4559837762],
    ]
)
GAS_SPREAD = 10.0  # km/s of clouds about the local standard of rest


def gas_velocity(ra: Array, dec: Array, rng: np.random.Generator) -> Array:
    """Heliocentric km/s (n,) of gas near the local standard of rest."""
    a, d = np.radians(ra), np.radians(dec)
    toward = TO_GALACTIC @ np.stack([np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)])
    return GAS_SPREAD * rng.standard_normal(len(ra)) - SOLAR_MOTION @ toward


def equivalent_widths(ebv: Array) -> Array:
    """Angstrom (n, lines): diffuse bands, sodium, calcium."""
    dust = np.maximum(ebv, 0)[:, None]
    bands = dust * np.array([strength for _, strength, _ in DIB])
    slope, offset = np.array([row[1:] for row in SODIUM]).T
    sodium = (np.log10(np.maximum(dust, FAINTEST)) + offset) / slope * np.minimum(dust / FAINTEST, 1)
    first, most = np.array([row[1:] for row in CALCIUM]).T
    return np.concatenate([bands, sodium, most * (1 - np.exp(-dust * first / most))], axis=1)


def transmission(ebv: Array, rv: Array, resolution: Array) -> Float32:
    """(n, 3909) for gas at heliocentric rv (n,), seen with resolution (n,)."""
    spread = np.exp(-0.5 * (_SIGMA[:, None] / PIXEL * FREQUENCY) ** 2)
    transform = equivalent_widths(ebv)[..., None] * spread + 0j
    each = np.repeat(resolution[:, None], len(_CENTRES), axis=1)
    return np.exp(-stamped(_CENTRES, transform, rv, each)).astype(np.float32)


_CENTRES = np.array([row[0] for row in (*DIB, *SODIUM, *CALCIUM)])
_SIGMA = np.array([w / c * LIGHT_SPEED / np.sqrt(8 * np.log(2)) for c, _, w in DIB] + [CLOUD] * 4)
