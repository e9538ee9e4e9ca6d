"""Units: what a file declares is converted to what columns.csv declares, or the ingest stops."""

import re
import warnings

import astropy.units as u

from obcat.ingest.errors import IngestError, brief

__all__ = ["factor"]

FORMATS = ("generic", "vounit", "cds", "fits")
ARCHIVE = {  # spellings of archives that no standard knows
    "degrees": "deg",
    "angle[deg]": "deg",
    "angle[mas]": "mas",
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
}
MAGNITUDE = re.compile(r"\[?(AB|Vega|ST)?mag(\s*\(.*\)|\[.*\])?\]?", re.IGNORECASE)
NONE = ("", "-", "--", "---", "none", "null", "unitless", "dimensionless", "1")


def factor(declared: str, wanted: str, where: str) -> float:
    """What to multiply a column with to have it in the ``wanted`` unit.

    Times are read as hour angles where an angle is wanted. A column without a unit of its own (``wanted`` is '')
    takes dimensionless and logarithmic units only. Raises IngestError for a unit unknown or not convertible.
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
        raise IngestError(f"{where}: unit {text!r} cannot become {wanted!r}; {_mend(wanted)}") from error


def _parse(text: str, where: str) -> u.UnitBase:
    text = "mag" if MAGNITUDE.fullmatch(text) else ARCHIVE.get(text.lower(), text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for form in FORMATS:
            try:
                return u.Unit(text, format=form)
            except (ValueError, TypeError) as error:
                reason = brief(error, 60)
    raise IngestError(f"{where}: unit {text!r} is not known ({reason}); {_mend('unit')}")


def _dimensionless(unit: u.UnitBase, text: str, where: str) -> float:
    if isinstance(unit, u.function.FunctionUnitBase):
        return 1.0
    if unit.is_equivalent(u.dimensionless_unscaled):
        return float(unit.to(u.dimensionless_unscaled))
    raise IngestError(f"{where}: has the unit {text!r} where a number without unit is meant; name the right column")


def _mend(wanted: str) -> str:
    return f'mend the file, or state the unit in the survey\'s TOML: columns = {{ ours = "theirs [{wanted}]" }}'
