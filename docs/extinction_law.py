"""Writes obcat/data/reference/extinction_law.csv: the law of Fitzpatrick (1999) through the bands.

A_X / E(B-V) of hot stars against Teff, E(B-V) and R_V. The spectra are the package's own (log g 4,
solar); below 3,680 and above 9,100 Angstrom a black body carries them on, with the Balmer jump of
such stars. Passbands: Bessell (1990) B, V; SDSS g, r, i; Gaia DR2 revised BP, RP; 2MASS, as the
package speclite has them (`pip install speclite`; it is needed for nothing else). Differences from
E(B-V) = 0.5, R_V = 3.1 are computed, and that node is set to extinction_coefficients.csv, from
which the computation is within 0.6 %.

    python docs/extinction_law.py
"""

import csv
from functools import cache

import numpy as np
from numpy.typing import NDArray

from obcat.data import REFERENCE
from obcat.simulate.dust import f99

Array = NDArray[np.float64]
PASSBANDS = {
    "b": "bessell-B", "g": "sdss2010-g", "bp": "gaiadr2-BP", "v": "bessell-V", "r": "sdss2010-r",
    "i": "sdss2010-i", "rp": "gaiadr2-RP", "j": "twomass-J", "h": "twomass-H", "ks": "twomass-Ks",
}  # fmt: skip
JUMP = {10000: 0.45, 15000: 0.27, 20000: 0.17, 30000: 0.06}  # Teff, K: Balmer jump, dex
EBV, R_V = (0.02, 0.25, 0.5, 1.0, 2.0), (2.6, 3.1, 3.6)
WAVELENGTH = np.arange(3000.0, 25001.0, 2.0)  # Angstrom
BLUE, RED, JOINT = 3680.0, 9100.0, 40.0  # ends of the spectra used, width of the joints
SECOND_CONSTANT = 1.438777e8  # Angstrom K, of radiation


def black_body(teff: float) -> Array:
    """(p,) per wavelength, arbitrary unit."""
    return WAVELENGTH**-5 / np.expm1(SECOND_CONSTANT / (WAVELENGTH * teff))


@cache
def spectrum(teff: int) -> Array:
    """(p,) flux per wavelength, arbitrary unit."""
    with np.load(REFERENCE / "hot_star_spectra.npz") as data:
        row = np.flatnonzero((data["teff"] == teff) & (data["logg"] == 4) & (data["feh"] == 0))[0]
        sample = np.arange(data["normalised_u16"].shape[1])
        start, step = (float(data[f"log10_wavelength_{x}"]) for x in ("start", "step"))
        level = np.exp(np.interp(sample, data["continuum_index"], data["ln_continuum"][row]))
        lines = data["normalised_u16"][row] * float(data["normalised_scale"])
    at = 10 ** (start + step * sample)
    flux, continuum = (np.interp(WAVELENGTH, at, x) for x in (lines * level, level))
    planck = black_body(teff)
    blue, red = WAVELENGTH < BLUE, WAVELENGTH > RED
    joint = (WAVELENGTH > 4000) & (WAVELENGTH < 4000 + 2 * JOINT)
    jump = 10 ** -JUMP[teff]
    flux[blue] = planck[blue] * np.median(continuum[joint] / planck[joint]) * jump
    joint = (WAVELENGTH > RED - JOINT) & ~red
    flux[red] = planck[red] * np.median(flux[joint] / planck[joint])
    return flux


@cache
def passband(name: str) -> Array:
    """(p,) response to energy, arbitrary unit."""
    from speclite.filters import load_filter

    found = load_filter(name)
    return np.interp(WAVELENGTH, found.wavelength, found.response, left=0, right=0)


def coefficient(band: str, teff: int, ebv: float, r_v: float) -> float:
    """A_X / E(B-V) of photons counted."""
    photons = spectrum(teff) * passband(PASSBANDS[band]) * WAVELENGTH
    dimmed = photons * 10 ** (-0.4 * f99(WAVELENGTH, r_v=r_v) * ebv)
    return float(-2.5 * np.log10(dimmed.sum() / photons.sum()) / ebv)


def rows() -> list[list[str]]:
    """The table with its head."""
    with (REFERENCE / "extinction_coefficients.csv").open(newline="", encoding="utf-8") as f:
        given = {int(row["teff"]): row for row in csv.DictReader(f)}
    out = [["teff", "node_ebv", "node_r_v", *PASSBANDS]]
    for teff in JUMP:
        shift = {b: float(given[teff][b]) - coefficient(b, teff, 0.5, 3.1) for b in PASSBANDS}
        out += [
            [
                str(teff),
                str(e),
                str(r),
                *(f"{coefficient(b, teff, e, r) + shift[b]:.4f}" for b in shift),
            ]
            for e in EBV
            for r in R_V
        ]
    return out


if __name__ == "__main__":
    with (REFERENCE / "extinction_law.csv").open("w", newline="", encoding="utf-8") as f:
        csv.writer(f, lineterminator="\n").writerows(rows())
