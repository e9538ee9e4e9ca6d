"""Measures: all that is compared between simulated and real spectra."""

import numpy as np

from obcat.realism.masks import masks
from obcat.realism.measured import Measured
from obcat.realism.noise import noise
from obcat.realism.residuals import continuum, residuals
from obcat.realism.response import response
from obcat.realism.sample import Sample

__all__ = ["measure"]

HOT = "OBAF"  # classes with few enough lines


def measure(sample: Sample) -> list[Measured]:
    """All measures of a sample, in the order of the table."""
    level = continuum(sample)
    hot = np.array([name[:1] in HOT for name in sample.subclass])
    return [*noise(sample, residuals(sample, level), hot), *masks(sample), *response(sample, level, hot)]
