"""Light: spectra of a system's stars, rotated, shifted, blurred and binned in Fourier space.

Inside the hull of the synthetic grid; subdwarfs and white dwarfs, of higher gravity, are widened or
analytic.
"""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.sparse import csr_array
from scipy.spatial import Delaunay
from scipy.special import j1

from obcat.data import REFERENCE
from obcat.kernels.grid import LIGHT_SPEED, LOG_START, WAVELENGTH
from obcat.simulate.lines import corrected
from obcat.statistics import Array, Float32, Floats

__all__ = [
    "COOLEST",
    "DENSEST",
    "FINE",
    "N_FINE",
    "Component",
    "Templates",
    "black_body",
    "composite",
    "dense_continuum",
    "dense_lines",
    "hydrogen",
    "normalised",
    "rotation",
    "spectrum_feh",
    "templates",
    "weights",
]

COOLEST = 8000.0  # K, the cool edge of the solar grid
N_FINE = 7938
FIRST_PIXEL = 60  # fine sample on LAMOST pixel 0; two samples a pixel
N_PIXEL = 3909
DEX_PER_UNIT = 0.1  # log Teff is stretched so that triangles stay local


class Templates(NamedTuple):
    """Of 401 nodes: ln of normalised flux (fine samples), ln of continuum (LAMOST pixels), Teff,
    log g, [Fe/H].

    Then the metallicities, and for each the mesh of its nodes and which these are.
    """

    ln_normalised: NDArray[np.float32]
    ln_continuum: NDArray[np.float32]
    teff: Array
    logg: Array
    node_feh: Array
    feh: tuple[float, ...]
    meshes: tuple[Delaunay, ...]
    nodes: tuple[NDArray[np.int64], ...]


@cache
def templates() -> Templates:
    parts = [_grid(REFERENCE / f"{name}_spectra.npz") for name in ("hot_star", "supergiant")]
    lines, continuum, teff, logg, node_feh = (
        np.concatenate(both) for both in zip(*parts, strict=True)
    )
    feh = tuple(float(f) for f in np.unique(node_feh))
    nodes = tuple(np.flatnonzero(node_feh == f) for f in feh)
    meshes = tuple(Delaunay(_plane(np.log10(teff[i]), logg[i])) for i in nodes)
    return Templates(lines, continuum, teff, logg, node_feh, feh, meshes, nodes)


def _grid(path: Path) -> tuple[Float32, Float32, Array, Array, Array]:
    """The first five fields of Templates from one file."""
    with np.load(path) as z:
        lines = np.maximum(z["normalised_u16"], 1) * float(z["normalised_scale"])
        pixels = FIRST_PIXEL + 2 * np.arange(N_PIXEL)
        continuum = np.stack(
            [np.interp(pixels, z["continuum_index"], row) for row in z["ln_continuum"]]
        )
        atmosphere = z["teff"], z["logg"], z["feh"]
    return np.log(lines).astype(np.float32), continuum.astype(np.float32), *atmosphere


def _plane(log_teff: Array, logg: Array) -> Array:
    return np.stack([log_teff / DEX_PER_UNIT, logg], axis=-1)


def spectrum_feh(log_teff: Array, logg: Array, feh: Array) -> Array:
    """The [Fe/H] whose spectrum can be interpolated:
    the star's own, or 0 where only the solar grid reaches, or NaN.
    """
    t = templates()
    point = _plane(log_teff, logg)
    poor, solar, rich = (mesh.find_simplex(point) >= 0 for mesh in t.meshes)
    side = np.where(feh < 0, poor, rich) | (feh == 0)
    within = (feh >= t.feh[0]) & (feh <= t.feh[-1])
    return np.where(solar & side & within, feh, np.where(solar, 0.0, np.nan))


