"""Realism: are simulated spectra as noisy, as badly calibrated and as full of holes as real ones?
Their measures: the sample, and all that is compared.
"""

import csv
import io
import re
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat.errors import ObcatError
from obcat.files import publishing
from obcat.ingest.errors import Quarantined
from obcat.ingest.lamost.layouts import opened_fits
from obcat.ingest.lamost.spectrum import content_of
from obcat.kernels.grid import LOG_START, LOG_STEP, WAVELENGTH, placed, usable
from obcat.statistics import MAD_TO_SIGMA, Array

__all__ = [
    "BRIGHT",
    "FAINT",
    "MIDDLE",
    "PILOT_END",
    "REAL",
    "Measured",
    "RealismError",
    "Row",
    "Sample",
    "pixels_within",
    "read_rows",
    "read_sample",
    "rows_by_snr",
    "scatter_about_zero",
    "summary",
    "write_rows",
]

PIPELINE = "v2.9"
NAMES = ("FLUX", "IVAR", "ANDMASK", "ORMASK")
ROWS = (0, 1, 3, 4)
TYPES = (np.float32, np.float32, np.uint8, np.uint8)


class RealismError(ObcatError, ValueError):
    """The folder cannot be compared; one line."""


class Sample(NamedTuple):
    """(n, 3909) arrays, `inside` where a file has pixels;
    redshift, S/N in g, LMJD, position (deg), class, release.
    """

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
    """Spectra below folder, at most so many, evenly taken from their names in order.
    RealismError if there are none.
    """
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
    """Header, first pixel on the grid and rows; None for what is no star of this pipeline, and for
    a file that is damaged or lacks a card.
    """
    try:
        with opened_fits(content_of(path)) as hdul:
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
            _described([header])
            first = round((float(header["COEFF0"]) - LOG_START) / LOG_STEP)
    except Quarantined:
        return None
    return header, first, rows


PILOT_END = 56_190  # LMJD: the survey proper began in autumn 2012
FAINT, MIDDLE, BRIGHT = (8.0, 40.0), (40.0, 80.0), (80.0, 150.0)  # S/N in g
REAL = "data/reference/real_spectra.csv"
FORMAT = "{:.6g}"


class Measured(NamedTuple):
    """values: a number a spectrum, NaN where there is none;
    what is compared: their median, mean or spread.
    """

    name: str
    where: str
    at: float
    values: Array
    compared: str = "median"


def pixels_within(low: float, high: float) -> slice:
    """Pixels between two wavelengths in Angstrom."""
    return slice(*np.searchsorted(WAVELENGTH, (low, high)).tolist())


def rows_by_snr(
    sample: Sample, limits: tuple[float, float], among: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Spectra among those with an S/N between limits."""
    return among & (sample.snr >= limits[0]) & (sample.snr < limits[1])


def scatter_about_zero(x: Array) -> Array:
    """Scatter of each row about 0 from its median size."""
    return MAD_TO_SIGMA * np.nanmedian(np.abs(x), axis=1)


class Row(NamedTuple):
    """Median, 16th and 84th percentile and mean of a measure over n spectra;
    value is the one that is compared.
    """

    name: str
    where: str
    at: float
    compared: str
    n: int
    median: float
    low: float
    high: float
    mean: float

    @property
    def value(self) -> float:
        return {"median": self.median, "mean": self.mean, "spread": (self.high - self.low) / 2}[
            self.compared
        ]


def summary(measures: list[Measured]) -> list[Row]:
    """A row a measure that has values."""
    return [_row(m) for m in measures if np.isfinite(m.values).any()]


def _row(measured: Measured) -> Row:
    known = measured.values[np.isfinite(measured.values)].astype(float)
    low, median, high = np.percentile(known, (16, 50, 84)).tolist()
    own = measured.name, measured.where, measured.at, measured.compared
    return Row(*own, len(known), median, low, high, float(np.mean(known)))


def write_rows(path: Path, rows: list[Row]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(Row._fields)
    writer.writerows([FORMAT.format(v) if isinstance(v, float) else v for v in row] for row in rows)
    with publishing(path) as partial:
        partial.write_text(text.getvalue(), encoding="utf-8")


def read_rows(path: Path | None = None) -> list[Row]:
    """Rows of a file, or those of the real spectra that come with the package."""
    source = (
        path.read_text(encoding="utf-8")
        if path
        else files("obcat").joinpath(REAL).read_text(encoding="utf-8")
    )
    return [
        Row(
            r["name"],
            r["where"],
            float(r["at"]),
            r["compared"],
            int(r["n"]),
            *(float(r[key]) for key in Row._fields[5:]),
        )
        for r in csv.DictReader(io.StringIO(source))
    ]
