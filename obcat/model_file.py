"""The models of a build as one file, for spectra that are in no survey: arrays, parameters, and
what made them.

It is a safetensors file: reading one runs nothing. The checksum of arrays and facts stands in its
head, for a bit that is flipped would go unseen, and the shapes, for it makes a vector of a scalar.
One key of metadata keeps its bytes the same.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from obcat.errors import ObcatError

__all__ = ["SUFFIX", "DamagedModels", "read", "write"]

SUFFIX = ".safetensors"
HEAD = "obcat"

Models = Mapping[str, Mapping[str, np.ndarray]]


class DamagedModels(ObcatError, ValueError):
    """The file is not what was written, or none of ours; one line."""


def write(path: Path, models: Models, facts: Mapping[str, Any]) -> None:
    """Write the arrays of every model, and the facts, which must be fit for JSON."""
    from safetensors.numpy import save  # save_file would let nobody else read it

    arrays = {
        f"{model}/{name}": np.asarray(a, order="C")
        for model in models
        for name, a in models[model].items()
    }
    head = {
        **facts,
        "sha256": _digest(arrays, facts),
        "shapes": {name: a.shape for name, a in arrays.items()},
    }
    path.write_bytes(save(arrays, {HEAD: json.dumps(head, sort_keys=True, allow_nan=False)}))


def read(path: Path) -> tuple[dict[str, dict[str, np.ndarray]], dict[str, Any]]:
    """Model -> its arrays by name, and the facts. Raises DamagedModels."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy") as file:
            facts = json.loads((file.metadata() or {}).get(HEAD, "{}"))
            arrays = {
                name: file.get_tensor(name).reshape(shape)
                for name, shape in facts.pop("shapes", {}).items()
            }
    except (SafetensorError, OSError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise DamagedModels(f"{path.name}: cannot be read: {str(error).splitlines()[0]}") from error
    if facts.pop("sha256", None) != _digest(arrays, facts):
        raise DamagedModels(f"{path.name}: damaged, or not written by `obcat export`")
    models: dict[str, dict[str, np.ndarray]] = {}
    for key, array in arrays.items():
        model, _, name = key.partition("/")
        models.setdefault(model, {})[name] = array
    return models, facts


def _digest(arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> str:
    """SHA-256 of the facts, and of the arrays' names, types, shapes and values."""
    found = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for name in sorted(arrays):
        a = np.asarray(arrays[name], order="C")
        found.update(f"{name} {a.dtype.str} {a.shape}\0".encode() + a.tobytes())
    return found.hexdigest()