def weights(log_teff: Array, logg: Array, feh: Array) -> tuple[NDArray[np.int64], Array]:
    """Six templates and their weights (n, 6), none negative, summing to 1;
    ValueError outside the hull.
    """
    t = templates()
    upper = np.clip(np.searchsorted(t.feh, feh, side="left"), 1, len(t.feh) - 1)
    nodes = np.array(t.feh)
    share = (feh - nodes[upper - 1]) / (nodes[upper] - nodes[upper - 1])
    low = _simplex(upper - 1, share < 1, log_teff, logg)
    high = _simplex(upper, share > 0, log_teff, logg)
    index = np.concatenate([low[0], high[0]], axis=1)
    weight = np.concatenate([low[1] * (1 - share)[:, None], high[1] * share[:, None]], axis=1)
    return index, weight


def _simplex(
    grid: NDArray[np.int64], used: NDArray[np.bool_], log_teff: Array, logg: Array
) -> tuple[NDArray[np.int64], Array]:
    """Corner templates and barycentric weights in the mesh each row names;
    zero weight where it is not used.
    """
    t = templates()
    index, weight = np.zeros((len(grid), 3), dtype=np.int64), np.zeros((len(grid), 3))
    for k, mesh in enumerate(t.meshes):
        here = np.flatnonzero((grid == k) & used)
        point = _plane(log_teff[here], logg[here])
        simplex = mesh.find_simplex(point)
        if (simplex < 0).any():
            raise ValueError(
                f"{(simplex < 0).sum()} stars outside the grid of spectra at [Fe/H] {t.feh[k]}"
            )
        index[here] = t.nodes[k][mesh.simplices[simplex]]
        weight[here] = _barycentric(mesh.transform[simplex], point)
    return index, weight


def _barycentric(transform: Array, point: Array) -> Array:
    first = np.einsum("nij,nj->ni", transform[:, :2], point - transform[:, 2])
    return np.clip(np.concatenate([first, 1 - first.sum(1, keepdims=True)], axis=1), 0, 1)


DENSEST, DEGENERATE = (
    5.0,
    6.5,
)  # log g: of the grid's densest spectra; beyond, a star is a white dwarf
STEP = 5e-5 * np.log(10)  # ln wavelength of one fine sample
FINE = 10 ** (LOG_START + 5e-5 * (np.arange(N_FINE) - FIRST_PIXEL))
HC_K = 1.438777e8  # Angstrom K
PRESSURE, STRONGER = (
    250.0,
    0.3,
)  # per dex of gravity: km/s of Lorentzian half width, dex of line strength; chosen
HELIUM = (
    3889.7,
    4027.3,
    4145.0,
    4389.2,
    4472.7,
    4714.5,
    4923.3,
    5017.1,
    5877.2,
    6680.0,
    7067.2,
)  # He I, vacuum
HELIUM_LEFT, HELIUM_WIDTH, HELIUM_RICH = (
    0.3,
    600.0,
    38_000.0,
)  # of a subdwarf's lines; km/s; hotter ones keep all (K)
# vacuum Angstrom, central optical depth and half width (Angstrom) at 13,000 K, log g 8; chosen to
# look DA
BALMER = (
    (6564.6, 0.65, 20.0), (4862.7, 0.85, 22.0), (4341.7, 0.80, 22.0), (4102.9, 0.65, 20.0),
    (3971.2, 0.40, 16.0), (3890.2, 0.18, 12.0), (3836.5, 0.05, 10.0),
)  # fmt: skip
WING = 2.5  # exponent of linear Stark wings
STRONGEST, FADE_HOT, FADE_COOL = 13_000.0, -0.9, 2.0  # K; powers of temperature to either side
WIDER = 0.2  # dex of width per dex of gravity


def dense_lines(lines: Float32, log_teff: Array, logg: Array) -> Float32:
    """Normalised fine spectra (n, N_FINE) of the densest templates,
    changed where the star is denser still.
    """
    sub, white = (
        np.flatnonzero((logg > DENSEST) & (logg <= DEGENERATE)),
        np.flatnonzero(logg > DEGENERATE),
    )
    out = lines.copy() if len(sub) + len(white) else lines
    if len(sub):
        beyond = logg[sub] - DENSEST
        poor = _without_helium(lines[sub], log_teff[sub])
        stronger = poor**10 ** (STRONGER * beyond[:, None])
        out[sub] = _widened(stronger, beyond)
    if len(white):
        out[white] = hydrogen(log_teff[white], logg[white])
    return out


