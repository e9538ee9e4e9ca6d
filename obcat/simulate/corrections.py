"""Corrections: how much stronger or weaker lines of real stars are than those of LTE models.

ln of the normalised flux is multiplied by an exponent for each of six groups of lines, set on the
equivalent widths of observed O, B and A stars of all luminosity classes. Dwarfs are corrected like
supergiants: lines corrected in one of the two alone would tell the luminosity.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from obcat.data import REFERENCE
from obcat.simulate.ingredients import Recipe

__all__ = ["GROUPS", "SCATTER", "corrected", "draw_exponents", "line_exponents", "supergiant_share"]

Array = NDArray[np.float64]
Float32 = NDArray[np.float32]
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
