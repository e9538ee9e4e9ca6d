"""The catalog of a simulated survey beside its truth, one row per spectrum;
nothing else of the package reads a truth.
"""

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from obcat import arrow
from obcat.errors import ObcatError
from obcat.reading import Reading, query_text
from obcat.section import Section

__all__ = [
    "Compared",
    "EvaluateError",
    "beside_truth",
    "counts",
    "is_ob_star",
    "missing_note",
    "read_truth",
    "refuse_real",
]

Compared = dict[str, np.ndarray]

SB2_VELOCITY = 167.0  # km/s: one element of resolution at R = 1,800
SB2_LIGHT = 0.1  # of the primary in V (assumed)
KEYS = {"stars": "name", "visits": "specid"}
# columns that a truth may lack, each with what it says
OPTIONAL = {
    "stars": {
        "kind": pa.string(),
        "is_triple": pa.bool_(),
        **dict.fromkeys(
            (
                "wobble",
                "parallax_offset_true",
                "ew_disc",
                "ew_wind",
                "flux_ratio_v",
                "r_v",
                "light_offset",
            ),
            pa.float64(),
        ),
    },
    "visits": {
        "has_emission": pa.bool_(),
        **dict.fromkeys(("ew_halpha", "rv_primary", "rv_companion"), pa.float64()),
    },
}
OB_STARS = ("star", "")


class EvaluateError(ObcatError, ValueError):
    """There is nothing to compare; one line that names the file."""


def read_truth(folder: Path) -> dict[str, pa.Table]:
    """Tables stars (key name) and visits (key specid).
    EvaluateError: not there, not readable, a key twice.
    """
    return {name: _read_table(folder / f"{name}.parquet", key) for name, key in KEYS.items()}


def _read_table(path: Path, key: str) -> pa.Table:
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise EvaluateError(
            f"{path}: no table of a truth; --truth names the folder that obcat simulate wrote it to"
        ) from error
    if key not in table.column_names:
        raise EvaluateError(
            f"{path}: has no column {key}; give the folder that obcat simulate wrote the truth to"
        )
    if len(table[key].unique()) < len(table):
        raise EvaluateError(f"{path}: {key} is there more than once")
    return table


def refuse_real(survey: Reading) -> None:
    """EvaluateError: the survey is not simulated."""
    if not survey.simulated:
        raise EvaluateError(
            f"{survey.database}: its survey is not simulated, so there is no truth to "
            "compare it with"
        )


def beside_truth(
    con: duckdb.DuckDBPyConnection, truth: dict[str, pa.Table], folder: Path
) -> Compared:
    """Columns of the catalog and true_* ones, (n,) each: numbers as float64 with NaN for NULL, text
    with "".

    EvaluateError: a spectrum of the catalog is not in the truth, or the truth lacks a column.
    """
    for name, table in truth.items():
        con.register(f"truth_{name}", _completed(table, OPTIONAL[name]))
    try:
        unmatched = con.execute(query_text("evaluate/unmatched")).fetchall()
        if unmatched:
            raise EvaluateError(
                f"{folder}: does not match: {len(unmatched)} spectra of the catalog are not in it, "
                f"the first {unmatched[0][0]}"
            )
        return _with_sb2(arrow.table_arrays(con.sql(query_text("evaluate/pairs")).to_arrow_table()))
    except duckdb.Error as error:
        raise EvaluateError(f"{folder}: {str(error).splitlines()[0]}") from error


def _completed(table: pa.Table, optional: dict[str, pa.DataType]) -> pa.Table:
    """With a column of NULL for each that is not there."""
    for name in sorted(optional.keys() - set(table.column_names)):
        table = table.append_column(name, pa.nulls(len(table), optional[name]))
    return table


def _with_sb2(data: Compared) -> Compared:
    """With ``is_sb2``: lines of both stars can be told apart in this visit;
    NaN where the truth has no velocities.
    """
    apart, light = data["rv_apart"], data["flux_ratio_v"]
    seen = np.where(
        np.isfinite(apart) & np.isfinite(light),
        (apart > SB2_VELOCITY) & (light > SB2_LIGHT),
        np.nan,
    )
    return data | {"is_sb2": seen}


def missing_note(data: Compared, *names: str) -> str:
    """A sentence that says which of these columns the truth does not know;
    nothing if it knows them all.
    """
    lacking = [name for name in names if not _known(data[name]).any()]
    return (
        f" The truth has no {', '.join(lacking)}: rows that need it are missing." if lacking else ""
    )


def _known(column: np.ndarray) -> np.ndarray:
    return column != "" if column.dtype.kind == "U" else np.isfinite(column)


def is_ob_star(data: Compared) -> np.ndarray:
    """Rows (n,) of the O and B stars the catalog is about, not of interlopers,
    subdwarfs and white dwarfs.
    """
    return np.isin(data["kind"], OB_STARS)


def counts(con: duckdb.DuckDBPyConnection) -> Section:
    """Rows of the truth, which ``truth.beside_truth`` has registered,
    of the inputs and of the catalog.
    """
    rows = [(label, str(n)) for label, n in con.execute(query_text("evaluate/counts")).fetchall()]
    return Section("counts", "", ("n",), rows)
