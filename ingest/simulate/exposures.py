"""Exposures: the spectra of one block of visits, made and written; what a worker process does."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat.ingest.simulate import noise
from obcat.ingest.simulate.dust import f99
from obcat.ingest.simulate.emission import Emission, add_emission
from obcat.ingest.simulate.files import write_spectrum
from obcat.ingest.simulate.header import Value
from obcat.ingest.simulate.interstellar import transmission
from obcat.ingest.simulate.recipe import Recipe
from obcat.ingest.simulate.spectra import Component, composite
from obcat.kernels.grid import WAVELENGTH

__all__ = ["Block", "expose"]

Array = NDArray[np.float64]
Float32 = NDArray[np.float32]
PIXELS, PIXEL_SHARES = (3909, 3904, 3906, 3908), (0.86, 0.06, 0.05, 0.03)
RESOLUTION, RESOLUTION_SIGMA = 1800.0, 60.0
FLUX_AT_14 = 800.0  # counts, median over g
FIBRE_LOSS = 0.2  # ln
EXTINCTION = f99(WAVELENGTH)


class Block(NamedTuple):
    """Visits of one block (n,), rows with each visible companion and those stars, cards, and where the files go."""

    recipe: Recipe
    chunk: int
    number: int
    primary: Component
    companions: list[tuple[NDArray[np.int64], Component]]
    rv: Array
    ebv: Array
    emission: Emission
    g: Array
    snr_g: Array
    spoiled: NDArray[np.int64]
    cards: list[dict[str, Value]]
    paths: list[Path]


def expose(block: Block) -> int:
    """Writes the files of the block; the number written. All draws come from streams keyed by chunk and block."""
    recipe, key = block.recipe, (block.chunk, block.number)
    flux = noise.spoil(noiseless(block), block.spoiled, recipe.rng("erroneous", *key))
    rng = recipe.rng("noise", *key)
    observed = noise.observe(flux, block.snr_g, rng)
    snr = noise.band_snr(observed)
    pixels = rng.choice(PIXELS, p=PIXEL_SHARES, size=len(flux))
    for k, (path, cards) in enumerate(zip(block.paths, block.cards, strict=True)):
        own = {f"SNR{band.upper()}": float(max(value[k], 0.0)) for band, value in snr.items()}
        write_spectrum(path, observed.flux[k, : pixels[k]], observed.ivar[k, : pixels[k]], cards | own)
    return len(flux)


def noiseless(block: Block) -> Float32:
    """Reddened, calibrated light (n, 3909) before noise, in counts."""
    n, recipe, key = len(block.g), block.recipe, (block.chunk, block.number)
    resolution = RESOLUTION + RESOLUTION_SIGMA * recipe.rng("line_spread", *key).standard_normal(n)
    parts = [(np.arange(n), block.primary), *block.companions]
    flux, level = composite(parts, n, resolution)
    flux = add_emission(flux, level, block.emission, block.rv, resolution)
    flux *= np.exp(-0.4 * np.log(10) * block.ebv[:, None] * EXTINCTION).astype(np.float32)
    flux *= transmission(block.ebv) * noise.calibration(n, recipe.rng("flux_calibration", *key))
    first, last = np.searchsorted(WAVELENGTH, noise.BANDS["g"])
    loss = FIBRE_LOSS * recipe.rng("fibres", *key).standard_normal(n)
    counts = FLUX_AT_14 * 10 ** (-0.4 * (block.g - 14)) * np.exp(loss)
    return flux * (counts / np.median(flux[:, first:last], axis=1))[:, None].astype(np.float32)
