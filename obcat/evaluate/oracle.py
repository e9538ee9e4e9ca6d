"""The catalog of a simulated survey with one thing known from its truth: what limits each number.

The truth is written into a copy of the finished database, which is evaluated and thrown away.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from obcat import statistics as st
from obcat.evaluate.distances import interval_coverage
from obcat.evaluate.paper import PAPER_MIN_SNR, bins, distance_error, plain_singles
from obcat.evaluate.truth import Compared, beside_truth, read_truth, refuse_real
from obcat.reading import Reading, open_database, query_text
from obcat.section import Section, as_text, decimals, percent

__all__ = ["FIRST", "oracle", "put_truth"]

Floats = NDArray[np.float64]
Again = Callable[[Callable[[duckdb.DuckDBPyConnection], None], str], Path]

# what may be known -> the first relation that is made anew with it
FIRST = {
    "labels": "extinction.reddening",
    "zero_point": "luminosity.geometric",
    "parallax_errors": "luminosity.geometric",
    "companions": "luminosity.geometric",
}
WRITTEN_TO = {"labels": "extinction.labels"}  # else sample.stars
KNOWN = {
    "labels": "Teff, log g and [Fe/H] of every star",
    "zero_point": "the zero point of every parallax",
    "parallax_errors": "every parallax; its stated error, and who trains, as before",
    "companions": "the light of companions in Ks, which is taken out; spectra as before",
}
SNR_EDGES = (30, PAPER_MIN_SNR, 100, np.inf)


def oracle(database: Path, truth: Path, name: str, again: Again) -> str:
    """Main numbers of the catalog as built beside those with ``name`` of FIRST known.

    ``again`` makes the catalog anew in a copy: it is given what changes the copy, and the first
    relation to make. Raises EvaluateError where the survey is not simulated or the truth is not its
    own, NotOurs where the database is not one of obcat build.
    """
    tables = read_truth(truth)

    def change(con: duckdb.DuckDBPyConnection) -> None:
        put_truth(con, tables, name)

    with open_database(database, truth=truth) as survey:
        refuse_real(survey)
        heading, built = survey.heading, _numbers(survey, tables)
    with open_database(again(change, FIRST[name]), truth=truth) as survey:
        known = _numbers(survey, tables)
    rows = [(label, built[label], known[label]) for label in built]
    note = f"Known from the truth: {KNOWN[name]}. All else is estimated as before, models anew."
    return as_text(
        [Section(f"with {name} known", note, ("as built", f"{name} known"), rows)], heading
    )


def put_truth(con: duckdb.DuckDBPyConnection, tables: dict, name: str) -> None:
    """Write what is to be known into the tables that the steps from FIRST on read."""
    for table, rows in tables.items():
        con.register(f"truth_{table}", rows)
    known = con.sql(query_text(f"evaluate/oracle_{name}")).to_arrow_table()
    con.register("known", known)
    sets = ", ".join(f"{c} = known.{c}" for c in known.column_names if c != "star_id")
    table = WRITTEN_TO.get(name, "sample.stars")
    con.execute(f"UPDATE {table} AS s SET {sets} FROM known WHERE s.star_id = known.star_id")
    for view in ("known", *(f"truth_{table}" for table in tables)):
        con.unregister(view)


def _numbers(survey: Reading, tables: dict) -> dict[str, str]:
    data = beside_truth(survey.con, tables, survey.truth)
    return dict([*_magnitudes(data), *_distances(data), *_binaries(data)])


def _magnitudes(data: Compared) -> Iterator[tuple[str, str]]:
    """Bias and scatter of E(B-V), M_geo and M_spec; single stars without emission."""
    best, single = data["uniqflag"] == 1, plain_singles(data)
    yield "E(B-V) - true, best visits", _off(data["ebv"] - data["true_ebv"], best)
    trained = best & (data["is_train"] == 1)
    yield (
        "M_geo - M_true of systems, training",
        _off(data["mk_geo"] - data["true_mk_system"], trained),
    )
    unseen, off = single & (data["is_train"] != 1), data["mk"] - data["true_mk"]
    for label, rows in bins("S/N", data["snr_g"], SNR_EDGES):
        yield f"M_spec - M_true, single, unseen, {label}", _off(off, unseen & rows)
    for label, rows in bins("M_true", data["true_mk"], (-np.inf, -3, -1, np.inf)):
        bright = unseen & rows & (data["snr_g"] > PAPER_MIN_SNR)
        yield f"the same, S/N > 50, {label}", _off(off, bright)
    yield "M_spec - M_true, all, best visits", _off(off, best)


def _distances(data: Compared) -> Iterator[tuple[str, str]]:
    best = data["uniqflag"] == 1
    off = distance_error(data)
    yield "median of |dis / true - 1|", percent(st.median(np.abs(off)[best]))
    yield "dis / true - 1, median", percent(st.median(off[best]))
    yield "true distance inside 68.3 %", percent(interval_coverage(data, best))


def _binaries(data: Compared) -> Iterator[tuple[str, str]]:
    best = data["uniqflag"] == 1
    flag, true = data["binary_flag"][best], data["is_binary"][best]
    yield "binaries found", percent(st.recall(flag, true))
    yield "binary_flag 1 that are binaries", percent(st.purity(flag, true))


def _off(off: Floats, rows: NDArray[np.bool_]) -> str:
    return f"{decimals(st.bias(off[rows]), 3)} ± {decimals(st.robust_scatter(off[rows]), 3)}"
