"""`obcat evaluate`: the catalog of a simulated survey against its truth, beside the paper's numbers."""

from pathlib import Path
from typing import NamedTuple

import duckdb
import numpy as np

from obcat import db
from obcat.report import accuracy, composites, roc
from obcat.report import statistics as st
from obcat.report.binaries import by_mass_ratio, by_parallax, by_snr
from obcat.report.counts import counts, fractions
from obcat.report.coverage import coverage, rank_histogram
from obcat.report.distances import claimed_error, covered, distances, near_15_kpc
from obcat.report.domain import warnings
from obcat.report.emission import emission_by_snr, emission_by_width, erroneous, headline
from obcat.report.failures import failures
from obcat.report.gallery.survey import Survey
from obcat.report.magnitudes import against_geometry, against_truth, held_out_residuals
from obcat.report.measured import measured
from obcat.report.noise import Claimed, claimed, model, pulls
from obcat.report.readme import markdown
from obcat.report.reddening import labels, reddening
from obcat.report.section import Section, number, percent, text
from obcat.report.truth import Compared, EvaluateError, compare, read_truth, refuse_real

__all__ = ["EvaluateError", "Evaluation", "evaluate", "evaluation", "main_numbers"]


class Evaluation(NamedTuple):
    """``heading`` names the survey and says SIMULATED; ``fails`` is the section on where the method fails."""

    heading: str
    sections: list[Section]
    fails: Section


def evaluate(database: Path, truth: Path, companions: Path | None = None) -> str:
    """Plain text: what the paper states beside what is measured, where the method fails, then section by section.

    ``companions`` is a catalog that lends A, F, G dwarfs to the mock binaries, say of a survey of real spectra.
    Raises EvaluateError (one line): the survey is not simulated, the truth is missing or belongs to another survey.
    """
    found = evaluation(database, truth)
    lent = [with_companions(database, companions)] if companions else []
    return text([*found.sections, *lent], found.heading)


def with_companions(database: Path, companions: Path) -> Section:
    """Mock binaries with the dwarfs of another catalog. EvaluateError: that is not a catalog."""
    with db.connect(database, read_only=True) as con, db.connect(companions, read_only=True) as other:
        return composites.with_companions(opened(con, database), opened(other, companions))


def opened(con: duckdb.DuckDBPyConnection, database: Path) -> Survey:
    try:
        name, simulated = con.execute("SELECT name, simulated FROM meta.survey").fetchall()[0]
    except (duckdb.Error, IndexError) as error:
        raise EvaluateError(f"{database}: is no database of obcat build") from error
    return Survey(con, name, simulated == 1, database.parent)


def main_numbers(database: Path, truth: Path) -> str:
    """The main numbers as a table in Markdown. EvaluateError as above."""
    with db.connect(database, read_only=True) as con:
        refuse_real(con, database)
        return markdown(compare(con, read_truth(truth), truth), claimed(con))


def evaluation(database: Path, truth: Path) -> Evaluation:
    """Every section. EvaluateError as above."""
    with db.connect(database, read_only=True) as con:
        name = refuse_real(con, database)
        data = compare(con, read_truth(truth), truth)
        posterior, rows = claimed(con), counts(con)
        mocks = composites.pairs(Survey(con, name, True, truth))
    fails = failures(data)
    sections = [
        summary(data, posterior),
        fails,
        *estimates(data, posterior),
        *classes(data),
        mocks,
        reddening(data),
        labels(data),
        measured(data),
        fractions(data),
        rows,
    ]
    return Evaluation(f"SIMULATED survey {name!r}", sections, fails)


def estimates(data: Compared, posterior: Claimed) -> list[Section]:
    """Magnitudes and distances."""
    return [
        accuracy.magnitude(data),
        accuracy.reddening(data),
        accuracy.relative_distance(data),
        coverage(data),
        rank_histogram(data),
        against_truth(data),
        against_geometry(data),
        model(data, posterior),
        pulls(data),
        distances(data),
    ]


def classes(data: Compared) -> list[Section]:
    """Emission, spoiled spectra, stars of other kinds, binaries."""
    return [
        roc.by_class(data),
        roc.sweep(data),
        emission_by_snr(data),
        emission_by_width(data),
        erroneous(data),
        warnings(data),
        by_mass_ratio(data),
        by_parallax(data),
        by_snr(data),
    ]


def summary(data: Compared, posterior: Claimed) -> Section:
    """The numbers the paper states, or we aim at, beside ours."""
    note = "Nothing here was adjusted to reach a number. M_true: absolute Ks magnitude that was put in."
    rows = [*magnitude_rows(data, posterior), *distance_rows(data), *flag_rows(data)]
    return Section("the paper's numbers beside ours", note, ("paper", "aim", "here"), rows)


def magnitude_rows(data: Compared, posterior: Claimed) -> list[tuple[str, ...]]:
    true, geometric = (st.robust_scatter(held_out_residuals(data, name)) for name in ("true_mk", "mk_geo"))
    sigma = [posterior.get((0, name), (np.nan, np.nan))[0] for name in ("sigma_int", "sigma_100")]
    who = "single stars without emission, S/N > 50, held out"
    return [
        (f"robust scatter of M_spec - M_true, mag: {who}", "-", "-", number(true)),
        (f"robust scatter of M_spec - M_geo, mag: {who}", "0.25", "-", number(geometric)),
        ("sigma_int of the noise model, mag, em_flag 0", "0.25", "-", number(sigma[0])),
        ("sigma_100 of the noise model, mag, em_flag 0", "0.10", "-", number(sigma[1])),
    ]


def distance_rows(data: Compared) -> list[tuple[str, ...]]:
    best, error = data["uniqflag"] == 1, claimed_error(data)
    near, single = near_15_kpc(data), data["binary_flag"] == 0
    actual = st.median(np.abs(data["dis"] / data["true_distance"] - 1)[best])
    return [
        ("median relative distance error claimed", "8 %", "-", percent(st.median(error[best]))),
        ("the same from 13 to 17 kpc, binary_flag 0", "14 %", "-", percent(st.median(error[near & single]))),
        ("the same from 13 to 17 kpc, all", "-", "-", percent(st.median(error[near]))),
        ("median of |dis / true - 1|", "-", "-", percent(actual)),
        ("true distance between dis_low and dis_high", "-", "68.3 %", percent(covered(data, best))),
    ]


def flag_rows(data: Compared) -> list[tuple[str, ...]]:
    found, alarms = headline(data)
    best = data["uniqflag"] == 1
    flag, true = data["binary_flag"][best], data["is_binary"][best]
    return [
        ("em_flag: recall, Halpha emission above 2 A, S/N >= 30", "-", ">= 95 %", percent(found)),
        ("em_flag: false alarms among stars without emission, S/N >= 30", "-", "<= 1 %", percent(alarms, 2)),
        ("binary_flag: recall of all binaries", "-", "-", percent(st.recall(flag, true))),
        ("binary_flag: purity", "-", "-", percent(st.purity(flag, true))),
        *((*row[:2], "-", row[2]) for row in fractions(data).rows[:3]),
    ]
