"""Models of a build, and the steps from an observed spectrum to its magnitude and its domain."""

from collections.abc import Callable, Mapping
from inspect import Parameter, signature
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from obcat import models as stored
from obcat import reading
from obcat.batch import batch_function
from obcat.errors import ObcatError
from obcat.schema import read_parameters
from obcat.udf import UDFS

__all__ = [
    "NOTHING",
    "Models",
    "NoModel",
    "estimates",
    "in_words",
    "opened_models",
    "packed",
    "said_of",
    "wide",
]

MODELS = ("pca", "labels", "joined_labels", "luminosity", "domain", "noise")

STEPS = (
    "normalised", "pca_scores", "emission", "luminosity", "calcium", "joined_labels", "domain",
    "predict_labels", "mk_error",
)  # fmt: skip

Run = Callable[..., dict[str, pa.Array]]


class NoModel(ObcatError, KeyError):
    """A model is missing that an estimate needs; one line."""

    __str__ = Exception.__str__  # a KeyError's is in quotation marks


class Models(NamedTuple):
    """A function that runs a step by its name on Arrow columns; the parameters of the build; what
    the models are, in words.
    """

    run: Run
    parameters: dict[str, Any]
    said: str


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
        **magnitude,
        **where,
        **run("mk_error", snr_g, lines["em_flag"]),
        **lines,
        **scores,
    }


def opened_models(path: Path) -> Models:
    """The models of a build, from models.safetensors or from its database.

    Raises NoModel where one is missing.
    """
    found = (_from_file if path.suffix == stored.SUFFIX else _from_database)(path)
    _check_whole(found, path)

    def run(name: str, *columns: pa.Array) -> dict[str, pa.Array]:
        result = batch_function(UDFS[name], found.arrays, found.facts["parameters"])(*columns)
        return {field.name: result.field(i) for i, field in enumerate(result.type)}

    return Models(run, found.facts["parameters"], said_of(found.facts))


def said_of(facts: Mapping[str, Any]) -> str:
    """What models are: whose stars they learnt from, how they were made, their fingerprint."""
    if facts.get("models_from"):
        return str(facts["models_from"])
    kind = "SIMULATED survey" if facts.get("simulated") else "survey"
    made = [facts["note"]] if facts.get("note") else []
    return "; ".join(
        [
            f"{kind} {facts.get('survey')!r}",
            *made,
            f"fingerprint {str(facts.get('fingerprint'))[:16]}",
        ]
    )


class _Found(NamedTuple):
    """Arrays of each model by name; parameters, and what made them."""

    arrays: dict[str, dict[str, np.ndarray]]
    facts: dict[str, Any]


def _check_whole(found: _Found, path: Path) -> None:
    for name in MODELS:
        if name not in found.arrays:
            raise NoModel(f"{path.name} has no model {name!r}; give those of a build")


def _from_file(path: Path) -> _Found:
    """Of a file of an earlier version too: parameters that it lacks have their defaults."""
    arrays, facts = stored.read(path)
    kinds: dict[str, type[int] | type[float]] = {"INTEGER": int, "DOUBLE": float}
    defaults = {name: kinds[p.type](float(p.value)) for name, p in read_parameters().items()}
    return _Found(arrays, facts | {"parameters": defaults | facts["parameters"]})


def _from_database(path: Path) -> _Found:
    with reading.open_database(path) as survey:
        fitted = {name: stored.arrays(survey.con, name) for name in MODELS}
        facts = {
            **reading.provenance_of(survey.con),
            "survey": survey.name,
            "simulated": survey.simulated,
            "parameters": reading.method_parameters(survey.con),
        }
        return _Found({name: arrays for name, arrays in fitted.items() if arrays}, facts)


def packed(database: Path, out: Path, note: str) -> None:
    """Write the models of a build as small as `estimates` allows: what its steps read, in float32.

    ``note`` says how the build was made. NoModel where a model is missing.
    """
    found = _from_database(database)
    _check_whole(found, database)
    kept = ("obcat", "fingerprint", "release", "survey", "simulated", "parameters", "models_from")
    facts = {name: found.facts[name] for name in kept if name in found.facts} | {"note": note}
    arrays = {
        model: {
            name: _single(a) for name, a in found.arrays[model].items() if _is_read(model, name)
        }
        for model in MODELS
    }
    stored.write(out, arrays, facts)


def _is_read(model: str, array: str) -> bool:
    """Whether a kernel of the steps takes the array, by its name or with all of its model."""
    kernels = [UDFS[step].kernel for step in STEPS if model in UDFS[step].models]
    wanted = [p for kernel in kernels for p in signature(kernel).parameters.values()]
    return any(p.name == array or p.kind is Parameter.VAR_KEYWORD for p in wanted)


def _single(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float32) if array.dtype == np.float64 else array


def wide(rows: np.ndarray) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), rows.shape[1])


Flags = NDArray[np.bool_]

NOTHING = ""  # what is said of a spectrum without a caution
UNCHECKED = "the estimate was not checked on such stars"


def in_words(found: Mapping[str, NDArray[Any]], *, limit: float, teff: float) -> list[str]:
    """The cautions of n spectra, joined by semicolons; NOTHING where there are none.

    Parameters
    ----------
    found : (n,) columns that ``steps.estimates`` gives, as float with NaN for what is unknown, and
        z and is_other as they were given
    limit : mag, M fainter than which was not checked
    teff : K, below which a star is none of O and B
    """
    said = _texts(found, limit, teff)
    rows = zip(*(flags for flags, _ in said), strict=True)
    texts = [text for _, text in said]
    return ["; ".join(text for flag, text in zip(row, texts, strict=True) if flag) for row in rows]


def _texts(found: Mapping[str, NDArray[Any]], limit: float, teff: float) -> list[tuple[Flags, str]]:
    def is_set(name: str) -> Flags:
        return np.asarray(found[name] == 1)

    no_rest_frame, known = np.isnan(found["z"]), ~np.isnan(found["mk"])
    beyond, faint = is_set("beyond_training"), found["mk"] > limit
    masked = ~known & ~no_rest_frame & np.isnan(found["em_flag"])
    return [
        (no_rest_frame, "no redshift of a star, so no estimate"),
        (masked, "too many masked pixels for an estimate"),
        (~known & ~no_rest_frame & ~masked, "no M: no network for such a spectrum"),
        (is_set("erroneous"), "cannot be reconstructed: an artefact, or a star of another kind"),
        (is_set("is_other"), "called an F to M star, a galaxy or a quasar by its header"),
        (is_set("cool"), f"Teff below {teff:g} K, or Ca II K of an A star or later"),
        (is_set("compact"), "gravity above the main sequence: a subdwarf or white dwarf"),
        (is_set("misfit"), "fitted worse than nearly all ordinary stars of its S/N"),
        (
            beyond & ~faint,
            f"brighter than nearly all known stars that it was tried on: {UNCHECKED}",
        ),
        (beyond & faint, f"fainter than M = {limit:g}: {UNCHECKED}"),
        (is_set("far"), f"unlike the stars that trained: {UNCHECKED}"),
        (known & np.isnan(found["snr_g"]), "S/N unknown, so no error of M"),
    ]
