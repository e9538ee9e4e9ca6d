"""Isochrones: MIST on an (age, metallicity, evolutionary phase) lattice,
interpolated at fixed phase.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.interpolate import RegularGridInterpolator

from obcat.data import REFERENCE
from obcat.simulate.dust import BANDS
from obcat.statistics import Array

__all__ = ["COLUMNS", "FIRST_BAND", "N_PHASE", "Lattice", "at_mass", "at_phase", "lattice"]

COLUMNS = ("initial_mass", "mass", "log_teff", "log_g", "log_l", *BANDS)
FIRST_BAND = COLUMNS.index(BANDS[0])
TEFF, LOGG = COLUMNS.index("log_teff"), COLUMNS.index("log_g")
PHASES = {
    0: (0, 252),
    2: (252, 151),
    3: (403, 102),
}  # MIST phase -> first row and number of equivalent points
N_PHASE = 505
# older isochrones are cut at 0.5 solar masses, so they are counted from the end of the main
# sequence
OLD = 7.5


class Lattice(NamedTuple):
    """Node coordinates, and values (feh, log age, phase, column); NaN where MIST has no star."""

    feh: Array
    log_age: Array
    values: Array


@cache
def lattice() -> Lattice:
    table = pq.read_table(REFERENCE / "isochrones.parquet")
    column = {
        name: table[name].to_numpy().astype(float) for name in ("feh", "log_age", "phase", *COLUMNS)
    }
    feh, log_age = np.unique(column["feh"]), np.unique(column["log_age"])
    values = np.full((len(feh), len(log_age), N_PHASE, len(COLUMNS)), np.nan)
    rows = np.stack([column[name] for name in COLUMNS], axis=1)
    for i, z in enumerate(feh):
        for j, age in enumerate(log_age):
            here = (column["feh"] == z) & (column["log_age"] == age)
            _place(values[i, j], rows[here], column["phase"][here], age)
        values[i, ..., FIRST_BAND:] -= _low_gravity(values[i, ..., TEFF], values[i, ..., LOGG], z)
    return Lattice(feh, log_age, values)


def _low_gravity(log_teff: Array, logg: Array, feh: float) -> Array:
    """mag (..., bands): bolometric corrections of supergiants less those at the edge of MIST's
    table, which MIST's magnitudes keep below it; 0 above the edge.
    """
    axes, difference = _continued()
    place = np.stack(np.broadcast_arrays(log_teff, logg, feh), axis=-1)
    place = np.clip(np.nan_to_num(place), [a[0] for a in axes], [a[-1] for a in axes])
    return RegularGridInterpolator(axes, difference)(place)


@cache
def _continued() -> tuple[tuple[Array, Array, Array], Array]:
    """log Teff, log g and [Fe/H] of the nodes, and the difference of the two tables there."""
    old, new = (
        pq.read_table(REFERENCE / f"bolometric_corrections{end}.parquet").sort_by(
            [("teff", "ascending"), ("logg", "ascending"), ("feh", "ascending")]
        )
        for end in ("", "_lowg")
    )
    teff, logg, feh = (np.unique(new[name].to_numpy()) for name in ("teff", "logg", "feh"))
    by_band = [new[f"bc_{b}"].to_numpy() - old[f"bc_{b}"].to_numpy() for b in BANDS]
    shape = len(teff), len(logg), len(feh), len(BANDS)
    return (np.log10(teff), logg, feh), np.stack(by_band, axis=1).astype(float).reshape(shape)


def _place(out: Array, rows: Array, phase: Array, log_age: float) -> None:
    """Equivalent evolutionary points of one isochrone;
    a phase with more rows than points has no sure place.
    """
    for code, (first, size) in PHASES.items():
        part = rows[phase == code]
        if len(part) <= size:
            start = first + (size - len(part) if code == 0 and log_age > OLD else 0)
            out[start : start + len(part)] = part


def at_phase(feh: Array, log_age: Array, phase: Array) -> Array:
    """(n, columns), linear in each of the three coordinates;
    NaN where any of the eight nodes has no star.
    """
    grid = lattice()
    i, u = _bracket(grid.feh, feh)
    j, v = _bracket(grid.log_age, log_age)
    k, w = _bracket(np.arange(float(N_PHASE)), phase)
    out = np.zeros((len(i), len(COLUMNS)))
    for a, b, c in np.ndindex(2, 2, 2):
        share = (u if a else 1 - u) * (v if b else 1 - v) * (w if c else 1 - w)
        out += share[:, None] * grid.values[i + a, j + b, k + c]
    return out


def at_mass(feh: Array, log_age: Array, mass: Array) -> Array:
    """(n, columns) of the star of that initial mass;
    NaN where it has not yet reached the main sequence or is gone.
    """
    masses = _mass_tracks(feh, log_age)
    low = np.where(np.isnan(masses), np.inf, masses)
    k = np.argmax(low > mass[:, None], axis=1) - 1
    rows = np.arange(len(k))
    before, after = masses[rows, k], masses[rows, k + 1]
    phase = np.where((k >= 0) & (before <= mass), k + (mass - before) / (after - before), np.nan)
    found = np.isfinite(phase)
    out = np.full((len(k), len(COLUMNS)), np.nan)
    out[found] = at_phase(feh[found], log_age[found], phase[found])
    return out


def _mass_tracks(feh: Array, log_age: Array) -> Array:
    grid = lattice()
    masses = grid.values[..., 0]
    i, u = _bracket(grid.feh, feh)
    j, v = _bracket(grid.log_age, log_age)
    low = (1 - v)[:, None] * masses[i, j] + v[:, None] * masses[i, j + 1]
    high = (1 - v)[:, None] * masses[i + 1, j] + v[:, None] * masses[i + 1, j + 1]
    return (1 - u)[:, None] * low + u[:, None] * high


def _bracket(nodes: Array, x: Array) -> tuple[NDArray[np.int64], Array]:
    i = np.clip(np.searchsorted(nodes, x, side="right") - 1, 0, len(nodes) - 2)
    return i, (x - nodes[i]) / (nodes[i + 1] - nodes[i])
