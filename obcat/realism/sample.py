"""Sample: spectra of LAMOST files as they are, masks included, of the pipeline that made DR5 to DR10."""

import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat.errors import ObcatError
from obcat.kernels.grid import LOG_START, LOG_STEP, placed, usable

__all__ = ["RealismError", "Sample", "read_sample"]

PIPELINE = "v2.9"
NAMES = ("FLUX", "IVAR", "ANDMASK", "ORMASK")
ROWS = (0, 1, 3, 4)
TYPES = (np.float32, np.float32, np.uint8, np.uint8)


class RealismError(ObcatError, ValueError):
    """The folder cannot be compared; one line."""


class Sample(NamedTuple):
    """(n, 3909) arrays, `inside` where a file has pixels; redshift, S/N in g, LMJD, position (deg), class, release."""

    flux: NDArray[np.float32]
    ivar: NDArray[np.float32]
    andmask: NDArray[np.uint8]
    ormask: NDArray[np.uint8]
    inside: NDArray[np.bool_]
    z: NDArray[np.float64]
    snr: NDArray[np.float64]
    lmjd: NDArray[np.int64]
    ra: NDArray[np.float64]
    dec: NDArray[np.float64]
    subclass: NDArray[np.str_]
    release: NDArray[np.int64]
    simulated: bool

    @property
    def good(self) -> NDArray[np.bool_]:
        """Pixels that a build would use."""
        return self.inside & usable(self.flux, self.ivar, self.ormask)


def read_sample(folder: Path, most: int) -> Sample:
    """Spectra below folder, at most so many, evenly taken from their names in order. RealismError if there are none."""
    paths = sorted(p for p in folder.rglob("*") if re.search(r"\.fits(\.gz)?$", p.name))
    taken = paths[:: max(1, -(-len(paths) // most))] if paths else []
    read = [spectrum for spectrum in map(_read, taken) if spectrum is not None]
    if not read:
        raise RealismError(f"{folder}: no spectrum of DR5 to DR10 below this folder")
    flux, ivar, andmask, ormask = (
        np.stack([placed(rows[i], first, kind) for _, first, rows in read])
        for i, kind in enumerate(TYPES)
    )
    inside = np.stack([placed(np.ones(len(rows[0]), bool), first, bool) for _, first, rows in read])
    return Sample(
        flux, ivar, andmask, ormask, inside, *_described([header for header, _, _ in read])
    )


def _described(headers: list[dict[str, Any]]) -> tuple[Any, ...]:
    z, snr, ra, dec = (
        np.array([float(h[key]) for h in headers]) for key in ("Z", "SNRG", "RA", "DEC")
    )
    lmjd, subclass = (
        np.array([int(h["LMJD"]) for h in headers]),
        np.array([str(h["SUBCLASS"]) for h in headers]),
    )
    release = np.array([int(re.sub(r"\D", "", str(h["DATA_V"]))) for h in headers])
    return z, snr, lmjd, ra, dec, subclass, release, all(h.get("SIMULAT", False) for h in headers)


def _read(path: Path) -> tuple[dict[str, Any], int, list[NDArray[Any]]] | None:
    """Header, first pixel on the grid and rows; None for what is no star of this pipeline."""
    from astropy.io import fits

    try:
        with fits.open(path, memmap=False) as hdul:
            header = dict(hdul[0].header)
            if (
                not str(header.get("VERSPIPE", "")).startswith(PIPELINE)
                or header.get("CLASS") != "STAR"
            ):
                return None
            image = hdul[0].data
            rows = (
                [image[k] for k in ROWS]
                if image is not None
                else [hdul[1].data[name][0] for name in NAMES]
            )
    except OSError:
        return None
    return header, round((float(header["COEFF0"]) - LOG_START) / LOG_STEP), rows
