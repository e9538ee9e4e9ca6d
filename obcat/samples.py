"""Draws from best mode's posterior: luminosity, extinction, distance and companion of a star
together, the same whenever they are asked for.

The error e of the magnitude and that of the spectrum are made of the same labels; with a
covariance of v / 2 between them M and M_s both have the variance sigma^2 + v of the published
intervals.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from obcat.arrow import float_array
from obcat.files import publishing
from obcat.kernels.luminosity import Spectral
from obcat.kernels.posterior import DELTA, Joint, densities, veil
from obcat.kernels.space_density import LN10, Globals, Sight, sight
from obcat.reading import Missing, Reading, fitted_arrays, query_text
from obcat.schema import Column

if TYPE_CHECKING:
    from astropy.table import Table

__all__ = ["Draws", "draws", "sample_tables", "star_samples", "uniform", "write_samples"]

STREAMS = 4  # numbers a draw takes: grid cell, place in it, two for two normal errors
GOLDEN = np.uint64(0x9E3779B97F4A7C15)

Floats = NDArray[np.floating]


class Draws(NamedTuple):
    """(n, k) each: M of the primary and of all the light (mag), mag that a companion adds (0: no
    companion), distance (kpc), error of E(B-V) (mag); NaN for a star that is not known.
    """

    mk: Floats
    mk_system: Floats
    companion: Floats
    distance: Floats
    ebv_off: Floats


def uniform(key: NDArray[np.uint64], number: NDArray[np.int64]) -> Floats:
    """(n, k) evenly from 0 to 1 for keys (n,) of 64 bits and numbers (k,): the same whoever asks.

    SplitMix64 of Steele, Lea and Flood (2014), number by number.
    """
    with np.errstate(over="ignore"):
        z = key[:, None] + (number.astype(np.uint64) + np.uint64(1))[None, :] * GOLDEN
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            z = (z ^ (z >> np.uint64(shift))) * np.uint64(factor)
        z = z ^ (z >> np.uint64(31))
    return ((z >> np.uint64(11)).astype(float) + 0.5) / 2.0**53


def draws(
    stars: Sight,
    said: Spectral,
    a_ks_err: Floats,
    ebv_err: Floats,
    key: NDArray[np.uint64],
    count: int,
    model: Globals,
) -> Draws:
    """``count`` draws of each of n stars.

    Parameters
    ----------
    stars, said, model : as for ``posterior.densities``
    a_ks_err, ebv_err : (n,) mag, errors of extinction and E(B-V), taken to go together
    key : (n,) where the numbers of a star come from
    """
    out = np.full((5, len(key), count), np.nan)
    for rows, one in densities(stars, said, model):
        numbers = uniform(key[rows], np.arange(STREAMS * count)).reshape(len(rows), count, STREAMS)
        kind, m = _kind_and_light(one, numbers)
        part = Spectral(*(a[rows] for a in said))
        errors = (a_ks_err[rows], ebv_err[rows])
        out[:, rows] = _drawn_draws(stars.rows(rows), part, *errors, kind, m, numbers)
    return Draws(*out)


def _kind_and_light(one: Joint, numbers: Floats) -> tuple[NDArray[np.intp], Floats]:
    """(n, k) kind of companion, 0 for none, and M_s with the error of the magnitude in it."""
    n, cells = one.by_kind.shape
    star = np.arange(n)[:, None]
    ends = np.cumsum(one.by_kind, axis=1)
    ends = ends / ends[:, -1:] + star  # of one star after those of another
    cell = np.searchsorted(ends.ravel(), (numbers[..., 0] + star).ravel()).reshape(n, -1)
    kind, at = np.divmod(np.clip(cell - star * cells, 0, cells - 1), one.light.shape[1])
    return kind, one.low + one.step * (at + numbers[..., 1] - 0.5)


def _drawn_draws(
    stars: Sight,
    said: Spectral,
    a_ks_err: Floats,
    ebv_err: Floats,
    kind: NDArray[np.intp],
    m: Floats,
    numbers: Floats,
) -> Floats:
    """(5, n, k) in the order of ``Draws``."""
    added = np.array([0, *DELTA])[kind]
    veiled = np.take_along_axis(np.pad(veil(stars), ((0, 0), (1, 0))), kind, axis=1)
    v = stars.variance[:, None]
    whole = said.sigma[:, None] ** 2 + v
    centre = said.mean[:, None] - veiled
    radius, turn = np.sqrt(-2 * np.log(numbers[..., 2])), 2 * np.pi * numbers[..., 3]
    mk = centre + (1 - v / (2 * whole)) * (m + added - centre)
    mk = mk + np.sqrt(v - v**2 / (4 * whole)) * radius * np.cos(turn)
    distance = np.exp(LN10 * (0.2 * (stars.magnitude[:, None] - m) - 2))
    ebv_off = _ebv_off(m + added - mk, v, a_ks_err[:, None], radius * np.sin(turn))
    return np.stack([mk, mk - added, added, distance, ebv_off * ebv_err[:, None]])


def _ebv_off(off: Floats, variance: Floats, a_ks_err: Floats, normal: Floats) -> Floats:
    """(n, k) error of E(B-V) over its standard error, given that of the magnitude: part of it is
    that of the extinction.
    """
    share = np.clip(a_ks_err**2 / variance, 0, 1)
    known = share > 0
    common = np.divide(share * off, a_ks_err, out=np.zeros_like(off), where=known)
    return common + np.sqrt(1 - np.where(known, share, 0)) * normal


ROWS = 2000  # stars at a time
SAID = ("spec_mean", "spec_sigma", "companion_logit")
PLACE = (
    "ks0", "ks0_err", "ebv", "parallax_corrected", "parallax_error", "g_gaia", "ruwe",
    "glon", "glat", "nu_eff", "teff", "logg",
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
            "Light that a companion adds in Ks: mk - mk_system; 0 where there is none to be seen. "
            "Of companions of 0.1 a tenth are taken for less than 0.05; p_companion lacks them"),
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
    from obcat.explain import star_ids
    from obcat.query.origin import astropy_table

    tables = list(sample_tables(con, star_ids(con, star), count))
    whole = pa.concat_tables(tables) if tables else _schema().empty_table()
    return astropy_table(whole, {c.column: c for c in COLUMNS})
