"""Chunks: the survey in pieces that fit in memory: stars, headers, blocks of visits for workers."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat.kernels.grid import LIGHT_SPEED
from obcat.simulate.archives import offset
from obcat.simulate.binaries import Companion
from obcat.simulate.contaminants import LB1_VISITS
from obcat.simulate.detector import SPOILED
from obcat.simulate.dust import BANDS
from obcat.simulate.emission import on_days, velocities
from obcat.simulate.ingredients import Recipe, taken
from obcat.simulate.isochrones import COLUMNS
from obcat.simulate.light import COOLEST, Component, spectrum_feh
from obcat.simulate.photometry import Measured
from obcat.simulate.sky import Motion, Sky, draw_motion, draw_sky
from obcat.simulate.survey_files import Value
from obcat.simulate.visits import EPOCH, Block, Visits, count_visits, draw_visits, n_spectra
from obcat.statistics import Array, Integers

__all__ = ["SIZE", "Cards", "Chunk", "all_cards", "blocks", "chunks", "visible_feh"]

ERRONEOUS = 0.015  # of the spectra


class Chunk(NamedTuple):
    """Some systems, the visits to them, their velocities then,
    and what is wrong with each spectrum.
    """

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


Cards = dict[str, Value]
FIBRE_ERROR = 0.1  # arcsec
SUBCLASSES = (
    (10_500.0, "A2V"),
    (12_000.0, "A1V"),
    (15_000.0, "A0III"),
    (20_000.0, "B9"),
    (30_000.0, "B6"),
)
HOTTEST = "O"
NO_MAG = 99.0
EXPOSURES = {
    "NEXP": 2, "NEXP_B": 2, "NEXP_R": 2, "EXPT_B": 3000.0, "EXPT_R": 3000.0, "EXPTIME": 3000.0,
}  # fmt: skip
ORBITAL_SPEED = 29.8  # km/s
OBLIQUITY = np.radians(23.44)
EQUINOX_MJD, YEAR = 55_640.97, 365.2422  # March 2011; d


def all_cards(chunk: Chunk, xstps: Measured, twomass: Measured, recipe: Recipe) -> list[Cards]:
    """One dictionary a visit; XSTPS-GAC and 2MASS magnitudes as measured,
    99 where there are none.
    """
    _, sky, visits, motion, _ = chunk
    ra, dec = offset(
        sky.ra[visits.star], sky.dec[visits.star], FIBRE_ERROR, recipe.rng("fibres", chunk.number)
    )
    names, fitsnames = np.array(sky.name)[visits.star].tolist(), visits.fitsname
    magnitudes = _magnitudes(xstps, twomass)[visits.star].tolist()
    subclass = [_subclass(t) for t in 10 ** sky.stars.primary[visits.star, TEFF]]
    comment = np.where(xstps.listed, "xuyi_r", ".")[visits.star].tolist()
    helio = _heliocentric(ra, dec, visits.lmjd).tolist()
    z, z_err = (motion.measured / LIGHT_SPEED).tolist(), (motion.error / LIGHT_SPEED).tolist()
    plates = [
        _plate(*row)
        for row in zip(visits.planid, visits.plan, visits.spid, visits.fiberid, strict=True)
    ]
    centre = _centres(ra, dec, visits.plan)
    stars = zip(names, fitsnames, subclass, comment, helio, z, z_err, strict=True)
    keys = ("OBJNAME", "FILENAME", "SUBCLASS", "TCOMMENT", "HELIO_RV", "Z", "Z_ERR")
    out: list[Cards] = []
    for k, values in enumerate(stars):
        own = dict(zip(keys, values, strict=True)) | _position(
            float(ra[k]), float(dec[k]), *centre[k]
        )
        mags = {f"MAG{j}": m for j, m in enumerate(magnitudes[k], 1)}
        out.append(own | plates[k] | mags | EXPOSURES | _night(int(visits.lmjd[k])))
    return out


def _magnitudes(xstps: Measured, twomass: Measured) -> Array:
    """u g r i z J H as MAGTYPE ugrizjh orders them."""
    none = np.full(len(xstps.listed), NO_MAG)
    optical = [_known(xstps, band) for band in ("g", "r", "i")]
    infrared = [_known(twomass, band) for band in ("j", "h")]
    return np.stack([none, *optical, none, *infrared], axis=1)


def _known(phot: Measured, band: str) -> Array:
    return np.where(phot.listed & np.isfinite(phot.mag[band]), phot.mag[band], NO_MAG)


def _subclass(teff: float) -> str:
    """The pipeline knows no OB stars: it calls most of them A."""
    return next((name for limit, name in SUBCLASSES if teff < limit), HOTTEST)


def _plate(planid: str, plan: int, spid: int, fiberid: int) -> Cards:
    obsid = (int(plan) + 1) * 100_000 + 1000 * int(spid) + int(fiberid)
    return {"PLANID": str(planid), "OBSID": obsid, "SPID": int(spid), "FIBERID": int(fiberid)}


def _centres(ra: Array, dec: Array, plan: NDArray[np.int64]) -> list[list[float]]:
    """The first star of each plate stands for its centre."""
    _, first, of = np.unique(plan, return_index=True, return_inverse=True)
    return np.stack([ra[first[of]], dec[first[of]]], axis=1).tolist()


def _position(ra: float, dec: float, centre_ra: float, centre_dec: float) -> Cards:
    own: Cards = {"RA": ra, "DEC": dec, "RA_OBS": ra, "DEC_OBS": dec}
    return own | {"SPRA": centre_ra, "SPDEC": centre_dec, "DESIG": _designation(ra, dec)}


def _designation(ra: float, dec: float) -> str:
    h, d = round(ra / 15 * 360_000) % 8_640_000, round(abs(dec) * 36_000)
    east = f"{h // 360_000:02d}{h // 6000 % 60:02d}{h % 6000 / 100:05.2f}"
    sign = "-" if dec < 0 else "+"
    return f"LAMOST J{east}{sign}{d // 36_000:02d}{d // 600 % 60:02d}{d % 600 / 10:04.1f}"


def _heliocentric(ra: Array, dec: Array, lmjd: NDArray[np.int64]) -> Array:
    """Correction (km/s) for the Earth on a circular orbit; already applied, as in real files."""
    sun = 2 * np.pi * (lmjd - EQUINOX_MJD) / YEAR
    earth = ORBITAL_SPEED * np.stack(
        [np.sin(sun), -np.cos(sun) * np.cos(OBLIQUITY), -np.cos(sun) * np.sin(OBLIQUITY)]
    )
    a, d = np.radians(ra), np.radians(dec)
    return (earth * np.stack([np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)])).sum(0)


def _night(lmjd: int) -> Cards:
    """Dates of the night that ends on the local day lmjd: two exposures about local midnight."""
    evening = dt.datetime.combine(EPOCH, dt.time()) + dt.timedelta(days=lmjd - 1, hours=22)
    minute = lmjd * 1440 - 120
    return {
        "DATE-OBS": (evening - dt.timedelta(hours=7, minutes=15)).isoformat(),
        "DATE-BEG": evening.isoformat() + ".0",
        "DATE-END": (evening + dt.timedelta(minutes=90)).isoformat() + ".0",
        "LMJD": lmjd,
        "MJD": lmjd - 1,
        "LMJMLIST": f"{minute}-{minute + 45}",
        "BESTEXP": minute,
    }


SIZE = 64
FAINTEST = (
    0.005  # of the light in V: fainter companions are in the magnitudes but not in the spectrum
)
TEFF, LOGG, V = (COLUMNS.index(name) for name in ("log_teff", "log_g", "v"))


def blocks(folder: Path, chunk: Chunk, cards: list[Cards], recipe: Recipe) -> Iterator[Block]:
    """Makes the folders of all plates of the chunk, then gives its blocks in order."""
    _, sky, visits, motion, spoiled = chunk
    primary, second, third = sky.stars.primary, *sky.stars.binaries
    others = [
        (second.star, visible_feh(sky, second), sky.vsini_companion, sky.exponents[:, 1]),
        (third.star, visible_feh(sky, third), sky.vsini_third, sky.exponents[:, 2]),
    ]
    emission = on_days(sky.emission, visits.star, visits.lmjd)
    with_disc = np.where(
        sky.number[visits.star] == 0, motion.companion, motion.primary
    )  # LB-1: the companion's disc
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
            _component(
                primary[star],
                sky.stars.spectrum_feh[star],
                sky.vsini[star],
                motion.primary[piece],
                sky.exponents[star, 0],
            ),
            [
                _visible(other, rv[piece], star)
                for other, rv in zip(others, (motion.companion, motion.third), strict=True)
            ],
            speed[piece],
            sky.ebv[star],
            sky.r_v[star],
            taken(emission, piece),
            taken(sky.surface, star),
            sky.mag["g_gaia"][star],
            visits.snr_g[piece],
            spoiled[piece],
            cards[piece],
            paths[piece],
        )


def visible_feh(sky: Sky, companion: Companion) -> Array:
    """[Fe/H] of the companion's spectrum;
    NaN where it is too faint, dark, or outside the grid in gravity.
    """
    bright = companion.light[:, BANDS.index("v")] > FAINTEST * 10 ** (
        -0.4 * sky.stars.primary[:, V]
    )
    out = np.full(len(bright), np.nan)
    warm = np.maximum(companion.star[bright, TEFF], np.log10(COOLEST))
    out[bright] = spectrum_feh(warm, companion.star[bright, LOGG], sky.stars.feh[bright])
    return out


def _visible(
    companion: tuple[Array, Array, Array, Array], rv: Array, at: Integers
) -> tuple[Integers, Component]:
    """The visits of which the companions have light, and those companions;
    rv is by visit, the rest (isochrone columns, [Fe/H], v sin i, exponents of lines) by star.
    """
    rows = np.flatnonzero(np.isfinite(companion[1][at]))
    star, feh, vsini, exponents = (column[at[rows]] for column in companion)
    return rows, _component(star, feh, vsini, rv[rows], exponents)


def _component(star: Array, feh: Array, vsini: Array, rv: Array, exponents: Array) -> Component:
    return Component(star[:, TEFF], star[:, LOGG], feh, vsini, rv, star[:, V], exponents)
