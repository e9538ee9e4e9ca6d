"""Lines: vacuum wavelengths of what discs, nebulae and winds emit, and lines stamped on the LAMOST
grid.

Interstellar: the lines that gas and dust between us and the star put on a spectrum. Corrections:
how much stronger or weaker lines of real stars are than those of LTE models. ln of the normalised
flux is multiplied by an exponent for each of six groups of lines, set on the equivalent widths of
observed O, B and A stars of all luminosity classes. Dwarfs are corrected like supergiants: lines
corrected in one of the two alone would tell the luminosity.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from obcat.data import REFERENCE
from obcat.kernels.grid import LIGHT_SPEED, LOG_START, LOG_STEP, N_PIXEL, WAVELENGTH
from obcat.simulate.ingredients import Recipe
from obcat.statistics import Array, Complex, Float32, Floats

__all__ = [
    "DIB",
    "FREQUENCY",
    "FWHM",
    "GROUPS",
    "PIXEL",
    "SCATTER",
    "at_lines",
    "balmer",
    "corrected",
    "draw_exponents",
    "equivalent_widths",
    "gas_velocity",
    "line_exponents",
    "paschen",
    "pixel_of",
    "stamped",
    "supergiant_share",
    "transmission",
    "vacuum",
]

RYDBERG_H = 109_677.5834  # 1/cm
STEP = LOG_STEP * np.log(10)  # ln wavelength
PIXEL = STEP * LIGHT_SPEED  # km/s
WINDOW = 64  # pixels a line may fill: 2,200 km/s to each side
FREQUENCY = 2 * np.pi * np.arange(WINDOW // 2 + 1) / WINDOW  # radian a pixel
FWHM = np.sqrt(8 * np.log(2))


def vacuum(air: float) -> float:
    """Vacuum wavelength (Angstrom) of one in air; the inverse of Ciddor (1996) as VALD gives it."""
    s = (1e4 / air) ** 2
    index = (
        1
        + 8.336624212083e-5
        + 0.02408926869968 / (130.1065924522 - s)
        + 1.599740894897e-4 / (38.92568793293 - s)
    )
    return air * index


def balmer(n: int) -> float:
    """Vacuum wavelength of the transition n to 2 of hydrogen, without fine structure."""
    return 1e8 / (RYDBERG_H * (1 / 4 - 1 / n**2))


def paschen(n: int) -> float:
    return 1e8 / (RYDBERG_H * (1 / 9 - 1 / n**2))


def pixel_of(wavelength: Array) -> NDArray[np.int64]:
    """The nearest pixel of the grid."""
    return np.clip(np.rint((np.log10(wavelength) - LOG_START) / LOG_STEP), 0, N_PIXEL - 1).astype(
        np.int64
    )


def at_lines(values: Floats, wavelength: Array) -> Array:
    """(n, lines) of what is given on the grid (n, 3909), or is the same all along it (n,)."""
    if values.ndim == 1:
        return np.repeat(values[:, None], len(wavelength), axis=1).astype(float)
    return values[:, pixel_of(wavelength)].astype(float)


def stamped(wavelength: Array, transform: Complex, rv: Array, resolution: Array) -> Float32:
    """(n, 3909) per Angstrom: lines of which `transform` (n, lines, frequencies) is flux times
    Fourier transform in velocity, moved by rv (n,), blurred by resolution (n, lines) and by the
    pixel; each keeps its integral.
    """
    first = np.floor((np.log10(wavelength) - LOG_START) / LOG_STEP).astype(np.int64) - WINDOW // 2
    rest = (np.log10(wavelength) - LOG_START) / LOG_STEP - first
    place = rest + np.log1p(rv / LIGHT_SPEED)[:, None] / STEP
    sigma = 1 / (resolution * FWHM * STEP)
    blur = np.exp(-0.5 * (_SINGLE * sigma[..., None].astype(np.float32)) ** 2) * _PIXEL_BLUR
    window = np.fft.irfft(transform.astype(np.complex64) * _moved(place) * blur, n=WINDOW, axis=2)
    out = np.zeros((len(rv), N_PIXEL + 2 * WINDOW), dtype=np.float32)
    for k, start in enumerate((first + WINDOW).tolist()):
        out[:, start : start + WINDOW] += window[:, k]
    return out[:, WINDOW:-WINDOW] / _PIXEL_WIDTH


def _moved(place: Array) -> Complex:
    """exp(-i frequency place), by repeated multiplication."""
    once = np.exp(-1j * FREQUENCY[1] * place).astype(np.complex64)
    turns = np.repeat(once[..., None], len(FREQUENCY), axis=-1)
    turns[..., 0] = 1
    return np.cumprod(turns, axis=-1)


_SINGLE = FREQUENCY.astype(np.float32)
_PIXEL_BLUR = np.sinc(FREQUENCY / (2 * np.pi)).astype(np.float32)
_PIXEL_WIDTH = (STEP * WAVELENGTH).astype(np.float32)


# vacuum Angstrom, Angstrom per mag of E(B-V), full width: Friedman et al. (2011); 4430: Snow et al.
# (2002)
DIB = (
    (4430.1, 2.0, 20.0), (5782.1, 0.50, 2.1), (5798.7, 0.17, 0.8), (6285.6, 1.0, 4.5),
    (6615.1, 0.20, 1.0),
)  # fmt: skip
SODIUM = (
    (5891.58, 2.16, 1.91),
    (5897.56, 2.47, 1.76),
)  # log E(B-V) = slope EW - offset: Poznanski et al. (2012)
CALCIUM = (
    (3934.77, 0.40, 0.35),
    (3969.59, 0.25, 0.22),
)  # Angstrom per mag at first, Angstrom at most: assumed
FAINTEST = 0.03  # mag; sodium is linear in E(B-V) below, where the relation has lost its stars
CLOUD = 15.0  # km/s, sigma of the atoms' velocities along a line of sight
SOLAR_MOTION = (
    11.1,
    12.24,
    7.25,
)  # km/s toward l, b = (0, 0), (90, 0), (, 90): Schoenrich et al. (2010)
TO_GALACTIC = np.array(  # rows: Galactic axes in ICRS, Hipparcos catalogue vol. 1
    [
        [-0.0548755604, -0.8734370902, -0.4838350155],
        [0.4941094279, -0.4448296300, 0.7469822445],
        [-0.8676661490, -0.1980763734, 0.4559837762],
    ]
)
GAS_SPREAD = 10.0  # km/s of clouds about the local standard of rest


def gas_velocity(ra: Array, dec: Array, rng: np.random.Generator) -> Array:
    """Heliocentric km/s (n,) of gas near the local standard of rest."""
    a, d = np.radians(ra), np.radians(dec)
    toward = TO_GALACTIC @ np.stack([np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)])
    return GAS_SPREAD * rng.standard_normal(len(ra)) - SOLAR_MOTION @ toward


def equivalent_widths(ebv: Array) -> Array:
    """Angstrom (n, lines): diffuse bands, sodium, calcium."""
    dust = np.maximum(ebv, 0)[:, None]
    bands = dust * np.array([strength for _, strength, _ in DIB])
    slope, offset = np.array([row[1:] for row in SODIUM]).T
    sodium = (
        (np.log10(np.maximum(dust, FAINTEST)) + offset) / slope * np.minimum(dust / FAINTEST, 1)
    )
    first, most = np.array([row[1:] for row in CALCIUM]).T
    return np.concatenate([bands, sodium, most * (1 - np.exp(-dust * first / most))], axis=1)


def transmission(ebv: Array, rv: Array, resolution: Array) -> Float32:
    """(n, 3909) for gas at heliocentric rv (n,), seen with resolution (n,)."""
    spread = np.exp(-0.5 * (_SIGMA[:, None] / PIXEL * FREQUENCY) ** 2)
    transform = equivalent_widths(ebv)[..., None] * spread + 0j
    each = np.repeat(resolution[:, None], len(_CENTRES), axis=1)
    return np.exp(-stamped(_CENTRES, transform, rv, each)).astype(np.float32)


_CENTRES = np.array([row[0] for row in (*DIB, *SODIUM, *CALCIUM)])
_SIGMA = np.array([w / c * LIGHT_SPEED / np.sqrt(8 * np.log(2)) for c, _, w in DIB] + [CLOUD] * 4)


GROUPS = ("hydrogen", "he1_blue", "he1_5876_7065", "he1_6678_7281", "he2", "metals")
SCATTER = 0.10  # ln of an exponent from star to star: data/reference/README.md
DWARF_LOGG, SUPERGIANT_FLUX_LOGG = 4.0, 1.35  # log g; log g - 4 log (Teff / 10,000 K)
LEAST_RANGE = 0.05  # dex between the two, which meet at 46,000 K


class _Table(NamedTuple):
    """Weights of the groups along the fine samples, and their exponents at some log Teff."""

    weight: Float32
    log_teff: Array
    dwarf: Array
    supergiant: Array


@cache
def _table() -> _Table:
    with np.load(REFERENCE / "supergiant_spectra.npz") as z:
        if tuple(z["correction_groups"].tolist()) != GROUPS:
            raise ValueError(f"supergiant_spectra.npz: its groups of lines are not {GROUPS}")
        return _Table(
            z["correction_weight_u8"].astype(np.float32) / 255,
            np.log10(z["correction_teff"]),
            z["correction_exponent_dwarf"].astype(float),
            z["correction_exponent_supergiant"].astype(float),
        )


def supergiant_share(log_teff: Array, logg: Array) -> Array:
    """0 at log g 4 and above, 1 where log g - 4 log (Teff / 10,000 K) is 1.35 or less, linear in
    log g between.
    """
    full = SUPERGIANT_FLUX_LOGG + 4 * (log_teff - 4)
    return np.clip((DWARF_LOGG - logg) / np.maximum(DWARF_LOGG - full, LEAST_RANGE), 0, 1)


def line_exponents(log_teff: Array, logg: Array) -> Array:
    """(n, GROUPS) of stars without scatter; linear in log Teff, constant off 8,000-40,000 K."""
    t, share = _table(), supergiant_share(log_teff, logg)[:, None]
    dwarf, supergiant = (
        np.stack([np.interp(log_teff, t.log_teff, column) for column in rows.T], axis=1)
        for rows in (t.dwarf, t.supergiant)
    )
    return (1 - share) * dwarf + share * supergiant


def draw_exponents(
    log_teff: Array, logg: Array, recipe: Recipe, chunk: int, component: int = 0
) -> Array:
    """(n, GROUPS) with the scatter of each star; 1 without the ingredient ``line_corrections``.

    component: 0 for the primary, 1 and 2 for its companions, whose scatter is their own.
    """
    out = np.ones((len(log_teff), len(GROUPS)))
    if recipe.has("line_corrections"):
        out = line_exponents(log_teff, logg)
    if recipe.has("line_scatter"):
        normal = recipe.rng("line_scatter", chunk, component).standard_normal(out.shape)
        out = out * np.exp(SCATTER * normal)
    return out


def corrected(ln_lines: Float32, exponents: Array) -> Float32:
    """ln of normalised fine spectra (n, N_FINE) with each group of lines to its power."""
    out = csr_array(exponents.astype(np.float32)) @ _table().weight
    out *= ln_lines
    return out
