"""Chunks: the survey in pieces that fit in memory, each drawn from streams keyed by its number."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat.ingest.simulate.erroneous import SPOILED
from obcat.ingest.simulate.lb1 import LB1_VISITS
from obcat.ingest.simulate.motion import Motion, draw_motion
from obcat.ingest.simulate.recipe import Recipe
from obcat.ingest.simulate.sky import Sky, draw_sky
from obcat.ingest.simulate.visits import Visits, count_visits, draw_visits, n_spectra

__all__ = ["Chunk", "chunks"]

ERRONEOUS = 0.015  # of the spectra


class Chunk(NamedTuple):
    """Some systems, the visits to them, their velocities then, and what is wrong with each spectrum."""

    number: int
    sky: Sky
    visits: Visits
    motion: Motion
    spoiled: NDArray[np.int64]


def chunks(n_stars: int, size: int, recipe: Recipe) -> Iterator[Chunk]:
    """All chunks in order; no two chunks share a star, a plate or a draw."""
    for number, first in enumerate(range(0, n_stars, size)):
        n = min(size, n_stars - first)
        yield _draw(number, n, n_spectra(first + n) - n_spectra(first), recipe)


def _draw(number: int, n_stars: int, n_visits: int, recipe: Recipe) -> Chunk:
    sky = draw_sky(n_stars, recipe, number)
    rng = recipe.rng("visits", number)
    counts = count_visits(n_stars, n_visits, LB1_VISITS if number == 0 else 0, rng)
    visits = draw_visits(sky.ra, sky.dec, sky.mag["g_gaia"], counts, number, rng)
    motion = draw_motion(sky, visits, recipe, number)
    return Chunk(number, sky, visits, motion, _spoiled(n_visits, recipe, number))


def _spoiled(n: int, recipe: Recipe, chunk: int) -> NDArray[np.int64]:
    if not recipe.has("erroneous"):
        return np.zeros(n, dtype=np.int64)
    rng = recipe.rng("erroneous", chunk)
    return (rng.random(n) < ERRONEOUS) * rng.integers(1, len(SPOILED), size=n)
