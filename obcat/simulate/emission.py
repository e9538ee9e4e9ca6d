"""Emission: what discs, nebulae and winds add to the spectra, as flux on the LAMOST grid."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat.simulate.be_discs import H_ALPHA, Disc, disc_flux, disc_transforms, gauss, later, veil
from obcat.simulate.dust import f99
from obcat.simulate.ingredients import Recipe, taken
from obcat.simulate.lines import FREQUENCY, FWHM, PIXEL, at_lines, balmer, stamped, vacuum
from obcat.statistics import Array, Complex, Float32, Floats, Integers

__all__ = [
    "CASE_B",
    "NEBULAR",
    "REGIONS",
    "Emission",
    "Nebula",
    "Wind",
    "add_emission",
    "draw_nebulae",
    "draw_ratios",
    "draw_winds",
    "gusts",
    "inside",
    "nebular_flux",
    "nebular_transforms",
    "on_days",
    "region_at",
    "velocities",
    "wind_lines",
]

REGIONS = (  # l, b, radius (deg) of large H II regions in the field: Sharpless (1959)
    (41.5, 2.4, 0.5), (55.1, 2.4, 0.4), (60.9, -0.1, 0.4), (74.8, 0.6, 0.8), (78.0, 1.8, 2.0),
    (80.0, -1.0, 1.2), (84.8, -0.6, 1.6), (93.0, 2.8, 0.6), (99.3, 3.7, 1.4), (102.8, -0.7, 0.6),
    (107.0, -0.9, 0.4), (110.2, 2.6, 0.5), (111.5, 0.8, 0.4), (118.4, 4.7, 1.5), (123.2, -6.3, 0.4),
    (132.2, -0.7, 0.7), (134.8, 0.9, 1.2), (137.4, 1.1, 1.2), (148.0, 0.0, 0.9), (150.6, -0.9, 0.4),
    (151.6, -0.2, 0.4), (155.4, 2.6, 0.4), (160.1, -12.3, 1.5), (168.7, 1.0, 0.4),
    (169.2, -1.0, 0.6), (172.1, -2.2, 1.0), (173.4, -1.7, 0.7), (173.6, 2.8, 0.6),
    (182.3, 0.2, 0.3), (188.9, 0.8, 0.5), (190.1, 0.5, 0.5), (192.6, -0.1, 0.4),
    (195.1, -12.0, 3.2), (201.6, 0.5, 0.4), (202.9, 2.2, 1.2), (206.3, -2.1, 0.9),
    (206.5, -16.4, 0.7), (209.0, -19.4, 1.0), (211.9, -1.3, 0.7), (224.5, -2.4, 1.2),
)  # fmt: skip
# of bright regions over that at the middle: Sharpless's places and sizes, from memory, not checked
CHANCE, ELSEWHERE = (
    0.6,
    0.003,
)  # of a residue in the middle of a region, and in the diffuse gas between them
EW_AT_13, EW_SIGMA, EW_RANGE = 2.0, 0.9, (0.2, 60.0)  # Angstrom of H alpha at G of 13; ln
FAINTER = 0.25  # dex of EW per mag: brighter gas is dropped from the sky more carefully
OVER, OVER_MAX = 0.25, 2.5  # of the residues were subtracted too much; Angstrom
MOTION = 8.0  # km/s between gas and star
# F/F(H alpha) or, [O III], [O II] and He I, F/F(H beta), medians of bright regions and of the gas
# between them, ln scatter of the regions and within each: the diffuse gas has more [N II] and
# [S II], less [O III] and He I (Madsen et al. 2006, abstract; how much is not checked)
RATIOS = {
    "nitrogen": (0.33, 0.55, 0.25, 0.12), "sulphur": (0.20, 0.45, 0.45, 0.20),
    "oxygen_3": (0.40, 0.12, 0.90, 0.30), "oxygen_2": (1.6, 2.0, 0.30, 0.20),
    "helium": (0.09, 0.05, 0.30, 0.20),
}  # fmt: skip
MOST = {"nitrogen": 1.2, "sulphur": 0.8, "oxygen_3": 5.0, "oxygen_2": 6.0, "helium": 0.18}
DENSITY = (1.15, 1.43)  # [S II] 6716/6731, at the limit of low density
REDDENING = (0.7, 1.2)  # E(B-V) of the gas over that of the star


class Nebula(NamedTuple):
    """One row a star: H alpha left over (Angstrom, negative: subtracted too much), velocity against
    the star (km/s), ratios of line fluxes, and E(B-V) of the gas less that of the star (mag).
    """

    ew: Array
    motion: Array
    nitrogen: Array
    sulphur: Array
    oxygen_3: Array
    oxygen_2: Array
    helium: Array
    density: Array
    reddening: Array


def inside(glon: Array, glat: Array) -> Array:
    """Chance of nebular light at these places (deg): Gaussian within each region."""
    return _chances(glon, glat).max(axis=0)


def region_at(glon: Array, glat: Array) -> NDArray[np.int64]:
    """Which of REGIONS these places (deg) belong to; their number for the gas between them."""
    return (_chances(glon, glat).argmax(axis=0) - 1) % (len(REGIONS) + 1)


def _chances(glon: Array, glat: Array) -> Array:
    """(1 + regions, n): of the gas everywhere first."""
    lon, lat, radius = np.array(REGIONS).T[..., None]
    along = ((glon - lon + 180) % 360 - 180) * np.cos(np.radians(lat))
    bright = CHANCE * np.exp(-(along**2 + (glat - lat) ** 2) / (2 * radius**2))
    return np.concatenate([np.full((1, len(glon)), ELSEWHERE), bright])


def draw_ratios(
    region: NDArray[np.int64], rng: np.random.Generator, of_regions: np.random.Generator
) -> dict[str, Array]:
    """Ratios of lines: each region has its own, about which its places scatter; the same in every
    chunk where `of_regions` begins anew.
    """
    out = {}
    for name, (bright, diffuse, between, within) in RATIOS.items():
        median = bright * np.exp(between * of_regions.standard_normal(len(REGIONS)))
        own = np.append(median, diffuse)[region]
        ratio = own * np.exp(within * rng.standard_normal(len(region)))
        out[name] = np.minimum(ratio, MOST[name])
    return out


def draw_nebulae(
    glon: Array, glat: Array, g: Array, ebv: Array, recipe: Recipe, chunk: int
) -> Nebula:
    """`ew` is 0 where there is none; faint stars have more gas over their continuum."""
    n, rng = len(g), recipe.rng("nebulae", chunk)
    has = (rng.random(n) < inside(glon, glat)) & recipe.has("nebulae")
    ew = np.clip(
        EW_AT_13 * 10 ** (FAINTER * (g - 13)) * np.exp(EW_SIGMA * rng.standard_normal(n)), *EW_RANGE
    )
    ew = np.where(rng.random(n) < OVER, -np.minimum(ew, OVER_MAX), ew) * has
    ratios = draw_ratios(region_at(glon, glat), rng, recipe.rng("nebulae"))
    motion, density = MOTION * rng.standard_normal(n), rng.uniform(*DENSITY, size=n)
    return Nebula(
        ew=ew,
        motion=motion,
        density=density,
        reddening=(rng.uniform(*REDDENING, size=n) - 1) * ebv,
        **ratios,
    )


# log10 of the EW (Angstrom) of H alpha in emission: WIND_EW - WIND_SLOPE (x - 1.3), scatter dex,
# x = log g - 4 log (Teff / 10,000 K), faded in below x of 2.1: set on ten real supergiants
WIND_EW, WIND_SLOPE, WIND_SIGMA, WIND_MAX = 0.45, 1.6, 0.3, 12.0
WIND_LIMIT, WIND_FADE = 2.1, 0.3
WIND_DENSEST = 3.7  # log g: O dwarfs, which are denser, show no emission
WIND_FWHM = ((9_000.0, 200.0), (15_000.0, 300.0), (25_000.0, 400.0), (35_000.0, 600.0))  # K, km/s
WIND_SHIFT = 50.0  # km/s, to the red
GUST, GUST_PERIOD = 0.15, (10.0, 120.0)  # ln; d: Kaufer et al. (1996)


class Wind(NamedTuple):
    """One row a star: H alpha emitted (Angstrom), width (sigma, km/s), Teff (K), and how it
    varies.
    """

    ew: Array
    width: Array
    teff: Array
    period: Array
    phase: Array


def draw_winds(teff: Array, logg: Array, recipe: Recipe, chunk: int) -> Wind:
    """Emission grows as the gravity nears that of radiation; `ew` is 0 for all but supergiants and
    bright giants.
    """
    n, rng = len(teff), recipe.rng("winds", chunk)
    x = logg - 4 * np.log10(teff / 10_000)
    has = (logg <= WIND_DENSEST) & recipe.has("winds")
    ew = 10 ** (WIND_EW - WIND_SLOPE * (x - 1.3) + WIND_SIGMA * rng.standard_normal(n))
    ew = np.minimum(ew * np.clip((WIND_LIMIT - x) / WIND_FADE, 0, 1), WIND_MAX) * has
    width = np.interp(teff, *np.array(WIND_FWHM).T) / FWHM
    period = GUST_PERIOD[0] * (GUST_PERIOD[1] / GUST_PERIOD[0]) ** rng.random(n)
    return Wind(ew, width, teff, period, rng.uniform(0, 2 * np.pi, size=n))


def gusts(wind: Wind, mjd: NDArray[np.int64]) -> Wind:
    """The winds on these days."""
    factor = np.exp(GUST * np.sin(2 * np.pi * mjd / wind.period + wind.phase))
    return wind._replace(ew=wind.ew * factor)


CASE_B = 2.86  # F(H alpha)/F(H beta), 10,000 K: Osterbrock & Ferland (2006), table 4.4
BALMER_OVER_BETA = ((5, 0.468), (6, 0.259), (7, 0.159), (8, 0.105), (9, 0.073))  # the same table
O3_RATIO, N2_RATIO = 2.98, 3.05  # 5007/4959, 6583/6548: Storey & Zeippen (2000)
O2_RATIO = 0.72  # 3726/3729 at low density
THERMAL = 12.0  # km/s, sigma of a nebular line
NEBULAR = np.array([
    H_ALPHA, balmer(4), *(balmer(n) for n, _ in BALMER_OVER_BETA), *map(vacuum, (
        6548.05, 6583.45, 6716.44, 6730.82, 4958.91, 5006.84, 3726.03, 3728.82, 5875.62,
    )),
])  # fmt: skip
HOT, HOTTER = 28_000.0, 6_000.0  # K: ionised helium and N III show, fully so much hotter
WIND = np.array([H_ALPHA, balmer(4), balmer(5), *map(vacuum, (4685.70, 4634.14, 4640.64))])
# EW over that of H alpha, the last three in hot stars only; N III shared as 1 to 1.8 (gf)
WIND_SHARES = np.array([1.0, 0.20, 0.06, 0.30, 0.25 * 1 / 2.8, 0.25 * 1.8 / 2.8])


def nebular_flux(nebula: Nebula, level: Floats) -> tuple[Array, Array]:
    """Vacuum wavelengths (lines,) and flux (n, lines):
    recombination after Case B, reddened as the gas is.
    """
    alpha = nebula.ew * at_lines(level, NEBULAR[:1])[:, 0]
    n, s, total = nebula.nitrogen, nebula.sulphur, 1 + nebula.density
    ratio = [
        np.full(len(alpha), r)
        for r in (1.0, 1 / CASE_B, *(r / CASE_B for _, r in BALMER_OVER_BETA))
    ]
    ratio += [n / N2_RATIO, n, s * nebula.density / total, s / total]
    o3, o2 = nebula.oxygen_3 / CASE_B, nebula.oxygen_2 / CASE_B
    ratio += [
        o3 / O3_RATIO,
        o3,
        o2 * O2_RATIO / (1 + O2_RATIO),
        o2 / (1 + O2_RATIO),
        nebula.helium / CASE_B,
    ]
    curve = f99(NEBULAR)
    dust = 10 ** (-0.4 * nebula.reddening[:, None] * (curve - curve[0]))
    return NEBULAR, alpha[:, None] * np.stack(ratio, axis=1) * dust


def nebular_transforms(flux: Array) -> Complex:
    return (flux[..., None] * gauss(THERMAL)).astype(complex)


def wind_lines(wind: Wind, level: Floats) -> tuple[Array, Complex]:
    """Vacuum wavelengths (lines,), and transforms (n, lines, frequencies) of Gaussians."""
    hot = np.clip((wind.teff - HOT) / HOTTER, 0, 1)
    share = WIND_SHARES * np.where(np.arange(len(WIND)) < 3, 1, hot[:, None])
    flux = at_lines(level, WIND) * share * wind.ew[:, None]
    profile = np.exp(-0.5 * (wind.width[:, None] / PIXEL * FREQUENCY) ** 2)
    moved = np.exp(-1j * WIND_SHIFT / PIXEL * FREQUENCY)
    return WIND, flux[..., None] * (profile * moved)[:, None, :]


class Emission(NamedTuple):
    """Disc, nebula and wind of each star, or of each visit."""

    disc: Disc
    nebula: Nebula
    wind: Wind

    @property
    def ew(self) -> Array:
        """H alpha above what the star itself would show (Angstrom): emitted less absorbed."""
        return self.disc.ew - self.disc.shell + self.nebula.ew + self.wind.ew

    @property
    def emitting(self) -> NDArray[np.bool_]:
        """Whether anything is emitted; what the sky subtraction took too much of is not."""
        return (self.disc.ew > 0) | (self.nebula.ew > 0) | (self.wind.ew > 0)

    @property
    def nebular(self) -> NDArray[np.bool_]:
        return (self.nebula.ew > 0) & (self.disc.ew == 0) & (self.wind.ew == 0)


def on_days(emission: Emission, star: Integers, mjd: Integers) -> Emission:
    """The emission of each visit: its star's, as it was on that day."""
    visits = taken(emission, star)
    return visits._replace(disc=later(visits.disc, mjd), wind=gusts(visits.wind, mjd))


