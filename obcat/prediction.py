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
from obcat.kernels.grid import on_grid
from obcat.kernels.grid import snr_g as g_band_snr
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
    trust: bool = False,
) -> Table:
    """Labels, absolute magnitude and emission of spectra like LAMOST's low-resolution ones (R about 1800).

    Parameters
    ----------
    wavelength : (p,) Angstrom, vacuum, heliocentric
    flux, ivar : (p,) or (n, p); any unit of flux, inverse variance in its inverse square, 0 where masked
    models : models.safetensors of a release, or obcat.duckdb of a build
    z : redshift, () or (n,)
    snr_g : signal-to-noise ratio per pixel in g, () or (n,); default: the median of flux sqrt(ivar), 4000-5500 Angstrom
    trust : open a database though it is neither of a build nor of a release that is whole

    Returns
    -------
    Table
        n rows with units and descriptions; what cannot be told is masked. No extinction and no distance: they need
        photometry and a parallax.

    Raises
    ------
    ValueError
        where shapes do not agree
    KeyError
        where the file lacks a model
    obcat.model_file.DamagedModels
        where models.safetensors is not what was written
    obcat.query.trust.NotTrusted
        where the database is a stranger's, unless ``trust``
    obcat.reading.NotOurs
        where it is no database of obcat build
    """
    rows = [np.atleast_2d(np.asarray(x, float)) for x in (flux, ivar)]
    if not trust and Path(models).suffix != model_file.SUFFIX:
        check(Path(models))
    observed = on_grid(np.asarray(wavelength, float), *rows)
    n = len(rows[0])
    given = {
        "z": np.broadcast_to(np.asarray(z, float), n),
        "snr_g": np.array([g_band_snr(*row) for row in zip(*observed, strict=True)]),
    }
    if snr_g is not None:
        given["snr_g"] = np.broadcast_to(np.asarray(snr_g, float), n)
    found = chain(chooser(Path(models)), *map(wide, observed), **{k: pa.array(v) for k, v in given.items()})
    declared = {c.column: c for udf in UDFS.values() for c in udf.given}
    return astropy_table(pa.table(found), declared)


def chain(run: Run, flux: pa.Array, ivar: pa.Array, *, z: pa.Array, snr_g: pa.Array) -> dict[str, pa.Array]:
    """The columns of every step from the observed spectrum to the absolute magnitude."""
    norm = run("normalised", flux, ivar, z)
    scores = run("pca_scores", norm["flux"], norm["ivar"])
    clean, full = scores["score_clean"], scores["score_full"]
    lines = run("emission", norm["flux"], norm["ivar"], clean)
    magnitude = run("luminosity", clean, full, lines["em_flag"])
    return {
        "snr_g": snr_g,
        "masked_fraction": norm["masked_fraction"],
        **run("predict_labels", clean),
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
        return {name: arrays for name, arrays in fitted.items() if arrays}, reading.method_parameters(survey.con)


def wide(rows: np.ndarray) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), rows.shape[1])
