"""Draws from best mode's posterior: luminosity, extinction, distance and companion of a star
together, the same whenever they are asked for.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from obcat.arrow import float_array
from obcat.files import publishing
from obcat.kernels.draws import draws
from obcat.kernels.space_density import sight
from obcat.kernels.spectral import Spectral
from obcat.reading import Missing, Reading, fitted_arrays, query_text
from obcat.schema import Column

if TYPE_CHECKING:
    from astropy.table import Table

__all__ = ["sample_tables", "star_samples", "write_samples"]

ROWS = 2000  # stars at a time
SAID = ("mk_spec", "spec_sigma", "companion_logit")
PLACE = (
    "ks0", "ks0_err", "ebv", "parallax_corrected", "parallax_error", "g_gaia", "ruwe",
    "glon", "glat", "nu_eff",
)  # fmt: skip
TABLES = "SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'posterior'"


def _column(name: str, kind: str, unit: str, ucd: str, description: str) -> Column:
    return Column("samples", name, kind, unit, ucd, "", "no", "", "", description)


COLUMNS = (
    _column("star_id", "VARCHAR", "", "meta.id;meta.main", "Identifier of the star"),
    _column("draw", "INTEGER", "", "meta.number", "Number of the draw, from 1"),
    _column("mk", "FLOAT", "mag", "phys.magAbs;em.IR.K", "Absolute Ks magnitude of the primary"),
    _column("mk_system", "FLOAT", "mag", "phys.magAbs;em.IR.K", "The same of all the light"),
    _column("ebv", "FLOAT", "mag", "phot.color.excess", "Reddening E(B-V)"),
    _column("dis", "FLOAT", "kpc", "pos.distance", "Distance"),
    _column("companion", "FLOAT", "mag", "phot.mag;arith.diff",
            "Light that a companion adds in Ks: mk - mk_system; 0 where there is none to be seen"),
)  # fmt: skip


def sample_tables(
    con: duckdb.DuckDBPyConnection, stars: Sequence[str] | None, count: int
) -> Iterator[pa.Table]:
    """``count`` draws of each of the stars (all where None), some thousand stars a table, by
    star_id; a star without a posterior has none.

    Raises Missing: the database has no best mode, or too few stars for one.
    """
    if not con.execute(TABLES).fetchall()[0][0]:
        raise Missing("no samples here: give the database of a build that has best mode")
    model = fitted_arrays(con, "posterior")
    given = {"stars": None if stars is None else list(stars)}
    reader = con.sql(query_text("star/posterior"), params=given).to_arrow_reader(ROWS)
    for batch in reader:
        yield _drawn(pa.Table.from_batches([batch]), model, count)


def _drawn(rows: pa.Table, model: dict[str, np.ndarray], count: int) -> pa.Table:
    column = {n: float_array(rows[n]) for n in (*SAID, *PLACE, "a_ks_err", "ebv_err")}
    found = draws(
        sight(*(column[name] for name in PLACE)),
        Spectral(*(column[name] for name in SAID)),
        column["a_ks_err"],
        column["ebv_err"],
        rows["key"].to_numpy(),
        count,
        model,
    )
    ebv = column["ebv"][:, None] + found.ebv_off
    values = (found.mk, found.mk_system, ebv, found.distance, found.companion)
    known = np.flatnonzero(np.isfinite(found.mk[:, 0]))
    numbers: list[np.ndarray] = [np.tile(np.arange(1, count + 1), len(known))]
    numbers += [a[known].ravel() for a in values]
    star = rows["star_id"].combine_chunks().take(pa.array(np.repeat(known, count)))
    arrays = [star, *(pa.array(n, c.arrow_type) for n, c in _beside(numbers))]
    return pa.table(arrays, schema=_schema())


def _beside(numbers: list[np.ndarray]) -> Iterator[tuple[np.ndarray, Column]]:
    for values, c in zip(numbers, COLUMNS[1:], strict=True):
        yield values.astype(c.arrow_type.to_pandas_dtype()), c


def _schema(**said: str) -> pa.Schema:
    fields = [
        pa.field(c.column, c.arrow_type, metadata={"unit": c.unit, "description": c.description})
        for c in COLUMNS
    ]
    return pa.schema(fields, metadata=said or None)


def write_samples(survey: Reading, out: Path, count: int) -> int:
    """Write the draws of every star as Parquet; how many stars. Missing as above."""
    simulated = "SIMULATED: these stars do not exist" if survey.simulated else "no"
    schema, stars = _schema(survey=survey.name, simulated=simulated), 0
    with publishing(out) as partial, pq.ParquetWriter(partial, schema) as writer:
        for table in sample_tables(survey.con, None, count):
            writer.write_table(table.replace_schema_metadata(schema.metadata))
            stars += len(table) // count
    return stars


def star_samples(con: duckdb.DuckDBPyConnection, star: str, count: int) -> "Table":
    """Draws of the stars of that name as an astropy Table. StarNotFound; Missing as above."""
    from obcat.astro_table import astropy_table
    from obcat.explain.reasons import star_ids

    tables = list(sample_tables(con, star_ids(con, star), count))
    whole = pa.concat_tables(tables) if tables else _schema().empty_table()
    return astropy_table(whole, {c.column: c for c in COLUMNS})
