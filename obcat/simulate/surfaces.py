"""Surfaces: in what stars of one Teff, log g and [Fe/H] differ: light, helium, nitrogen, metals,
and lines that no grid has.

Nitrogen: most stars within 0.3 dex, 5 % slow rotators enriched (Dufton et al. 2020, abstract;
Lyubimkov 2017), carbon depleted and helium up to twice as much where much enriched (Schoenberner et
al. 1988, abstract). H alpha has a core deeper than LTE's (Nieva & Przybilla 2007; how much is not
checked). Am stars from A4 on (Qin et al. 2019), Ap and He-weak stars: shares not checked.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RegularGridInterpolator

from obcat.kernels.grid import LIGHT_SPEED, WAVELENGTH
from obcat.simulate.be_discs import H_ALPHA, Disc
from obcat.simulate.ingredients import Recipe
from obcat.simulate.lines import balmer, paschen, vacuum
from obcat.statistics import Array, Float32

__all__ = [
    "KINDS",
    "Surface",
    "altered",
    "aspect_light",
    "core_strength",
    "draw_surfaces",
    "groups",
    "hidden_cosines",
    "shape",
    "texture",
]

MASS_SCATTER = 0.05  # ln mass at given Teff and log g, by age, mixing and composition: assumed
# of the stars are products of binaries, brighter than their spectra say (mag): assumed, after
# de Mink et al. (2014), not checked
PRODUCTS, PRODUCT_LIGHT = 0.10, (0.0, 0.4)
KINDS = ("", "nitrogen", "he_weak", "he_strong", "silicon", "metallic")
# kind: share of the stars, Teff from and to (K)
PECULIAR = {
    "nitrogen": (0.05, 15_000.0, np.inf), "he_weak": (0.04, 13_000.0, 18_000.0),
    "he_strong": (0.01, 18_000.0, 25_000.0), "silicon": (0.07, 9_000.0, 13_000.0),
    "metallic": (0.12, 7_000.0, 9_500.0),
}  # fmt: skip
SLOW = 0.5  # of the rotation usual, for peculiar stars
HELIUM_SCATTER, NITROGEN_SCATTER = 0.05, 0.12  # ln of depth; dex
RICH, RICH_HELIUM, RICH_CARBON, RICH_OXYGEN = (0.3, 0.9), 0.35, -0.4, -0.1  # dex; per dex
WEAK, STRONG, SILICON, METALLIC, CALCIUM = (
    (-1.0, -0.3),
    (0.25, 0.6),
    (0.4, 0.9),
    (0.3, 0.6),
    -0.8,
)  # ln of depth
GROWTH = 0.8  # ln depth of a weak line over ln abundance
WINDOW = 5.0  # Angstrom, half width of the windows about lines
LINES = {  # air Angstrom, clear of hydrogen
    "helium": (4026.19, 4120.82, 4143.76, 4387.93, 4471.50, 4713.15, 4921.93, 5015.68, 5047.74,
               5875.62, 6678.15, 7065.19, 7281.35),
    "nitrogen": (3995.00, 4236.95, 4447.03, 4530.41, 4607.15, 4621.39, 4630.54, 5005.15, 5045.10,
                 5666.63, 5679.56, 5710.77),
    "carbon": (3919.98, 4267.26, 5132.95, 5145.16),
    "oxygen": (4072.16, 4317.14, 4366.89, 4415.90, 4590.97, 4649.14, 4661.63, 4676.24,
               4705.35),
    "silicon": (3856.02, 3862.60, 4128.07, 4130.89, 5041.03, 5055.98, 6347.11, 6371.37),
    "calcium": (3933.66,),
}  # fmt: skip
CORE = ((9_000.0, 0.05), (12_000.0, 0.15), (20_000.0, 0.35), (30_000.0, 0.30), (45_000.0, 0.15))
CORE_SIGMA, CORE_WIDTH, TURNING = 0.4, 95.0, 0.5  # ln; km/s, as LAMOST sees it; of v sin i
TEXTURES, TEXTURE_LINES = 12, 400  # patterns from cool to hot; lines in each
GONE = 39  # core widths from a line: the exponential is 0 in floating point
# mean at 4,500 A, so that residuals are 0.002 to 0.003 (1.48 MAD; 4,000-5,800 A, no H and He);
# those of 25 real B templates about the best spectrum of the grid are 0.0025 to 0.005; power of
# wavelength: chosen
TEXTURE_DEPTH, TEXTURE_SLOPE = 0.006, 1.5
TEXTURE_TEFF, TEXTURE_SIGMA, TEXTURE_BLUR = (3.90, 4.60), 0.3, 100.0  # log K; ln; km/s
TEXTURE_SEED = 20_070_801


class Surface(NamedTuple):
    """One row a star: mag fainter than its spectrum says, cosine of inclination, ln of the depth of
    lines over the grid's by group, what is peculiar, H alpha core (Angstrom) and its width (km/s),
    and the strength of each pattern of unknown lines (n, TEXTURES).
    """

    light: Array
    cosine: Array
    helium: Array
    nitrogen: Array
    carbon: Array
    oxygen: Array
    silicon: Array
    calcium: Array
    metals: Array
    kind: NDArray[np.str_]
    core: Array
    core_width: Array
    texture: Array


def draw_surfaces(
    kinds: NDArray[np.str_],
    teff: Array,
    vsini: Array,
    critical: Array,
    disc: Disc,
    recipe: Recipe,
    chunk: int,
) -> Surface:
    """Zero in every column without its ingredient; velocities in km/s."""
    cosine, light = _light(kinds, vsini, critical, disc, recipe, chunk)
    rng = recipe.rng("halpha_cores", chunk)
    core = core_strength(teff) * np.exp(CORE_SIGMA * rng.standard_normal(len(teff)))
    kind = _peculiar(teff, vsini < SLOW * critical, recipe, chunk)
    normal = kinds != "white_dwarf"
    return Surface(
        light=light,
        cosine=cosine,
        **_abundances(kind, recipe, chunk),
        kind=kind,
        core=core * recipe.has("halpha_cores") * normal,
        core_width=np.hypot(CORE_WIDTH, TURNING * vsini),
        texture=_strengths(teff, vsini, recipe, chunk) * normal[:, None],
    )


def core_strength(teff: Array) -> Array:
    """Angstrom by which the core of H alpha is deeper than in LTE."""
    return np.interp(teff, *np.array(CORE).T)


def _light(
    kinds: NDArray[np.str_], vsini: Array, critical: Array, disc: Disc, recipe: Recipe, chunk: int
) -> tuple[Array, Array]:
    """Cosines of inclination, and mag: by aspect, by mass, and of products of binaries; none of
    LB-1's.
    """
    n, rng = len(vsini), recipe.rng("hidden_light", chunk)
    cosine = hidden_cosines(vsini, critical, rng.random(n))
    cosine = np.where(disc.ew > 0, np.cos(np.radians(disc.inclination)), cosine)
    speed = vsini / critical / np.sqrt(1 - np.minimum(cosine, 0.999) ** 2)
    light = aspect_light(speed, cosine) - 2.5 / np.log(10) * MASS_SCATTER * rng.standard_normal(n)
    product = (rng.random(n) < PRODUCTS) * rng.uniform(*PRODUCT_LIGHT, size=n)
    usual = np.isin(kinds, ("star", "interloper")) & ((np.arange(n) > 0) | (chunk > 0))
    return cosine, (light - product) * usual * recipe.has("hidden_light")


def _peculiar(teff: Array, slow: NDArray[np.bool_], recipe: Recipe, chunk: int) -> NDArray[np.str_]:
    """One of KINDS; shares are of the slow rotators of each temperature."""
    u = recipe.rng("abundances", chunk, 1).random((len(PECULIAR), len(teff)))
    kind = np.full(len(teff), "", dtype="<U9")
    for v, (name, (share, coolest, hottest)) in zip(u, PECULIAR.items(), strict=True):
        here = (v < share) & slow & (teff > coolest) & (teff < hottest)
        kind[here & recipe.has("abundances")] = name
    return kind


def _abundances(kind: NDArray[np.str_], recipe: Recipe, chunk: int) -> dict[str, Array]:
    """ln of depth of lines over the grid's."""
    n, rng, has = len(kind), recipe.rng("abundances", chunk), recipe.has("abundances")
    scatter, size = rng.standard_normal((2, n)), rng.random(n)
    dex = NITROGEN_SCATTER * scatter[0] * has
    dex = np.where(kind == "nitrogen", RICH[0] + size * (RICH[1] - RICH[0]), dex)
    rich = np.where(kind == "nitrogen", dex, 0.0)
    helium = HELIUM_SCATTER * scatter[1] * has + RICH_HELIUM * rich
    growth = GROWTH * np.log(10)
    return {
        "helium": helium + _between(kind, "he_weak", WEAK, size)
        + _between(kind, "he_strong", STRONG, size),
        "nitrogen": growth * dex, "carbon": growth * RICH_CARBON * rich,
        "oxygen": growth * RICH_OXYGEN * rich,
        "silicon": _between(kind, "silicon", SILICON, size),
        "calcium": CALCIUM * (kind == "metallic"),
        "metals": _between(kind, "metallic", METALLIC, size)
        + 0.5 * _between(kind, "silicon", METALLIC, size),
    }  # fmt: skip


