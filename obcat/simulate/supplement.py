"""Supplement: luminous stars with good parallaxes that train and are no rows of the catalog.

The paper added some 200 to its training (section 5.1). Here they are drawn flat in M_Ks and log
Teff, as far as the spectra reach; a population of the sky has too few of them to learn from.

Models for stars of any survey learn from such a flat draw at fainter magnitudes too.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from obcat.simulate import galaxy, photometry
from obcat.simulate.binaries import draw_binaries
from obcat.simulate.chunks import Chunk
from obcat.simulate.galaxy import reddening
from obcat.simulate.ingredients import CHUNK, Recipe
from obcat.simulate.isochrones import COLUMNS, at_phase, lattice
from obcat.simulate.light import spectrum_feh
from obcat.simulate.photometry import Measured
from obcat.simulate.sky import Sky, draw_motion, sky_of
from obcat.simulate.stars import FEH_SIGMA, FEH_SUN, Stars, draw_cells
from obcat.simulate.survey_files import Columns, csv_table
from obcat.simulate.visits import Visits, draw_visits
from obcat.statistics import Array

__all__ = [
    "SECTION",
    "SPECTRA",
    "TABLE",
    "draw_supplement",
    "n_supplement",
    "training_table",
    "write_table",
]

TABLE, SPECTRA = "training/stars.csv", "training/spectra"
SECTION = f'\n[tables.training]\npath = "{TABLE}"\nspectra = "{SPECTRA}"\n'
NUMBER = 900  # of their chunk, beyond those of the largest survey
BRIGHTEST = -8  # M_Ks; the last magnitude is all that is brighter
EACH, LEAST, WHOLE = 400, 12, 8000  # stars a magnitude; at least; in surveys of so many stars
TEFF_RANGE = (8_000.0, 40_000.0)
POOL = 60  # candidates a star
FLAT = (0.25, 0.05)  # mag, dex: cells in which the draws are flat
KS_RANGE = (5.5, 8.5)  # 2MASS is saturated above
NEAREST, FARTHEST = 0.3, 5.0  # kpc
LATITUDE = 2.0  # deg, rms
PARALLAX_ERROR, ERROR_SCATTER = 0.012, 0.2  # mas, of a cluster's mean; ln rms
OPTICAL_ERROR = 0.02  # mag, B and V
SNR_RANGE = (60.0, 250.0)
TEFF_ERROR, LOGG_ERROR, FEH_ERROR = 0.03, 0.10, 0.10  # relative, dex, dex: as of the sample
KS, TEFF, LOGG = (COLUMNS.index(name) for name in ("ks", "log_teff", "log_g"))
_BANDS = ("b", "v", "bp", "rp", "j", "h", "ks")
_NAMES = [f"{band}{what}" for band in _BANDS for what in ("", "_err")]
_FORMATS = {"ra": ".6f", "dec": ".6f", "teff": ".1f", "parallax_offset": ".1f"}
_FORMATS |= dict.fromkeys(("parallax", "parallax_error", "logg", "feh", *_NAMES), ".4f")


class _Atmospheres(NamedTuple):
    primary: Array
    feh: Array
    log_age: Array
    spectrum_feh: Array


def n_supplement(n_stars: int, recipe: Recipe) -> int:
    """Training stars that a survey of n_stars brings."""
    share = min(1.0, n_stars / WHOLE)
    return _magnitudes(recipe) * max(LEAST, round(EACH * share)) * recipe.has("supplement")


def _magnitudes(recipe: Recipe) -> int:
    return recipe.training_from - BRIGHTEST + 1


def draw_supplement(n_stars: int, recipe: Recipe) -> Chunk:
    """The training stars of a survey of n_stars, one visit each, from streams of their own."""
    stars = _placed(_atmospheres(n_supplement(n_stars, recipe), recipe), recipe)
    n = len(stars.feh)
    sky = sky_of(stars, NUMBER * CHUNK + np.arange(n), recipe, NUMBER)
    visits = _visits(sky, recipe)
    motion = draw_motion(sky, visits, recipe, NUMBER)
    return Chunk(NUMBER, sky, visits, motion, np.zeros(n, dtype=np.int64))


def _atmospheres(n: int, recipe: Recipe) -> _Atmospheres:
    """As many in every magnitude, n in all (fewer where the spectra reach no more)."""
    rng, faintest, bins = recipe.rng("supplement", 0), recipe.training_from, _magnitudes(recipe)
    feh, log_age, phase = draw_cells(POOL * n, _flat_weights(faintest), rng)
    primary = at_phase(feh, log_age, phase)
    own = spectrum_feh(primary[:, TEFF], primary[:, LOGG], feh)
    inside = _wanted(primary[:, KS], primary[:, TEFF], faintest)
    magnitude = np.minimum(np.floor(faintest - primary[:, KS]), bins - 1)
    share = _flattened(primary[:, KS], primary[:, TEFF], inside & np.isfinite(own))
    rows = [_lot(share * (magnitude == k), n // bins, rng) for k in range(bins)]
    chosen = np.concatenate(rows)
    return _Atmospheres(primary[chosen], feh[chosen], log_age[chosen], own[chosen])


def _lot(share: Array, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    there = np.flatnonzero(share)
    size = min(n, len(there))
    return rng.choice(there, size, replace=False, p=share[there] / share.sum()) if size else there


def _flat_weights(faintest: int) -> Array:
    """Of the cells of the isochrones (feh, age, phase): as many stars in every cell of FLAT."""
    grid = lattice()
    values = grid.values[..., [KS, TEFF]]
    a, b, c = (size - 1 for size in values.shape[:3])
    corners = [values[i : i + a, j : j + b, k : k + c] for i, j, k in np.ndindex(2, 2, 2)]
    mk, log_teff = np.moveaxis(np.mean(corners, axis=0), -1, 0)
    metals = np.diff(ndtr((grid.feh - FEH_SUN) / FEH_SIGMA))[:, None, None]
    return _flattened(mk, log_teff, _wanted(mk, log_teff, faintest)) * metals


def _wanted(mk: Array, log_teff: Array, faintest: int) -> NDArray[np.bool_]:
    low, high = np.log10(TEFF_RANGE)
    return (mk < faintest) & (log_teff > low) & (log_teff < high)


def _flattened(mk: Array, log_teff: Array, inside: NDArray[np.bool_]) -> Array:
    """One over the number of stars inside that share the cell of FLAT; 0 outside."""
    cells = np.stack(
        [np.floor(x[inside] / step) for x, step in zip((mk, log_teff), FLAT, strict=True)]
    )
    _, of, counts = np.unique(cells, axis=1, return_inverse=True, return_counts=True)
    out = np.zeros(mk.shape)
    out[inside] = 1 / counts[of.ravel()]
    return out


def _placed(drawn: _Atmospheres, recipe: Recipe) -> Stars:
    """Near the plane, so near that parallaxes are good and so far that 2MASS is not saturated."""
    n, rng = len(drawn.feh), recipe.rng("supplement", 1)
    ks = rng.uniform(*KS_RANGE, size=n)
    d = np.clip(10 ** (0.2 * (ks - drawn.primary[:, KS]) - 2), NEAREST, FARTHEST)
    glon, glat = _directions(n, rng)
    ebv = reddening(glon, glat, d, recipe)
    parts = drawn.primary, drawn.feh, drawn.log_age
    binaries = draw_binaries(*parts, d, np.ones(n, dtype=bool), recipe, (NUMBER,))
    kind = np.full(n, "star")
    return Stars(
        drawn.primary, kind, drawn.feh, drawn.log_age, drawn.spectrum_feh, binaries, glon, glat, d,
        ebv,
    )  # fmt: skip


def _directions(n: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Longitudes and latitudes (deg) in the footprint."""
    glon, glat = (
        rng.uniform(0, 360, size=20 * n + 100),
        LATITUDE * rng.standard_normal(20 * n + 100),
    )
    seen = np.flatnonzero(galaxy.footprint(glon, glat) > 0)[:n]
    return glon[seen], glat[seen]


