"""`obcat evaluate`: the catalog of a simulated survey against its truth, beside the paper's numbers."""

from pathlib import Path
from typing import NamedTuple

from obcat.evaluate import (
    accuracy,
    binaries,
    composites,
    emission,
    failures,
    paper,
    reddening,
    summary,
)
from obcat.evaluate.distances import distances
from obcat.evaluate.magnitudes import (
    Posterior,
    against_geometry,
    against_truth,
    model,
    noise_posterior,
    pulls,
)
from obcat.evaluate.truth import Compared, EvaluateError, beside_truth, read_truth, refuse_real
from obcat.reading import NotOurs, Reading, open_database
from obcat.section import Section, as_text

__all__ = ["EvaluateError", "Evaluation", "evaluate", "evaluation", "main_numbers"]


class Evaluation(NamedTuple):
    """``heading`` names the survey and says SIMULATED; ``fails`` is the section on where the method fails."""

    heading: str
    sections: list[Section]
    fails: Section


def evaluate(database: Path, truth: Path, companions: Path | None = None) -> str:
    """Plain text: what the paper states beside what is measured, where the method fails, then section by section.

    ``companions`` is a catalog that gives A, F, G dwarfs to the mock binaries, say of a survey of real spectra.
    Raises EvaluateError (one line): the survey is not simulated, the truth is missing or belongs to another survey, or
    a database is not one of obcat build.
    """
    try:
        with open_database(database, truth=truth) as survey:
            found = evaluation(survey)
            other = [_with_companions(survey, companions)] if companions else []
    except NotOurs as error:
        raise EvaluateError(str(error)) from error
    return as_text([*found.sections, *other], found.heading)


def _with_companions(survey: Reading, companions: Path) -> Section:
    """Mock binaries with the dwarfs of another catalog. NotOurs: that is not a catalog."""
    with open_database(companions) as other:
        return composites.with_companions(survey, other)


def main_numbers(database: Path, truth: Path) -> str:
    """The main numbers as a table in Markdown. EvaluateError as above."""
    try:
        with open_database(database, truth=truth) as survey:
            return summary.readme(_beside_truth(survey), paper.from_catalog(survey.con))
    except NotOurs as error:
        raise EvaluateError(str(error)) from error


def _beside_truth(survey: Reading) -> Compared:
    refuse_real(survey)
    return beside_truth(survey.con, read_truth(survey.truth), survey.truth)


def evaluation(survey: Reading) -> Evaluation:
    """Every section. EvaluateError as above."""
    data = _beside_truth(survey)
    stated, posterior = paper.from_catalog(survey.con), noise_posterior(survey.con)
    fails = failures.failures(data)
    sections = [
        summary.beside_paper(data, stated),
        fails,
        *_estimates(data, posterior),
        *_classes(data),
        composites.pairs(survey),
        reddening.reddening_errors(data),
        reddening.label_errors(data),
        reddening.input_errors(data),
        summary.parts(data, stated),
        summary.counts(survey.con),
    ]
    return Evaluation(survey.heading, sections, fails)


def _estimates(data: Compared, posterior: Posterior) -> list[Section]:
    """Magnitudes and distances."""
    return [
        accuracy.magnitude_accuracy(data),
        accuracy.reddening_accuracy(data),
        accuracy.distance_accuracy(data),
        accuracy.coverage(data),
        accuracy.rank_histogram(data),
        against_truth(data),
        against_geometry(data),
        model(data, posterior),
        pulls(data),
        distances(data),
    ]


def _classes(data: Compared) -> list[Section]:
    """Emission, spoiled spectra, stars of other kinds, binaries."""
    return [
        emission.by_class(data),
        emission.sweep(data),
        emission.emission_by_snr(data),
        emission.emission_by_width(data),
        emission.erroneous(data),
        failures.warnings(data),
        binaries.by_mass_ratio(data),
        binaries.by_parallax(data),
        binaries.by_snr(data),
    ]
