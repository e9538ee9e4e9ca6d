"""Sky: the systems as they are, before anything is measured: places, motions, dust, rotation, discs, magnitudes."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat.ingest.simulate import galaxy
from obcat.ingest.simulate.be_discs import draw_discs, excess_by_band, with_lb1
from obcat.ingest.simulate.binaries import companions
from obcat.ingest.simulate.dust import BANDS, band_coefficients
from obcat.ingest.simulate.emission import Emission
from obcat.ingest.simulate.isochrones import COLUMNS, at_phase
from obcat.ingest.simulate.nebulae import draw_nebulae
from obcat.ingest.simulate.photometry import apparent
from obcat.ingest.simulate.recipe import CHUNK, Recipe
from obcat.ingest.simulate.stars import Stars, draw_stars, magnitudes
from obcat.ingest.simulate.templates import spectrum_feh
from obcat.ingest.simulate.winds import draw_winds

__all__ = ["LB1_VISITS", "Sky", "draw_sky"]

Array = NDArray[np.float64]
VSINI_SHAPE, VSINI_SCALE, BREAKUP = 2.2, 70.0, 0.9  # gamma law, km/s; largest part of the critical velocity
SUN_GM = 1.32712440e26  # cm3/s2
LB1_RA, LB1_DEC, LB1_G, LB1_EBV, LB1_VISITS = 92.95450, 22.82575, 11.5, 0.55, 12
ATMOSPHERE = [COLUMNS.index(name) for name in ("log_teff", "log_g")]
LB1_LOG_AGE, LB1_PHASE, LB1_Q, LB1_PERIOD, LB1_K = 8.0, 215.0, 0.97, 78.9, 52.8


class Sky(NamedTuple):
    """One row a star; its number in the survey, ra, dec at J2000 in deg, motions in mas/yr and km/s, magnitudes, and
    the semi-axis (mas) of the orbit of its centre of light.
    """

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
    emission: Emission
    mag: dict[str, Array]
    wobble: Array

    @property
    def name(self) -> list[str]:
        return [f"SIM{k:07d}" if k else "LB-1" for k in self.number.tolist()]


def draw_sky(n: int, recipe: Recipe, chunk: int) -> Sky:
    """n systems; the first of chunk 0 is like LB-1 in place, brightness and having two stars of like light."""
    stars = draw_stars(n, recipe, chunk)
    if chunk == 0:
        stars = _with_lb1(stars)
    ebv = stars.ebv
    teff, logg = (stars.primary[:, COLUMNS.index(name)] for name in ("log_teff", "log_g"))
    teff, critical = 10**teff, critical_velocity(stars.primary)
    discs = draw_discs(teff, logg, critical, recipe, chunk)
    rotation = recipe.rng("rotation", chunk).gamma(VSINI_SHAPE, VSINI_SCALE, size=(2, n)) * recipe.has("rotation")
    vsini, vsini_companion = np.minimum(rotation, BREAKUP * critical)
    vsini = np.where(discs.ew > 0, discs.vsini, vsini)
    if chunk == 0:
        discs = with_lb1(discs, recipe)
        vsini[0], vsini_companion[0] = 20.0, discs.vsini[0]
    absolute = magnitudes(stars.primary, stars.binaries)
    if chunk == 0:
        stars.distance[0] *= 10 ** (0.2 * (LB1_G - _g(absolute, teff, ebv, stars.distance)[0]))
    rv, pmra, pmdec = galaxy.velocities(stars.glon, stars.glat, stars.distance, recipe.rng("velocities", chunk))
    ra, dec = galaxy.equatorial(stars.glon, stars.glat)
    offsets = recipe.has("colour_offsets")
    mag = apparent(absolute, teff, ebv, stars.distance, excess_by_band(discs), offsets=offsets)
    nebulae = draw_nebulae(stars.glon, stars.glat, mag["g_gaia"], ebv, recipe, chunk)
    winds = draw_winds(stars.primary[:, COLUMNS.index("log_l")], teff, logg, recipe, chunk)
    emission = Emission(discs, nebulae, winds)
    a_ks = band_coefficients(teff)["ks"] * ebv
    number = chunk * CHUNK + np.arange(n)
    spins = vsini, vsini_companion
    return Sky(number, stars, ra, dec, pmra, pmdec, rv, ebv, a_ks, absolute, *spins, emission, mag, np.zeros(n))


def critical_velocity(primary: Array) -> Array:
    """Equatorial velocity at break-up (km/s), sqrt(2 G M / 3 R), of isochrone rows."""
    mass, logg = primary[:, COLUMNS.index("mass")], primary[:, COLUMNS.index("log_g")]
    return np.sqrt(2 / 3) * (SUN_GM * mass * 10**logg) ** 0.25 / 1e5


def _g(absolute: Array, teff: Array, ebv: Array, distance: Array) -> Array:
    return apparent(absolute, teff, ebv, distance, np.zeros_like(absolute))["g_gaia"]


def _with_lb1(stars: Stars) -> Stars:
    """Row 0 becomes a late-B star at the end of its main sequence with a companion nearly as bright."""
    row = slice(0, 1)
    feh, age = np.zeros(1), np.array([LB1_LOG_AGE])
    primary = at_phase(feh, age, np.array([LB1_PHASE]))
    companion = companions(primary[:, 0] * LB1_Q, feh, age)
    light = 10 ** (-0.4 * companion[:, -len(BANDS) :])
    b = stars.binaries
    b.is_binary[0], b.mass_ratio[0], b.log_period[0], b.semi_amplitude[0] = True, LB1_Q, np.log10(LB1_PERIOD), LB1_K
    b.companion[row], b.light[row] = companion, light
    stars.primary[row], stars.feh[0], stars.log_age[0] = primary, 0.0, LB1_LOG_AGE
    stars.spectrum_feh[row] = spectrum_feh(
        primary[:, COLUMNS.index("log_teff")], primary[:, COLUMNS.index("log_g")], feh
    )
    stars.ebv[0] = LB1_EBV
    stars.glon[0], stars.glat[0] = galaxy.galactic(LB1_RA, LB1_DEC)
    return stars
