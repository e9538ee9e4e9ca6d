"""Blocks: the visits cut into pieces of fixed size, each with all that a worker needs."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from obcat.ingest.simulate.archives import offset
from obcat.ingest.simulate.dust import BANDS
from obcat.ingest.simulate.emission import Emission
from obcat.ingest.simulate.exposures import Block, night_cards
from obcat.ingest.simulate.header import Value
from obcat.ingest.simulate.isochrones import COLUMNS
from obcat.ingest.simulate.motion import Motion
from obcat.ingest.simulate.photometry import Measured
from obcat.ingest.simulate.reference import stream
from obcat.ingest.simulate.sky import Sky
from obcat.ingest.simulate.spectra import Component
from obcat.ingest.simulate.templates import COOLEST, spectrum_feh
from obcat.ingest.simulate.visits import Visits
from obcat.kernels.grid import LIGHT_SPEED

__all__ = ["SIZE", "blocks"]

SIZE = 64
FAINTEST = 0.005  # of the light in V: fainter companions are in the magnitudes but not in the spectrum
TEFF, LOGG, V = (COLUMNS.index(name) for name in ("log_teff", "log_g", "v"))
SUBCLASSES = ((10_500, "A2V"), (12_000, "A1V"), (15_000, "A0III"), (20_000, "B9"), (30_000, "B6"), (1e9, "O"))
NO_MAG = 99.0


def blocks(
    folder: Path, sky: Sky, visits: Visits, motion: Motion, spoiled: NDArray[np.int64], xstps: Measured, seed: int
) -> Iterator[Block]:
    seen = _visible(sky)
    ra, dec = offset(sky.ra[visits.star], sky.dec[visits.star], 0.1, stream(seed, 7))
    paths = [folder / f / f"{n}.gz" for f, n in zip(visits.folder, visits.fitsname, strict=True)]
    for path in sorted({p.parent for p in paths}):
        path.mkdir(parents=True, exist_ok=True)
    for number, start in enumerate(range(0, len(visits.star), SIZE)):
        at = np.arange(start, min(start + SIZE, len(visits.star)))
        star = visits.star[at]
        rows = np.flatnonzero(np.isfinite(seen[star]))
        yield Block(
            seed,
            number,
            _component(sky.stars.primary[star], sky.stars.spectrum_feh[star], sky.vsini[star], motion.primary[at]),
            rows,
            _companion(sky, star[rows], seen[star[rows]], motion.companion[at[rows]]),
            motion.primary[at],
            sky.ebv[star],
            Emission(*(column[star] for column in sky.emission)),
            sky.mag["g_gaia"][star],
            visits.snr_g[at],
            spoiled[at],
            [_cards(sky, visits, motion, xstps, k, ra[k], dec[k]) for k in at],
            [paths[k] for k in at],
        )


def _visible(sky: Sky) -> NDArray[np.float64]:
    """[Fe/H] of the companion's spectrum; NaN where it is too faint, dark, or outside the grid in gravity."""
    companion = sky.stars.binaries.companion
    v = sky.stars.binaries.light[:, BANDS.index("v")]
    bright = v > FAINTEST * 10 ** (-0.4 * sky.stars.primary[:, V])
    out = np.full(len(v), np.nan)
    warm = np.maximum(companion[bright, TEFF], np.log10(COOLEST))
    out[bright] = spectrum_feh(warm, companion[bright, LOGG], sky.stars.feh[bright])
    return out


def _component(star: np.ndarray, feh: np.ndarray, vsini: np.ndarray, rv: np.ndarray) -> Component:
    return Component(star[:, TEFF], star[:, LOGG], feh, vsini, rv, star[:, V])


def _companion(sky: Sky, star: np.ndarray, feh: np.ndarray, rv: np.ndarray) -> Component:
    return _component(sky.stars.binaries.companion[star], feh, sky.vsini_companion[star], rv)


def _cards(
    sky: Sky, visits: Visits, motion: Motion, xstps: Measured, k: int, ra: float, dec: float
) -> dict[str, Value]:
    star, spid, fiberid = visits.star[k], int(visits.spid[k]), int(visits.fiberid[k])
    listed = bool(xstps.listed[star])
    own: dict[str, Value] = {
        "FILENAME": visits.fitsname[k], "OBSID": (int(visits.plan[k]) + 1) * 100_000 + 1000 * spid + fiberid,
        "PLANID": str(visits.planid[k]), "SPID": spid, "FIBERID": fiberid, "RA": ra, "DEC": dec, "RA_OBS": ra,
        "DEC_OBS": dec, "SPRA": ra, "SPDEC": dec, "DESIG": _designation(ra, dec), "OBJNAME": sky.name[star],
        "TCOMMENT": "xuyi_r" if listed else ".", "HELIO_RV": 0.0, "CLASS": "STAR",
        "SUBCLASS": next(name for limit, name in SUBCLASSES if sky.stars.primary[star, TEFF] < np.log10(limit)),
        "Z": float(motion.measured[k]) / LIGHT_SPEED, "Z_ERR": float(motion.error[k]) / LIGHT_SPEED,
        "NEXP": 2, "NEXP_B": 2, "NEXP_R": 2, "EXPT_B": 3000.0, "EXPT_R": 3000.0, "EXPTIME": 3000.0,
    }  # fmt: skip
    mags = [xstps.mag[b][star] if listed else NO_MAG for b in ("g", "r", "i")]
    letters = [NO_MAG, *mags, NO_MAG, sky.mag["j"][star], sky.mag["h"][star]]
    return own | {f"MAG{j}": float(m) for j, m in enumerate(letters, 1)} | night_cards(int(visits.lmjd[k]))


def _designation(ra: float, dec: float) -> str:
    h, d = round(ra / 15 * 360_000) % 8_640_000, round(abs(dec) * 36_000)
    east = f"{h // 360_000:02d}{h // 6000 % 60:02d}{h % 6000 / 100:05.2f}"
    return f"LAMOST J{east}{'-' if dec < 0 else '+'}{d // 36_000:02d}{d // 600 % 60:02d}{d % 600 / 10:04.1f}"
