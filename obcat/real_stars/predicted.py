"""Files of LAMOST through the models, as `obcat.predict` does it: what it says of each star, and
whether it warns.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from obcat.errors import ObcatError
from obcat.ingest.errors import Quarantined
from obcat.ingest.lamost import Spectrum, read_spectrum
from obcat.kernels.grid import WAVELENGTH

__all__ = ["Found", "NoStars", "in_doubt", "predicted", "reasons"]

BATCH = 256  # spectra that are in memory at once
FASTEST = 0.1  # z of no star
NUMBERS = ("mk", "mk_err", "sigma_mea", "teff", "logg", "em_flag", "erroneous", "out_of_domain")
DOMAIN = ("cool", "compact", "misfit", "far", "beyond_training")  # those that a table has

Floats = NDArray[np.float64]
Found = dict[str, Floats]
Header = Mapping[str, object]


class NoStars(ObcatError, ValueError):
    """The folder of real stars, or a file of it, is not there or cannot be read; one line."""


def predicted(models: Path, files: Sequence[Path], *, with_header: bool = False) -> Found:
    """What `obcat.predict` says of these files, (n,) by column; NaN where it says nothing or a file
    cannot be read.

    ``with_header``: CLASS and SUBCLASS of the headers count, as in a catalog.
    """
    found = {name: np.full(len(files), np.nan) for name in (*NUMBERS, *DOMAIN)}
    for rows, spectra in _batches(files):
        for name, values in _of_batch(models, spectra, with_header).items():
            found[name][rows] = values
    return found


def _batches(files: Sequence[Path]) -> Iterator[tuple[list[int], list[Spectrum]]]:
    """Places and spectra of the files that can be read."""
    for start in range(0, len(files), BATCH):
        read = [(i, _spectrum(files[i])) for i in range(start, min(start + BATCH, len(files)))]
        known = [(i, spectrum) for i, spectrum in read if spectrum is not None]
        if known:
            yield [i for i, _ in known], [spectrum for _, spectrum in known]


def _spectrum(path: Path) -> Spectrum | None:
    try:
        return read_spectrum(path)
    except Quarantined:
        return None


def _of_batch(models: Path, spectra: Sequence[Spectrum], with_header: bool) -> Found:
    from obcat.prediction import predict

    headers = [spectrum.header for spectrum in spectra]
    classes = {
        "header_class": np.array([str(h["class"] or "") for h in headers], object),
        "subclass": np.array([str(h["subclass"] or "") for h in headers], object),
    }
    table = predict(
        WAVELENGTH,
        np.stack([spectrum.flux for spectrum in spectra]),
        np.stack([spectrum.ivar for spectrum in spectra]),
        models=models,
        z=_redshifts(headers),
        snr_g=_numbers(headers, "snr_g"),
        trust=True,
        **(classes if with_header else {}),
    )
    named = [name for name in (*NUMBERS, *DOMAIN) if name in table.colnames]
    return {name: np.ma.filled(np.ma.asarray(table[name], float), np.nan) for name in named}


def _redshifts(headers: Sequence[Header]) -> Floats:
    """(n,); NaN, that is no M, for a redshift that is of no star."""
    z = _numbers(headers, "z")
    return np.where(np.abs(z) < FASTEST, z, np.nan)


def _numbers(headers: Sequence[Header], name: str) -> Floats:
    return np.array([h[name] if h[name] is not None else np.nan for h in headers], float)


def in_doubt(found: Found) -> NDArray[np.bool_]:
    """(n,) whether a star has no M, or a warning: out of the domain, or an erroneous spectrum."""
    return np.isnan(found["mk"]) | (found["out_of_domain"] == 1) | (found["erroneous"] == 1)


def reasons(found: Found, row: int) -> str:
    """Why one star is warned of, in words; "-" where it is not."""
    said = [name for name in (*DOMAIN, "erroneous") if found[name][row] == 1]
    if np.isnan(found["mk"][row]):
        said.insert(0, "no M")
    elif found["out_of_domain"][row] == 1 and not any(found[name][row] == 1 for name in DOMAIN):
        said.insert(0, "other: M or header")
    return ", ".join(said) or "-"
