"""Sky: the systems as they are, before anything is measured: places, motions, dust, rotation, discs, magnitudes."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat.ingest.simulate import galaxy
from obcat.ingest.simulate.be_discs import draw_discs, excess_by_band, with_lb1
from obcat.ingest.simulate.binaries import INITIAL
from obcat.ingest.simulate.dust import band_coefficients
from obcat.ingest.simulate.emission import Emission
from obcat.ingest.simulate.isochrones import COLUMNS
from obcat.ingest.simulate.lb1 import LB1_G, LB1_VSINI
from obcat.ingest.simulate.nebulae import draw_nebulae
from obcat.ingest.simulate.orbits import photocentre, semi_axis
from obcat.ingest.simulate.photometry import apparent
from obcat.ingest.simulate.recipe import CHUNK, Recipe
from obcat.ingest.simulate.rotation import DWARFS, critical_velocity, draw_rotation
from obcat.ingest.simulate.stars import FIRST_BAND, G, Stars, magnitudes
from obcat.ingest.simulate.systems import draw_systems
from obcat.ingest.simulate.winds import draw_winds

__all__ = ["Sky", "draw_sky"]

Array = NDArray[np.float64]
OLDER = 3.0  # velocity dispersion of old stars over that of young ones: 35 to 12 km/s (Nordstroem et al. 2004)


class Sky(NamedTuple):
    """One row a star; its number in the survey, ra, dec at J2000 in deg, motions in mas/yr and km/s, magnitudes,
    and the semi-axis (mas) of the orbit of the light's centre, 0 for a single star."""

    number: NDArray[np.int64]
    stars: Stars
    ra: Array
    dec: Array
    pmra: Array
    pmdec: Array
    rv: Array
    ebv: Array
    a_ks: Array
    absolute: Array
    vsini: Array
    vsini_companion: Array
    vsini_third: Array
    emission: Emission
    mag: dict[str, Array]
    wobble: Array

    @property
    def name(self) -> list[str]:
        return [f"SIM{k:07d}" if k else "LB-1" for k in self.number.tolist()]


def draw_sky(n: int, recipe: Recipe, chunk: int) -> Sky:
    """n systems; the first of chunk 0 is LB-1."""
    stars = draw_systems(n, recipe, chunk)
    ebv = stars.ebv
    teff, logg = (stars.primary[:, COLUMNS.index(name)] for name in ("log_teff", "log_g"))
    teff = 10**teff
    discs = draw_discs(teff, logg, critical_velocity(stars.primary), recipe, chunk)
    vsini, vsini_companion, vsini_third = draw_rotation(stars, recipe, chunk)
    vsini = np.where(discs.ew > 0, discs.vsini, vsini)
    if chunk == 0:
        discs = with_lb1(discs, recipe)
        vsini[0], vsini_companion[0] = LB1_VSINI, discs.vsini[0]
    absolute = magnitudes(stars.primary, stars.binaries)
    if chunk == 0:
        stars.distance[0] *= 10 ** (0.2 * (LB1_G - _g(absolute, teff, ebv, stars.distance)[0]))
    rv, pmra, pmdec = _motion(stars, recipe, chunk)
    ra, dec = galaxy.equatorial(stars.glon, stars.glat)
    offsets = recipe.has("colour_offsets")
    mag = apparent(absolute, teff, ebv, stars.distance, excess_by_band(discs), offsets=offsets)
    nebulae = draw_nebulae(stars.glon, stars.glat, mag["g_gaia"], ebv, recipe, chunk)
    winds = draw_winds(stars.primary[:, COLUMNS.index("log_l")], teff, logg, recipe, chunk)
    emission = Emission(discs, nebulae, winds)
    a_ks = band_coefficients(teff)["ks"] * ebv
    number = chunk * CHUNK + np.arange(n)
    spins = vsini, vsini_companion, vsini_third
    wobble = _wobble(stars) * recipe.has("wobble")
    return Sky(number, stars, ra, dec, pmra, pmdec, rv, ebv, a_ks, absolute, *spins, emission, mag, wobble)


def _motion(stars: Stars, recipe: Recipe, chunk: int) -> Array:
    """Radial velocity (km/s) and proper motion (mas/yr), 0 without the ingredient."""
    older = np.where(np.isin(stars.kind, DWARFS), OLDER, 1.0)
    rng, moves = recipe.rng("velocities", chunk), recipe.has("velocities")
    return np.stack(galaxy.velocities(stars.glon, stars.glat, stars.distance, rng, older=older)) * moves


def _wobble(stars: Stars) -> Array:
    """Semi-axis (mas) of the orbit of the centre of light in G of the primary and its nearer companion."""
    second = stars.binaries.second
    q, light = second.mass_ratio, second.light[:, G - FIRST_BAND] / 10 ** (-0.4 * stars.primary[:, G])
    axis = semi_axis(stars.primary[:, INITIAL] * (1 + q), second.orbit.log_period)
    return np.nan_to_num(axis / stars.distance * photocentre(q, light))


def _g(absolute: Array, teff: Array, ebv: Array, distance: Array) -> Array:
    return apparent(absolute, teff, ebv, distance, np.zeros_like(absolute))["g_gaia"]