def _between(kind: NDArray[np.str_], name: str, limits: tuple[float, float], size: Array) -> Array:
    return (limits[0] + size * (limits[1] - limits[0])) * (kind == name)


def _strengths(teff: Array, vsini: Array, recipe: Recipe, chunk: int) -> Array:
    """Of patterns (n, TEXTURES), each strongest at its own Teff, smeared by rotation."""
    rng = recipe.rng("line_texture", chunk)
    centres = np.linspace(*TEXTURE_TEFF, TEXTURES)
    away = (np.log10(teff)[:, None] - centres) / (centres[1] - centres[0])
    own = np.exp(TEXTURE_SIGMA * rng.standard_normal((len(teff), TEXTURES)))
    smeared = 1 / np.hypot(1, vsini / TEXTURE_BLUR)
    return np.exp(-0.5 * away**2) * own * smeared[:, None] * recipe.has("line_texture")


def altered(flux: Float32, level: Float32, surface: Surface, rv: Array) -> Float32:
    """Flux (n, 3909) over a continuum `level` with the lines of these surfaces; rv in km/s."""
    power = np.stack([getattr(surface, name) for name in groups()], axis=1).astype(np.float32)
    depth = 1 - flux / level
    depth *= np.exp(power @ np.stack(list(groups().values())))
    depth += surface.texture.astype(np.float32) @ texture()
    depth += _cores(surface, rv)
    return level * (1 - depth)


