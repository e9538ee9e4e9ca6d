"""Sky: the systems before anything is measured: places, motions, dust, rotation, discs."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat.simulate import galaxy
from obcat.simulate.be_discs import draw_discs, excess_by_band, with_lb1
from obcat.simulate.binaries import INITIAL, Binaries, amplitude, photocentre, semi_axis, velocity
from obcat.simulate.contaminants import LB1_G, LB1_VSINI, draw_systems
from obcat.simulate.dust import BANDS, MEAN_LAW, draw_laws
from obcat.simulate.emission import Emission, draw_nebulae, draw_winds
from obcat.simulate.ingredients import CHUNK, Recipe, taken
from obcat.simulate.isochrones import COLUMNS, FIRST_BAND
from obcat.simulate.lines import draw_exponents
from obcat.simulate.photometry import STRAIGHT, apparent, band_coefficients, colour_offsets
from obcat.simulate.stars import G, Stars, magnitudes
from obcat.simulate.surfaces import Surface, draw_surfaces
from obcat.simulate.visits import Visits
from obcat.statistics import Array

__all__ = [
    "Motion",
    "Sky",
    "critical_velocity",
    "draw_motion",
    "draw_rotation",
    "draw_sky",
    "sky_of",
    "synchronous",
    "velocities",
]

SHAPE, SCALE, BREAKUP = 2.2, 70.0, 0.9  # gamma law, km/s; largest part of the critical velocity
# dex of v sin i per dex of log g below EVOLVED, macroturbulence included: chosen so that O, B and A
# supergiants have 100, 65 and 40 km/s in the mean, as in Simon-Diaz & Herrero (2014); not checked
SLOWER, EVOLVED = 0.25, 3.8
DWARFS, DWARF_FASTEST = (
    ("subdwarf", "white_dwarf"),
    10.0,
)  # km/s (Geier & Heber 2012, Karl et al. 2005)
SYNCHRONOUS = np.log10(
    2.4
)  # log10 d: shorter orbits of B stars are synchronised (Abt, Levato & Grosso 2002)
SUN_GM, SUN_LOGG, SUN_SPEED = (
    1.32712440e26,
    4.438,
    50.58,
)  # cm3/s2; cgs; km/s of one solar radius turning in a day
MASS, TEFF, LOGG = (COLUMNS.index(name) for name in ("mass", "log_teff", "log_g"))


def draw_rotation(stars: Stars, recipe: Recipe, chunk: int) -> tuple[Array, Array, Array]:
    """v sin i (km/s) of the primary, its companion and a third star, below break-up;
    0 without the ingredient.
    """
    drawn = recipe.rng("rotation", chunk).gamma(
        SHAPE, SCALE, size=(3, len(stars.feh))
    ) * recipe.has("rotation")
    fastest = np.where(
        np.isin(stars.kind, DWARFS), DWARF_FASTEST, BREAKUP * critical_velocity(stars.primary)
    )
    drawn[0] *= 10 ** (SLOWER * np.minimum(stars.primary[:, LOGG] - EVOLVED, 0))
    primary, companion, third = np.minimum(drawn, fastest)
    tight = (stars.binaries.log_period < SYNCHRONOUS) & recipe.has("rotation")
    primary = np.where(tight, np.minimum(synchronous(stars.primary, stars), fastest), primary)
    companion = np.where(
        tight, np.fmin(synchronous(stars.binaries.companion, stars), fastest), companion
    )
    return primary, companion, third


def synchronous(rows: Array, stars: Stars) -> Array:
    """v sin i (km/s) of stars (isochrone rows) that turn with the orbit of the pair,
    seen from where it is seen.
    """
    orbit, primary = stars.binaries.second.orbit, stars.primary
    edge_on = amplitude(
        primary[:, COLUMNS.index("initial_mass")], stars.binaries.mass_ratio, orbit.log_period,
        orbit.eccentricity, np.zeros(len(primary)),
    )  # fmt: skip
    radius = np.sqrt(rows[:, MASS] * 10 ** (SUN_LOGG - rows[:, LOGG]))
    return SUN_SPEED * radius / 10**orbit.log_period * orbit.semi_amplitude / edge_on


def critical_velocity(primary: Array) -> Array:
    """Equatorial velocity at break-up (km/s), sqrt(2 G M / 3 R), of isochrone rows."""
    return np.sqrt(2 / 3) * (SUN_GM * primary[:, MASS] * 10 ** primary[:, LOGG]) ** 0.25 / 1e5


# velocity dispersion of old stars over that of young ones: 35 to 12 km/s (Nordstroem et al. 2004)
OLDER = 3.0


class Sky(NamedTuple):
    """One row a star; its number in the survey, ra, dec at J2000 in deg, motions in mas/yr and
    km/s, dust and its R_V, magnitudes and by how much those of the light are fainter,
    the semi-axis (mas) of the orbit of the light's centre, 0 for a single star, and (n, three
    stars, groups) the exponents of their lines."""

    number: NDArray[np.int64]
    stars: Stars
    ra: Array
    dec: Array
    pmra: Array
    pmdec: Array
    rv: Array
    ebv: Array
    r_v: Array
    a_ks: Array
    absolute: Array
    colour: Array
    vsini: Array
    vsini_companion: Array
    vsini_third: Array
    emission: Emission
    mag: dict[str, Array]
    wobble: Array
    surface: Surface
    exponents: Array

    @property
    def name(self) -> list[str]:
        return [f"SIM{k:07d}" if k else "LB-1" for k in self.number.tolist()]


def draw_sky(n: int, recipe: Recipe, chunk: int) -> Sky:
    """n systems; the first of chunk 0 is LB-1."""
    number = chunk * CHUNK + np.arange(n)
    return sky_of(draw_systems(n, recipe, chunk), number, recipe, chunk)


def sky_of(stars: Stars, number: NDArray[np.int64], recipe: Recipe, chunk: int) -> Sky:
    """What stars of these numbers have besides: motions, discs, rotation, nebulae, magnitudes."""
    ebv = stars.ebv
    teff, logg = (stars.primary[:, COLUMNS.index(name)] for name in ("log_teff", "log_g"))
    teff = 10**teff
    discs = draw_discs(teff, logg, critical_velocity(stars.primary), recipe, chunk)
    vsini, vsini_companion, vsini_third = draw_rotation(stars, recipe, chunk)
    vsini = np.where(discs.ew > 0, discs.vsini, vsini)
    if chunk == 0:
        discs = with_lb1(discs, recipe)
        vsini[0], vsini_companion[0] = LB1_VSINI, discs.vsini[0]
    critical = critical_velocity(stars.primary)
    surface = draw_surfaces(stars.kind, teff, vsini, critical, discs, recipe, chunk)
    stars = stars._replace(primary=_dimmed(stars.primary, surface.light))
    absolute = magnitudes(stars.primary, stars.binaries)
    if chunk == 0:
        stars.distance[0] *= 10 ** (0.2 * (LB1_G - _g(absolute, teff, ebv, stars.distance)[0]))
    rv, pmra, pmdec = _motion(stars, recipe, chunk)
    ra, dec = galaxy.equatorial(stars.glon, stars.glat)
    r_v = _laws(stars, recipe, chunk)
    offsets, bend = recipe.has("colour_offsets"), recipe.has("dust_bend")
    light = absolute, teff, ebv, stars.distance, excess_by_band(discs), r_v
    mag = apparent(*light, offsets=offsets, bend=bend)
    nebulae = draw_nebulae(stars.glon, stars.glat, mag["g_gaia"], ebv, recipe, chunk)
    winds = draw_winds(teff, logg, recipe, chunk)
    emission = Emission(discs, nebulae, winds)
    a_ks = band_coefficients(teff, ebv if bend else STRAIGHT, r_v)["ks"] * ebv
    colour = colour_offsets(teff) * offsets
    spins = vsini, vsini_companion, vsini_third
    wobble = _wobble(stars) * recipe.has("wobble")
    return Sky(
        number, stars, ra, dec, pmra, pmdec, rv, ebv, r_v, a_ks, absolute, colour, *spins, emission,
        mag, wobble, surface, _exponents(stars, recipe, chunk),
    )  # fmt: skip


def _dimmed(primary: Array, light: Array) -> Array:
    """Isochrone rows of stars so many mag fainter."""
    out = primary.copy()
    out[:, FIRST_BAND:] += light[:, None]
    out[:, COLUMNS.index("log_l")] -= 0.4 * light
    return out


def _laws(stars: Stars, recipe: Recipe, chunk: int) -> Array:
    """R_V of each star's dust; LB-1's is the mean."""
    places = galaxy.cartesian(stars.glon, stars.glat, stars.distance)
    r_v = draw_laws(*places, recipe, chunk)
    return np.where((np.arange(len(r_v)) == 0) & (chunk == 0), MEAN_LAW, r_v)


def _exponents(stars: Stars, recipe: Recipe, chunk: int) -> Array:
    """Of the lines of primary, companion and third star (n, 3, groups)."""
    rows = stars.primary, stars.binaries.second.star, stars.binaries.third.star
    drawn = [draw_exponents(r[:, TEFF], r[:, LOGG], recipe, chunk, k) for k, r in enumerate(rows)]
    return np.stack(drawn, axis=1)


def _motion(stars: Stars, recipe: Recipe, chunk: int) -> Array:
    """Radial velocity (km/s) and proper motion (mas/yr), 0 without the ingredient."""
    older = np.where(np.isin(stars.kind, DWARFS), OLDER, 1.0)
    rng, moves = recipe.rng("velocities", chunk), recipe.has("velocities")
    return (
        np.stack(galaxy.velocities(stars.glon, stars.glat, stars.distance, rng, older=older))
        * moves
    )


def _wobble(stars: Stars) -> Array:
    """Semi-axis (mas) of the orbit of the centre of light in G of the primary and its nearer
    companion.
    """
    second = stars.binaries.second
    q, light = (
        second.mass_ratio,
        second.light[:, G - FIRST_BAND] / 10 ** (-0.4 * stars.primary[:, G]),
    )
    axis = semi_axis(stars.primary[:, INITIAL] * (1 + q), second.orbit.log_period)
    return np.nan_to_num(axis / stars.distance * photocentre(q, light))


def _g(absolute: Array, teff: Array, ebv: Array, distance: Array) -> Array:
    return apparent(absolute, teff, ebv, distance, np.zeros_like(absolute))["g_gaia"]


ERROR, ERROR_FAINT, FAINT_SNR = 5.0, 10.0, 20.0  # km/s at high S/N; added at S/N of 20 and below
# d from the beginning of the local day LMJD, in UT, to the middle of the exposures before midnight
MIDDLE = -0.385
V = BANDS.index("v")


class Motion(NamedTuple):
    """km/s, one row per visit: all stars (NaN where there is none), the mean by their light in V,
    the header's value
    and its error."""

    primary: Array
    companion: Array
    third: Array
    system: Array
    measured: Array
    error: Array


def draw_motion(sky: Sky, visits: Visits, recipe: Recipe, chunk: int) -> Motion:
    """Velocities of the stars on their orbits at the time of each visit."""
    at, b = visits.star, taken(sky.stars.binaries, visits.star)
    primary, companion, third = velocities(
        sky.rv[at], b, visits.lmjd + MIDDLE, moving=recipe.has("orbits")
    )
    bright = 10 ** (-0.4 * sky.stars.primary[at, FIRST_BAND + V])
    light = np.stack([bright, b.second.light[:, V], b.third.light[:, V]])
    system = (light * np.nan_to_num([primary, companion, third])).sum(0) / light.sum(0)
    error = ERROR + ERROR_FAINT * np.minimum(FAINT_SNR / visits.snr_g, 1)
    noise = recipe.rng("header_velocity", chunk).standard_normal(len(at))
    return Motion(primary, companion, third, system, system + error * noise, error)


def velocities(
    systemic: Array, b: Binaries, time: NDArray[np.floating], *, moving: bool = True
) -> tuple[Array, Array, Array]:
    """Of the primary, its companion and a third star (km/s; NaN where there is none) at MJD time.

    The third star and the pair swing about each other, the companion and the primary about the
    pair's centre.
    """
    inner, outer = velocity(b.second.orbit, time) * moving, velocity(b.third.orbit, time) * moving
    pair = systemic + outer
    third = b.third.mass_ratio / (1 + np.nan_to_num(b.second.mass_ratio))
    return pair + inner, pair - inner / b.second.mass_ratio, systemic - outer / third
