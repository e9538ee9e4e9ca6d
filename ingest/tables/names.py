"""Names and units: which column of a table is which of ours."""

import math
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import astropy.units as u

from obcat.ingest.errors import IngestError, brief
from obcat.ingest.source import Position, Recipe, Source
from obcat.schema import nearest

__all__ = ["Match", "Scale", "alike", "factor", "find", "recipe", "resolve", "scale", "unique"]

FORMATS = ("generic", "vounit", "cds", "fits")
ARCHIVE = {  # spellings of archives that no standard knows
    "degrees": "deg",
    "deg.": "deg",
    "angle[deg]": "deg",
    "angle[mas]": "mas",
    "milliarcsec": "mas",
    "milliarcsecond": "mas",
    "milliarcseconds": "mas",
    "mas.": "mas",
    "mas/year": "mas/yr",
    "mas yr^-1": "mas/yr",
    "angular velocity[mas/year]": "mas/yr",
    "angular velocity[mas.yr**-1]": "mas/yr",
    "time[julian years]": "yr",
    "julian years": "yr",
    "magnitude[mag]": "mag",
    "magnitudes": "mag",
    "mags": "mag",
    "hours": "hourangle",
    "hour": "hourangle",
    "hr": "hourangle",
    "h": "hourangle",
    "kelvin": "K",
    "angstroms": "Angstrom",
    "ang": "Angstrom",
    "aa": "Angstrom",
    "å": "Angstrom",
}
MAGNITUDE = re.compile(r"\[?(AB|Vega|ST)?_?mag(\s*\(.*\)|\[.*\]|_?(AB|Vega|ST))?\]?", re.IGNORECASE)
OTHER_FRAME = re.compile(r"\bin frame (\S+)$")  # as the reader of VOTables appends it to a unit
NONE = ("", "-", "--", "---", "none", "null", "unitless", "dimensionless", "1")
# the unit whose logarithm a column is: [mas], log(mas), log10(cm.s**-2), dex(K)
LOGARITHM = re.compile(
    r"\[(?P<cds>[^\[\]]*)\]|(log|log10|lg|dex)\s*[(\[](?P<of>.*)[)\]]", re.IGNORECASE
)
SUN = ("sun", "solar", "sol", "", "-", "---", "h", "1")
GRAVITY = "logg"  # in cm/s2, whose logarithm is meant where a file says cm/s2
LOGARITHMIC = ("dex", "cgs", "sun", "solar", *NONE)
PLAIN_LOGARITHMS = ("logg", "logg_err", "feh", "feh_err", "logdis")


class Scale(NamedTuple):
    """value = factor * x + shift, or factor * 10**x where ``is_log``."""

    factor: float = 1.0
    shift: float = 0.0
    is_log: bool = False


def scale(declared: str, column: str, wanted: str, where: str) -> Scale:
    """How to have ``column`` in its ``wanted`` unit from the unit that a file declares.

    A decimal logarithm ([mas], log(mas)) is raised to its power where a plain number is meant; its
    error cannot be, and stops. log g and [Fe/H] are logarithms themselves. Raises IngestError for a
    unit unknown or not convertible.
    """
    text = declared.strip()
    if text == wanted:
        return Scale()
    match = LOGARITHM.fullmatch(text)
    if match and not MAGNITUDE.fullmatch(text) and text.lower() not in ARCHIVE:
        return _logarithm((match["cds"] or match["of"] or "").strip(), column, wanted, text, where)
    if text.lower() == "dex" and column not in PLAIN_LOGARITHMS:
        raise IngestError(
            f"{where}: unit 'dex' is a logarithm of no unit, not {wanted!r}; "
            f"{_remedy(wanted or 'unit')}"
        )
    if text.lower() in LOGARITHMIC and column in PLAIN_LOGARITHMS:
        return Scale()
    if column.startswith(GRAVITY) and _parse(text, where).is_equivalent(u.Unit("cm/s2")):
        return _logarithm(text, column, wanted, text, where)
    return Scale(factor(declared, wanted, where))


def _logarithm(inner: str, column: str, wanted: str, text: str, where: str) -> Scale:
    if column == GRAVITY:
        return Scale(
            shift=math.log10(factor(inner, "cm/s2", where)) if inner.lower() not in SUN else 0.0
        )
    if column in PLAIN_LOGARITHMS:
        return Scale()
    if column.endswith(("_error", "_err", "_msigcom")):
        raise IngestError(
            f"{where}: unit {text!r} is of an error of a logarithm; give the error in {wanted!r}"
        )
    return Scale(factor(inner, wanted, where), is_log=True)


