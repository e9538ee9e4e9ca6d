"""Units: what a file declares is converted to what columns.csv declares, or the ingest stops."""

import math
import re
import warnings
from typing import NamedTuple

import astropy.units as u

from obcat.ingest.errors import IngestError, brief

__all__ = ["Scale", "factor", "scale"]

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

    A decimal logarithm ([mas], log(mas)) is raised to its power where a plain number is meant; its error cannot be,
    and stops. log g and [Fe/H] are logarithms themselves. Raises IngestError for a unit unknown or not convertible.
    """
    text = declared.strip()
    if text == wanted:
        return Scale()
    match = LOGARITHM.fullmatch(text)
    if match and not MAGNITUDE.fullmatch(text) and text.lower() not in ARCHIVE:
        return _logarithm((match["cds"] or match["of"] or "").strip(), column, wanted, text, where)
    if text.lower() == "dex" and column not in PLAIN_LOGARITHMS:
        raise IngestError(
            f"{where}: unit 'dex' is a logarithm of no unit, not {wanted!r}; {_remedy(wanted or 'unit')}"
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

    Times are read as hour angles where an angle is wanted. A column without a unit of its own (``wanted`` is '')
    takes dimensionless units only. Raises IngestError for a unit unknown or not convertible.
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
        f"{where}: has the unit {text!r} where a number without unit is meant; name the right column"
    )


def _remedy(wanted: str) -> str:
    return f'correct the file, or state the unit in the survey\'s TOML: columns = {{ ours = "theirs [{wanted}]" }}'