def _visits(sky: Sky, recipe: Recipe) -> Visits:
    n, rng = len(sky.ra), recipe.rng("supplement", 2)
    one = np.ones(n, dtype=np.int64)
    visits = draw_visits(sky.ra, sky.dec, sky.mag["g_gaia"], one, NUMBER, rng)
    low, high = np.log(SNR_RANGE)
    return visits._replace(snr_g=np.exp(rng.uniform(low, high, size=n)))


def training_table(chunk: Chunk, recipe: Recipe) -> tuple[Columns, dict[str, Measured]]:
    """What is known of each star, and what archives measured.

    Parallaxes have their zero point taken off already.
    """
    sky, rng, mag = chunk.sky, recipe.rng("supplement", 3), chunk.sky.mag
    n = len(sky.ra)
    measured = {
        "gaia_dr2": photometry.gaia(mag, recipe, NUMBER),
        "twomass": photometry.twomass(mag, recipe, NUMBER),
        "xstps": photometry.xstps(mag, sky.ra, sky.dec, recipe, NUMBER),
    }
    error = PARALLAX_ERROR * np.exp(ERROR_SCATTER * rng.standard_normal(n))
    out = {
        "name": np.array(sky.name), "fitsname": np.array(chunk.visits.fitsname), "ra": sky.ra,
        "dec": sky.dec, "parallax": 1 / sky.stars.distance + error * rng.standard_normal(n),
        "parallax_error": error, "parallax_offset": np.zeros(n), **_labels(sky.stars, rng),
    }  # fmt: skip
    for band in ("b", "v"):
        out[band] = mag[band] + OPTICAL_ERROR * rng.standard_normal(n)
        out[f"{band}_err"] = np.full(n, OPTICAL_ERROR)
    for name, bands in (("gaia_dr2", ("bp", "rp")), ("twomass", ("j", "h", "ks"))):
        out |= {key: values for band in bands for key, values in _band(measured[name], band)}
    return out, measured


def write_table(folder: Path, columns: Columns) -> None:
    """The table of the training stars in the folder of a survey."""
    (folder / TABLE).parent.mkdir()
    with csv_table(folder / TABLE, _FORMATS) as append:
        append(columns)


def _band(phot: Measured, band: str) -> list[tuple[str, Array]]:
    """Magnitude and error, both unknown where one is."""
    known = np.isfinite(phot.mag[band]) & (phot.error[band] < 1)
    return [
        (name, np.where(known, part[band], np.nan))
        for name, part in ((band, phot.mag), (f"{band}_err", phot.error))
    ]


def _labels(stars: Stars, rng: np.random.Generator) -> dict[str, Array]:
    draw = rng.standard_normal((3, len(stars.feh)))
    return {
        "teff": 10 ** stars.primary[:, TEFF] * np.exp(TEFF_ERROR * draw[0]),
        "logg": stars.primary[:, LOGG] + LOGG_ERROR * draw[1],
        "feh": stars.feh + FEH_ERROR * draw[2],
    }
