"""What values a column can have: sentinels known, everything else within physical limits, medians of the right order.

A value beyond the limits that is no known sentinel stops the ingest: it is a sentinel nobody declared, or a unit.
"""

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from obcat.ingest.errors import IngestError
from obcat.schema import Column

__all__ = ["ENOUGH", "check", "sentinels"]

ENOUGH = 10  # values for a median to say something
TOLERANCE = 1e-4  # 99.999 stored in 32 bits is 99.9990005
MISSING = (-9999.0, -999.0)
MISSING_MAGNITUDE = (*MISSING, -99.0, -99.9, -99.99, -99.999, 99.0, 99.9, 99.99, 99.999, 999.0, 999.9, 999.99, 9999.0)
MISSING_LABEL = (*MISSING, -99.0, -99.9, -99.99, 99.99, 99.999, 999.0, 9999.0)


class Range(NamedTuple):
    """Limits of a value, and of the median of a column that declares no unit."""

    low: float
    high: float
    median_low: float
    median_high: float


MAGNITUDE, MAGNITUDE_ERROR = Range(-10, 40, -3, 25), Range(-10, 20, 0, 5)
RANGES = {  # Gaia DR2: parallaxes -1857…1851 mas with errors 0.01…4 mas; proper motions up to 10,400 mas/yr
    "ref_epoch": Range(1800, 2200, 1900, 2100),
    "parallax": Range(-3000, 3000, -3000, 3000),
    "parallax_offset": Range(-10, 10, -1, 1),
    "parallax_error": Range(0, 500, 0.005, 10),
    "pmra": Range(-20000, 20000, -20000, 20000),
    "pmra_error": Range(0, 500, 0.005, 20),
    "pmdec": Range(-20000, 20000, -20000, 20000),
    "pmdec_error": Range(0, 500, 0.005, 20),
    "phot_bp_mean_flux_over_error": Range(-1e6, 1e9, 0.5, 1e6),
    "phot_rp_mean_flux_over_error": Range(-1e6, 1e9, 0.5, 1e6),
    "ruwe": Range(0, 1e5, 0.3, 50),
    "nu_eff_used_in_astrometry": Range(0, 5, 1, 2.2),  # 1/um, Lindegren et al. 2021
    "pseudocolour": Range(-20, 20, 0.5, 3),
    "ecl_lat": Range(-90, 90, -90, 90),
    "teff": Range(500, 1e6, 2000, 200000),
    "teff_err": Range(0, 1e6, 0, 1e5),
    "logg": Range(-10, 20, -2, 9),
    "logg_err": Range(0, 100, 0, 5),
    "feh": Range(-20, 10, -5, 2),
    "feh_err": Range(0, 100, 0, 5),
}
LABELS = ("teff", "teff_err", "logg", "logg_err", "feh", "feh_err")


def sentinels(column: Column) -> tuple[float, ...]:
    """The numbers that say 'missing' in a column of floats; positions have none."""
    if column.unit == "mag":
        return MISSING_MAGNITUDE
    if column.column in LABELS:
        return MISSING_LABEL
    return () if column.column in ("ra", "dec") else MISSING


def check(column: Column, values: pa.ChunkedArray, unit_known: bool, where: str) -> None:
    """Raise IngestError for a value out of its limits, or for a median that betrays a wrong unit.

    Infinite values are not looked at here: they cost their row, not the table.
    """
    limits = _limits(column)
    known = _known(values.to_numpy(), sentinels(column))
    wrong = known[(known < limits.low) | (known > limits.high)]
    if wrong.size:
        raise IngestError(
            f"{where}: {wrong[0]:g} ({wrong.size} such rows) is neither a possible {column.column} nor a known "
            f"sentinel; leave such values blank in the file"
        )
    if not unit_known and known.size >= ENOUGH:
        _check_median(float(np.median(known)), limits, column, where)


def _limits(column: Column) -> Range:
    if column.unit == "mag":
        return MAGNITUDE_ERROR if column.ucd.startswith("stat.error") else MAGNITUDE
    return RANGES[column.column]


def _known(values: np.ndarray, missing: tuple[float, ...]) -> np.ndarray:
    values = values[np.isfinite(values)]
    hidden = np.zeros(values.shape, bool)
    for sentinel in missing:
        hidden |= np.abs(values - sentinel) < TOLERANCE
    return values[~hidden]


def _check_median(median: float, limits: Range, column: Column, where: str) -> None:
    if not limits.median_low <= median <= limits.median_high:
        unit = column.unit or "the right column"
        raise IngestError(
            f"{where}: median {median:g} is not that of a {column.column} in {unit}; if the file's unit is another, "
            f'state it in the survey\'s TOML: columns = {{ {column.column} = "theirs [unit]" }}'
        )
