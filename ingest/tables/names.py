"""Which column of a file is which of ours: the survey's own word first, then the names archives use."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from obcat.ingest.errors import IngestError
from obcat.ingest.sources import Recipe, Source
from obcat.schema import nearest

__all__ = ["Match", "find", "recipe", "resolve"]

STATED_UNIT = re.compile(r"(?P<name>.*\S)\s*\[(?P<unit>[^\]]+)\]")


class Match(NamedTuple):
    """The file's column, and the unit stated for it in the survey ('' where none is)."""

    theirs: str
    unit: str = ""


def resolve(source: Source, names: Sequence[str], columns: Mapping[str, str], file: str) -> dict[str, Match]:
    """Ours -> the column of the file, for the columns that are there.

    ``columns`` is the survey's word, ours -> "theirs" or "theirs [unit]", or "" for a column to be left out. Raises
    IngestError (file, key, nearest name) for a name that does not exist on either side, an ambiguous one, or a
    required column that is missing.
    """
    ours_known = [c.column for c in source.columns]
    for ours in columns:
        if ours not in ours_known:
            raise IngestError(f"{file}: columns.{ours}: {source.name} has no such column{nearest(ours, ours_known)}")
    stated = {ours: _stated(ours, theirs, names, file) for ours, theirs in columns.items() if theirs}
    found = {ours: find(source.candidates(ours), names, file) for ours in ours_known if ours not in columns}
    matches = stated | {ours: Match(theirs) for ours, theirs in found.items() if theirs is not None}
    _check_required(source, matches, names, file)
    return {ours: matches[ours] for ours in ours_known if ours in matches}


def find(candidates: Iterable[str], names: Sequence[str], file: str) -> str | None:
    """The first candidate that the file has: letter by letter, else whatever the case."""
    for candidate in candidates:
        if candidate in names:
            return candidate
        alike = [n for n in names if n.lower() == candidate.lower()]
        if len(alike) > 1:
            raise IngestError(f"{file}: columns {alike} differ in case only; name one in the survey's TOML")
        if alike:
            return alike[0]
    return None


def recipe(recipes: Iterable[Recipe], names: Sequence[str], file: str) -> tuple[Recipe, list[str]] | None:
    """The first recipe whose inputs the file has, with the file's names of them."""
    for one in recipes:
        inputs = [find(candidates, names, file) for candidates, _ in one.inputs]
        there = [i for i in inputs if i is not None]
        if len(there) == len(inputs):
            return one, there
    return None


def _stated(ours: str, theirs: str, names: Sequence[str], file: str) -> Match:
    exact = find([theirs], names, file)
    if exact is not None:
        return Match(exact)
    if parts := STATED_UNIT.fullmatch(theirs):
        named = find([parts["name"]], names, file)
        if named is not None:
            return Match(named, parts["unit"])
    raise IngestError(f"{file}: columns.{ours}: the file has no column {theirs!r}{nearest(theirs, names)}")


def _check_required(source: Source, matches: Mapping[str, Match], names: Sequence[str], file: str) -> None:
    for ours in source.required:
        if ours not in matches:
            tried = ", ".join(source.candidates(ours))
            mend = f'name it in the survey\'s TOML: columns = {{ {ours} = "…" }}'
            raise IngestError(f"{file}: no column for {ours} (tried {tried}){nearest(ours, names)}; {mend}")
    if not any(all(ours in matches for ours in group) for group in source.identified_by):
        groups = ", ".join(" + ".join(group) for group in source.identified_by)
        raise IngestError(f"{file}: nothing says which star a row of {source.name} is; needed is one of {groups}")
