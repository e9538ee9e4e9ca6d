"""Visits: who is observed how often and how well, and the spectra of a block of visits,
made and written.
"""

import datetime as dt
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat.kernels.grid import WAVELENGTH
from obcat.simulate import detector
from obcat.simulate.detector import JOIN_PIXEL, Marked, add_sky, calibration, hit, marked, spoil
from obcat.simulate.dust import extinction
from obcat.simulate.emission import Emission, add_emission
from obcat.simulate.ingredients import Recipe
from obcat.simulate.light import Component, composite
from obcat.simulate.lines import gas_velocity, transmission
from obcat.simulate.night import RESOLUTION, airs, blurred, draw_resolution, left_over, response
from obcat.simulate.surfaces import Surface, altered
from obcat.simulate.survey_files import Value, write_spectrum
from obcat.statistics import Array, Float32, Integers

__all__ = ["Block", "Visits", "count_visits", "draw_visits", "expose", "n_spectra"]

FULL_STARS, FULL_SPECTRA = 16_032, 22_901  # Liu et al. (2019)
UNEVENNESS = 0.5  # shape of the gamma law of how often fields are repeated
BRIGHT = 14.0  # G: brighter stars go to the plates with short exposures
TILE = 4.5  # deg
NIGHTS = (55859, 57900)  # LMJD
SPECTROGRAPHS, FIBRES = 16, 250
SNR_AT, SNR_G, SNR_SIGMA, SNR_RANGE = (
    (60.0, 60.0),
    (12.8, 15.3),
    0.40,
    (10.0, 300.0),
)  # bright plates, others
PLATES = 10_000  # numbers kept for the plates of a chunk, which are fewer than its visits
EPOCH = dt.date(1858, 11, 17)


class Visits(NamedTuple):
    """One row a spectrum; star is the row of its star."""

    star: Integers
    planid: NDArray[np.str_]
    plan: Integers
    lmjd: Integers
    spid: Integers
    fiberid: Integers
    snr_g: Array

    @property
    def specid(self) -> list[str]:
        rows = zip(self.lmjd, self.planid, self.spid, self.fiberid, strict=True)
        return [f"{lmjd}-{planid}-{spid:02d}-{fiberid:03d}" for lmjd, planid, spid, fiberid in rows]

    @property
    def fitsname(self) -> list[str]:
        rows = zip(self.lmjd, self.planid, self.spid, self.fiberid, strict=True)
        return [
            f"spec-{lmjd}-{planid}_sp{spid:02d}-{fiberid:03d}.fits"
            for lmjd, planid, spid, fiberid in rows
        ]

    @property
    def folder(self) -> list[str]:
        """Night of the observation, the day before LMJD, and plate."""
        return [
            f"{_date(m - 1):%Y%m%d}/{p}"
            for m, p in zip(self.lmjd.tolist(), self.planid, strict=True)
        ]


def _date(mjd: int) -> dt.date:
    return EPOCH + dt.timedelta(days=mjd)


def n_spectra(n_stars: int) -> int:
    return round(n_stars * FULL_SPECTRA / FULL_STARS)


def count_visits(n_stars: int, n_visits: int, first: int, rng: np.random.Generator) -> Integers:
    """One visit each, and the rest shared out unevenly; the first star gets `first` while there are
    enough.

    With first = 0 it is like the others.
    """
    spare = n_visits - n_stars
    own = min(max(first - 1, 0), spare)
    eager = rng.gamma(UNEVENNESS, size=n_stars)
    if first and n_stars > 1:
        eager[0] = 0
    visits = 1 + rng.multinomial(spare - own, eager / eager.sum())
    visits[0] += own
    return visits


