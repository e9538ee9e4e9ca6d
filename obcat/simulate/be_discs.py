"""Be discs: who has one, its light, its lines from Keplerian rings, and how all that changes."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import j0, j1

from obcat.kernels.grid import WAVELENGTH
from obcat.simulate.dust import BANDS
from obcat.simulate.ingredients import Recipe
from obcat.simulate.lines import FREQUENCY, PIXEL, at_lines, balmer, paschen, vacuum
from obcat.statistics import Array, Complex, Floats

__all__ = [
    "H_ALPHA",
    "LINES",
    "SHELL",
    "Disc",
    "be_fraction",
    "brightening",
    "disc_flux",
    "disc_transforms",
    "draw_discs",
    "excess_by_band",
    "gauss",
    "later",
    "veil",
    "with_lb1",
]

# Teff (K), Be among B stars of classes V to III: Zorec & Briot (1997), abstract: 17 % at least of
# all, most (34 %) at B1; the run over subtypes is from memory, not checked
FRACTION = (
    (9_500, 0.01), (11_000, 0.04), (13_000, 0.09), (15_500, 0.13), (19_000, 0.18), (22_500, 0.28),
    (26_000, 0.34), (30_000, 0.15), (34_000, 0.04), (40_000, 0.02),
)  # fmt: skip
CLASSES = (
    (3.0, 0.0),
    (3.3, 0.7),
    (3.6, 1.0),
    (4.45, 1.0),
    (4.6, 0.0),
)  # log g, factor: no supergiant, no subdwarf
SPIN, SPIN_SIGMA, SPIN_RANGE = (
    0.80,
    0.08,
    (0.60, 0.95),
)  # of the critical velocity: Rivinius et al. (2013)
SHELL = 75.0  # deg; beyond, the disc stands before the star
EW_MEDIAN, EW_SIGMA, EW_RANGE = (
    ((11_000, 4.0), (25_000, 12.0)),
    1.0,
    (0.5, 60.0),
)  # Angstrom by Teff; ln
PROJECTION = 0.35  # of a disc's H alpha is left edge-on
SEPARATION, SEPARATION_SIGMA = (
    (-0.20, -0.32),
    0.08,
)  # log(dv / 2 v sin i) against log EW: Hanuschik et al. (1988)
SHELL_EW = (1.5, 4.0)  # Angstrom absorbed at H alpha
# F(H alpha)/F(H beta): mean, scatter, range; one in five has 2.7 or more (Banerjee et al. 2021,
# abstract), the range of Dachs et al. (1990) is not checked
DECREMENT = (2.2, 0.6, (1.2, 3.6))
# Angstrom of H alpha from where Fe II shows (Banerjee et al. 2021, abstract: about 10), width
IRON_FROM, IRON_WIDTH = 10.0, 1.5
# EW relative to H alpha, ln scatter, share of the stars: from below this Teff to above it
RATIOS = {
    "paschen": (0.07, 0.35, (0.35, 0.95)),  # P14 and its like: Andrillat et al. (1988)
    "iron": (0.018, 0.40, (0.30, 0.75)),  # 5169: Hanuschik (1987)
    "calcium": (0.07, 0.40, (0.20, 0.20)),  # Polidan & Peters (1976), Shokry et al. (2018)
    "oxygen": (
        0.10,
        0.25,
        (0.60, 0.97),
    ),  # 8446, pumped by Ly beta: with H alpha, Mathew et al. (2012)
    "oxygen_7774": (0.03, 0.40, (0.30, 0.70)),
    "helium": (0.015, 0.50, (0.0, 0.60)),
}
EARLY = 17_000.0  # K
ASYMMETRIC, ASYMMETRY = (
    0.33,
    (0.05, 0.30),
)  # of the stars have V/R variations: Okazaki (1997); amplitude
WING = (
    15.0,
    60.0,
    0.30,
)  # EW where electron scattering begins to show and where it has this share of the line
EXCESS_PER_EW, EXCESS_MAX, EXCESS_SIGMA = 0.0125, 0.60, 0.35  # Ks, mag: Dougherty et al. (1994); ln
REDDENING_PER_EW, REDDENING_MAX = 0.0025, 0.15  # E(B-V) of the disc, mag: Dachs et al. (1988)
SWING, SWING_SIGMA, PERIOD = 0.10, 0.6, (700.0, 4000.0)  # ln EW: median amplitude, ln scatter; d
CHANGING, CHANGE_BETWEEN, CHANGE_TIME = (
    0.04,
    (55_000.0, 59_000.0),
    300.0,
)  # share that lose or gain the disc; MJD; d
BLUE, V, KS = 4400.0, 5500.0, 21_600.0  # Angstrom
BAND_WAVELENGTH = {
    "g_gaia": 5850, "bp": 5050, "rp": 7700, "g": 4700, "r": 6200, "i": 7600, "b": 4400, "v": 5500,
    "j": 12_350, "h": 16_600, "ks": 21_600,
}  # fmt: skip


LB1 = {  # a disc like that of LB-1: Liu et al. (2019)
    "ew": 12.0, "shell": 0.0, "inclination": 40.0, "vsini": 300.0, "separation": 120.0,
    "asymmetry": 0.0, "wing": 0.0, "decrement": 2.7, "paschen": 0.07, "iron": 0.018, "calcium": 0.0,
    "oxygen": 0.1, "oxygen_7774": 0.03, "helium": 0.0, "excess_ks": 0.1, "reddening": 0.03,
    "swing": 0.05, "change": np.nan, }  # fmt: skip


class Disc(NamedTuple):
    """One row a star: H alpha emitted and, by a shell, absorbed (Angstrom), inclination (deg),
    projected rotation and half peak separation (km/s), V/R asymmetry, share of electron scattering,
    F(H alpha)/F(H beta), EW of other lines over H alpha's, Ks excess and E(B-V) of the disc (mag),
    and what makes it change.
    """

    ew: Array
    shell: Array
    inclination: Array
    vsini: Array
    separation: Array
    asymmetry: Array
    wing: Array
    decrement: Array
    paschen: Array
    iron: Array
    calcium: Array
    oxygen: Array
    oxygen_7774: Array
    helium: Array
    excess_ks: Array
    reddening: Array
    swing: Array
    period: Array
    phase: Array
    change: Array


def be_fraction(teff: Array, logg: Array) -> Array:
    """Chance of a star to have a disc, by spectral type and luminosity class."""
    return np.interp(teff, *np.array(FRACTION).T) * np.interp(logg, *np.array(CLASSES).T)


def draw_discs(teff: Array, logg: Array, critical: Array, recipe: Recipe, chunk: int) -> Disc:
    """Discs of fast rotators at random inclinations; critical velocities in km/s.
    `ew` is 0 where there is none.
    """
    n, rng = len(teff), recipe.rng("be_stars", chunk)
    has = (rng.random(n) < be_fraction(teff, logg)) & recipe.has("be_stars")
    cosine = rng.random(n)
    spin = np.clip(SPIN + SPIN_SIGMA * rng.standard_normal(n), *SPIN_RANGE)
    vsini = spin * critical * np.sqrt(1 - cosine**2)
    median = np.interp(teff, *np.array(EW_MEDIAN).T) * (PROJECTION + (1 - PROJECTION) * cosine)
    ew = np.clip(median * np.exp(EW_SIGMA * rng.standard_normal(n)), *EW_RANGE)
    inclination = np.degrees(np.arccos(cosine))
    shell = rng.uniform(*SHELL_EW, size=n) * (inclination > SHELL)
    ratios = {group: _ratio(*numbers, teff > EARLY, rng) for group, numbers in RATIOS.items()}
    ratios["iron"] = ratios["iron"] / (1 + np.exp((IRON_FROM - ew) / IRON_WIDTH))
    asymmetry = rng.uniform(*ASYMMETRY, size=n) * (rng.random(n) < ASYMMETRIC)
    kinds = {
        "inclination": inclination, "vsini": vsini, "separation": _separation(ew, vsini, rng),
        "asymmetry": asymmetry, "wing": WING[2] * np.clip((ew - WING[0]) / (WING[1] - WING[0]), 0,
        1), "decrement": _decrement(n, rng),
    }  # fmt: skip
    return Disc(
        ew=ew * has,
        shell=shell * has,
        **kinds,
        **ratios,
        **_light(ew * has, recipe, chunk),
        **_changes(n, rng),
    )


def with_lb1(disc: Disc, recipe: Recipe) -> Disc:
    """Row 0 with the disc of LB-1, which belongs to the companion;
    without light or lines if the recipe has none.
    """
    off = {
        "ew": recipe.has("be_stars"),
        "excess_ks": recipe.has("disc_light"),
        "reddening": recipe.has("disc_light"),
    }
    row = {name: value * off.get(name, True) for name, value in LB1.items()}
    return disc._replace(
        **{name: np.concatenate([[value], getattr(disc, name)[1:]]) for name, value in row.items()}
    )


def _ratio(
    mean: float,
    sigma: float,
    shares: tuple[float, float],
    early: NDArray[np.bool_],
    rng: np.random.Generator,
) -> Array:
    n = len(early)
    return (
        mean
        * np.exp(sigma * rng.standard_normal(n))
        * (rng.random(n) < np.where(early, shares[1], shares[0]))
    )


def _decrement(n: int, rng: np.random.Generator) -> Array:
    mean, scatter, limits = DECREMENT
    return np.clip(mean + scatter * rng.standard_normal(n), *limits)


def _separation(ew: Array, vsini: Array, rng: np.random.Generator) -> Array:
    log_ratio = (
        SEPARATION[0]
        + SEPARATION[1] * np.log10(ew)
        + SEPARATION_SIGMA * rng.standard_normal(len(ew))
    )
    return vsini * np.minimum(10**log_ratio, 0.9)


def _light(ew: Array, recipe: Recipe, chunk: int) -> dict[str, Array]:
    """Excess in Ks and E(B-V) of the disc, both growing with H alpha."""
    rng = recipe.rng("disc_light", chunk)
    scatter = np.exp(EXCESS_SIGMA * rng.standard_normal((2, len(ew)))) * recipe.has("disc_light")
    excess = EXCESS_MAX * -np.expm1(-EXCESS_PER_EW * ew * scatter[0] / EXCESS_MAX)
    reddening = np.minimum(REDDENING_PER_EW * ew * scatter[1], REDDENING_MAX)
    return {"excess_ks": np.maximum(excess, reddening), "reddening": reddening}


def _changes(n: int, rng: np.random.Generator) -> dict[str, Array]:
    """Amplitude, period and phase of slow changes, and the day a disc is lost (negative) or built;
    NaN: neither.
    """
    swing = SWING * np.exp(SWING_SIGMA * rng.standard_normal(n))
    period = PERIOD[0] * (PERIOD[1] / PERIOD[0]) ** rng.random(n)
    phase, day, u = (
        rng.uniform(0, 2 * np.pi, size=n),
        rng.uniform(*CHANGE_BETWEEN, size=n),
        rng.random(n),
    )
    change = np.where(u < CHANGING, np.where(u < CHANGING / 2, -day, day), np.nan)
    return {"swing": swing, "period": period, "phase": phase, "change": change}


def later(disc: Disc, mjd: NDArray[np.int64]) -> Disc:
    """The discs on these days: strength, light and V/R as they are then."""
    turn = 2 * np.pi * mjd / disc.period + disc.phase
    since = np.maximum(mjd - np.abs(disc.change), 0) / CHANGE_TIME
    left = np.where(disc.change < 0, np.exp(-since), -np.expm1(-since))
    factor = np.exp(disc.swing * np.sin(turn)) * np.where(np.isnan(disc.change), 1.0, left)
    now = {name: getattr(disc, name) * factor for name in ("ew", "shell", "excess_ks", "reddening")}
    return disc._replace(asymmetry=disc.asymmetry * np.cos(turn), **now)


def brightening(disc: Disc, wavelength: NDArray[np.floating]) -> Array:
    """(n, wavelengths) mag the continuum of the disc adds:
    none at B, E(B-V) at V, the excess at Ks, linear in ln.
    """
    x = np.log(wavelength)
    optical = np.clip((x - np.log(BLUE)) / np.log(V / BLUE), 0, 1)
    infrared = np.clip((x - np.log(V)) / np.log(KS / V), 0, 1)
    return disc.reddening[:, None] * optical + (disc.excess_ks - disc.reddening)[:, None] * infrared


def excess_by_band(disc: Disc) -> Array:
    """(n, bands) mag."""
    return brightening(disc, np.array([float(BAND_WAVELENGTH[band]) for band in BANDS]))


def veil(disc: Disc) -> NDArray[np.float32]:
    """(n, 3909) light the disc adds, over that of the star."""
    return np.expm1((0.4 * np.log(10) * brightening(disc, WAVELENGTH)).astype(np.float32))


H_ALPHA = 6564.61
# air Angstrom: Nave & Johansson (2013); strength relative to 5169, after the gallery of Hanuschik
# (1987)
IRON = (
    (4178.86, 0.3), (4233.17, 0.7), (4351.77, 0.4), (4508.29, 0.3), (4515.34, 0.3), (4522.63, 0.4),
    (4549.47, 0.7), (4555.89, 0.3), (4583.84, 0.8), (4629.34, 0.4), (4923.93, 0.7), (5018.44, 0.9),
    (5169.03, 1.0), (5197.58, 0.6), (5234.62, 0.6), (5276.00, 0.7), (5316.62, 1.3), (5362.87, 0.4),
    (5534.85, 0.4), (6238.39, 0.3), (6247.56, 0.4), (6432.68, 0.3), (6456.38, 0.5), (6516.08, 0.4),
    (7462.41, 0.3), (7711.72, 0.7),
)  # fmt: skip
HELIUM = ((5875.62, 1.0), (6678.15, 0.7), (7065.19, 0.8))
CALCIUM = ((8498.02, 0.9), (8542.09, 1.0), (8662.14, 0.9))  # saturated: nearly equal
# flux of H n+1 over that of H n beyond H beta, between thick and thin discs: Dachs et al. (1990)
DESCENT = 0.55
PASCHEN_SLOPE = 1.2  # EW falls with n to this power
BALMER_LINES = [(H_ALPHA, 3), *((balmer(n), n) for n in range(4, 12))]
PASCHEN_LINES = [(paschen(n), n) for n in range(10, 21)]
NARROW, WIDE, WIDEST = 0, 1, 2  # classes of width
SCALES = (1.0, 1.8, 2.0)  # peak separation over that of H alpha: Hanuschik et al. (1988)
RINGS, OUTER_WEIGHT = (
    8,
    -1.0,
)  # flux of a ring by its velocity: emissivity falls with radius to the power 1.5
TURBULENCE, SHELL_WIDTH, SCATTERED = (
    35.0,
    45.0,
    480.0,
)  # km/s, sigma; electrons of 10,000 K scatter with 550 at most
SHELL_SHARES = {"balmer": 0.8, "paschen": 0.35, "iron": 0.2, "calcium": 0.35, "oxygen": 0.1,
    "oxygen_7774": 0.4, "helium": 0.0}  # fmt: skip

# vacuum wavelength, group, strength in its group, class of width
LINES: list[tuple[float, str, float, int]] = [
    *((w, "balmer", 0.0, NARROW if n == 3 else WIDE) for w, n in BALMER_LINES),
    *((w, "paschen", (14 / n) ** PASCHEN_SLOPE, WIDE) for w, n in PASCHEN_LINES),
    *((vacuum(w), "iron", s, WIDEST) for w, s in IRON),
    *((vacuum(w), "calcium", s, WIDE) for w, s in CALCIUM),
    (vacuum(8446.36), "oxygen", 1.0, WIDE),
    (vacuum(7774.17), "oxygen_7774", 1.0, WIDE),
    *((vacuum(w), "helium", s, WIDEST) for w, s in HELIUM),
]
WAVELENGTHS = np.array([w for w, *_ in LINES])
CLASS = np.array([c for *_, c in LINES])
SHELL_STRENGTH = np.array([1.0, *(SHELL_SHARES[group] * (s or 1) for _, group, s, _ in LINES[1:])])


def disc_flux(disc: Disc, level: Floats, star: Floats) -> tuple[Array, Array, Array]:
    """Vacuum wavelengths (lines,), flux emitted (n, lines), and flux absorbed of the light of the
    star.

    H alpha has the equivalent width of the disc, the Balmer lines follow it in flux, other groups
    in equivalent width. `level` and `star` are (n, 3909): the continuum, and the flux without the
    disc.
    """
    continuum = at_lines(level, WAVELENGTHS)
    beta = (disc.ew * continuum[:, 0] / disc.decrement)[:, None]
    others = [
        getattr(disc, group) * strength * disc.ew
        for _, group, strength, _ in LINES[len(BALMER_LINES) :]
    ]
    series = beta * DESCENT ** np.arange(len(BALMER_LINES) - 1)
    first = (disc.ew * continuum[:, 0])[:, None]
    flux = np.concatenate(
        [first, series, np.stack(others, axis=1) * continuum[:, len(BALMER_LINES) :]], axis=1
    )
    return (
        WAVELENGTHS,
        flux,
        disc.shell[:, None]
        * SHELL_STRENGTH
        * (WAVELENGTHS / H_ALPHA)
        * at_lines(star, WAVELENGTHS),
    )


def disc_transforms(disc: Disc, flux: Array, shell: Array) -> Complex:
    """(n, lines, frequencies): emission of rings, part of it scattered by electrons,
    less the core of a shell.
    """
    rings = np.stack([_ring_transform(disc, scale) for scale in SCALES], axis=1)
    scattered = gauss(SCATTERED)
    rings[:, NARROW] *= 1 + disc.wing[:, None] * (scattered - 1)
    emitted = flux[..., None].astype(np.float32) * rings[:, CLASS]
    return emitted - (shell[..., None] * gauss(SHELL_WIDTH)).astype(np.float32)


def _ring_transform(disc: Disc, scale: float) -> Complex:
    """(n, frequencies) of a flat Keplerian disc of unit flux, from the star's surface to where half
    the peak separation is the orbital velocity; one side brighter by the asymmetry (a ring's
    transform is J0 - i a J1).
    """
    outer = np.minimum(disc.separation * scale, 0.95 * disc.vsini)
    steps = (np.arange(RINGS) + 0.5) / RINGS
    velocity = outer[:, None] * np.exp(
        np.log(np.maximum(disc.vsini, 1) / np.maximum(outer, 0.95))[:, None] * steps
    )
    weight = np.maximum(velocity, 1) ** OUTER_WEIGHT
    weight /= weight.sum(axis=1, keepdims=True)
    x = (velocity[..., None] / PIXEL * FREQUENCY).astype(np.float32)
    even, odd = (np.einsum("nr,nrf->nf", weight, bessel(x)) for bessel in (j0, j1))
    return ((even - 1j * disc.asymmetry[:, None] * odd) * gauss(TURBULENCE)).astype(np.complex64)


def gauss(sigma: float) -> Array:
    """(frequencies,) of a Gaussian in velocity."""
    return np.exp(-0.5 * (sigma / PIXEL * FREQUENCY) ** 2)
