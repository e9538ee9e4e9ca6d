"""Systems: the sample as the survey took it: hot stars, the outsiders among them, and LB-1."""

import numpy as np

from obcat.ingest.simulate.lb1 import lb1
from obcat.ingest.simulate.outsiders import with_outsiders
from obcat.ingest.simulate.recipe import Recipe
from obcat.ingest.simulate.rows import replaced
from obcat.ingest.simulate.stars import Stars, draw_stars

__all__ = ["draw_systems"]


def draw_systems(n: int, recipe: Recipe, chunk: int) -> Stars:
    """n systems of the chunk; the first of chunk 0 is LB-1."""
    stars = with_outsiders(draw_stars(n, recipe, chunk), recipe, chunk)
    return replaced(stars, np.array([0]), lb1()) if chunk == 0 else stars
