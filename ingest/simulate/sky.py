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
from obcat.ingest.simulate.stars import FIRST_BAND, G, Stars, magnitudes
from obcat.ingest.simulate.systems import draw_systems
from obcat.ingest.simulate.winds import draw_winds

__all__ = ["Sky", "draw_sky"]

Array = NDArray[np.float64]
VSINI_SHAPE, VSINI_SCALE, BREAKUP = 2.2, 70.0, 0.9  # gamma law, km/s; largest part of the critical velocity
SUN_GM = 1.32712440e26  # cm3/s2
DWARF_VSINI = 10.0  # km/s, the most for subdwarfs and white dwarfs (Geier & Heber 2012, Karl et al. 2005)


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
    teff, critical = 10**teff, critical_velocity(stars.primary)
    discs = draw_discs(teff, logg, critical, recipe, chunk)
    rotation = recipe.rng("rotation", chunk).gamma(VSINI_SHAPE, VSINI_SCALE, size=(3, n)) * recipe.has("rotation")
    fastest = np.where(np.isin(stars.kind, ["subdwarf", "white_dwarf"]), DWARF_VSINI, BREAKUP * critical)
    vsini, vsini_companion, vsini_third = np.minimum(rotation, fastest)
    vsini = np.where(discs.ew > 0, discs.vsini, vsini)
    if chunk == 0:
        discs = with_lb1(discs, recipe)
        vsini[0], vsini_companion[0] = LB1_VSINI, discs.vsini[0]
    absolute = magnitudes(stars.primary, stars.binaries)
    if chunk == 0:
        stars.distance[0] *= 10 ** (0.2 * (LB1_G - _g(absolute, teff, ebv, stars.distance)[0]))
    moves = recipe.has("velocities")
    motion = galaxy.velocities(stars.glon, stars.glat, stars.distance, recipe.rng("velocities", chunk))
    rv, pmra, pmdec = (v * moves for v in motion)
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


def _wobble(stars: Stars) -> Array:
    """Semi-axis (mas) of the orbit of the centre of light in G of the primary and its nearer companion."""
    second = stars.binaries.second
    q, light = second.mass_ratio, second.light[:, G - FIRST_BAND] / 10 ** (-0.4 * stars.primary[:, G])
    axis = semi_axis(stars.primary[:, INITIAL] * (1 + q), second.orbit.log_period)
    return np.nan_to_num(axis / stars.distance * photocentre(q, light))


def critical_velocity(primary: Array) -> Array:
    """Equatorial velocity at break-up (km/s), sqrt(2 G M / 3 R), of isochrone rows."""
    mass, logg = primary[:, COLUMNS.index("mass")], primary[:, COLUMNS.index("log_g")]
    return np.sqrt(2 / 3) * (SUN_GM * mass * 10**logg) ** 0.25 / 1e5


def _g(absolute: Array, teff: Array, ebv: Array, distance: Array) -> Array:
    return apparent(absolute, teff, ebv, distance, np.zeros_like(absolute))["g_gaia"]
