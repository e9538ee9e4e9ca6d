"""Motion: velocities of all stars at each visit, and what the pipeline would measure."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat.ingest.simulate.binaries import Binaries
from obcat.ingest.simulate.dust import BANDS
from obcat.ingest.simulate.isochrones import COLUMNS
from obcat.ingest.simulate.orbits import velocity
from obcat.ingest.simulate.recipe import Recipe
from obcat.ingest.simulate.rows import taken
from obcat.ingest.simulate.sky import Sky
from obcat.ingest.simulate.visits import Visits

__all__ = ["Motion", "draw_motion", "velocities"]

Array = NDArray[np.float64]
ERROR, ERROR_FAINT, FAINT_SNR = 5.0, 10.0, 20.0  # km/s at high S/N; added at S/N of 20 and below
MIDDLE = -0.385  # d from the beginning of the local day LMJD, in UT, to the middle of the exposures before midnight
V = BANDS.index("v")
FIRST_BAND = COLUMNS.index(BANDS[0])


class Motion(NamedTuple):
    """km/s, one row a visit: all stars (NaN where there is none), the mean by their light in V, the header's value
    and its error."""

    primary: Array
    companion: Array
    third: Array
    system: Array
    measured: Array
    error: Array


def draw_motion(sky: Sky, visits: Visits, recipe: Recipe, chunk: int) -> Motion:
    """Velocities of the stars on their orbits at the time of each visit."""
    at, b = visits.star, taken(sky.stars.binaries, visits.star)
    primary, companion, third = velocities(sky.rv[at], b, visits.lmjd + MIDDLE, moving=recipe.has("orbits"))
    bright = 10 ** (-0.4 * sky.stars.primary[at, FIRST_BAND + V])
    light = np.stack([bright, b.second.light[:, V], b.third.light[:, V]])
    system = (light * np.nan_to_num([primary, companion, third])).sum(0) / light.sum(0)
    error = ERROR + ERROR_FAINT * np.minimum(FAINT_SNR / visits.snr_g, 1)
    noise = recipe.rng("header_velocity", chunk).standard_normal(len(at))
    return Motion(primary, companion, third, system, system + error * noise, error)


def velocities(
    systemic: Array, b: Binaries, time: NDArray[np.floating], *, moving: bool = True
) -> tuple[Array, Array, Array]:
    """Of the primary, its companion and a third star (km/s; NaN where there is none) at MJD time.

    The third star and the pair swing about each other, the companion and the primary about the pair's centre.
    """
    inner, outer = velocity(b.second.orbit, time) * moving, velocity(b.third.orbit, time) * moving
    pair = systemic + outer
    third = b.third.mass_ratio / (1 + np.nan_to_num(b.second.mass_ratio))
    return pair + inner, pair - inner / b.second.mass_ratio, systemic - outer / third
