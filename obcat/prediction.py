"""A build's models on a user's own spectra: the same chain as in sql/, without a survey."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from astropy.table import Table
from numpy.typing import ArrayLike

from obcat import model_file, reading
from obcat import models as stored
from obcat.astro_table import astropy_table
from obcat.observed import gridded, redshifts, signal_to_noise
from obcat.query.trust import check
from obcat.udf import UDFS, batch_function

__all__ = ["predict"]

MODELS = ("pca", "labels", "luminosity", "noise")

Run = Callable[..., dict[str, pa.Array]]


def predict(
    wavelength: ArrayLike,
    flux: ArrayLike,
    ivar: ArrayLike,
    *,
    models: str | Path,
    z: ArrayLike,
    snr_g: ArrayLike | None = None,
    star: ArrayLike | None = None,
    trust: bool = False,
) -> Table:
    """Labels, absolute magnitude and emission of spectra like LAMOST's low-resolution ones (R about 1800).

    Parameters
    ----------
    wavelength : (p,) Angstrom, or a Quantity of any spectral unit; vacuum, heliocentric, in order
    flux, ivar : (p,) or (n, p); flux per wavelength at any scale, or a Quantity of flux per wavelength, frequency or
        photon; inverse variance in its inverse square, 0 where masked, or an uncertainty of astropy.nddata. What is
        masked in a masked array is masked
    models : models.safetensors of a release, or obcat.duckdb of a build
    z : redshift, () or (n,)
    snr_g : signal-to-noise ratio per pixel in g, () or (n,); where there is none, or it is none (0, 99, 999), as for
        headers: the median of flux sqrt(ivar), 4000-5500 Angstrom
    star : (n,) what names the star of each spectrum; as in a catalog, all spectra of a star get the labels of its best
        one in S/N. Default: each spectrum is a star
    trust : open a database though it is neither of a build nor of a release that is whole

    Returns
    -------
    Table
        n rows with units and descriptions; what cannot be told is masked. No extinction and no distance: they need
        photometry and a parallax.

    Raises
    ------
    ValueError
        where shapes do not agree, or wavelengths, units, uncertainties or redshifts cannot be what they should
    KeyError
        where the file lacks a model
    obcat.DamagedModels
        where models.safetensors is not what was written
    obcat.NotTrusted
        where the database is somebody else's, unless ``trust``
    obcat.NotOurs
        where it is no database of obcat build

    Examples
    --------
    >>> import obcat
    >>> cat = obcat.open("build/simulated")
    >>> wavelength, flux, ivar = cat.spectrum(cat.table()["specid"][0])
    >>> mine = obcat.predict(wavelength, flux, ivar, models=cat.path, z=0.0001)
    >>> mine["mk", "mk_err", "em_flag", "teff"].colnames
    ['mk', 'mk_err', 'em_flag', 'teff']
    >>> len(mine), mine["mk"].unit
    (1, Unit("mag"))
    """
    if not trust and Path(models).suffix != model_file.SUFFIX:
        check(Path(models))
    observed = gridded(wavelength, flux, ivar)
    n = len(observed[0])
    given = {"z": redshifts(z, n), "snr_g": signal_to_noise(snr_g, *observed)}
    best = (
        np.arange(n)
        if star is None
        else best_of(np.broadcast_to(np.asarray(star), n), given["snr_g"])
    )
    columns = {name: pa.array(values, from_pandas=True) for name, values in given.items()}
    found = chain(chooser(Path(models)), *map(wide, observed), best=best, **columns)
    declared = {c.column: c for udf in UDFS.values() for c in udf.given}
    return astropy_table(pa.table(found), declared)


def best_of(star: np.ndarray, snr_g: np.ndarray) -> np.ndarray:
    """(n,) for each spectrum the place of its star's spectrum of highest S/N, the first of equals."""
    names, group = np.unique(star, return_inverse=True)
    order = np.argsort(-np.where(np.isnan(snr_g), -np.inf, snr_g), kind="stable")
    best = np.zeros(len(names), int)
    best[group[order[::-1]]] = order[::-1]
    return best[group]


def chain(
    run: Run, flux: pa.Array, ivar: pa.Array, *, z: pa.Array, snr_g: pa.Array, best: np.ndarray
) -> dict[str, pa.Array]:
    """The columns of every step from the observed spectrum to the absolute magnitude; labels of the rows ``best``."""
    norm = run("normalised", flux, ivar, z)
    scores = run("pca_scores", norm["flux"], norm["ivar"])
    clean, full = scores["score_clean"], scores["score_full"]
    lines = run("emission", norm["flux"], norm["ivar"], clean)
    magnitude = run("luminosity", clean, full, lines["em_flag"])
    return {
        "snr_g": snr_g,
        "masked_fraction": norm["masked_fraction"],
        **{
            name: column.take(pa.array(best))
            for name, column in run("predict_labels", clean).items()
        },
        **magnitude,
        **run("mk_error", snr_g, lines["em_flag"]),
        **lines,
        **scores,
    }


def chooser(path: Path) -> Run:
    """A function that runs a UDF by name on Arrow columns, with the models and parameters of a build."""
    fitted, parameters = (from_file if path.suffix == model_file.SUFFIX else from_database)(path)
    for name in MODELS:
        if name not in fitted:
            raise KeyError(f"{path.name} has no model {name!r}")

    def run(name: str, *columns: pa.Array) -> dict[str, pa.Array]:
        result = batch_function(UDFS[name], fitted, parameters)(*columns)
        return {field.name: result.field(i) for i, field in enumerate(result.type)}

    return run


Fitted = tuple[dict[str, dict[str, np.ndarray]], dict[str, Any]]  # arrays of each model; parameters


def from_file(path: Path) -> Fitted:
    fitted, facts = model_file.read(path)
    return fitted, facts["parameters"]


def from_database(path: Path) -> Fitted:
    with reading.open_database(path) as survey:
        fitted = {name: stored.arrays(survey.con, name) for name in MODELS}
        return {
            name: arrays for name, arrays in fitted.items() if arrays
        }, reading.method_parameters(survey.con)


def wide(rows: np.ndarray) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), rows.shape[1])
