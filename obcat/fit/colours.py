"""Reference tables as the arrays of the extinction kernel:
intrinsic colours and extinction coefficients.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.optimize import minimize

from obcat.arrow import float_array
from obcat.fit import Fit
from obcat.kernels.extinction import BANDS

__all__ = ["Read", "bends", "coefficients", "colours", "grid", "rv_spread"]

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


def bends(read: Read, parameters: Any) -> Fit:
    """The extinction law as the wide bands bend it with Teff and E(B-V).

    Parameters
    ----------
    read : rows, one a node of a full grid: teff (K), node_ebv (mag), and A / E(B-V) in each of
        BANDS and ks
    parameters : colour_bends, 1 for coefficients of each star's own Teff and E(B-V)

    Returns
    -------
    arrays bend_log_teff (T,), bend_ebv (E,), bend (T, E, 10), of length zero without colour_bends
    """
    table = read().read_all().slice(0, None if parameters.colour_bends else 0)
    axes = [_column(table, name) for name in ("teff", "node_ebv")]
    teff, ebv = (np.unique(axis) for axis in axes)
    bend = np.empty((len(teff), len(ebv), len(BANDS) + 1))
    place = tuple(np.searchsorted(n, axis) for n, axis in zip((teff, ebv), axes, strict=True))
    bend[place] = np.stack([_column(table, band) for band in (*BANDS, "ks")], axis=1)
    return Fit({"bend_log_teff": np.log10(teff), "bend_ebv": ebv, "bend": bend})


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


FREEDOM = 4.0  # degrees of freedom of Student's t: companions and discs do not rule it
SIGMA = 1.098  # robust standard deviation of Student's t of 4 degrees over its scale
START = (0.0, 0.01, 0.1)
BOUNDS = ((-1.0, 1.0), (0.0, 1.0), (0.0, 2.0))


def rv_spread(read: Read, parameters: Any) -> Fit:
    """How far E(B-V) of red and of blue colours part beyond their errors, growing with dust.

    One offset is for intrinsic colours that are wrong, one scatter for those that are not as they
    should be without dust; what grows with dust beyond the errors is put down to R_V, be it its
    spread or a law that bends otherwise than ours.

    Parameters
    ----------
    read : rows, one a star without emission: star_id, contrast, contrast_err, contrast_rv, see
        ``kernels.dust_contrast``; rows with a NULL are passed over
    parameters : rv_min_stars

    Returns
    -------
    array rv_spread (1,), or (0,) with fewer than rv_min_stars
    """
    table = read().read_all()
    names = ("contrast", "contrast_err", "contrast_rv")
    columns = np.stack([float_array(table[name]) for name in names])
    contrast, error, slope = columns[:, np.isfinite(columns).all(axis=0)]
    if len(contrast) < parameters.rv_min_stars:
        return Fit({"rv_spread": np.zeros(0)})

    def cost(x: Floats) -> float:
        """Minus ln L a star of offset, scatter without dust (mag) and spread of R_V."""
        variance = error**2 + x[1] ** 2 + (x[2] * slope) ** 2
        tail = 0.5 * (FREEDOM + 1) * np.log1p((contrast - x[0]) ** 2 / variance / FREEDOM)
        return float(np.mean(tail + 0.5 * np.log(variance)))

    best = minimize(cost, START, method="L-BFGS-B", bounds=BOUNDS).x
    return Fit({"rv_spread": SIGMA * best[2:]})
