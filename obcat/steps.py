"""Models of a build, and the steps from an observed spectrum to its magnitude and its domain."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from obcat import model_file, reading
from obcat import models as stored
from obcat.batch import batch_function
from obcat.udf import UDFS

__all__ = ["estimates", "runner", "wide"]

MODELS = ("pca", "labels", "joined_labels", "luminosity", "domain", "noise")

Run = Callable[..., dict[str, pa.Array]]


def estimates(
    run: Run,
    flux: pa.Array,
    ivar: pa.Array,
    *,
    z: pa.Array,
    snr_g: pa.Array,
    is_other: pa.Array,
    best: np.ndarray,
) -> dict[str, pa.Array]:
    """The columns of every step from the observed spectrum to the absolute magnitude;
    labels of the rows ``best``."""
    norm = run("normalised", flux, ivar, z)
    scores = run("pca_scores", norm["flux"], norm["ivar"])
    clean, full = scores["score_clean"], scores["score_full"]
    lines = run("emission", norm["flux"], norm["ivar"], clean)
    magnitude = run("luminosity", clean, full, lines["em_flag"])
    calcium = run("calcium", norm["flux"], norm["ivar"])
    none = pa.nulls(len(snr_g), pa.float64())
    joined = run("joined_labels", clean, snr_g, none, none, none, none)
    label = {name: column.take(pa.array(best)) for name, column in joined.items()}
    where = run(
        "domain",
        clean,
        snr_g,
        lines["clean_chi2"],
        *calcium.values(),
        *(label[name] for name in ("teff", "teff_err", "logg", "logg_err")),
        magnitude["beyond_training"],
        is_other,
    )
    return {
        "snr_g": snr_g,
        "masked_fraction": norm["masked_fraction"],
        **{
            name: column.take(pa.array(best))
            for name, column in run("predict_labels", clean).items()
        },
        "mk": magnitude["mk"],
        **where,
        **run("mk_error", snr_g, lines["em_flag"]),
        **lines,
        **scores,
    }


def runner(path: Path) -> Run:
    """A function that runs a UDF by name on Arrow columns,
    with the models and parameters of a build."""
    fitted, parameters = (_from_file if path.suffix == model_file.SUFFIX else _from_database)(path)
    for name in MODELS:
        if name not in fitted:
            raise KeyError(f"{path.name} has no model {name!r}")

    def run(name: str, *columns: pa.Array) -> dict[str, pa.Array]:
        result = batch_function(UDFS[name], fitted, parameters)(*columns)
        return {field.name: result.field(i) for i, field in enumerate(result.type)}

    return run


Fitted = tuple[dict[str, dict[str, np.ndarray]], dict[str, Any]]  # arrays of each model; parameters


def _from_file(path: Path) -> Fitted:
    fitted, facts = model_file.read(path)
    return fitted, facts["parameters"]


def _from_database(path: Path) -> Fitted:
    with reading.open_database(path) as survey:
        fitted = {name: stored.arrays(survey.con, name) for name in MODELS}
        return {
            name: arrays for name, arrays in fitted.items() if arrays
        }, reading.method_parameters(survey.con)


def wide(rows: np.ndarray) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), rows.shape[1])
