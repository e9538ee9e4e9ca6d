"""Motion: velocities of both stars at each visit, and what the pipeline would measure."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat.ingest.simulate.dust import BANDS
from obcat.ingest.simulate.isochrones import COLUMNS
from obcat.ingest.simulate.sky import Sky
from obcat.ingest.simulate.visits import Visits

__all__ = ["Motion", "draw_motion"]

Array = NDArray[np.float64]
ERROR, ERROR_FAINT, FAINT_SNR = 5.0, 10.0, 20.0  # km/s at high S/N; added at S/N of 20 and below
V = BANDS.index("v")
FIRST_BAND = COLUMNS.index(BANDS[0])


class Motion(NamedTuple):
    """km/s, one row a visit: both stars, the mean by their light in V, the header's value and its error."""

    primary: Array
    companion: Array
    system: Array
    measured: Array
    error: Array


def draw_motion(sky: Sky, visits: Visits, rng: np.random.Generator) -> Motion:
    """Circular orbits caught at a phase drawn per visit."""
    b, at, n = sky.stars.binaries, visits.star, len(visits.star)
    swing = b.semi_amplitude[at] * np.sin(2 * np.pi * rng.random(n))
    primary = sky.rv[at] + swing
    companion = sky.rv[at] - swing / b.mass_ratio[at]
    bright = 10 ** (-0.4 * sky.stars.primary[at, FIRST_BAND + V])
    share = b.light[at, V] / (b.light[at, V] + bright)
    system = primary + share * np.nan_to_num(companion - primary)
    error = ERROR + ERROR_FAINT * np.minimum(FAINT_SNR / visits.snr_g, 1)
    return Motion(primary, companion, system, system + error * rng.standard_normal(n), error)
