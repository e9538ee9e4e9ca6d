"""Absolute magnitudes, extinctions, distances and binarity of O and B stars (Xiang et al. 2021)."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from astropy.table import Table
    from numpy.typing import ArrayLike

    from obcat.catalog import Catalog

__version__ = "0.1.0"


def open(path: "str | Path", *, trust: bool = False) -> "Catalog":
    """The catalog in ``obcat.duckdb`` or in a folder that holds one, read-only; see `obcat.catalog.Catalog`."""
    from obcat.catalog import Catalog

    return Catalog(path, trust=trust)


def predict(
    wavelength: "ArrayLike",
    flux: "ArrayLike",
    ivar: "ArrayLike",
    *,
    models: "str | Path",
    z: "ArrayLike",
    snr_g: "ArrayLike | None" = None,
    star: "ArrayLike | None" = None,
    trust: bool = False,
) -> "Table":
    """Labels, absolute magnitude and emission of your own spectra; see `obcat.prediction.predict`."""
    from obcat.prediction import predict as run

    return run(wavelength, flux, ivar, models=models, z=z, snr_g=snr_g, star=star, trust=trust)
