"""Measures: one number a spectrum, or pair of visits; their summary as rows of a small table, kept as CSV.

The rows of the real spectra come with the package, so that they serve without the spectra.
"""

import csv
import io
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat.files import publishing
from obcat.kernels.grid import WAVELENGTH
from obcat.realism.sample import Sample
from obcat.statistics import MAD_TO_SIGMA

__all__ = [
    "BRIGHT",
    "FAINT",
    "MIDDLE",
    "PILOT_END",
    "REAL",
    "Measured",
    "Row",
    "pixels_within",
    "read_rows",
    "rows_by_snr",
    "scatter_about_zero",
    "summary",
    "write_rows",
]

Array = NDArray[np.float64]
PILOT_END = 56_190  # LMJD: the survey proper began in autumn 2012
FAINT, MIDDLE, BRIGHT = (8.0, 40.0), (40.0, 80.0), (80.0, 150.0)  # S/N in g
REAL = "data/reference/real_spectra.csv"
FORMAT = "{:.6g}"


class Measured(NamedTuple):
    """values: a number a spectrum, NaN where there is none; what is compared: their median, mean or spread."""

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
    """Median, 16th and 84th percentile and mean of a measure over n spectra; value is the one that is compared."""

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