def _without_helium(lines: Float32, log_teff: Array) -> Float32:
    near = np.max(
        [np.exp(-0.5 * (np.log(FINE / c) * LIGHT_SPEED / HELIUM_WIDTH) ** 2) for c in HELIUM],
        axis=0,
    )
    poor = (log_teff < np.log10(HELIUM_RICH))[:, None]
    return np.exp(np.log(lines) * (1 - (1 - HELIUM_LEFT) * near * poor)).astype(np.float32)


def _widened(lines: NDArray[np.floating], beyond: Array) -> Float32:
    """Convolution with a Lorentzian as wide as the gravity is beyond the grid;
    the ends are mirrored.
    """
    n, half_width = lines.shape[1], PRESSURE * beyond
    depth = fft.rfft(np.concatenate([1 - lines, 1 - lines[:, ::-1]], axis=1), axis=1)
    turns = 2 * np.pi * np.arange(n + 1) / (2 * n)
    out = (
        1
        - fft.irfft(depth * np.exp(-half_width[:, None] / LIGHT_SPEED / STEP * turns), axis=1)[
            :, :n
        ]
    )
    return out.astype(np.float32)


def hydrogen(log_teff: Array, logg: Array) -> Float32:
    """Balmer lines of DA white dwarfs (n, N_FINE)."""
    ratio = 10**log_teff / STRONGEST
    strength = ratio ** np.where(ratio > 1, FADE_HOT, FADE_COOL)
    wider = 10 ** (WIDER * (logg - 8))
    depth = np.zeros((len(log_teff), N_FINE))
    for centre, tau, width in BALMER:
        away = np.abs(FINE - centre) / (width * wider[:, None])
        depth += tau * strength[:, None] / (1 + away**WING)
    return np.exp(-depth).astype(np.float32)


def dense_continuum(ln_continuum: Float32, log_teff: Array, logg: Array) -> Float32:
    """ln of the continua (n, 3909), that of white dwarfs replaced by a black body's."""
    white = np.flatnonzero(logg > DEGENERATE)
    out = ln_continuum.copy()
    out[white] = black_body(log_teff[white])
    return out


def black_body(log_teff: Array, wavelength: Floats = WAVELENGTH) -> Float32:
    """ln of Planck's function per wavelength (n, wavelengths), in any unit."""
    return (
        -5 * np.log(wavelength) - np.log(np.expm1(HC_K / wavelength / 10 ** log_teff[:, None]))
    ).astype(np.float32)


