"""Mock binaries: spectra of two single stars at one distance, added and measured as if one (paper section 6)."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat.kernels.grid import WAVELENGTH
from obcat.kernels.luminosity import luminosity
from obcat.kernels.pca import pca_scores
from obcat.kernels.rest_frame import rest_frame, rest_frame_normalised

__all__ = ["Singles", "absolute", "added", "composite", "dereddened", "measure", "pairs"]

Floats = NDArray[np.floating]
Arrays = dict[str, np.ndarray]

# pivot wavelengths of the bands whose A(X)/E(B-V) is given, Angstrom: B, g, V, r, i, J
PIVOTS = (4366.0, 4770.0, 5448.0, 6231.0, 7625.0, 12350.0)
ANCHOR = (4000.0, 6500.0)  # Angstrom, where flux is tied to the BP magnitude
PCA = ("mean", "scale", "clean_basis", "full_basis")


class Singles(NamedTuple):
    """Single stars: spectra (n, 3909) observed, z, E(B-V) (mag), M_BP (mag, extinction taken off), each (n,)."""

    flux: Floats
    ivar: Floats
    z: Floats
    ebv: Floats
    m_bp: Floats


def dereddened(flux: Floats, ivar: Floats, ebv: Floats, coefficients: Floats) -> tuple[Floats, Floats]:
    """Flux and inverse variance (n, 3909) without extinction.

    ``coefficients`` (6,) are A(X)/E(B-V) of B, g, V, r, i, J; between the bands the law is linear in 1 / wavelength,
    and so it goes on to the blue of B.
    """
    x, known = 1e4 / WAVELENGTH, 1e4 / np.array(PIVOTS)
    inside = np.interp(-x, -known, coefficients)
    slope = (coefficients[0] - coefficients[1]) / (known[0] - known[1])
    law = np.where(x > known[0], coefficients[0] + slope * (x - known[0]), inside)
    factor = 10 ** (0.4 * np.asarray(ebv)[:, None] * law)
    return (flux * factor).astype(np.float32), (ivar / factor**2).astype(np.float32)


def absolute(stars: Singles, coefficients: Floats) -> tuple[Floats, Floats]:
    """Rest-frame spectra (n, 3909) dereddened and scaled to one distance: mean flux of 1 where M_BP = 0."""
    flux, ivar = rest_frame(*dereddened(stars.flux, stars.ivar, stars.ebv, coefficients), stars.z)
    anchor = (ANCHOR[0] < WAVELENGTH) & (ANCHOR[1] > WAVELENGTH) & (ivar > 0)
    mean = np.where(anchor, flux, 0).sum(axis=1) / np.maximum(anchor.sum(axis=1), 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = (10 ** (-0.4 * stars.m_bp) / np.where(mean > 0, mean, np.nan))[:, None]
    factor = np.nan_to_num(factor)
    return (flux * factor).astype(np.float32), np.where(factor > 0, ivar / np.maximum(factor, 1e-30) ** 2, 0)


def composite(flux: Floats, ivar: Floats, first: NDArray[np.intp], second: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Sums of spectra ``first`` and ``second`` (rows) of the same library."""
    return added((flux[first], ivar[first]), (flux[second], ivar[second]))


def added(primary: tuple[Floats, Floats], companion: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """Sums of spectra, flux and inverse variance (n, 3909) each; a pixel masked in one is masked in the sum."""
    (flux, one), (other_flux, other) = primary, companion
    good = (one > 0) & (other > 0)
    summed = np.where(good, one * other / np.where(good, one + other, 1), 0)
    return np.where(good, flux + other_flux, 0).astype(np.float32), summed.astype(np.float32)


def pairs(mk: Floats, seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Each star with one drawn by chance, the brighter in Ks first; (n,) rows each, the same for the same seed."""
    here, partner = np.arange(len(mk)), np.random.default_rng(seed).permutation(len(mk))
    kept = here != partner
    here, partner = here[kept], partner[kept]
    swap = mk[partner] < mk[here]
    return np.where(swap, partner, here), np.where(swap, here, partner)


def measure(flux: Floats, ivar: Floats, pca: Arrays, network: Arrays, parameters: dict[str, float]) -> Floats:
    """M_spec (n,) mag of rest-frame spectra, by the network of stars without emission; NaN where there is none."""
    frame = ("continuum_sigma", "pca_min_wavelength", "pca_max_wavelength")
    norm, norm_ivar, _ = rest_frame_normalised(
        flux, ivar, np.zeros(len(flux)), **{name: parameters[name] for name in frame}
    )
    clean, full = pca_scores(
        norm,
        norm_ivar,
        **{name: pca[name] for name in PCA},
        pca_outlier=parameters["pca_outlier"],
        pca_max_masked=parameters["pca_max_masked"],
        pca_sweeps=int(parameters["pca_sweeps"]),
    )
    return luminosity(clean, full, np.zeros(len(flux)), **network)[0]
