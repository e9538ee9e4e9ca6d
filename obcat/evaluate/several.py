"""Several simulated surveys, of other seeds, in one table: mean of each number and its spread."""

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from obcat import section
from obcat.evaluate.aims import Aim, aims, aims_section, read_before
from obcat.evaluate.evaluation import evaluation, main_numbers
from obcat.evaluate.truth import EvaluateError, beside_truth, read_truth, refuse_real
from obcat.reading import NotOurs, Reading, open_database
from obcat.section import Section, as_text, markdown_table

__all__ = ["aims_of_all", "aims_table", "joined_text", "main_numbers_of_all", "tables_of_all"]

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
