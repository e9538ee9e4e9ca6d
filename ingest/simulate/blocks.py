"""Blocks: the visits cut into pieces of fixed size, each with all that a worker needs."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from obcat.ingest.simulate.binaries import Companion
from obcat.ingest.simulate.cards import Cards
from obcat.ingest.simulate.chunks import Chunk
from obcat.ingest.simulate.dust import BANDS
from obcat.ingest.simulate.emission import on_days, velocities
from obcat.ingest.simulate.exposures import Block
from obcat.ingest.simulate.isochrones import COLUMNS
from obcat.ingest.simulate.recipe import Recipe
from obcat.ingest.simulate.rows import taken
from obcat.ingest.simulate.sky import Sky
from obcat.ingest.simulate.spectra import Component
from obcat.ingest.simulate.templates import COOLEST, spectrum_feh

__all__ = ["SIZE", "blocks", "visible_feh"]

Array = NDArray[np.float64]
Integers = NDArray[np.int64]
SIZE = 64
FAINTEST = 0.005  # of the light in V: fainter companions are in the magnitudes but not in the spectrum
TEFF, LOGG, V = (COLUMNS.index(name) for name in ("log_teff", "log_g", "v"))


def blocks(folder: Path, chunk: Chunk, cards: list[Cards], recipe: Recipe) -> Iterator[Block]:
    """Makes the folders of all plates of the chunk, then gives its blocks in order."""
    _, sky, visits, motion, spoiled = chunk
    primary, second, third = sky.stars.primary, *sky.stars.binaries
    others = [
        (second.star, visible_feh(sky, second), sky.vsini_companion, motion.companion),
        (third.star, visible_feh(sky, third), sky.vsini_third, motion.third),
    ]
    emission = on_days(sky.emission, visits.star, visits.lmjd)
    with_disc = np.where(sky.number[visits.star] == 0, motion.companion, motion.primary)  # LB-1: the companion's disc
    speed = velocities(emission.nebula, with_disc, sky.rv[visits.star])
    paths = [folder / f / f"{n}.gz" for f, n in zip(visits.folder, visits.fitsname, strict=True)]
    for path in sorted({p.parent for p in paths}):
        path.mkdir(parents=True, exist_ok=True)
    for number, start in enumerate(range(0, len(paths), SIZE)):
        piece = slice(start, start + SIZE)
        star = visits.star[piece]
        yield Block(
            recipe,
            chunk.number,
            number,
            _component(primary[star], sky.stars.spectrum_feh[star], sky.vsini[star], motion.primary[piece]),
            [_visible(atmosphere, feh, vsini, rv[piece], star) for atmosphere, feh, vsini, rv in others],
            speed[piece],
            sky.ebv[star],
            taken(emission, piece),
            sky.mag["g_gaia"][star],
            visits.snr_g[piece],
            spoiled[piece],
            cards[piece],
            paths[piece],
        )


def visible_feh(sky: Sky, companion: Companion) -> Array:
    """[Fe/H] of the companion's spectrum; NaN where it is too faint, dark, or outside the grid in gravity."""
    bright = companion.light[:, BANDS.index("v")] > FAINTEST * 10 ** (-0.4 * sky.stars.primary[:, V])
    out = np.full(len(bright), np.nan)
    warm = np.maximum(companion.star[bright, TEFF], np.log10(COOLEST))
    out[bright] = spectrum_feh(warm, companion.star[bright, LOGG], sky.stars.feh[bright])
    return out


def _visible(star: Array, feh: Array, vsini: Array, rv: Array, at: Integers) -> tuple[Integers, Component]:
    """The visits of which the companions have light, and those companions; rv is by visit, the rest by star."""
    rows = np.flatnonzero(np.isfinite(feh[at]))
    return rows, _component(star[at[rows]], feh[at[rows]], vsini[at[rows]], rv[rows])


def _component(star: Array, feh: Array, vsini: Array, rv: Array) -> Component:
    return Component(star[:, TEFF], star[:, LOGG], feh, vsini, rv, star[:, V])