def _cores(surface: Surface, rv: Array) -> Float32:
    """Depth of the cores of H alpha (n, 3909)."""
    near = slice(*np.searchsorted(WAVELENGTH, (H_ALPHA - 40, H_ALPHA + 40)))
    out = np.zeros((len(rv), len(WAVELENGTH)), dtype=np.float32)
    velocity = LIGHT_SPEED * np.log(WAVELENGTH[near] / H_ALPHA) - rv[:, None]
    width = surface.core_width[:, None]
    angstrom = np.sqrt(2 * np.pi) * width / LIGHT_SPEED * H_ALPHA
    out[:, near] = surface.core[:, None] / angstrom * np.exp(-0.5 * (velocity / width) ** 2)
    return out


@cache
def groups() -> dict[str, Float32]:
    """Where each group of lines stands on the grid of LAMOST (3909,): 1 in its windows; metals
    stand wherever there are no others and no hydrogen.
    """
    out = {name: _windows([vacuum(w) for w in lines], WINDOW) for name, lines in LINES.items()}
    hydrogen = [balmer(n) for n in range(3, 16)] + [paschen(n) for n in range(9, 20)]
    taken = np.max([_windows(hydrogen, 30.0), out["helium"], out["calcium"]], axis=0)
    return out | {"metals": (1 - taken).astype(np.float32)}


def _windows(centres: list[float], half: float) -> Float32:
    """Smooth at the edges, over a quarter of the half width."""
    away = np.abs(WAVELENGTH[:, None] - np.array(centres)).min(axis=1)
    return np.clip((half - away) / (0.25 * half) + 1, 0, 1).astype(np.float32)


@cache
def texture() -> Float32:
    """Depths (TEXTURES, 3909) of weak lines at random wavelengths, the same in every survey."""
    rng = np.random.default_rng(TEXTURE_SEED)
    centre = np.exp(rng.uniform(np.log(3700), np.log(9000), size=(TEXTURES, TEXTURE_LINES)))
    depth = rng.exponential(TEXTURE_DEPTH, size=centre.shape) * (centre / 4500) ** -TEXTURE_SLOPE
    reach = np.exp(GONE * CORE_WIDTH / LIGHT_SPEED)
    first, end = (np.searchsorted(WAVELENGTH, edge) for edge in (centre / reach, centre * reach))
    out = np.zeros((TEXTURES, len(WAVELENGTH)))
    for row, line in np.ndindex(centre.shape):
        near = slice(first[row, line], end[row, line])
        velocity = LIGHT_SPEED * np.log(WAVELENGTH[near] / centre[row, line])
        out[row, near] += depth[row, line] * np.exp(-0.5 * (velocity / CORE_WIDTH) ** 2)
    return out.astype(np.float32)


