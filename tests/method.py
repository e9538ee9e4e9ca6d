"""The numbers of the method as a build hands them to a fit."""

from types import SimpleNamespace
from typing import Any

from obcat.schema import read_parameters

KINDS: dict[str, Any] = {"INTEGER": int, "DOUBLE": float}


def parameters(**changed: float) -> SimpleNamespace:
    """Those of parameters.csv, but for what is changed."""
    usual = {p.name: KINDS[p.type](p.value) for p in read_parameters().values()}
    assert usual.keys() >= changed.keys()
    return SimpleNamespace(**usual | changed)
