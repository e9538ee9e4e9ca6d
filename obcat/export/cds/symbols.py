"""Units as CDS writes them: a factor, then symbols with prefixes and powers, one word; ``[kpc]`` is a logarithm.

Symbols are those of the standard (section 3.2) and those that packages which CDS published have besides.
"""

import re

__all__ = ["known_unit"]

PREFIXES = ("", "da", "mu", *"dcmunpfazyhkMGTPEZY")
SYMBOLS = """
% A a ADU adu al arcmin arcsec AU au barn beam bit byte C cd count counts Crab ct cy cycle D d dB
deg dex DN e- electron erg eV F G g gauss geoMass geoRad H h Hz J jovMass jovRad Jy K l lm lx lyr m
mag mas min mmag mol N Ohm Pa pc ph R photon pix pixel rad Ry s S solLum solMass solRad sr Sun t T u
uas V W Wb yr
"""
FACTOR = re.compile(r"(?:10[-+]\d+|(?:\d+\.?\d*|\.\d+)(?:x10[-+]\d+)?)?")
POWER = re.compile(r"(?<=[A-Za-z%])[-+]?\d{1,2}$")
QUOTED = re.compile(r'"[^"]+"')


def known_unit(unit: str) -> bool:
    """Whether CDS would know the unit; ``---`` is none, quoted forms such as "h:m:s" say how a text is written."""
    if unit in ("---", "[-]", "[---]") or QUOTED.fullmatch(unit):
        return True
    if unit.startswith("[") and unit.endswith("]"):
        unit = unit[1:-1]
    return _known_expression(unit) or _known_to_astropy(unit)


def _known_expression(unit: str) -> bool:
    found = FACTOR.match(unit)
    rest = unit[found.end() :] if found else unit
    if not rest:
        return bool(unit)
    head, *others = re.split(r"[./]", rest)
    return bool(head or rest[0] == "/") and all(
        _known_symbol(s) for s in ([head] if head else []) + others
    )


def _known_symbol(text: str) -> bool:
    known = SYMBOLS.split()
    for symbol in (text, POWER.sub("", text)):
        if any(symbol.startswith(p) and symbol[len(p) :] in known for p in PREFIXES):
            return True
    return False


def _known_to_astropy(unit: str) -> bool:
    import warnings

    from astropy import units

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            units.Unit(unit, format="cds", parse_strict="raise")
        except ValueError:
            return False
    return bool(unit)