# a Roche star whose flux follows its gravity (von Zeipel 1924), rigid, seen in the infrared, where
# light goes with temperature; its spectrum is that of the mean Teff and log g of the visible side
FASTEST = 0.95  # of the critical velocity
SPEEDS, COSINES = np.linspace(0, FASTEST, 20), np.linspace(0, 1, 11)
LATITUDES, LONGITUDES = 60, 48
# mag for one dex of Teff and of log g, of main-sequence B stars: M goes as Teff^1.75 g^-0.27 along
# MIST's tracks, and light in Ks as M Teff / g
BY_TEFF, BY_LOGG = -2.5 * (1.75 + 1), 2.5 * (1 + 0.27)
VISUAL = 1.6  # power of temperature with which blue light goes


def hidden_cosines(vsini: Array, critical: Array, u: Array) -> Array:
    """Cosines of inclination at the quantile u that leave the star below break-up."""
    least = np.clip(vsini / (FASTEST * critical), 0, 1)
    return u * np.sqrt(1 - least**2)


def aspect_light(speed: Array, cosine: Array) -> Array:
    """mag by which a star of this equatorial over critical velocity, seen at this cosine of
    inclination, is fainter than stars of its spectrum.
    """
    at = np.stack([np.clip(speed, 0, FASTEST), np.clip(cosine, 0, 1)], axis=-1)
    return RegularGridInterpolator((SPEEDS, COSINES), _table())(at)


@cache
def _table() -> Array:
    """(speeds, cosines) mag, of mean 0 over all directions."""
    rows = []
    for speed in SPEEDS:
        seen = np.array([_seen(float(speed), float(c)) for c in COSINES])
        seen -= seen.mean(axis=0)
        rows.append(seen[:, 0] - BY_TEFF * seen[:, 1] - BY_LOGG * seen[:, 2])
    return np.stack(rows)


def shape(speed: float, sine: Array) -> tuple[Array, float]:
    """Radius over the pole's at these sines of colatitude, and angular over critical velocity, of
    a star with this equatorial over critical velocity.
    """
    angular = np.linspace(0, 1, 400)
    equator = _radius(angular, 1.0)
    omega = float(np.interp(speed, angular * equator * 2 / 3, angular))
    return _radius(np.full_like(sine, omega), sine), omega


def _radius(omega: Array, sine: Array | float) -> Array:
    """The root of 1/x + 4/27 (omega sine)^2 x^2 = 1."""
    a = np.maximum(omega * sine, 1e-6)
    return 3 / a * np.cos((np.pi + np.arccos(np.minimum(a, 1))) / 3)


def _seen(speed: float, cosine: float) -> tuple[float, float, float]:
    """Infrared magnitude, log Teff and log g of the visible side."""
    mu = (np.arange(LATITUDES) + 0.5) / LATITUDES * 2 - 1
    phi = (np.arange(LONGITUDES) + 0.5) / LONGITUDES * np.pi
    sine = np.sqrt(1 - mu**2)
    radius, omega = shape(speed, sine)
    inward = -1 / radius**2 + 8 / 27 * omega**2 * radius * sine**2
    sideways = 8 / 27 * omega**2 * radius * sine * mu
    gravity = np.hypot(inward, sideways)
    area = radius**2 * gravity / -inward
    flux = gravity / (area * gravity).sum() * len(mu)
    outward, along = -inward / gravity, sideways / gravity
    normal = np.stack([outward * sine - along * mu, outward * mu + along * sine])
    towards = (
        np.outer(normal[0], np.cos(phi)) * np.sqrt(1 - cosine**2) + normal[1][:, None] * cosine
    )
    visible = np.maximum(towards, 0) * area[:, None]
    infrared, blue = (visible * flux[:, None] ** (p / 4) for p in (1.0, VISUAL))
    mean = [
        (blue * value[:, None]).sum() / blue.sum() for value in (np.log10(flux), np.log10(gravity))
    ]
    return -2.5 * float(np.log10(infrared.mean())), float(mean[0]) / 4, float(mean[1])