N_FFT = 8192
FINE_STEP = 5e-5 * np.log(10)  # ln wavelength of one fine sample
FREQUENCY = np.arange(N_FFT // 2 + 1) / N_FFT  # cycles a fine sample
LIMB_DARKENING = 0.4
REFERENCE_WAVELENGTH = 5500.0


class Component(NamedTuple):
    """One star of each system (n,): atmosphere, projected rotation and velocity (km/s), absolute
    V magnitude, and (n, groups) exponents of its lines (``corrections``; 1: as LTE has them).
    """

    log_teff: Array
    logg: Array
    feh: Array
    vsini: Array
    rv: Array
    m_v: Array
    exponents: Array


def composite(
    parts: list[tuple[NDArray[np.int64], Component]], n: int, resolution: Array
) -> tuple[Float32, Float32]:
    """Flux (n, 3909) of systems and its continuum, unreddened, in units of 10^(-0.4 M_V) at 5,500
    Angstrom.

    Each part names the systems its stars belong to.
    """
    flux, level = np.zeros((n, N_PIXEL), dtype=np.float32), np.zeros((n, N_PIXEL), dtype=np.float32)
    for rows, star in parts:
        lines, continuum = normalised(star, resolution[rows])
        level[rows] += continuum
        flux[rows] += continuum * lines
    return flux, level


def normalised(star: Component, resolution: Array) -> tuple[Float32, Float32]:
    """Flux over continuum on the LAMOST grid, and the continuum, for stars at or beyond the cool
    edge of the grid too.

    A star cooler than the edge has the lines of the edge and its continuum times a ratio of Planck
    functions; stars denser than the grid are changed as `dense` says.
    """
    index, weight = weights(
        np.maximum(star.log_teff, np.log10(COOLEST)), np.minimum(star.logg, DENSEST), star.feh
    )
    t = templates()
    ln_lines = corrected(_mix(t.ln_normalised, index, weight), star.exponents)
    lines = dense_lines(np.exp(ln_lines, out=ln_lines), star.log_teff, star.logg)
    ln_continuum = _mix(t.ln_continuum, index, weight) + _planck_ratio(star.log_teff)
    ln_continuum = dense_continuum(ln_continuum, star.log_teff, star.logg)
    middle = np.searchsorted(WAVELENGTH, REFERENCE_WAVELENGTH)
    scale = -0.4 * np.log(10) * star.m_v[:, None] - ln_continuum[:, [middle]]
    return _observe(lines, star, resolution), np.exp(ln_continuum + scale.astype(np.float32))


def _mix(table: Float32, index: NDArray[np.int64], weight: Array) -> Float32:
    ends = np.arange(0, index.size + 1, index.shape[1])
    shares = weight.astype(np.float32).ravel(), index.ravel(), ends
    return csr_array(shares, shape=(len(index), len(table))) @ table


def _planck_ratio(log_teff: Array) -> Float32:
    """ln of B(Teff) / B(8,000 K); 0 for stars inside the grid."""
    cool = np.flatnonzero(log_teff < np.log10(COOLEST))
    out = np.zeros((len(log_teff), N_PIXEL), dtype=np.float32)
    x = HC_K / WAVELENGTH
    out[cool] = np.log(np.expm1(x / COOLEST)) - np.log(np.expm1(x / 10 ** log_teff[cool, None]))
    return out


def _observe(lines: Float32, star: Component, resolution: Array) -> Float32:
    """Rotation, velocity, line-spread function and pixel as one product of transforms,
    sampled every other point.
    """
    padded = np.empty((len(lines), N_FFT), dtype=np.float32)
    padded[:, :N_FINE] = lines
    padded[:, N_FINE:] = np.linspace(lines[:, -1], lines[:, 0], N_FFT - N_FINE, axis=1)
    spectrum = fft.rfft(padded, axis=1, overwrite_x=True) * _transfer(star, resolution)
    half = N_FFT // 4
    folded = (spectrum[:, : half + 1] + np.conj(spectrum[:, N_FFT // 2 : half - 1 : -1])) / 2
    return fft.irfft(folded, axis=1)[:, FIRST_PIXEL // 2 : FIRST_PIXEL // 2 + N_PIXEL]


def _transfer(star: Component, resolution: Array) -> NDArray[np.complex64]:
    width = star.vsini / LIGHT_SPEED / FINE_STEP
    sigma = 1 / (resolution * 2.3548 * FINE_STEP)
    shift = np.log1p(star.rv / LIGHT_SPEED) / FINE_STEP
    width, sigma, shift = (v[:, None].astype(np.float32) * _TURNS for v in (width, sigma, shift))
    real = rotation(width).astype(np.float32) * np.exp(np.float32(-0.5) * sigma**2) * _PIXEL
    out = np.empty(real.shape, dtype=np.complex64)
    out.real, out.imag = real * np.cos(shift), -real * np.sin(shift)
    return out


def rotation(x: NDArray[np.floating]) -> Array:
    """Transform of the rotational profile, linear limb darkening (Gray 2005, eq.
    18.14), from a table.
    """
    return np.interp(x, *_ROTATION)


def _rotation_table() -> tuple[Array, Array]:
    x = np.arange(1, 12_000) * 0.005
    disc = 2 * j1(x) / x
    dark = 3 * (np.sin(x) / x - np.cos(x)) / x**2
    weight = (1 - LIMB_DARKENING) / (1 - LIMB_DARKENING / 3)
    return np.concatenate([[0.0], x]), np.concatenate([[1.0], weight * disc + (1 - weight) * dark])


_ROTATION = _rotation_table()
_TURNS = (2 * np.pi * FREQUENCY).astype(np.float32)
_PIXEL = np.sinc(2 * FREQUENCY).astype(np.float32)
