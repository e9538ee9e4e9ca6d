"""`obcat evaluate`: a simulated survey's catalog against its truth, beside the paper's numbers."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from obcat import section
from obcat import statistics as st
from obcat.evaluate import (
    BRIGHT_COMPANION,
    GOOD_PARALLAX,
    accuracy,
    binaries,
    composites,
    distance_error,
    emission,
    failures,
    from_catalog,
    paper_text,
    parallax_snr,
    share_of_stars,
)
from obcat.evaluate.accuracy import central, claimed_error, distances, interval_coverage, true_ranks
from obcat.evaluate.failures import has_warning, samples
from obcat.evaluate.magnitudes import (
    Posterior,
    against_geometry,
    against_true_parallaxes,
    against_truth,
    held_out_residuals,
    model,
    noise_posterior,
    pulls,
)
from obcat.evaluate.modes import main_cells, modes, with_best
from obcat.evaluate.truth import (
    Compared,
    EvaluateError,
    beside_truth,
    counts,
    is_ob_star,
    read_truth,
    refuse_real,
)
from obcat.reading import NotOurs, Reading, open_database
from obcat.section import Section, as_text, decimals, markdown_table, percent

__all__ = [
    "BEGIN",
    "END",
    "HEAD",
    "EvaluateError",
    "Evaluation",
    "beside_paper",
    "evaluate",
    "evaluation",
    "main_numbers",
    "parts",
    "readme",
]

BEGIN, END = "<!-- evaluate -->", "<!-- /evaluate -->"
HEAD = ("SIMULATED survey", "paper", "here", "best mode")
LEVELS = (0.68, 0.95)  # of intervals
FAR = (13, 17)  # kpc, about the paper's 15
SINGLE = "single stars without emission, S/N > 50, held out"
WHO = "test stars without emission, S/N > 50"

Found = dict[str, float]
Cells = list[tuple[str, ...]]


BESIDE_PAPER_NOTE = (
    "Nothing here was adjusted to reach a number. M_true: absolute Ks magnitude that was put in."
)


def beside_paper(data: Compared, found: Found) -> Section:
    """The numbers the paper states, or we aim at, beside ours."""
    note = BESIDE_PAPER_NOTE
    rows = [*_magnitude_rows(data, found), *_distance_rows(data, found), *_flag_rows(data, found)]
    return Section("the paper's numbers beside ours", note, ("paper", "aim", "here"), rows)


def _magnitude_rows(data: Compared, found: Found) -> Cells:
    true = st.robust_scatter(held_out_residuals(data, "true_mk"))
    return [
        (
            f"robust scatter of M_spec - M_true, mag: {SINGLE}",
            "-",
            "-",
            decimals(true),
        ),
        (
            f"robust scatter of M_spec - M_geo, mag: {WHO}",
            paper_text("scatter"),
            "-",
            decimals(found["scatter"]),
        ),
        *(
            (f"{n} of the noise model, mag, em_flag 0", paper_text(n), "-", decimals(found[n]))
            for n in ("sigma_int", "sigma_100")
        ),
    ]


def _distance_rows(data: Compared, found: Found) -> Cells:
    best = data["uniqflag"] == 1
    far = best & (data["dis"] >= FAR[0]) & (data["dis"] <= FAR[1])
    claimed, claimed_far = found["dis_error"], found["dis_error_15"]
    return [
        ("median relative distance error claimed", paper_text("dis_error"), "-", percent(claimed)),
        (
            "the same from 13 to 17 kpc, binary_flag 0",
            paper_text("dis_error_15"),
            "-",
            percent(claimed_far),
        ),
        ("the same from 13 to 17 kpc, all", "-", "-", percent(st.median(claimed_error(data)[far]))),
        (
            "median of |dis / true - 1|",
            "-",
            "-",
            percent(st.median(np.abs(distance_error(data))[best])),
        ),
        (
            "true distance between dis_low and dis_high",
            "-",
            "68.3 %",
            percent(interval_coverage(data, best)),
        ),
    ]


def _flag_rows(data: Compared, found: Found) -> Cells:
    recall, alarms = emission.headline(data)
    best = data["uniqflag"] == 1
    flag, true = data["binary_flag"][best], data["is_binary"][best]
    return [
        ("em_flag: recall, Halpha emission above 2 A, S/N >= 30", "-", ">= 95 %", percent(recall)),
        (
            "em_flag: false alarms among stars without emission, S/N >= 30",
            "-",
            "<= 1 %",
            percent(alarms, 2),
        ),
        ("binary_flag: recall of all binaries", "-", "-", percent(st.recall(flag, true))),
        ("binary_flag: purity", "-", "-", percent(st.purity(flag, true))),
        *((*row[:2], "-", row[2]) for row in parts(data, found).rows[:3]),
    ]


def readme(data: Compared, found: Found, both: Compared | None = None) -> str:
    """A table of at most 14 rows between the marks that a README keeps for it; ``both`` has best
    mode too, where the catalog has it.
    """
    rows = [
        *_readme_estimates(data, found),
        *_readme_intervals(data),
        *_readme_flags(data),
        *_readme_failures(data),
    ]
    best = main_cells(both) if both else {}
    cells = [(*row, next((best[b] for b in best if row[0].startswith(b)), "")) for row in rows]
    return f"{BEGIN}\n{markdown_table(HEAD, cells)}{END}\n"


def _readme_estimates(data: Compared, found: Found) -> Cells:
    true, best = held_out_residuals(data, "true_mk"), (data["uniqflag"] == 1) & is_ob_star(data)
    sigma = f"{decimals(found['sigma_int'])}, {decimals(found['sigma_100'])} mag"
    return [
        (
            f"scatter of M_spec − M_geo, {WHO}",
            f"{paper_text('scatter')} mag",
            _mag(found["scatter"]),
        ),
        ("scatter of M_spec − true M, the same that are single", "", _mag(st.robust_scatter(true))),
        (
            "σ_int and σ_100 of the noise model",
            f"{paper_text('sigma_int')}, {paper_text('sigma_100')} mag",
            sigma,
        ),
        ("median distance error claimed", paper_text("dis_error"), percent(found["dis_error"])),
        (
            "scatter of E(B−V) − true E(B−V)",
            "",
            _mag(st.robust_scatter((data["ebv"] - data["true_ebv"])[best])),
        ),
        (
            "median of abs(distance / true − 1)",
            "",
            percent(st.median(np.abs(distance_error(data))[best])),
        ),
    ]


def _readme_intervals(data: Compared) -> Cells:
    best, rank = (data["uniqflag"] == 1) & is_ob_star(data), true_ranks(data)
    single = best & (data["is_binary"] == 0)
    inside = {level: central(rank, level) for level in LEVELS}
    return [
        (
            f"true distances inside their {percent(level, 0)} interval: all; single stars",
            "",
            f"{percent(st.fraction(within[best]))}; {percent(st.fraction(within[single]))}",
        )
        for level, within in inside.items()
    ]


def _readme_flags(data: Compared) -> Cells:
    recall, alarms = emission.headline(data)
    best = data["uniqflag"] == 1
    near = best & (parallax_snr(data) > GOOD_PARALLAX)
    bright, flag, true = (
        near & (data["mass_ratio"] > BRIGHT_COMPANION),
        data["binary_flag"],
        data["is_binary"],
    )
    return [
        (
            "emission above 2 Å found; false alarms (S/N ≥ 30)",
            "",
            f"{percent(recall)}; {percent(alarms, 2)}",
        ),
        (
            "binaries found: all; q > 0.7 with parallax S/N > 10",
            "",
            f"{percent(st.recall(flag[best], true[best]))}; "
            f"{percent(st.recall(flag[bright], true[bright]))}",
        ),
        (
            "binary_flag 1 that are binaries: all; parallax S/N > 10",
            "",
            f"{percent(st.purity(flag[best], true[best]))}; "
            f"{percent(st.purity(flag[near], true[near]))}",
        ),
    ]


def _readme_failures(data: Compared) -> Cells:
    rows = dict(samples(data))
    off = data["mk"] - data["true_mk"]
    late = rows["late-B primary, q 0.5 to 0.7"]
    steps = ("below -6", "-6 to -4", "-4 to -3")
    bright = np.any([rows[f"single, M_true {step}"] for step in steps], axis=0)
    odd, normal = ((data["uniqflag"] == 1) & kind for kind in (~is_ob_star(data), is_ob_star(data)))
    shares = (percent(st.fraction(has_warning(data)[rows].astype(float))) for rows in (odd, normal))
    return [
        ("M_spec − true M of single stars brighter than M = −3", "", _mag(st.bias(off[bright]))),
        (
            "M_spec − M of late-B primaries with companions of q 0.5 to 0.7",
            "",
            _mag(st.bias(off[late])),
        ),
        ("stars that are not O or B with a warning; O and B stars with one", "", "; ".join(shares)),
    ]


def _mag(value: float) -> str:
    return f"{decimals(value)} mag".replace("-", "−") if np.isfinite(value) else decimals(value)


def parts(data: Compared, found: Found) -> Section:
    """Parts of the stars: unclassified, binary, with emission; values that are missing."""
    best = data["uniqflag"] == 1
    true = {
        "unknown": np.full(0, np.nan),
        "binary": data["is_binary"][best],
        "emission": data["has_emission"][best],
    }
    said = {"unknown": "binary_flag unknown", "binary": "binary", "emission": "emission"}
    rows = [
        (
            said[name],
            percent(share_of_stars(name)),
            percent(_of_stars(found, name)),
            percent(st.fraction(true[name])),
        )
        for name in said
    ]
    missing = (
        (name, st.fraction(np.isnan(data[name][best]).astype(float)))
        for name in ("mk", "dis", "ebv")
    )
    rows += [(f"no {name}", "-", percent(share), "-") for name, share in missing]
    note = "Best visits; binary and emission are parts of all stars."
    return Section("parts of the stars", note, ("paper", "catalog", "truth"), rows)


def _of_stars(found: Found, name: str) -> float:
    return found[name] / found["stars"] if found["stars"] else np.nan


class Evaluation(NamedTuple):
    """``heading`` names the survey and says SIMULATED;
    ``fails`` is the section on where the method fails.
    """

    heading: str
    sections: list[Section]
    fails: Section


def evaluate(
    database: Path, truth: Path, companions: Path | None = None, *, as_json: bool = False
) -> str:
    """Plain text, or JSON: what the paper states beside what is measured, where the method fails,
    then section by section.

    ``companions`` is a catalog that gives A, F, G dwarfs to the mock binaries, say of a survey of
    real spectra. Raises EvaluateError (one line): the survey is not simulated, the truth is missing
    or belongs to another survey, or a database is not one of obcat build.
    """
    try:
        with open_database(database, truth=truth) as survey:
            found = evaluation(survey)
            other = [_with_companions(survey, companions)] if companions else []
    except NotOurs as error:
        raise EvaluateError(str(error)) from error
    layout = section.as_json if as_json else as_text
    return layout([*found.sections, *other], found.heading)


def _with_companions(survey: Reading, companions: Path) -> Section:
    """Mock binaries with the dwarfs of another catalog. NotOurs: that is not a catalog."""
    with open_database(companions) as other:
        return composites.with_companions(survey, other)


def main_numbers(database: Path, truth: Path) -> str:
    """The main numbers as a table in Markdown. EvaluateError as above."""
    try:
        with open_database(database, truth=truth) as survey:
            data = _beside_truth(survey)
            both = with_best(survey.con, data)
            return readme(data, from_catalog(survey.con), both)
    except NotOurs as error:
        raise EvaluateError(str(error)) from error


def _beside_truth(survey: Reading) -> Compared:
    refuse_real(survey)
    return beside_truth(survey.con, read_truth(survey.truth), survey.truth)


def evaluation(survey: Reading) -> Evaluation:
    """Every section. EvaluateError as above."""
    data = _beside_truth(survey)
    stated, posterior = from_catalog(survey.con), noise_posterior(survey.con)
    fails = failures.failures(data)
    sections = [
        beside_paper(data, stated),
        fails,
        *_estimates(data, posterior),
        *_classes(data),
        *modes(survey.con, data),
        composites.pairs(survey),
        failures.reddening_errors(data),
        failures.label_errors(data),
        failures.input_errors(data),
        against_true_parallaxes(survey.con, data),
        parts(data, stated),
        counts(survey.con),
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