def factor(declared: str, wanted: str, where: str) -> float:
    """What to multiply a column with to have it in the ``wanted`` unit.

    Times are read as hour angles where an angle is wanted. A column without a unit of its own
    (``wanted`` is '') takes dimensionless units only. Raises IngestError for a unit unknown or not
    convertible.
    """
    text = declared.strip()
    if text.lower() in NONE:
        return 1.0
    unit = _parse(text, where)
    if not wanted:
        return _dimensionless(unit, text, where)
    try:
        return float(unit.to(u.Unit(wanted)))
    except (u.UnitConversionError, u.UnitTypeError, AttributeError) as error:
        raise IngestError(
            f"{where}: unit {text!r} cannot become {wanted!r}; {_remedy(wanted)}"
        ) from error


def _parse(text: str, where: str) -> u.UnitBase:
    if match := OTHER_FRAME.search(text):
        raise IngestError(
            f"{where}: the file says that this is {match[1]}: give positions in ICRS or J2000"
        )
    text = "mag" if MAGNITUDE.fullmatch(text) else ARCHIVE.get(text.lower(), text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for form in FORMATS:
            try:
                return u.Unit(text, format=form)
            except (ValueError, TypeError) as error:
                reason = brief(error, 60)
    raise IngestError(f"{where}: unit {text!r} is not known ({reason}); {_remedy('unit')}")


def _dimensionless(unit: u.UnitBase, text: str, where: str) -> float:
    if unit.is_equivalent(u.dimensionless_unscaled):
        return float(unit.to(u.dimensionless_unscaled))
    raise IngestError(
        f"{where}: has the unit {text!r} where a number without unit is meant; name the "
        "right column"
    )


def _remedy(wanted: str) -> str:
    return (
        f"correct the file, or state the unit in the survey's TOML: columns = {{ ours = "
        f'"theirs [{wanted}]" }}'
    )


STATED_UNIT = re.compile(r"(?P<name>.*\S)\s*\[(?P<unit>[^\[\]]+|\[[^\[\]]+\])\]")
NAME_WITH_UNIT = re.compile(r"(?P<name>\S.*?)\s+(\((?P<round>[^()]+)\)|\[(?P<square>[^\[\]]+)\])")
PLACE = re.compile(r" \(column \d+\)$")
ONE_BAND = re.compile(
    r"(e_|err_|magerr_|mag_|Sloan_|Johnson_)?[A-Za-z](['p]|_)?(mag)?(_?err(or)?)?"
)


class Match(NamedTuple):
    """The file's column, and the unit stated for it in the survey or in its own name ('' where
    none is).
    """

    theirs: str
    unit: str = ""


def unique(names: Sequence[str]) -> list[str]:
    """The names of a file's columns; a name that is there twice is at neither,
    each says its place instead.
    """
    names = list(names)
    return [n if n and names.count(n) == 1 else f"{n} (column {i})" for i, n in enumerate(names, 1)]


def resolve(
    source: Source, names: Sequence[str], columns: Mapping[str, str], file: str
) -> dict[str, Match]:
    """Ours -> the column of the file, for the columns that are there.

    ``columns`` is the survey's word, ours -> "theirs" or "theirs [unit]", or "" for a column to be
    left out. Raises IngestError (file, key, nearest name) for a name that does not exist on either
    side, an ambiguous one, or a required column that is missing.
    """
    ours_known = [c.column for c in source.columns]
    for ours in columns:
        if ours not in ours_known:
            raise IngestError(
                f"{file}: columns.{ours}: {source.name} has no such "
                f"column{nearest(ours, ours_known)}"
            )
    stated = {
        ours: _stated(ours, theirs, names, file) for ours, theirs in columns.items() if theirs
    }
    found = {ours: _found(source, ours, names, file) for ours in ours_known if ours not in columns}
    found |= _position(source, names, columns, file)
    matches = stated | {ours: match for ours, match in found.items() if match is not None}
    for ours in source.doubtful(matches, names):
        matches.pop(ours, None)
    _check_required(source, matches, names, file)
    return {ours: matches[ours] for ours in ours_known if ours in matches}


def find(candidates: Iterable[str], names: Sequence[str], file: str) -> str | None:
    """The first candidate that the file has: letter by letter, else whatever the case.

    Where a name is little more than the letter of a band its case is its meaning (Rmag is Cousins',
    rmag is Sloan's). Raises IngestError for a name that is there twice.
    """
    for candidate in candidates:
        if candidate in names:
            return candidate
        is_band = ONE_BAND.fullmatch(candidate)
        twice = [n for n in names if _without_place(n) == candidate]
        if not twice and not is_band:
            twice = [
                n
                for n in names
                if n != _without_place(n) and _without_place(n).lower() == candidate.lower()
            ]
        if len(twice) > 1:
            raise IngestError(
                f"{file}: column {candidate!r} is there {len(twice)} times, as "
                f"{' and '.join(map(repr, twice))}; "
                f"keep one, or name one of these in the survey's TOML"
            )
        alike = [n for n in names if n.lower() == candidate.lower() and not is_band]
        if len(alike) > 1:
            raise IngestError(
                f"{file}: columns {alike} differ in case only; name one in the survey's TOML"
            )
        if alike:
            return alike[0]
    return None


def _without_place(name: str) -> str:
    return PLACE.sub("", name)


def alike(source: Source, matches: Mapping[str, Match], names: Sequence[str]) -> dict[str, str]:
    """Columns of the file that are called nearly as one of ours that was not found, and those that
    have another name of one that was: theirs -> ours.
    """
    taken = {match.theirs for match in matches.values()}
    known = {
        n.lower(): c.column
        for c in source.columns
        if c.column not in matches
        for n in source.candidates(c.column)
    }
    found = {
        n: known[_without_place(n).lower()] for n in names if _without_place(n).lower() in known
    }
    found |= {
        n: ours
        for ours in matches.keys() - {"ra", "dec"}
        for n in names
        if _without_place(n) in source.candidates(ours)
    }
    return {n: ours for n, ours in found.items() if n not in taken}


def recipe(
    recipes: Iterable[Recipe], names: Sequence[str], file: str
) -> tuple[Recipe, list[str]] | None:
    """The first recipe whose inputs the file has, with the file's names of them."""
    for one in recipes:
        inputs = [find(candidates, names, file) for candidates, _ in one.inputs]
        there = [i for i in inputs if i is not None]
        if len(there) == len(inputs):
            return one, there
    return None


def _found(source: Source, ours: str, names: Sequence[str], file: str) -> Match | None:
    """By one of its names, else by a name that says its unit too: 'Plx (mas)'."""
    theirs = find(source.candidates(ours), names, file)
    if theirs is not None:
        return Match(theirs)
    split = {n: m for n in names if (m := NAME_WITH_UNIT.fullmatch(n)) and "column" not in n}
    bare = [m["name"] for m in split.values()]
    alike = find(source.candidates(ours), bare, file) if bare else None
    if alike is None or bare.count(alike) > 1:
        return None
    theirs, match = list(split.items())[bare.index(alike)]
    return Match(theirs, match["round"] or match["square"])


def _position(
    source: Source, names: Sequence[str], columns: Mapping[str, str], file: str
) -> dict[str, Match | None]:
    """The source's own position, both coordinates from one pair;
    never that of a list it was matched with.
    """
    if {"ra", "dec"} & columns.keys():
        return {}
    pairs: dict[tuple[str, str], bool] = {}
    any_pair = zip((*source.names.get("ra", ()), "ra"), source.names.get("dec", ()), strict=False)
    for pair in source.positions or [Position(ra, dec) for ra, dec in any_pair]:
        ra, dec = (find([n], names, file) for n in (pair.ra, pair.dec))
        if ra and dec and (not pair.beside or set(pair.beside) & set(names)):
            pairs.setdefault((ra, dec), bool(pair.beside))
    if not pairs:
        return {}
    rivals = [f"{ra}, {dec}" for ra, dec in pairs if not ra.startswith("_")]
    if source.positions and len(rivals) > 1 and not any(pairs.values()):
        raise IngestError(
            f"{file}: two positions ({' and '.join(rivals)}): which is that of the source "
            "itself? Name it in the "
            f'survey\'s TOML: columns = {{ ra = "…", dec = "…" }}'
        )
    own = next(iter(pairs))
    return {"ra": Match(own[0]), "dec": Match(own[1])}


def _stated(ours: str, theirs: str, names: Sequence[str], file: str) -> Match:
    exact = theirs if theirs in names else find([theirs], names, file)
    if exact is not None:
        return Match(exact)
    if parts := STATED_UNIT.fullmatch(theirs):
        named = find([parts["name"]], names, file)
        if named is not None:
            return Match(named, parts["unit"])
    raise IngestError(
        f"{file}: columns.{ours}: the file has no column {theirs!r}{nearest(theirs, names)}"
    )


def _check_required(
    source: Source, matches: Mapping[str, Match], names: Sequence[str], file: str
) -> None:
    there = matches.keys() | {
        ours for ours, recipes in source.recipes.items() if recipe(recipes, names, file)
    }
    for ours in source.required:
        if ours not in there:
            tried = ", ".join(source.candidates(ours))
            remedy = f'name it in the survey\'s TOML: columns = {{ {ours} = "…" }}'
            raise IngestError(
                f"{file}: no column for {ours} (tried {tried}){nearest(ours, names)}; {remedy}"
            )
    if not any(all(ours in there for ours in group) for group in source.identified_by):
        groups = ", ".join(" + ".join(group) for group in source.identified_by)
        raise IngestError(
            f"{file}: nothing says which star a row of {source.name} is; needed is one of {groups}"
        )
