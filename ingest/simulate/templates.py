"""Templates: the synthetic spectra, interpolated inside their hull in (log Teff, log g) and linearly in [Fe/H]."""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from obcat.ingest.simulate.reference import REFERENCE

__all__ = ["COOLEST", "N_FINE", "Templates", "spectrum_feh", "templates", "weights"]

Array = NDArray[np.float64]
COOLEST = 8000.0  # K, the cool edge of the solar grid
N_FINE = 7938
FIRST_PIXEL = 60  # fine sample on LAMOST pixel 0; two samples a pixel
N_PIXEL = 3909
DEX_PER_UNIT = 0.1  # log Teff is stretched so that triangles stay local


class Templates(NamedTuple):
    """Of 281 nodes: ln of normalised flux (fine samples), ln of continuum (LAMOST pixels), Teff, log g, [Fe/H].

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
    with np.load(REFERENCE / "hot_star_spectra.npz") as z:
        lines = np.maximum(z["normalised_u16"], 1) * float(z["normalised_scale"])
        pixels = FIRST_PIXEL + 2 * np.arange(N_PIXEL)
        continuum = np.stack([np.interp(pixels, z["continuum_index"], row) for row in z["ln_continuum"]])
        feh = tuple(float(f) for f in np.unique(z["feh"]))
        nodes = tuple(np.flatnonzero(z["feh"] == f) for f in feh)
        meshes = tuple(Delaunay(_plane(np.log10(z["teff"][i]), z["logg"][i])) for i in nodes)
        atmosphere = z["teff"], z["logg"], z["feh"]
    return Templates(np.log(lines).astype(np.float32), continuum.astype(np.float32), *atmosphere, feh, meshes, nodes)


def _plane(log_teff: Array, logg: Array) -> Array:
    return np.stack([log_teff / DEX_PER_UNIT, logg], axis=-1)


def spectrum_feh(log_teff: Array, logg: Array, feh: Array) -> Array:
    """The [Fe/H] whose spectrum can be interpolated: the star's own, or 0 where only the solar grid reaches, or NaN."""
    t = templates()
    point = _plane(log_teff, logg)
    poor, solar, rich = (mesh.find_simplex(point) >= 0 for mesh in t.meshes)
    side = np.where(feh < 0, poor, rich) | (feh == 0)
    within = (feh >= t.feh[0]) & (feh <= t.feh[-1])
    return np.where(solar & side & within, feh, np.where(solar, 0.0, np.nan))


def weights(log_teff: Array, logg: Array, feh: Array) -> tuple[NDArray[np.int64], Array]:
    """Six templates and their weights (n, 6), none negative, summing to 1; ValueError outside the hull."""
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
    """Corner templates and barycentric weights in the mesh each row names; zero weight where it is not used."""
    t = templates()
    index, weight = np.zeros((len(grid), 3), dtype=np.int64), np.zeros((len(grid), 3))
    for k, mesh in enumerate(t.meshes):
        here = np.flatnonzero((grid == k) & used)
        point = _plane(log_teff[here], logg[here])
        simplex = mesh.find_simplex(point)
        if (simplex < 0).any():
            raise ValueError(f"{(simplex < 0).sum()} stars outside the grid of spectra at [Fe/H] {t.feh[k]}")
        index[here] = t.nodes[k][mesh.simplices[simplex]]
        weight[here] = _barycentric(mesh.transform[simplex], point)
    return index, weight


def _barycentric(transform: Array, point: Array) -> Array:
    first = np.einsum("nij,nj->ni", transform[:, :2], point - transform[:, 2])
    return np.clip(np.concatenate([first, 1 - first.sum(1, keepdims=True)], axis=1), 0, 1)
