"""The aims that paper mode is judged by: scatter, bias, flags, pulls, warnings, before and now;
several simulated surveys, of other seeds, in one table; and the catalog with one thing known
from its truth: what limits each number.

The truth is written into a copy of the finished database, which is evaluated and thrown away.
"""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import numpy as np
from numpy.typing import NDArray

from obcat import section
from obcat import statistics as st
from obcat.data import REFERENCE
from obcat.evaluate import B_STARS, GOOD_SNR, PAPER_MIN_SNR, bins, distance_error, plain_singles
from obcat.evaluate.accuracy import interval_coverage
from obcat.evaluate.evaluation import evaluation, main_numbers
from obcat.evaluate.failures import has_warning
from obcat.evaluate.modes import known_best
from obcat.evaluate.truth import (
    Compared,
    EvaluateError,
    beside_truth,
    is_ob_star,
    read_truth,
    refuse_real,
)
from obcat.reading import NotOurs, Reading, open_database, query_text
from obcat.section import Section, as_text, decimals, markdown_table, percent
from obcat.statistics import Rows

__all__ = [
    "BEFORE",
    "FIRST",
    "Aim",
    "aims",
    "aims_of_all",
    "aims_section",
    "aims_table",
    "joined_text",
    "main_numbers_of_all",
    "oracle",
    "put_truth",
    "read_before",
    "tables_of_all",
    "write_before",
]

Floats = NDArray[np.float64]


BEFORE = REFERENCE / "paper_mode_before.csv"
EDGES = ((30, 50, "<= 0.32"), (50, 100, "<= 0.25"), (100, np.inf, "<= 0.23"))
OFF = 1.0  # mag from the truth that is a failure
BRIGHT, BRIGHTER = -3.0, -4.0  # M_true
A_STARS = 9500.0  # K of the truth: A stars below
WEAK, STRONG = 1.0, 3.0  # Angstrom of emission at H alpha
TITLE = "what paper mode is judged by"
NOTE = (
    "Truth: M_Ks and E(B-V) put in. Unseen: stars that did not train; single: without companion; "
    "scatter and pull: 1.4826 MAD.\nBright stars with their winds. Warned: no M, out_of_domain or "
    "erroneous; of spectra that are not spoiled. Before: `docs/before.py`."
)


class Aim(NamedTuple):
    """A number as text, ``now``, beside what it should be."""

    what: str
    aim: str
    now: str


def aims(data: Compared) -> list[Aim]:
    """Every number that the truth of a simulated survey gives."""
    return [*_magnitudes(data), *_emission(data), *_pulls(data), *_warnings(data)]


def aims_section(found: Sequence[Aim], before: dict[str, str]) -> Section:
    rows = [(a.what, a.aim, before.get(a.what, "-"), a.now) for a in found]
    return Section(TITLE, NOTE, ("aim", "before", "now"), rows)


def _magnitudes(data: Compared) -> list[Aim]:
    off, doubt = data["mk"] - data["true_mk"], has_warning(data)
    unseen = plain_singles(data) & (data["is_train"] != 1)
    scatter = [
        Aim(
            f"scatter of M_spec, single, no emission, unseen, {_label(low, high)}",
            f"{aim} mag",
            _mag(st.robust_scatter(off[unseen & _between(data, low, high)])),
        )
        for low, high, aim in EDGES
    ]
    bright = (
        (data["uniqflag"] == 1)
        & is_ob_star(data)
        & (data["is_binary"] == 0)
        & (data["is_train"] != 1)
        & (data["true_mk"] < BRIGHT)
    )
    failed = np.where(np.isnan(off), np.nan, (np.abs(off) > OFF) & ~doubt)
    return [
        *scatter,
        Aim(f"bias, M_true below {BRIGHT:g}", "< 0.5 mag", _mag(st.bias(off[bright]))),
        Aim(
            f"bias, M_true below {BRIGHTER:g}",
            "< 1 mag",
            _mag(st.bias(off[bright & (data["true_mk"] < BRIGHTER)])),
        ),
        Aim(
            f"M_true below {BRIGHT:g}: off by more than 1 mag and unwarned",
            "< 5 %",
            percent(st.fraction(failed[bright])),
        ),
    ]