def add_emission(
    flux: Float32, level: Float32, emission: Emission, rv: Array, resolution: Array
) -> Float32:
    """Flux (n, 3909) of the systems with what their rows of `emission` add; `level` is their
    continuum, rv (n, 3) the velocities (km/s) of disc, gas and wind, resolution is (n,) or on the
    grid.
    """
    out, e = flux.copy(), emission
    for part, has, column in (
        (e.disc, e.disc.ew > 0, 0),
        (e.nebula, e.nebula.ew != 0, 1),
        (e.wind, e.wind.ew > 0, 2),
    ):
        rows = np.flatnonzero(has)
        if len(rows):
            wavelength, transform = _lines(taken(part, rows), level[rows], flux[rows])
            out[rows] += stamped(
                wavelength, transform, rv[rows, column], at_lines(resolution[rows], wavelength)
            )
    rows = np.flatnonzero(e.disc.excess_ks > 0)
    out[rows] += veil(taken(e.disc, rows)) * level[rows]
    return out


def _lines(part: Disc | Nebula | Wind, level: Float32, star: Float32) -> tuple[Array, Complex]:
    if isinstance(part, Disc):
        wavelength, flux, shell = disc_flux(part, level, star)
        return wavelength, disc_transforms(part, flux, shell)
    if isinstance(part, Nebula):
        wavelength, flux = nebular_flux(part, level)
        return wavelength, nebular_transforms(flux)
    return wind_lines(part, level)


def velocities(nebula: Nebula, star: Array, system: Array) -> Array:
    """(n, 3) km/s of disc, gas and wind: with the star, near the system, with the star."""
    return np.stack([star, system + nebula.motion, star], axis=1)
