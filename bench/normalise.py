"""The pseudo-continuum against the products of matrices it is made of,
at the speed of the largest product.
"""

import os

import numpy as np
from timing import Row, seconds, show

from obcat.kernels.continuum import _smoothing_blocks, normalise, rest_frame
from obcat.kernels.grid import N_PIXEL, WAVELENGTH
from obcat.kernels.pca import product
from obcat.machine import keep_memory

N, SIGMA, FEW = 2048, 50.0, 64


def measure() -> None:
    rng = np.random.default_rng(1)
    flux = (500 + 20 * rng.standard_normal((N, N_PIXEL))).astype(np.float32)
    ivar = np.full_like(flux, 1 / 400)
    ivar[rng.random(flux.shape) < 0.01] = 0
    z = rng.normal(0, 1e-4, N)
    square = flux[:, :N]
    peak = 2 * N * N * N / seconds(lambda: square @ square)
    work = sum(kernel.size for _, _, kernel in _smoothing_blocks(SIGMA)) * 2 * 2 * N
    rows = [
        Row("limit: its products at the speed of a large sgemm", work / peak),
        Row("its products as they are cut, edges and all", seconds(lambda: products(flux, ivar))),
        Row("obcat normalise", seconds(lambda: normalise(flux, ivar, continuum_sigma=SIGMA))),
        Row("obcat rest_frame", seconds(lambda: rest_frame(flux, ivar, z))),
        Row("all weights as one full matrix", seconds(lambda: full(flux, ivar), 1)),
        Row(
            "a loop over spectra and pixels' windows",
            seconds(lambda: loop(flux[:FEW], ivar[:FEW]), 1) * N / FEW,
        ),
    ]
    show(f"Pseudo-continuum of {N} spectra, sigma {SIGMA:g} Angstrom", rows, N, "spectrum")
    before = os.times()
    for _ in range(3):
        normalise(flux, ivar, continuum_sigma=SIGMA)
    user, system = (b - a for a, b in zip(before[:2], os.times()[:2], strict=True))
    print(f"    obcat normalise: system time {system / user:.1%} of the user's (asked: 5%)\n")


def products(flux: np.ndarray, ivar: np.ndarray) -> None:
    for inputs, _, kernel in _smoothing_blocks(SIGMA):
        for values in (flux, ivar):
            product(values[:, inputs], kernel)


def full(flux: np.ndarray, ivar: np.ndarray) -> np.ndarray:
    weight = np.exp(-0.5 * ((WAVELENGTH[:, None] - WAVELENGTH) / SIGMA) ** 2).astype(np.float32)
    return flux / ((flux * ivar) @ weight / (ivar @ weight))


def loop(flux: np.ndarray, ivar: np.ndarray) -> np.ndarray:
    near = [slice(*np.searchsorted(WAVELENGTH, (w - 4 * SIGMA, w + 4 * SIGMA))) for w in WAVELENGTH]
    kernels = [
        np.exp(-0.5 * ((WAVELENGTH[s] - w) / SIGMA) ** 2)
        for s, w in zip(near, WAVELENGTH, strict=True)
    ]
    out = np.empty_like(flux)
    for i, (f, v) in enumerate(zip(flux, ivar, strict=True)):
        fv = f * v
        level = [fv[s] @ k / (v[s] @ k) for s, k in zip(near, kernels, strict=True)]
        out[i] = f / np.array(level)
    return out


if __name__ == "__main__":
    keep_memory()  # as every command
    measure()
