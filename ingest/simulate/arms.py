"""Arms: logarithmic spirals on the disc of young stars (Reid et al. 2019, table 2)."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["ARMS", "CONTRAST", "Arm", "overdensity", "radius"]

Array = NDArray[np.float64]
CONTRAST = 4.0  # young stars on the ridge of an arm over those between arms; chosen


class Arm(NamedTuple):
    """Azimuth (deg, 0 towards the Sun, growing with rotation) and radius (kpc) of the kink, pitch angles (deg) at
    smaller and at larger azimuth, and width (kpc, one sigma across the arm)."""

    azimuth: float
    radius: float
    before: float
    after: float
    width: float


ARMS = {
    "Scutum-Centaurus": Arm(23.0, 4.91, 14.1, 12.1, 0.23),
    "Sagittarius-Carina": Arm(24.0, 6.04, 17.1, 1.0, 0.27),
    "Local": Arm(9.0, 8.26, 11.4, 11.4, 0.31),
    "Perseus": Arm(40.0, 8.87, 10.3, 8.7, 0.35),
    "Outer": Arm(18.0, 12.24, 3.0, 9.4, 0.65),
}


def radius(arm: Arm, azimuth: Array) -> Array:
    """Distance of the ridge from the centre (kpc): ln(R / R_kink) = -(azimuth - kink) tan(pitch)."""
    angle = np.radians(azimuth - arm.azimuth)
    return arm.radius * np.exp(-angle * np.tan(np.radians(_pitch(arm, azimuth))))


def _pitch(arm: Arm, azimuth: Array) -> Array:
    return np.where(azimuth < arm.azimuth, arm.before, arm.after)


def overdensity(x: Array, y: Array) -> Array:
    """Density at Galactocentric x, y (kpc, the Sun at negative x) over that between arms: 1 to CONTRAST.

    Outside the azimuths where masers were measured the arms go on with the same pitch.
    """
    azimuth, r = np.degrees(np.arctan2(y, -x)), np.hypot(x, y)
    out = np.zeros(np.shape(r))
    for arm in ARMS.values():
        across = (r - radius(arm, azimuth)) * np.cos(np.radians(_pitch(arm, azimuth)))
        out = np.maximum(out, np.exp(-0.5 * (across / arm.width) ** 2))
    return 1 + (CONTRAST - 1) * out
