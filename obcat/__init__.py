"""Absolute magnitudes, extinctions, distances and binarity of O and B stars (Xiang et al. 2021).

`obcat.open` gives a finished catalog: tables, stars, cones, spectra, SQL. `obcat.predict` runs its
models on spectra of your own. Whatever goes wrong is an `obcat.ObcatError`, of one line, or one of
Python's own errors.

    import obcat

    with obcat.open("build/simulated") as cat:
        print(cat)
        table = cat.table()
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from obcat._version import __version__ as __version__

if TYPE_CHECKING:
    from obcat.catalog import Catalog, open
    from obcat.catalog.spectrum import Spectrum
    from obcat.errors import ObcatError
    from obcat.explain import StarNotFound
    from obcat.models import DamagedModels
    from obcat.prediction import predict
    from obcat.query.sql import QueryRefused
    from obcat.reading import Missing, NotOurs, NotTrusted

__all__ = [
    "Catalog",
    "DamagedModels",
    "Missing",
    "NotOurs",
    "NotTrusted",
    "ObcatError",
    "QueryRefused",
    "Spectrum",
    "StarNotFound",
    "open",
    "predict",
]


# where each is at home; imported when it is first asked for
_HOMES = {
    "Catalog": "obcat.catalog",
    "DamagedModels": "obcat.models",
    "Missing": "obcat.reading",
    "NotOurs": "obcat.reading",
    "NotTrusted": "obcat.reading",
    "ObcatError": "obcat.errors",
    "QueryRefused": "obcat.query.sql",
    "Spectrum": "obcat.catalog.spectrum",
    "StarNotFound": "obcat.explain",
    "open": "obcat.catalog",
    "predict": "obcat.prediction",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'obcat' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