def _label(low: float, high: float) -> str:
    return f"S/N from {low:g}" if np.isinf(high) else f"S/N {low:g} to {high:g}"


def _between(data: Compared, low: float, high: float) -> Rows:
    return (data["snr_g"] >= low) & (data["snr_g"] < high)


def _mag(value: float) -> str:
    return f"{decimals(value)} mag" if np.isfinite(value) else decimals(value)


def _emission(data: Compared) -> list[Aim]:
    good = (data["is_erroneous"] == 0) & (data["snr_g"] >= GOOD_SNR)
    flag, true, width = data["em_flag"], data["has_emission"], data["true_ew"]
    disc = good & (true == 1) & (data["is_nebular"] == 0) & (data["is_wind"] != 1)
    disc &= (width >= WEAK) & (width < STRONG)
    nebular = good & (data["is_nebular"] == 1) & (width >= STRONG)
    return [
        Aim(
            "em_flag: discs of 1 to 3 A found", "> 80 %", percent(st.recall(flag[disc], true[disc]))
        ),
        Aim(
            "em_flag: nebulae from 3 A found",
            "> 95 %",
            percent(st.recall(flag[nebular], true[nebular])),
        ),
        Aim(
            "em_flag: false alarms",
            "< 0.5 %",
            percent(st.false_alarms(flag[good], true[good]), 2),
        ),
    ]


def _pulls(data: Compared) -> list[Aim]:
    singles = plain_singles(data)
    reddening = (data["ebv"] - data["true_ebv"]) / data["ebv_err"]
    magnitude = (data["mk"] - data["true_mk"]) / data["mk_err"]
    unseen = singles & (data["is_train"] != 1)
    return [
        Aim("pull of E(B-V), single, no emission", "0.9 to 1.15", _pull(reddening[singles])),
        *(
            Aim(
                f"pull of M_spec, single, no emission, unseen, {_label(low, high)}",
                "0.9 to 1.1",
                _pull(magnitude[unseen & _between(data, low, high)]),
            )
            for low, high, _ in EDGES
        ),
    ]


def _pull(values: Floats) -> str:
    return decimals(st.robust_scatter(values), 2)


def _warnings(data: Compared) -> list[Aim]:
    sound = (data["uniqflag"] == 1) & (data["is_erroneous"] == 0)
    normal = is_ob_star(data)
    groups = (
        ("A stars below 9,500 K", ">= 90 %",
         (normal | (data["kind"] == "interloper")) & (data["true_teff"] < A_STARS)),
        ("subdwarfs", ">= 90 %", data["kind"] == "subdwarf"),
        ("white dwarfs", ">= 90 %", data["kind"] == "white_dwarf"),
        ("O and B stars from 9,700 K", "<= 3 %", normal & (data["true_teff"] >= B_STARS)),
    )  # fmt: skip
    doubt = has_warning(data).astype(float)
    return [
        Aim(f"{said} warned of", aim, percent(st.fraction(doubt[sound & rows])))
        for said, aim, rows in groups
    ]


def read_before(path: Path = BEFORE) -> dict[str, str]:
    """What an earlier version gave: number -> value; nothing where there is no file."""
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as f:
        return {row["number"]: row["value"] for row in csv.DictReader(f)}


def write_before(path: Path, found: Sequence[Aim]) -> None:
    with path.open("w", newline="", encoding="utf-8") as f:
        writer = csv.writer(f, lineterminator="\n")
        writer.writerow(("number", "value"))
        writer.writerows((a.what, a.now) for a in found)


NUMBER = re.compile(r"(?<![\w.])[-−]?\d+(?:\.\d+)?")  # not a digit of a name such as M1

Place = tuple[Path, Path]  # database, folder of its truth


