"""Exposures: the spectra of one block of visits, made and written; what a worker process does."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat.kernels.grid import WAVELENGTH
from obcat.simulate import detector
from obcat.simulate.detector import JOIN_PIXEL, Marked, add_sky, calibration, hit, marked, spoil
from obcat.simulate.dust import f99
from obcat.simulate.emission import Emission, add_emission
from obcat.simulate.fits_files import Value, write_spectrum
from obcat.simulate.light import Component, composite
from obcat.simulate.lines import gas_velocity, transmission
from obcat.simulate.night import RESOLUTION, airs, blurred, draw_resolution, left_over
from obcat.simulate.recipe import Recipe

__all__ = ["Block", "expose"]

Array = NDArray[np.float64]
Float32 = NDArray[np.float32]
PIXELS, PIXEL_SHARES = (3909, 3904, 3906, 3908), (0.86, 0.06, 0.05, 0.03)
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
    pilot = np.array([int(card["LMJD"]) < detector.PILOT_END for card in block.cards])
    rng = recipe.rng("erroneous", *key)
    flux = spoil(noiseless(block), block.spoiled, rng)
    observed = detector.observe(flux, block.snr_g, pilot, recipe, key)
    observed = observed._replace(flux=add_sky(observed.flux, flux, block.spoiled, rng))
    snr = detector.band_snr(observed)
    seen = _marked(observed, pilot, block)
    pixels = recipe.rng("lengths", *key).choice(PIXELS, p=PIXEL_SHARES, size=len(flux))
    for k, (path, cards) in enumerate(zip(block.paths, block.cards, strict=True)):
        own = {f"SNR{band.upper()}": float(max(value[k], 0.0)) for band, value in snr.items()}
        write_spectrum(path, [row[k, : pixels[k]] for row in seen], cards | own)
    return len(flux)


def _marked(observed: detector.Observed, pilot: NDArray[np.bool_], block: Block) -> Marked:
    if not block.recipe.has("dead_pixels"):
        none = np.zeros(observed.flux.shape, dtype=np.uint8)
        return Marked(observed.flux, observed.ivar, none, none)
    rng = block.recipe.rng("dead_pixels", block.chunk, block.number)
    return marked(hit(observed.flux, observed.sigma, JOIN_PIXEL, rng), observed.ivar, pilot, rng)


def noiseless(block: Block) -> Float32:
    """Reddened, calibrated light (n, 3909) before noise, in counts."""
    n, recipe, key = len(block.g), block.recipe, (block.chunk, block.number)
    resolution, factor = np.full(n, RESOLUTION), None
    if recipe.has("line_spread"):
        resolution, factor = draw_resolution(n, recipe.rng("line_spread", *key))
    parts = [(np.arange(n), block.primary), *block.companions]
    flux, level = composite(parts, n, resolution)
    flux = add_emission(flux, level, block.emission, block.rv, resolution)
    flux *= np.exp(-0.4 * np.log(10) * block.ebv[:, None] * EXTINCTION).astype(np.float32)
    if recipe.has("interstellar"):
        flux *= transmission(block.ebv, _gas(block), resolution)
    flux = _calibrated(flux if factor is None else blurred(flux, factor), block)
    first, last = np.searchsorted(WAVELENGTH, detector.BANDS["g"])
    loss = FIBRE_LOSS * recipe.rng("fibres", *key).standard_normal(n)
    counts = FLUX_AT_14 * 10 ** (-0.4 * (block.g - 14)) * np.exp(loss)
    return flux * (counts / np.median(flux[:, first:last], axis=1))[:, None].astype(np.float32)


def _gas(block: Block) -> Array:
    ra, dec = np.array([(card["RA"], card["DEC"]) for card in block.cards], dtype=float).T
    return gas_velocity(ra, dec, block.recipe.rng("interstellar", block.chunk, block.number))


def _calibrated(flux: Float32, block: Block) -> Float32:
    """Flux with what the calibration did wrong: telluric bands, spectral response."""
    recipe, key = block.recipe, (block.chunk, block.number)
    if recipe.has("tellurics"):
        flux = flux * left_over(airs(block.cards, recipe), recipe.rng("tellurics", *key))
    if recipe.has("flux_calibration"):
        flux = flux * calibration(len(flux), recipe.rng("flux_calibration", *key))
    return flux