def draw_visits(
    ra: Array, dec: Array, g: Array, visits: Integers, chunk: int, rng: np.random.Generator
) -> Visits:
    """The k-th visits of a tile's bright (or faint) stars of one chunk share one plate and
    night; a star keeps its fibre, and fields begin with different spectrographs.
    """
    star = np.repeat(np.arange(len(visits)), visits)
    turn = np.arange(len(star)) - np.repeat(np.cumsum(visits) - visits, visits)
    bright = g < BRIGHT
    tile = np.array([_tile(a, d, b) for a, d, b in zip(ra, dec, bright, strict=True)])
    planid = np.array([f"{t}{chunk:03d}{k + 1:02d}" for t, k in zip(tile[star], turn, strict=True)])
    names, plan, size = np.unique(planid, return_inverse=True, return_counts=True)
    order = np.argsort(plan, kind="stable")
    place = np.empty(len(star), dtype=np.int64)
    place[order] = np.arange(len(star)) - np.repeat(np.cumsum(size) - size, size)
    if place.max() >= SPECTROGRAPHS * FIBRES:
        raise ValueError(
            f"plate {names[np.argmax(size)]} has {size.max()} stars, more than its fibres"
        )
    begin = np.array([zlib.crc32(t.encode()) % SPECTROGRAPHS for t in tile])
    place = ((place[turn == 0] + begin) % (SPECTROGRAPHS * FIBRES))[star]
    night = rng.choice(np.arange(*NIGHTS), size=len(names))
    snr = _snr(g[star], bright[star], rng)
    return Visits(
        star,
        planid,
        chunk * PLATES + plan,
        night[plan],
        1 + place % SPECTROGRAPHS,
        1 + place // SPECTROGRAPHS,
        snr,
    )


def _tile(ra: float, dec: float, bright: bool) -> str:
    row = TILE * np.floor(dec / TILE) + TILE / 2
    width = TILE / np.cos(np.radians(row))
    column = (width * np.floor(ra / width) + width / 2) % 360
    return f"GAC{column:03.0f}{'S' if row < 0 else 'N'}{abs(row):02.0f}{'V' if bright else 'B'}"


def _snr(g: Array, bright: NDArray[np.bool_], rng: np.random.Generator) -> Array:
    centre = np.where(bright, SNR_G[0], SNR_G[1])
    level = np.where(bright, SNR_AT[0], SNR_AT[1]) * 10 ** (-0.2 * (g - centre))
    value = level * np.exp(SNR_SIGMA * rng.standard_normal(len(g)))
    return np.clip(value, SNR_RANGE[0] * (1 + 0.3 * rng.random(len(g))), SNR_RANGE[1])


PIXELS, PIXEL_SHARES = (3909, 3904, 3906, 3908), (0.86, 0.06, 0.05, 0.03)
FLUX_AT_14 = 800.0  # counts, median over g
FIBRE_LOSS = 0.2  # ln


class Block(NamedTuple):
    """Visits of one block (n,), rows with each visible companion and those stars, cards,
    and where the files go.
    """

    recipe: Recipe
    chunk: int
    number: int
    primary: Component
    companions: list[tuple[NDArray[np.int64], Component]]
    rv: Array
    ebv: Array
    r_v: Array
    emission: Emission
    surface: Surface
    g: Array
    snr_g: Array
    spoiled: NDArray[np.int64]
    cards: list[dict[str, Value]]
    paths: list[Path]


def expose(block: Block) -> int:
    """Writes the files of the block; the number written.
    All draws come from streams keyed by chunk and block.
    """
    recipe, key = block.recipe, (block.chunk, block.number)
    pilot = np.array([int(card["LMJD"]) < detector.PILOT_END for card in block.cards])
    rng = recipe.rng("erroneous", *key)
    flux = spoil(_noiseless(block), block.spoiled, rng)
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


def _noiseless(block: Block) -> Float32:
    """Reddened, calibrated light (n, 3909) before noise, in counts."""
    n, recipe, key = len(block.g), block.recipe, (block.chunk, block.number)
    resolution, factor = np.full(n, RESOLUTION), None
    if recipe.has("line_spread"):
        resolution, factor = draw_resolution(n, recipe.rng("line_spread", *key))
    parts = [(np.arange(n), block.primary), *block.companions]
    flux, level = composite(parts, n, resolution)
    if any(recipe.has(name) for name in ("abundances", "line_texture", "halpha_cores")):
        flux = altered(flux, level, block.surface, block.primary.rv)
    flux = add_emission(flux, level, block.emission, block.rv, resolution)
    dust = (-0.4 * np.log(10) * block.ebv[:, None]).astype(np.float32)
    flux *= np.exp(dust * extinction(block.r_v))
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
    if recipe.has("spectrographs"):
        spectrograph = np.array([int(card["SPID"]) for card in block.cards])
        flux = flux * response(spectrograph, recipe.rng("spectrographs", *key))
    return flux
