"""Reference tables as the arrays of the extinction kernel:
intrinsic colours and extinction coefficients.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from obcat.fit.result import Fit
from obcat.kernels.extinction import BANDS

__all__ = ["Read", "coefficients", "colours", "grid"]

Read = Callable[[], pa.RecordBatchReader]
Floats = NDArray[np.float64]


def colours(read: Read, parameters: Any) -> Fit:
    """The bolometric corrections as a grid, for trilinear interpolation of intrinsic colours.

    Parameters
    ----------
    read : rows with teff (K), logg, feh, and bc_b ... bc_h (mag) for each of BANDS, in any order
    parameters : not used

    Returns
    -------
    arrays teff_nodes (T,), logg_nodes (G,), feh_nodes (F,) ascending and bc_nodes (T, G, F, 9) in
    the order of BANDS. A node that is not in the table is interpolated in [Fe/H] between its
    neighbours, or NaN where there are none. An empty table gives arrays of length zero, which the
    kernel answers with NaN.
    """
    return grid(read, BANDS)


def grid(read: Read, bands: Sequence[str]) -> Fit:
    """As `colours`, of other bands."""
    table = read().read_all()
    axes = [_column(table, name) for name in ("teff", "logg", "feh")]
    nodes = [np.unique(axis) for axis in axes]
    bc = np.full((*map(len, nodes), len(bands)), np.nan)
    place = tuple(np.searchsorted(n, axis) for n, axis in zip(nodes, axes, strict=True))
    bc[place] = np.stack([_column(table, f"bc_{band}") for band in bands], axis=1)
    names = ("teff_nodes", "logg_nodes", "feh_nodes")
    return Fit({**dict(zip(names, nodes, strict=True)), "bc_nodes": _filled(bc, nodes[2])})


def coefficients(read: Read, parameters: Any) -> Fit:
    """Extinction coefficients A_X / E(B-V) of BANDS and of Ks for one fixed star (paper section 4).

    Parameters
    ----------
    read : rows with teff (K) and the columns named in BANDS and ks
    parameters : colour_teff (K), the star's temperature; linear in log Teff between the rows, not
        beyond them

    Returns
    -------
    array coefficients (10,), or (0,) for an empty table, which the kernel answers with NaN

    Raises
    ------
    ValueError : colour_teff is outside the table
    """
    table = read().read_all().sort_by("teff")
    teff = _column(table, "teff")
    if not len(teff):
        return Fit({"coefficients": np.empty(0)})
    if not teff[0] <= parameters.colour_teff <= teff[-1]:
        raise ValueError(
            f"colour_teff = {parameters.colour_teff} is outside the table: {teff[0]:.0f} to "
            f"{teff[-1]:.0f} K"
        )
    at = np.log10(parameters.colour_teff)
    return Fit(
        {
            "coefficients": np.array(
                [np.interp(at, np.log10(teff), _column(table, x)) for x in (*BANDS, "ks")]
            )
        }
    )


def _column(table: pa.Table, name: str) -> Floats:
    return table[name].to_numpy().astype(float)


def _filled(bc: Floats, feh: Floats) -> Floats:
    """Missing nodes, interpolated in [Fe/H] at the same Teff and log g where both neighbours
    exist.
    """
    filled = bc.copy()
    for t, g, band in np.argwhere(np.isnan(bc).any(axis=2)):
        line = bc[t, g, :, band]
        known = np.isfinite(line)
        if known.any():
            filled[t, g, :, band] = np.interp(
                feh, feh[known], line[known], left=np.nan, right=np.nan
            )
    return filled