def joined_text(texts: Sequence[str]) -> str:
    """One text of several that differ in their numbers: each that does becomes mean ± standard
    deviation, with as many decimals. Texts without the numbers of most, say "-", are left out.
    """
    apart = [NUMBER.split(text) for text in texts]
    shape = max(apart, key=apart.count)
    same = [text for text, words in zip(texts, apart, strict=True) if words == shape]
    numbers = zip(*(NUMBER.findall(text) for text in same), strict=True)
    said = [_joined_number(values) for values in numbers]
    return "".join(word for pair in zip(shape, [*said, ""], strict=True) for word in pair)


def _joined_number(texts: Sequence[str]) -> str:
    if len(set(texts)) == 1:
        return texts[0]
    values = [float(text.replace("−", "-")) for text in texts]
    digits = len(texts[0].partition(".")[2])
    mean = f"{np.mean(values):.{digits}f}"
    minus = "−" if any("−" in text for text in texts) else "-"
    return f"{mean.replace('-', minus)} ± {np.std(values, ddof=1):.{digits}f}"


def tables_of_all(places: Sequence[Place], *, as_json: bool = False) -> str:
    """Every section of `obcat evaluate`, joined over the surveys. EvaluateError as there."""
    found = [_read(place, evaluation) for place in places]
    sections = [_joined(parts) for parts in zip(*(one.sections for one in found), strict=True)]
    layout: Callable[[Iterable[Section], str], str] = section.as_json if as_json else as_text
    return layout(sections, f"{found[0].heading}, mean of {len(places)}")


def _joined(parts: Sequence[Section]) -> Section:
    """Rows of the first that all have, by their label."""
    rows = [{row[0]: row for row in part.rows} for part in parts]
    shared = [label for label in rows[0] if all(label in one for one in rows)]
    cells = [
        (label, *map(joined_text, zip(*(one[label][1:] for one in rows), strict=True)))
        for label in shared
    ]
    return parts[0]._replace(rows=cells, note=joined_text([part.note for part in parts]))


def main_numbers_of_all(places: Sequence[Place]) -> str:
    """The table of a README in Markdown, joined over the surveys. EvaluateError as there."""
    texts = [main_numbers(*place).splitlines() for place in places]
    return "".join(f"{joined_text(lines)}\n" for lines in zip(*texts, strict=True))


def aims_of_all(places: Sequence[Place], further: Sequence[Sequence[Aim]] = ()) -> list[Aim]:
    """What paper mode is judged by, joined over the surveys; ``further``: for each survey, what
    others measured. EvaluateError as there.
    """
    found = [_read(place, _aims) for place in places]
    found = [[*one, *more] for one, more in zip(found, further or [()] * len(found), strict=True)]
    return [
        Aim(same[0].what, same[0].aim, joined_text([a.now for a in same]))
        for same in zip(*found, strict=True)
    ]


def _aims(survey: Reading) -> list[Aim]:
    refuse_real(survey)
    return aims(beside_truth(survey.con, read_truth(survey.truth), survey.truth))


def aims_table(found: Sequence[Aim]) -> str:
    """In Markdown, beside what was before."""
    part = aims_section(found, read_before())
    return markdown_table(("number", *part.columns), part.rows)


def _read(place: Place, measure: Callable[[Reading], Any]) -> Any:
    database, truth = place
    try:
        with open_database(database, truth=truth) as survey:
            return measure(survey)
    except NotOurs as error:
        raise EvaluateError(str(error)) from error


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
HELD = """UPDATE meta.parameters SET posterior_zero_point_error = 1e-4, posterior_zero_point_colour = 0,
    posterior_zero_point_colour_error = 1e-4"""


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
    if name in ("zero_point", "parallax_errors"):
        con.execute(HELD)
    for view in ("known", *(f"truth_{table}" for table in tables)):
        con.unregister(view)


def _numbers(survey: Reading, tables: dict) -> dict[str, str]:
    data = beside_truth(survey.con, tables, survey.truth)
    paper = [*_magnitudes_oracle(data), *_distances(data), *_binaries(data)]
    return dict([*paper, *known_best(survey.con, data)])


def _magnitudes_oracle(data: Compared) -> Iterator[tuple[str, str]]:
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
