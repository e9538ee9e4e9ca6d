"""The catalog of a simulated survey beside its truth, a row a spectrum; nothing else of the package reads a truth."""

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

__all__ = ["Compared", "EvaluateError", "absent", "compare", "ordinary", "read_truth", "refuse_real"]

Compared = dict[str, np.ndarray]

SB2_VELOCITY = 167.0  # km/s: one element of resolution at R = 1,800
SB2_LIGHT = 0.1  # of the primary in V (assumed)
PAIRS = """
SELECT
    c.specid, c.uniqflag, c.snr_g, c.mk, c.mk_err, c.mk_geo, c.mk_geo_err, c.dis, c.dis_low, c.dis_high, c.ebv
    , c.ebv_err, c.binary_flag, c.em_flag, c.erroneous, c.label_source, c.teff, c.teff_err, c.logg, c.logg_err
    , c.feh, c.feh_err, c.parallax_corrected AS parallax, c.parallax_error, c.parallax_offset, c.ruwe
    , c.snr_dparallax, c.quality, g.is_train, l.halpha_significance
    , n.dropped AS noise_dropped, c.ks, c.ks_err, c.a_ks, c.a_ks_err
    , has_bit(c.quality, 'out_of_domain')::INTEGER AS out_of_domain
    , has_bit(c.quality, 'distance_edge')::INTEGER AS distance_edge
    , s.mk AS true_mk, s.mk_system AS true_mk_system, s.distance_kpc AS true_distance, s.ebv AS true_ebv
    , s.teff AS true_teff, s.logg AS true_logg, s.feh AS true_feh, s.mass_ratio
    , s.true_ks, s.a_ks AS true_a_ks, s.excess_ks AS true_excess
    , s.is_binary, s.is_nebular, v.is_erroneous, v.erroneous_kind
    , coalesce(v.has_emission, s.has_emission) AS has_emission, coalesce(v.ew_halpha, s.ew_halpha) AS true_ew
    , s.ew_wind > s.ew_disc AS is_wind, s.kind, s.is_triple, s.wobble, s.parallax_offset_true
    , abs(v.rv_primary - v.rv_companion) AS rv_apart, s.flux_ratio_v
    , (SELECT distance_max FROM meta.parameters) AS distance_max
FROM catalog.ob_stars AS c
INNER JOIN truth_visits AS v ON c.specid = v.specid
INNER JOIN truth_stars AS s ON v.name = s.name
LEFT JOIN luminosity.good_parallax AS g ON c.specid = g.specid
LEFT JOIN emission.lines AS l ON c.specid = l.specid
LEFT JOIN model.noise_stars AS n ON c.star_id = n.star_id AND c.uniqflag = 1
ORDER BY c.specid
"""
STRANGERS = """
SELECT c.specid
FROM catalog.ob_stars AS c
LEFT JOIN truth_visits AS v ON c.specid = v.specid
LEFT JOIN truth_stars AS s ON v.name = s.name
WHERE s.name IS NULL
ORDER BY c.specid
"""
KEYS = {"stars": "name", "visits": "specid"}
# columns that a truth may lack, each with what it says
OPTIONAL = {
    "stars": {
        "kind": pa.string(),
        "is_triple": pa.bool_(),
        **dict.fromkeys(("wobble", "parallax_offset_true", "ew_disc", "ew_wind", "flux_ratio_v"), pa.float64()),
    },
    "visits": {
        "has_emission": pa.bool_(),
        **dict.fromkeys(("ew_halpha", "rv_primary", "rv_companion"), pa.float64()),
    },
}
ORDINARY = ("star", "")


class EvaluateError(ValueError):
    """There is nothing to compare; one line that names the file."""


def read_truth(folder: Path) -> dict[str, pa.Table]:
    """Tables stars (key name) and visits (key specid). EvaluateError: not there, not readable, a key twice."""
    return {name: read_table(folder / f"{name}.parquet", key) for name, key in KEYS.items()}


def read_table(path: Path, key: str) -> pa.Table:
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise EvaluateError(f"{path}: no table of a truth; give the folder that obcat simulate wrote it to") from error
    if key not in table.column_names:
        raise EvaluateError(f"{path}: has no column {key}; give the folder that obcat simulate wrote the truth to")
    if len(table[key].unique()) < len(table):
        raise EvaluateError(f"{path}: {key} is there more than once")
    return table


def refuse_real(con: duckdb.DuckDBPyConnection, database: Path) -> str:
    """Name of the survey. EvaluateError: the survey is not simulated, or the database is not one of obcat."""
    try:
        rows: list[Any] = con.execute("SELECT name, simulated FROM meta.survey").fetchall()
    except duckdb.Error as error:
        raise EvaluateError(f"{database}: is no database of obcat build") from error
    if not rows or rows[0][1] != 1:
        raise EvaluateError(f"{database}: its survey is not simulated, so there is no truth to compare it with")
    return str(rows[0][0])


def compare(con: duckdb.DuckDBPyConnection, truth: dict[str, pa.Table], folder: Path) -> Compared:
    """Columns of the catalog and true_* ones, (n,) each: numbers as float64 with NaN for NULL, text with "".

    EvaluateError: a spectrum of the catalog is not in the truth, or the truth lacks a column.
    """
    for name, table in truth.items():
        con.register(f"truth_{name}", completed(table, OPTIONAL[name]))
    try:
        strangers = con.execute(STRANGERS).fetchall()
        if strangers:
            raise EvaluateError(f"{folder}: does not match: {len(strangers)} spectra of the catalog are not in it, "
                                f"the first {strangers[0][0]}")  # fmt: skip
        return with_sb2(columns(con.sql(PAIRS).to_arrow_table()))
    except duckdb.Error as error:
        raise EvaluateError(f"{folder}: {str(error).splitlines()[0]}") from error


def completed(table: pa.Table, optional: dict[str, pa.DataType]) -> pa.Table:
    """With a column of NULL for each that is not there."""
    for name in sorted(optional.keys() - set(table.column_names)):
        table = table.append_column(name, pa.nulls(len(table), optional[name]))
    return table


def with_sb2(data: Compared) -> Compared:
    """With ``is_sb2``: lines of both stars can be told apart in this visit; NaN where the truth has no velocities."""
    apart, light = data["rv_apart"], data["flux_ratio_v"]
    seen = np.where(np.isfinite(apart) & np.isfinite(light), (apart > SB2_VELOCITY) & (light > SB2_LIGHT), np.nan)
    return data | {"is_sb2": seen}


def absent(data: Compared, *names: str) -> str:
    """A sentence that says which of these columns the truth does not know; nothing if it knows them all."""
    lacking = [name for name in names if not known(data[name]).any()]
    return f" The truth has no {', '.join(lacking)}: rows that need it are missing." if lacking else ""


def known(column: np.ndarray) -> np.ndarray:
    return column != "" if column.dtype.kind == "U" else np.isfinite(column)


def ordinary(data: Compared) -> np.ndarray:
    """Rows (n,) of the O and B stars the catalog is about, not of interlopers, subdwarfs and white dwarfs."""
    return np.isin(data["kind"], ORDINARY)


def columns(table: pa.Table) -> Compared:
    return {name: values(table[name].combine_chunks()) for name in table.column_names}


def values(column: pa.ChunkedArray) -> np.ndarray:
    if pa.types.is_string(column.type):
        return np.array(column.fill_null("").to_pylist(), dtype=str)
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    return column.cast(pa.float64()).fill_null(np.nan).to_numpy(zero_copy_only=False)
